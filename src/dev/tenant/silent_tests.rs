//! What pages of a browser get of the tenant: a sign-in without a page, and answers that they may read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use url::Url;

use crate::dev::test_client::{Fixture, Reply, decode_claims};

const PAGE: &str = "http://127.0.0.1:8080";
const REDIRECT: &str = "http://127.0.0.1:8080/redirect.html";
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-rfc-7636-and-then-some";

/// Signs `user` in by the stage's control; returns the cookie.
async fn sign_in(fixture: &Fixture, user: &str) -> String {
    let url = format!("{}/dev/tenant-session", fixture.stage.http_base());
    let reply = fixture.form(&url, &[("user", user)]).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
    cookie_of(&reply)
}

fn cookie_of(reply: &Reply) -> String {
    let cookie = reply.header("Set-Cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

/// Asks for a code of the app of pages, as MSAL does in a hidden frame.
async fn ask(fixture: &Fixture, cookie: &str, changes: &[(&str, &str)]) -> Reply {
    let directory = fixture.stage.directory();
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()).as_ref());
    let mut query: BTreeMap<&str, &str> = BTreeMap::from([
        ("client_id", directory.web_chat_client_id()),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("response_mode", "fragment"),
        ("prompt", "none"),
        ("scope", directory.connections[0].exchange_scope.as_str()),
        ("state", "the state & more"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    query.extend(changes.iter().copied());
    let tenant = fixture.tenant();
    let mut url = Url::parse(&format!("{}/{tenant}/oauth2/v2.0/authorize", fixture.stage.http_base())).unwrap();
    url.query_pairs_mut().extend_pairs(query);
    fixture.call("GET", url.as_str(), &[("cookie", cookie)], "").await
}

/// The parameters behind `#`.
fn fragment_of(reply: &Reply) -> BTreeMap<String, String> {
    assert_eq!(reply.status, 302, "{}", reply.text);
    assert_eq!(reply.header("Content-Security-Policy"), Some("frame-ancestors http://127.0.0.1:8080"));
    let target = Url::parse(reply.header("Location").unwrap()).unwrap();
    assert!(target.as_str().starts_with(REDIRECT) && target.query().is_none(), "{target}");
    url::form_urlencoded::parse(target.fragment().unwrap().as_bytes()).into_owned().collect()
}

async fn redeem(fixture: &Fixture, code: &str) -> Reply {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", fixture.stage.directory().web_chat_client_id()),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    fixture.form(&fixture.token_url(fixture.tenant()), &fields).await
}

#[tokio::test]
async fn a_page_gets_a_token_of_the_user_who_has_a_session_at_the_tenant() {
    let fixture = Fixture::start().await;
    for user in ["ada", "cleo", "dan", "eve"] {
        let cookie = sign_in(&fixture, user).await;
        let parameters = fragment_of(&ask(&fixture, &cookie, &[]).await);
        assert_eq!(parameters["state"], "the state & more");
        let tokens = redeem(&fixture, &parameters["code"]).await;
        assert_eq!(tokens.status, 200, "{user}: {}", tokens.text);
        let claims = decode_claims(tokens.text_member("access_token"));
        assert_eq!(claims["oid"], fixture.stage.directory().find_user(user).unwrap().oid);
    }
    let cookie = sign_in(&fixture, "dan").await;
    let code = fragment_of(&ask(&fixture, &cookie, &[]).await)["code"].clone();
    let assertion = redeem(&fixture, &code).await.text_member("access_token").to_owned();
    assert_eq!(fixture.exchange(&assertion, &[]).await.aadsts_number(), 50_076, "no second factor was used");
}

#[tokio::test]
async fn a_page_gets_no_code_without_a_session_or_for_another_user_or_for_another_address() {
    let fixture = Fixture::start().await;
    let ada = sign_in(&fixture, "ada").await;
    let fay = sign_in(&fixture, "fay").await;
    let refused = |reply: Reply| fragment_of(&reply).remove("error").unwrap();
    assert_eq!(refused(ask(&fixture, "", &[]).await), "login_required");
    assert_eq!(refused(ask(&fixture, "stage-tenant-session=made-up", &[]).await), "login_required");
    assert_eq!(refused(ask(&fixture, &fay, &[]).await), "login_required", "a user of another tenant");
    assert_eq!(refused(ask(&fixture, &ada, &[("login_hint", "ben@contoso.example")]).await), "login_required");
    assert!(fragment_of(&ask(&fixture, &ada, &[("login_hint", "ada@contoso.example")]).await).contains_key("code"));
    let own = fixture.stage.directory().bots[0].app_id;
    for changes in [[("redirect_uri", "https://evil.example/"), ("state", "x")], [("client_id", own), ("state", "x")]] {
        let reply = ask(&fixture, &ada, &changes).await;
        assert_eq!((reply.status, reply.header("X-Frame-Options")), (400, Some("DENY")), "{changes:?}");
    }
    fixture.stage.allow_origin(&Url::parse("https://chat.example").unwrap());
    let reply = ask(&fixture, &ada, &[("redirect_uri", "https://chat.example/back"), ("response_mode", "query")]).await;
    assert!(reply.header("Location").unwrap().starts_with("https://chat.example/back?code="), "{}", reply.text);
}

#[tokio::test]
async fn the_login_page_chooses_the_user_of_the_session_and_keeps_the_one_who_was_refused() {
    let fixture = Fixture::start().await;
    let ben = sign_in(&fixture, "ben").await;
    let chosen = |page: &Reply, user: &str| page.text.contains(&format!("<option value=\"{user}\" selected>"));
    let hinted = ask(&fixture, &ben, &[("prompt", "login"), ("login_hint", "cleo@contoso.example")]).await;
    assert!(chosen(&hinted, "cleo") && !chosen(&hinted, "ben"), "{}", hinted.text);
    let page = ask(&fixture, &ben, &[("prompt", "login")]).await;
    assert!(chosen(&page, "ben"), "{}", page.text);
    let ticket = page.text.split("name=\"ticket\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let url = format!("{}/{}/oauth2/v2.0/authorize", fixture.stage.http_base(), fixture.tenant());
    let refused = fixture.form(&url, &[("ticket", ticket), ("username", "dan"), ("password", "wrong")]).await;
    assert!(chosen(&refused, "dan"), "{}", refused.text);
    assert!(refused.text.contains("AADSTS50126: Error validating credentials"), "{}", refused.text);
}

#[tokio::test]
async fn a_session_ends_by_the_control_and_begins_on_the_login_page_too() {
    let fixture = Fixture::start().await;
    let page = ask(&fixture, "", &[("prompt", "login")]).await;
    let ticket = page.text.split("name=\"ticket\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let url = format!("{}/{}/oauth2/v2.0/authorize", fixture.stage.http_base(), fixture.tenant());
    let back = fixture.form(&url, &[("ticket", ticket), ("username", "dan"), ("password", "dan-password")]).await;
    assert!(back.header("Location").unwrap().starts_with(&format!("{REDIRECT}#code=")));
    let code = fragment_of(&ask(&fixture, &cookie_of(&back), &[]).await)["code"].clone();
    let assertion = redeem(&fixture, &code).await.text_member("access_token").to_owned();
    assert_eq!(fixture.exchange(&assertion, &[]).await.status, 200, "the login page counts as a second factor");

    let url = format!("{}/dev/tenant-session", fixture.stage.http_base());
    let ended = fixture.form(&url, &[]).await;
    assert_eq!((ended.status, ended.header("Set-Cookie").unwrap().contains("Max-Age=0")), (204, true));
    for user in ["nobody", "helper-user"] {
        assert_eq!(fixture.form(&url, &[("user", user)]).await.status, 400, "{user}");
    }
    let foreign = [("origin", "https://evil.example"), ("content-type", "application/json")];
    let body = json!({"user": "ada"}).to_string();
    assert_eq!(fixture.call("POST", &url, &foreign, &body).await.status, 403);
    let own = [("origin", PAGE), ("content-type", "application/json")];
    let reply = fixture.call("POST", &url, &own, &body).await;
    assert_eq!((reply.status, reply.header("Access-Control-Allow-Credentials")), (204, Some("true")));
}

#[tokio::test]
async fn pages_of_this_machine_read_discovery_keys_and_tokens_and_foreign_pages_do_not() {
    let fixture = Fixture::start().await;
    let (base, tenant) = (fixture.stage.http_base(), fixture.tenant());
    let paths = [
        "v2.0/.well-known/openid-configuration",
        ".well-known/openid-configuration",
        "discovery/v2.0/keys",
        "discovery/keys",
        "oauth2/v2.0/token",
    ];
    for path in paths {
        let url = format!("{base}/{tenant}/{path}");
        let method = if path.ends_with("token") { "POST" } else { "GET" };
        let read = fixture.call(method, &url, &[("origin", PAGE)], "").await;
        assert_eq!(read.header("Access-Control-Allow-Origin"), Some(PAGE), "{path}");
        let asked = [("origin", PAGE), ("access-control-request-method", method)];
        assert_eq!(fixture.call("OPTIONS", &url, &asked, "").await.status, 204, "{path}");
        let foreign = fixture.call(method, &url, &[("origin", "https://evil.example")], "").await;
        assert_eq!((foreign.status, foreign.header("Access-Control-Allow-Origin")), (403, None), "{path}");
        assert_eq!(fixture.call(method, &url, &[], "").await.header("Access-Control-Allow-Origin"), None, "{path}");
    }
}
