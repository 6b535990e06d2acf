//! App ID's SDKs, unmodified: web apps on `ibmcloud-appid`, and a page on `ibmcloud-appid-js`.

use std::path::Path;

use serde_json::{Value, json};

use crate::directory::browser::{Browser, Page, login_form};
use crate::directory::fixture::{ADA, CATALOGUE, Directories, MARKET, SHOP, Setup, TICKETS, encoded};
use crate::harness::peers::{Peer, Program};

const APPS: Program = Program { peer: "appid", script: "apps.mjs" };
const BROWSER: Program = Program { peer: "browser", script: "directory.mjs" };

/// The two apps of `market` on the SDK.
pub(super) struct RealApps {
    pub(super) directories: Directories,
    pub(super) shop: String,
    tickets: String,
    /// The origin of the page on the SDK for browsers.
    page: String,
    /// The process runs until this is dropped.
    _peer: Peer,
}

impl RealApps {
    /// Starts the apps, and registers their addresses by the management API.
    async fn start(label: &str, market: &'static str) -> Self {
        Self::start_with(label, Setup { market, ..Setup::default() }).await
    }

    /// As [`RealApps::start`]; `setup` says the rest of the configuration.
    pub(super) async fn start_with(label: &str, setup: Setup) -> Self {
        let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/credentials");
        let shop = format!("assertion_key_file = \"{}\"", keys.join("client-public-key.pem").display());
        let directories = Directories::with(Setup { shop, ..setup }).await;
        directories.create_user(&MARKET, &ADA).await;
        let app = |app: &crate::directory::fixture::TestApp| json!({ "name": app.name, "clientId": app.client_id, "secret": app.secret });
        let environment = [
            ("OAUTH_SERVER_URL", directories.issuer(&MARKET)),
            ("TENANT_ID", MARKET.tenant.to_owned()),
            ("APPS", json!([app(&SHOP), app(&TICKETS)]).to_string()),
            ("ASSERTION_KEY_FILE", keys.join("client-key.pem").display().to_string()),
        ];
        let mut peer = Peer::start(&APPS, label, &environment);
        let (shop, tickets) = (address(&mut peer, "shop").await, address(&mut peer, "tickets").await);
        let page = address(&mut peer, "page").await;
        register(&directories, &[&shop, &tickets], &page).await;
        Self { directories, shop, tickets, page, _peer: peer }
    }

    pub(super) async fn sign_in(&self, browser: &mut Browser) {
        let page = browser.visit(&self.shop).await;
        let page = browser.log_in_at(page, &ADA).await;
        assert_eq!(
            (page.url.as_str(), page.answer.status),
            (format!("{}/", self.shop).as_str(), 200),
            "{}",
            page.answer.text()
        );
    }

    pub(super) async fn get(&self, browser: &mut Browser, url: &str) -> Value {
        let page = browser.visit(url).await;
        assert_eq!(page.answer.status, 200, "{}", page.answer.text());
        page.answer.json()
    }
}

async fn address(peer: &mut Peer, name: &str) -> String {
    let line = peer.wait_for(name, |line| line["event"] == "listening" && line["name"] == name).await;
    line["url"].as_str().unwrap().to_owned()
}

async fn register(directories: &Directories, apps: &[&str], page: &str) {
    let of = |path: &str| apps.iter().map(|app| format!("{app}{path}")).collect::<Vec<_>>();
    // The SDK for browsers names its origin.
    let redirects: Vec<_> = of("/callback").into_iter().chain([page.to_owned()]).collect();
    let redirects = json!({ "redirectUris": redirects });
    let set = directories.manage(&MARKET, "PUT", "/config/redirect_uris", &redirects).await;
    assert!(set.status < 300, "{}", set.text());
    let sso = json!({ "isActive": true, "inactivityTimeoutSeconds": 3600, "logoutRedirectUris": of("/signed-out") });
    let set = directories.manage(&MARKET, "PUT", "/config/cloud_directory/sso", &sso).await;
    assert!(set.status < 300, "{}", set.text());
}

fn is_login_page(page: &Page) -> bool {
    page.answer.status == 200
        && page.url.path().ends_with("/authorization")
        && !login_form(&page.answer).fields.is_empty()
}

