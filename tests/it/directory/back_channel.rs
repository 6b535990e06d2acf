//! Applications are told that sessions have ended (docs/directory.md §Back-channel logout).

use std::collections::HashSet;

use bot_sso::domain::Clock as _;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use super::browser::Browser;
use super::fixture::{
    ADA, BEN, Directories, MARKET, Person, SHOP, SIGNED_OUT, Setup, TICKETS, TestApp, claims, header,
};
use super::logout::sso_logout;
use crate::harness::waiting::wait_until;
use crate::harness::{ADMIN_TOKEN, Answer, Behaviour, Gate, Received, RecorderBot};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// The directory has an address on this machine, so applications of it may be told there.
const ON_THIS_MACHINE: &str = "redirect_uris = [\"http://127.0.0.1/callback\"]";

/// The shop has an address at which it is told of sign-outs.
struct Told {
    directories: Directories,
    ada: String,
    shop: RecorderBot,
}

impl Told {
    async fn start() -> Self {
        let shop = RecorderBot::start().await;
        let setup = Setup {
            market: ON_THIS_MACHINE,
            shop: format!("backchannel_logout_uri = \"{}\"", shop.endpoint()),
            ..Setup::default()
        };
        let directories = Directories::with(setup).await;
        let ada = directories.create_user(&MARKET, &ADA).await;
        Self { directories, ada, shop }
    }

    /// A browser whose user has signed in to `app`, which has redeemed its code. Returns the ID token as well.
    async fn signed_in(&self, app: &TestApp, person: &Person) -> (Browser, String) {
        let mut browser = self.directories.browser();
        let arrival = browser.sign_in(app, person).await;
        let tokens = self.directories.redeem(app, &arrival.code).await;
        (browser, tokens["id_token"].as_str().unwrap().to_owned())
    }

    /// The logout tokens that the shop has received, once it has received `count`.
    async fn tokens(&self, count: usize) -> Vec<String> {
        let received = self.shop.wait_for(count).await;
        assert_eq!(received.len(), count, "{received:?}");
        received.iter().map(logout_token).collect()
    }

    /// The claims of `token`, checked by the published keys as an application checks them.
    async fn check(&self, token: &str, app: &TestApp) -> Value {
        let keys = self.directories.harness.send("GET", &MARKET.oauth("/publickeys"), &[], Vec::new()).await.json();
        let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header(token)["kid"]).unwrap();
        let key = DecodingKey::from_rsa_components(key["n"].as_str().unwrap(), key["e"].as_str().unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[app.client_id]);
        validation.set_issuer(&[self.directories.issuer(&MARKET)]);
        validation.leeway = 600;
        jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims
    }

    async fn wait_for_count(&self, result: &str) {
        let address = format!("{}/metrics", self.directories.harness.operations);
        let series = format!("bot_sso_directory_logout_notices_total{{directory=\"market\",result=\"{result}\"}} ");
        wait_until(&series, async || {
            let metrics = self.directories.harness.send("GET", &address, &[], Vec::new()).await.text();
            metrics.lines().any(|line| line.strip_prefix(&series).is_some_and(|count| count != "0"))
        })
        .await;
    }
}

fn logout_token(received: &Received) -> String {
    assert_eq!(received.header("content-type"), Some("application/x-www-form-urlencoded"));
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&received.body).into_owned().collect();
    let [(name, value)] = form.as_slice() else { panic!("{} parameters", form.len()) };
    assert_eq!(name, "logout_token");
    value.clone()
}

async fn log_out(browser: &mut Browser) -> Answer {
    browser.get(&sso_logout(&[("redirect_uri", SIGNED_OUT), ("client_id", SHOP.client_id)])).await
}

