//! The authorization endpoint: sessions, prompts, and the parameters of applications.

use serde_json::json;

use super::browser::{Arrival, login_form};
use super::fixture::{ADA, BEN, CAMPUS, CATALOGUE, Directories, MARKET, SHOP, Setup, TICKETS, claims, encoded};

const SESSION: &str = "bot-sso-session-";

#[tokio::test]
async fn two_apps_of_a_directory_need_one_password() {
    let directories = Directories::start().await;
    let id = directories.create_user(&MARKET, &ADA).await;
    let mut browser = directories.browser();

    let arrival = browser.sign_in_with(&SHOP, &ADA, &[("nonce", "n-1")]).await;
    assert_eq!(arrival.parameter("from").as_deref(), Some("sign-in"), "the app's own query stays");
    assert_eq!(arrival.parameter("state").as_deref(), Some("the-state-of-the-app"));
    assert_eq!(arrival.parameter("iss"), Some(directories.issuer(&MARKET)));
    let shop = claims(directories.redeem(&SHOP, &arrival.code).await["id_token"].as_str().unwrap());
    assert_eq!((&shop["sub"], &shop["nonce"]), (&json!(id), &json!("n-1")));

    let arrival = browser.sign_in_silently(&TICKETS).await;
    let tickets = claims(directories.redeem(&TICKETS, &arrival.code).await["id_token"].as_str().unwrap());
    assert_eq!((&tickets["sub"], &tickets["sid"]), (&shop["sub"], &shop["sid"]));
    assert_eq!(tickets["auth_time"], shop["auth_time"]);

    let audited = directories.audited("directory_signed_in", Some(&id)).await;
    assert_eq!((&audited["tenant"], &audited["application"]), (&json!(MARKET.tenant), &json!(SHOP.client_id)));
    let signed_in = |line: &serde_json::Value| line["event"] == "directory_signed_in";
    assert_eq!(directories.audit_lines(Some(&id)).iter().filter(|line| signed_in(line)).count(), 1, "one password");
}

#[tokio::test]
async fn another_browser_and_another_directory_need_the_password_again() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let mut browser = directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    assert_eq!(directories.browser().authorize(&TICKETS, &[]).await.status, 200);
    let answer = browser.authorize(&super::fixture::LIBRARY, &[]).await;
    assert_eq!(answer.status, 200, "a session of {} is none of {}", MARKET.name, CAMPUS.name);
}

#[tokio::test]
async fn an_app_that_asks_in_a_wrong_way_is_told_at_its_own_address() {
    let directories = Directories::start().await;
    let mut browser = directories.browser();
    let long = "n".repeat(513);
    let plain = [("code_challenge", "abc"), ("code_challenge_method", "plain")];
    for (more, error) in [
        (&[("response_type", "token")][..], "unsupported_response_type"),
        (&[("response_type", "")], "invalid_request"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("response_mode", "form_post")], "invalid_request"),
        (&plain, "invalid_request"),
        (&[("code_challenge", "abc")], "invalid_request"),
        (&[("code_challenge_method", "S256")], "invalid_request"),
        (&[("prompt", "none login")], "invalid_request"),
        (&[("prompt", "create")], "invalid_request"),
        (&[("prompt", "none")], "login_required"),
        (&[("max_age", "-1")], "invalid_request"),
        (&[("max_age", "soon")], "invalid_request"),
        (&[("nonce", &long)], "invalid_request"),
        (&[("idp", "appid_anon")], "invalid_request"),
        (&[("scope", "openid"), ("scope", "email")], "invalid_request"),
    ] {
        let arrival = Arrival::of(&browser.authorize(&SHOP, more).await, &SHOP);
        assert_eq!((arrival.error.as_str(), arrival.code.as_str()), (error, ""), "{more:?}");
        assert_eq!(arrival.parameter("state").as_deref(), Some("the-state-of-the-app"), "{more:?}");
        assert_eq!(arrival.parameter("iss"), Some(directories.issuer(&MARKET)), "{more:?}");
        assert!(arrival.parameter("error_description").is_some(), "{more:?}");
    }
    let arrival = Arrival::of(&browser.authorize(&CATALOGUE, &[]).await, &CATALOGUE);
    assert_eq!(arrival.error, "invalid_request", "a public app without PKCE");
}

#[tokio::test]
async fn prompt_none_never_shows_a_page_and_prompt_login_always_does() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let mut browser = directories.browser();
    let silent = [("prompt", "none")];
    assert_eq!(Arrival::of(&browser.authorize(&SHOP, &silent).await, &SHOP).error, "login_required");
    let before = directories.redeem(&SHOP, &browser.sign_in(&SHOP, &ADA).await.code).await;
    assert_ne!(Arrival::of(&browser.authorize(&TICKETS, &silent).await, &TICKETS).code, "");

    let mut stolen = browser.clone();
    let again = [("prompt", "login")];
    let page = browser.authorize(&TICKETS, &again).await;
    assert_eq!(login_form(&page).value("username"), ADA.email, "the name is filled in");
    let answer = browser.log_in(&TICKETS.authorization(&again), &page, ADA.email, ADA.password).await;
    let after = directories.redeem(&TICKETS, &Arrival::of(&answer, &TICKETS).code).await;
    let sid = |tokens: &serde_json::Value| claims(tokens["id_token"].as_str().unwrap())["sid"].clone();
    assert_ne!(sid(&before), sid(&after), "a sign-in gives a session a new id");
    let left = Arrival::of(&stolen.authorize(&SHOP, &silent).await, &SHOP);
    assert_eq!(left.error, "login_required", "the cookie of before the sign-in is worth nothing");
}