#[tokio::test]
async fn two_apps_on_the_sdk_share_one_sign_in_and_one_logout() {
    let apps = RealApps::start("appid-two-apps", "").await;
    let (mut browser, mut other) = (apps.directories.browser(), apps.directories.browser());
    apps.sign_in(&mut browser).await;
    apps.sign_in(&mut other).await;
    let in_shop = apps.get(&mut browser, &format!("{}/me", apps.shop)).await;
    let in_tickets = apps.get(&mut browser, &format!("{}/me", apps.tickets)).await;
    assert_eq!(in_shop["email"], ADA.email);
    assert_eq!(in_shop["name"], ADA.name);
    assert_eq!((&in_shop["sub"], &in_shop["sid"]), (&in_tickets["sub"], &in_tickets["sid"]));
    assert_eq!(in_shop["identities"][0], json!({ "provider": "cloud_directory", "id": in_shop["sub"] }));

    let left = browser.visit(&format!("{}/logout", apps.shop)).await;
    assert_eq!(left.url.as_str(), format!("{}/signed-out", apps.shop), "{}", left.answer.text());
    assert!(is_login_page(&browser.visit(&apps.shop).await));
    assert_eq!(
        apps.get(&mut other, &format!("{}/me", apps.tickets)).await["sub"],
        in_shop["sub"],
        "another browser stays"
    );
}

#[tokio::test]
async fn a_logout_of_all_sessions_ends_those_of_every_browser_where_the_directory_takes_the_sdks_word() {
    let apps = RealApps::start("appid-all-sessions", "sdk_all_sessions = true").await;
    let (mut browser, mut other) = (apps.directories.browser(), apps.directories.browser());
    apps.sign_in(&mut browser).await;
    apps.sign_in(&mut other).await;
    let left = browser.visit(&format!("{}/logout-everywhere", apps.shop)).await;
    assert_eq!(left.url.as_str(), format!("{}/signed-out", apps.shop), "{}", left.answer.text());
    assert!(is_login_page(&browser.visit(&apps.shop).await));
    assert!(is_login_page(&other.visit(&apps.tickets).await), "the other browser's session has ended, too");
}

#[tokio::test]
async fn a_logout_of_all_sessions_asks_the_user_unless_the_directory_takes_the_sdks_word() {
    let apps = RealApps::start("appid-asked", "").await;
    let (mut browser, mut other) = (apps.directories.browser(), apps.directories.browser());
    apps.sign_in(&mut browser).await;
    apps.sign_in(&mut other).await;
    let asked = browser.visit(&format!("{}/logout-everywhere", apps.shop)).await;
    assert_eq!(asked.answer.status, 200);
    assert!(asked.url.path().contains("/oauth/v4/"), "{}: our page asks", asked.url);
    assert!(!is_login_page(&other.visit(&apps.tickets).await), "nothing has ended yet");
}

#[tokio::test]
async fn the_sdk_refreshes_tokens_and_its_api_strategy_tells_good_tokens_from_others() {
    let apps = RealApps::start("appid-tokens", "").await;
    let mut browser = apps.directories.browser();
    apps.sign_in(&mut browser).await;
    let me = apps.get(&mut browser, &format!("{}/me", apps.shop)).await;
    let refreshed = apps.get(&mut browser, &format!("{}/refresh", apps.shop)).await;
    assert_eq!(refreshed, json!({ "changed": [true, true], "sub": me["sub"] }));
    let call = format!("{}/call?api={}/api/me", apps.shop, apps.tickets);
    let answers = apps.get(&mut browser, &call).await;
    assert_eq!((&answers["both"]["status"], &answers["both"]["body"]["sub"]), (&200.into(), &me["sub"]), "{answers}");
    assert_eq!(answers["both"]["body"]["email"], ADA.email);
    assert_eq!((&answers["access"]["status"], &answers["access"]["body"]["email"]), (&200.into(), &Value::Null));
    for refused in ["spoilt", "none"] {
        assert_eq!(answers[refused]["status"], 401, "{answers}");
        assert!(answers[refused]["challenge"].as_str().unwrap().contains("invalid_token"), "{answers}");
    }
}

#[tokio::test]
async fn the_sdks_token_manager_gets_tokens_of_the_app_and_of_users_whom_the_app_vouches_for() {
    let apps = RealApps::start("appid-token-manager", "").await;
    let mut browser = apps.directories.browser();
    apps.sign_in(&mut browser).await;
    let got = apps.get(&mut browser, &format!("{}/token-manager", apps.shop)).await;
    let expected = json!({
        "own": { "type": "Bearer", "sub": SHOP.client_id },
        "custom": { "name": "Custom Carla", "amr": ["appid_custom"], "sub_is_its_own": false },
        "same_sub": true,
        "forged": "Failed to obtain tokens",
    });
    assert_eq!(got, expected);
    // `tickets` has no key for assertions.
    let got = apps.get(&mut browser, &format!("{}/token-manager", apps.tickets)).await;
    assert_eq!(got["custom"], "Failed to obtain tokens", "{got}");
}