#[tokio::test]
async fn a_logout_in_a_browser_is_told_to_the_application_by_a_token_that_its_published_keys_check() {
    let told = Told::start().await;
    let (mut browser, id_token) = told.signed_in(&SHOP, &ADA).await;
    let before = told.directories.harness.clock.now().unix_seconds();
    assert_eq!(log_out(&mut browser).await.status, 302);
    let [token]: [String; 1] = told.tokens(1).await.try_into().unwrap();
    assert_eq!(header(&token)["typ"], "logout+jwt");
    let stated = told.check(&token, &SHOP).await;
    assert_eq!(
        (&stated["sub"], &stated["sid"], &stated["aud"]),
        (&json!(told.ada), &claims(&id_token)["sid"], &json!([SHOP.client_id]))
    );
    assert_eq!(stated["events"], json!({ EVENT: {} }));
    assert_eq!(stated["exp"].as_i64().unwrap() - stated["iat"].as_i64().unwrap(), 120);
    assert!(stated["iat"].as_i64().unwrap() >= before && stated["jti"].as_str().unwrap().len() > 20, "{stated}");
    assert!(stated["nonce"].is_null() && stated["token_use"].is_null(), "it is no other token of the directory");
    let as_access = told.directories.userinfo(&MARKET, &token).await;
    assert_eq!(as_access.status, 401, "a logout token opens nothing");
    told.wait_for_count("delivered").await;
}

#[tokio::test]
async fn each_end_of_all_sessions_is_told_once_for_the_user_and_not_for_one_session() {
    let user = |id: &str| format!("/cloud_directory/Users/{id}");
    for end in ["administrator", "password", "disabled", "deleted", "operator", "everywhere"] {
        let told = Told::start().await;
        told.signed_in(&SHOP, &ADA).await;
        told.signed_in(&SHOP, &ADA).await;
        let (directories, ada) = (&told.directories, &told.ada);
        let manage = async |method: &str, path: &str, body: Value| {
            let answer = directories.manage(&MARKET, method, path, &body).await;
            assert!(answer.status < 300, "{end}: {} {}", answer.status, answer.text());
        };
        match end {
            "administrator" => manage("POST", &format!("{}/sso/logout", user(ada)), Value::Null).await,
            "password" => {
                let body = json!({ "uuid": ada, "newPassword": "another-password-of-ada" });
                manage("POST", "/cloud_directory/change_password", body).await;
            }
            "disabled" => {
                let body = json!({ "emails": [{ "value": ADA.email, "primary": true }], "active": false });
                manage("PUT", &user(ada), body).await;
            }
            "deleted" => manage("DELETE", &user(ada), Value::Null).await,
            "everywhere" => {
                let key = format!("cloud_directory:{}/{ada}", MARKET.tenant);
                let encoded: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
                let answer = directories.harness.sign_out_everywhere(&encoded).await;
                assert_eq!(answer.json()["ended"], json!({ "sessions": 2, "grants": 2, "directory users": 1 }));
            }
            _ => super::operators_page::end_all_sessions(directories, &MARKET, ada).await,
        }
        let [token]: [String; 1] = told.tokens(1).await.try_into().unwrap();
        let stated = told.check(&token, &SHOP).await;
        assert_eq!((&stated["sub"], &stated["sid"]), (&json!(ada), &Value::Null), "{end}");
    }
}

#[tokio::test]
async fn a_session_that_the_operator_ends_by_its_id_is_told_as_a_logout_is() {
    let told = Told::start().await;
    let (_, id_token) = told.signed_in(&SHOP, &ADA).await;
    let key = format!("cloud_directory:{}/{}", MARKET.tenant, told.ada);
    let key: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
    let harness = &told.directories.harness;
    let url = format!("{}/admin/users/{key}", harness.operations);
    let authorization = format!("Bearer {ADMIN_TOKEN}");
    let headers = [("authorization", authorization.as_str())];
    let seen = harness.send("GET", &url, &headers, Vec::new()).await.json();
    let id = seen["sessions"][0]["id"].as_str().unwrap_or_else(|| panic!("no session: {seen}"));
    assert_eq!(harness.send("DELETE", &format!("{url}/sessions/{id}"), &headers, Vec::new()).await.status, 200);
    let [token]: [String; 1] = told.tokens(1).await.try_into().unwrap();
    let stated = told.check(&token, &SHOP).await;
    assert_eq!((&stated["sub"], &stated["sid"]), (&json!(told.ada), &claims(&id_token)["sid"]));
}

#[tokio::test]
async fn an_application_is_told_of_a_session_only_if_it_has_a_grant_of_that_session() {
    let told = Told::start().await;
    told.directories.create_user(&MARKET, &BEN).await;
    let (mut of_tickets, _) = told.signed_in(&TICKETS, &ADA).await;
    let (mut of_ben, of_ben_token) = told.signed_in(&SHOP, &BEN).await;
    let (_, _) = told.signed_in(&SHOP, &ADA).await;
    assert_eq!(log_out(&mut of_tickets).await.status, 302);
    assert_eq!(log_out(&mut of_ben).await.status, 302);
    let [token]: [String; 1] = told.tokens(1).await.try_into().unwrap();
    let stated = told.check(&token, &SHOP).await;
    assert_eq!((&stated["sid"], &stated["sub"]), (&claims(&of_ben_token)["sid"], &claims(&of_ben_token)["sub"]));
}

