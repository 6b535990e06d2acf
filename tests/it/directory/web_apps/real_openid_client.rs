//! A web app on `openid-client`, unmodified, which knows nothing of bot-sso but the issuer.

use serde_json::{Value, json};

use crate::directory::browser::Browser;
use crate::directory::fixture::{ADA, CATALOGUE, Directories, MARKET, SHOP, TestApp};
use crate::harness::peers::{Peer, Program};

const WEB_APP: Program = Program { peer: "oauth-clients", script: "web_app.mjs" };

/// Starts the program as `app`, and registers its addresses. Returns its own address.
async fn start(directories: &Directories, app: &TestApp, label: &str) -> (Peer, String) {
    let mut environment = vec![("ISSUER", directories.issuer(&MARKET)), ("CLIENT_ID", app.client_id.to_owned())];
    environment.extend(app.secret.map(|secret| ("CLIENT_SECRET", secret.to_owned())));
    let mut peer = Peer::start(&WEB_APP, label, &environment);
    let url = format!("http://127.0.0.1:{}", peer.port().await);
    let redirects = json!({ "redirectUris": [format!("{url}/callback")] });
    assert!(directories.manage(&MARKET, "PUT", "/config/redirect_uris", &redirects).await.status < 300);
    let sso = json!({
        "isActive": true,
        "inactivityTimeoutSeconds": 3600,
        "logoutRedirectUris": [format!("{url}/signed-out")],
    });
    assert!(directories.manage(&MARKET, "PUT", "/config/cloud_directory/sso", &sso).await.status < 300);
    (peer, url)
}

async fn json_at(browser: &mut Browser, url: &str) -> Value {
    let page = browser.visit(url).await;
    assert_eq!(page.answer.status, 200, "{}", page.answer.text());
    page.answer.json()
}

#[tokio::test]
async fn a_web_app_on_openid_client_uses_every_endpoint_that_discovery_names() {
    let directories = Directories::start().await;
    let ada = directories.create_user(&MARKET, &ADA).await;
    let (_peer, url) = start(&directories, &SHOP, "openid-client").await;
    let mut browser = directories.browser();
    let login = browser.visit(&format!("{url}/login")).await;
    let page = browser.log_in_at(login, &ADA).await;
    assert_eq!(page.answer.status, 200, "{}", page.answer.text());
    let expected = json!({
        "issuer": directories.issuer(&MARKET),
        "claims": { "sub": ada, "email": ADA.email, "name": ADA.name, "has_auth_time": true },
        "token_type": "bearer",
        "userinfo": ADA.email,
        "active": true,
        "replayed": "invalid_grant",
        "active_after_replay": false,
    });
    assert_eq!(page.answer.json(), expected);

    let renewed = json_at(&mut browser, &format!("{url}/login")).await;
    let expected = json!({
        "same_sub": true,
        "rotated": true,
        "before": true,
        "after_revocation": 401,
        "refresh_after_revocation": "invalid_grant",
    });
    assert_eq!(renewed, expected, "the session has signed the user in silently");
    assert_eq!(json_at(&mut browser, &format!("{url}/sign-out")).await, json!({ "signed_out": "left" }));
    assert_eq!(browser.authorize(&SHOP, &[]).await.status, 200, "the session has ended");
}

#[tokio::test]
async fn a_web_app_is_told_of_a_logout_by_a_token_that_jose_checks_by_the_published_keys() {
    let directories = Directories::start().await;
    let ada = directories.create_user(&MARKET, &ADA).await;
    let (mut peer, url) = start(&directories, &SHOP, "openid-client-logout").await;
    let body = json!({
        "name": SHOP.name,
        "redirectUris": [format!("{url}/callback")],
        "backchannelLogoutUri": format!("{url}/logged-out"),
    });
    let path = format!("/applications/{}", SHOP.client_id);
    let changed = directories.manage(&MARKET, "PUT", &path, &body).await;
    assert!(changed.status < 300, "{}", changed.text());
    for everywhere in [false, true] {
        let mut browser = directories.browser();
        let login = browser.visit(&format!("{url}/login-and-keep")).await;
        assert_eq!(browser.log_in_at(login, &ADA).await.answer.status, 200);
        if everywhere {
            let path = format!("/cloud_directory/Users/{ada}/sso/logout");
            assert_eq!(directories.manage(&MARKET, "POST", &path, &Value::Null).await.status, 204);
        } else {
            json_at(&mut browser, &format!("{url}/sign-out")).await;
        }
        let line =
            peer.wait_for("the logout", |line| line["event"] == "logged_out" && line["sid"].is_null() == everywhere);
        assert_eq!(line.await["sub"], ada.as_str());
    }
}

#[tokio::test]
async fn a_public_app_on_openid_client_signs_in_by_pkce_alone() {
    let directories = Directories::start().await;
    let ada = directories.create_user(&MARKET, &ADA).await;
    let (_peer, url) = start(&directories, &CATALOGUE, "openid-client-public").await;
    let mut browser = directories.browser();
    let login = browser.visit(&format!("{url}/login")).await;
    let page = browser.log_in_at(login, &ADA).await;
    assert_eq!(page.answer.status, 200, "{}", page.answer.text());
    let found = page.answer.json();
    assert_eq!((&found["claims"]["sub"], &found["userinfo"]), (&ada.into(), &ADA.email.into()));
    assert_eq!(found["replayed"], "invalid_grant");
}