#[tokio::test]
async fn in_a_real_browser_a_user_enters_one_password_for_two_apps() {
    let apps = RealApps::start("appid-chromium", "").await;
    let lines = in_chromium(
        &apps.directories,
        "directory-chromium",
        &[
            ("APPS", json!([format!("{}/", apps.shop), format!("{}/", apps.tickets)]).to_string()),
            ("SIGN_OUT", "/logout".to_owned()),
        ],
    )
    .await;
    let find =
        |step: &str| lines.iter().find(|line| line["step"] == step).unwrap_or_else(|| panic!("{step}: {lines:?}"));
    for (step, asks) in
        [("login", true), ("first app", false), ("second app", false), ("signed out", false), ("first app again", true)]
    {
        assert_eq!(find(step)["asks"], asks, "{}", find(step));
    }
    assert_eq!(find("second app")["text"], format!("{} {}", TICKETS.name, ADA.email));
    let login = find("login");
    assert_eq!(login["findings"], json!([]), "{login}");
    assert!(login["looks"]["width"].as_u64().unwrap() <= 360, "{login}");
    assert!(login["looks"]["poorest"]["contrast"].as_f64().unwrap() >= 4.5, "{login}");
    assert_eq!(find("end")["complaints"], json!([]));
}

#[tokio::test]
async fn a_page_on_the_sdk_for_browsers_signs_its_user_in_in_a_popup() {
    let apps = RealApps::start("appid-page", "").await;
    let directories = &apps.directories;
    let discovery = format!("{}/.well-known/openid-configuration", directories.issuer(&MARKET));
    let spa = json!({ "url": apps.page, "clientId": CATALOGUE.client_id, "discovery": discovery });
    let lines =
        in_chromium(directories, "directory-spa", &[("APPS", "[\"\", \"\"]".to_owned()), ("SPA", spa.to_string())])
            .await;
    let expected = json!({ "step": "page", "email": ADA.email, "aud": [CATALOGUE.client_id], "userinfo": ADA.email });
    assert_eq!(lines[0], expected, "{lines:?}");
    assert_eq!(lines[1]["complaints"], json!([]));
}

#[tokio::test]
async fn a_page_on_the_sdk_for_browsers_signs_its_user_in_silently_while_there_is_a_session() {
    let apps = RealApps::start("appid-silent", "").await;
    let directories = &apps.directories;
    let issuer = directories.issuer(&MARKET);
    let signed_out =
        encoded(&[("client_id", CATALOGUE.client_id), ("redirect_uri", &format!("{}/signed-out", apps.shop))]);
    let spa = json!({
        "url": apps.page,
        "clientId": CATALOGUE.client_id,
        "discovery": format!("{issuer}/.well-known/openid-configuration"),
        "logout": format!("{issuer}/cloud_directory/sso/logout?{signed_out}"),
    });
    let environment = [("APPS", "[\"\", \"\"]".to_owned()), ("SPA", spa.to_string())];
    let lines = in_chromium(directories, "directory-silent-spa", &environment).await;
    let signed_in = |step: &str| json!({ "step": step, "email": ADA.email, "userinfo": ADA.email, "frames": 0 });
    let refused = |step: &str| json!({ "step": step, "error": "login_required", "frames": 0 });
    let popup = json!({ "step": "page", "email": ADA.email, "aud": [CATALOGUE.client_id], "userinfo": ADA.email });
    let (after, renewed, tab) = (signed_in("after"), signed_in("renewed"), signed_in("another tab"));
    let expected = [refused("before"), popup, after, renewed, tab, refused("signed out")];
    assert_eq!(lines[..expected.len()], expected, "{lines:?}");
    assert_eq!(lines[expected.len()]["complaints"], json!([]), "no policy kept a frame away");
}

async fn in_chromium(directories: &Directories, label: &str, more: &[(&'static str, String)]) -> Vec<Value> {
    let screenshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-logs").join(label);
    let home = directories.harness.directory.path().join("browser");
    std::fs::create_dir_all(&home).unwrap();
    let mut environment = vec![
        ("USERNAME", ADA.email.to_owned()),
        ("PASSWORD", ADA.password.to_owned()),
        ("SCREENSHOTS", screenshots.display().to_string()),
        ("HOME", home.display().to_string()),
    ];
    environment.extend_from_slice(more);
    Peer::start(&BROWSER, label, &environment).finish().await
}