#[tokio::test]
async fn a_notice_that_is_not_taken_is_sent_three_times_with_a_token_of_its_own_and_follows_no_redirect() {
    let told = Told::start().await;
    let elsewhere = RecorderBot::start().await;
    let to: &'static str = elsewhere.endpoint().leak();
    let redirect = Behaviour { status: 307, headers: vec![("location", to)], ..Behaviour::default() };
    told.shop.behave_in_turn(vec![Behaviour::answering(500, "down"), redirect, Behaviour::answering(204, "")]);
    let (mut browser, _) = told.signed_in(&SHOP, &ADA).await;
    log_out(&mut browser).await;
    let tokens = told.tokens(3).await;
    let ids: HashSet<String> = tokens.iter().map(|token| claims(token)["jti"].to_string()).collect();
    assert_eq!(ids.len(), 3);
    told.wait_for_count("delivered").await;
    assert!(elsewhere.received().is_empty(), "{:?}", elsewhere.received());
}

#[tokio::test]
async fn an_application_that_never_takes_a_notice_is_named_in_the_audit_stream_after_the_third_try() {
    let told = Told::start().await;
    told.shop.behave(Behaviour::answering(400, "{\"error\": \"invalid_request\"}"));
    let (mut browser, _) = told.signed_in(&SHOP, &ADA).await;
    log_out(&mut browser).await;
    let line = told.directories.audited("directory_logout_notice_failed", Some(&told.ada)).await;
    assert_eq!((&line["application"], &line["detail"]), (&json!(SHOP.client_id), &json!("status")));
    assert_eq!(told.tokens(3).await.len(), 3);
    told.wait_for_count("failed").await;
}

#[tokio::test]
async fn an_application_that_hangs_keeps_no_sign_out_and_no_other_notice_waiting() {
    let told = Told::start().await;
    let gate = Gate::default();
    told.shop.behave_in_turn(vec![Behaviour::default().behind(&gate), Behaviour::default()]);
    let (mut first, _) = told.signed_in(&SHOP, &ADA).await;
    let (mut second, second_id_token) = told.signed_in(&SHOP, &ADA).await;
    assert_eq!(log_out(&mut first).await.status, 302, "the answer comes while the application hangs");
    told.shop.wait_for(1).await;
    assert_eq!(log_out(&mut second).await.status, 302);
    told.wait_for_count("delivered").await;
    let told_of: HashSet<String> =
        told.shop.received().iter().map(|received| claims(&logout_token(received))["sid"].to_string()).collect();
    assert!(told_of.contains(&claims(&second_id_token)["sid"].to_string()));
    gate.open();
}

#[tokio::test]
async fn an_address_in_a_private_network_is_not_called_although_an_administrator_has_registered_it() {
    let told = Told::start().await;
    let path = format!("/applications/{}", TICKETS.client_id);
    let body = json!({
        "name": TICKETS.name,
        "redirectUris": [TICKETS.redirect_uri, "https://10.0.0.1/callback"],
        "backchannelLogoutUri": "https://10.0.0.1/logout",
    });
    let changed = told.directories.manage(&MARKET, "PUT", &path, &body).await;
    assert!(changed.status < 300, "{}", changed.text());
    let (mut browser, _) = told.signed_in(&TICKETS, &ADA).await;
    log_out(&mut browser).await;
    let line = told.directories.audited("directory_logout_notice_failed", Some(&told.ada)).await;
    assert_eq!((&line["application"], &line["detail"]), (&json!(TICKETS.client_id), &json!("address_not_permitted")));
    assert!(told.shop.received().is_empty());
}

#[tokio::test]
async fn discovery_says_that_applications_are_told() {
    let directories = Directories::start().await;
    let path = MARKET.oauth("/.well-known/openid-configuration");
    let found = directories.harness.send("GET", &path, &[], Vec::new()).await.json();
    for name in ["backchannel_logout_supported", "backchannel_logout_session_supported"] {
        assert_eq!(found[name], true, "{name}");
    }
}