#[tokio::test]
async fn max_age_asks_for_the_password_that_is_older() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let mut browser = directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let ask = async |browser: &mut super::browser::Browser, max_age: &str| {
        let more = [("max_age", max_age), ("prompt", "none")];
        Arrival::of(&browser.authorize(&TICKETS, &more).await, &TICKETS).error
    };
    assert_eq!(ask(&mut browser, "600").await, "");
    assert_eq!(ask(&mut browser, "0").await, "login_required");
    directories.pass(700);
    assert_eq!(ask(&mut browser, "600").await, "login_required");
    assert_eq!(ask(&mut browser, "3600").await, "");
    let more = [("max_age", "600")];
    let page = browser.authorize(&TICKETS, &more).await;
    let answer = browser.log_in(&TICKETS.authorization(&more), &page, ADA.email, ADA.password).await;
    let tokens = directories.redeem(&TICKETS, &Arrival::of(&answer, &TICKETS).code).await;
    assert_eq!(ask(&mut browser, "600").await, "", "{tokens}");
}

#[tokio::test]
async fn an_id_token_hint_of_another_user_needs_that_user() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    directories.create_user(&MARKET, &BEN).await;
    let (mut of_ada, mut of_ben) = (directories.browser(), directories.browser());
    let ada = directories.redeem(&SHOP, &of_ada.sign_in(&SHOP, &ADA).await.code).await;
    of_ben.sign_in(&SHOP, &BEN).await;
    let hint = ada["id_token"].as_str().unwrap();
    let more = [("id_token_hint", hint), ("prompt", "none")];
    assert_eq!(Arrival::of(&of_ada.authorize(&TICKETS, &more).await, &TICKETS).error, "");
    assert_eq!(Arrival::of(&of_ben.authorize(&TICKETS, &more).await, &TICKETS).error, "login_required");
    let forged = [("id_token_hint", "a.b.c"), ("prompt", "none")];
    assert_eq!(Arrival::of(&of_ada.authorize(&TICKETS, &forged).await, &TICKETS).error, "login_required");
}

#[tokio::test]
async fn without_single_sign_on_each_app_asks_and_the_browser_gets_no_session() {
    let directories = Directories::with(Setup { sso: Some("is_active = false"), ..Setup::default() }).await;
    directories.create_user(&MARKET, &ADA).await;
    let mut browser = directories.browser();
    let tokens = directories.redeem(&SHOP, &browser.sign_in(&SHOP, &ADA).await.code).await;
    assert!(claims(tokens["id_token"].as_str().unwrap())["sid"].is_null());
    assert_eq!(browser.cookie(SESSION), None);
    assert_eq!(browser.authorize(&TICKETS, &[]).await.status, 200);
    let silent = browser.authorize(&TICKETS, &[("prompt", "none")]).await;
    assert_eq!(Arrival::of(&silent, &TICKETS).error, "login_required");
}

#[tokio::test]
async fn a_request_by_a_form_is_answered_as_that_by_a_query() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let mut browser = directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let more = [("appid_access_token", "a-token"), ("state", "a b&c=☃")];
    let answer = browser.post(&MARKET.oauth("/authorization"), &TICKETS.request(&more)).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert!(!answer.location().contains("a-token"), "{}", answer.location());
    let arrival = Arrival::of(&browser.get(answer.location()).await, &TICKETS);
    assert_eq!(arrival.parameter("state").as_deref(), Some("a b&c=☃"));
    assert_ne!(arrival.code, "");
    let repeated = browser.post(&MARKET.oauth("/authorization"), &[("client_id", "a"), ("client_id", "b")]).await;
    assert_eq!(repeated.status, 400);
}

#[tokio::test]
async fn a_double_click_a_reload_and_two_tabs_sign_the_user_in() {
    let directories = Directories::start().await;
    let id = directories.create_user(&MARKET, &ADA).await;
    let mut browser = directories.browser();
    let (shop, tickets) = (SHOP.authorization(&[]), TICKETS.authorization(&[]));
    let first_tab = browser.get(&shop).await;
    let second_tab = browser.get(&tickets).await;
    for (url, page, app) in [
        (&shop, &first_tab, &SHOP),
        (&shop, &first_tab, &SHOP),
        (&tickets, &second_tab, &TICKETS),
        (&shop, &first_tab, &SHOP),
    ] {
        let answer = browser.log_in(url, page, ADA.email, ADA.password).await;
        let tokens = directories.redeem(app, &Arrival::of(&answer, app).code).await;
        assert_eq!(claims(tokens["id_token"].as_str().unwrap())["sub"], json!(id));
    }
    assert_ne!(browser.sign_in_silently(&TICKETS).await.code, "");
    assert_eq!(browser.cookies.iter().filter(|cookie| cookie.name.starts_with(SESSION)).count(), 1);
}

#[tokio::test]
async fn the_sdk_that_escapes_no_redirect_uri_is_understood() {
    let directories = Directories::start().await;
    let mut browser = directories.browser();
    let query = format!(
        "client_id={}&response_type=code&redirect_uri={}&scope=appid_default&language=ja&state=YQ%3D%3D",
        SHOP.client_id, SHOP.redirect_uri
    );
    let page = browser.get(&format!("{}?{query}", MARKET.oauth("/authorization"))).await;
    assert!(page.text().contains("<html lang=\"ja\">"), "{}", page.text());
    let other = encoded(&[("client_id", SHOP.client_id)]);
    let refused = browser.get(&format!("{}?{other}", MARKET.oauth("/authorization"))).await;
    assert_eq!(refused.status, 400);
}
