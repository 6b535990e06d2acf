//! Signing out in a browser, by App ID's logout and by that of OpenID Connect (docs/directory.md §Logout).

use super::browser::Browser;
use super::fixture::{ADA, BEN, CATALOGUE, Directories, MARKET, SHOP, SIGNED_OUT, Setup, TICKETS, encoded};
use super::forms::{Form, forms};
use super::sessions::{is_asked, signed_in};
use crate::harness::Answer;

const SESSION: &str = "bot-sso-session-";

/// The address of App ID's logout.
pub fn sso_logout(parameters: &[(&str, &str)]) -> String {
    format!("{}?{}", MARKET.oauth("/cloud_directory/sso/logout"), encoded(parameters))
}

/// The address of the end session endpoint.
fn end_session(parameters: &[(&str, &str)]) -> String {
    format!("{}?{}", MARKET.oauth("/logout"), encoded(parameters))
}

/// App ID's logout as the SDK calls it, with `more` parameters.
fn usual(more: &[(&str, &str)]) -> String {
    let options: Vec<_> = [("redirect_uri", SIGNED_OUT)].into_iter().chain(more.iter().copied()).collect();
    let all: Vec<_> = options.into_iter().chain([("client_id", SHOP.client_id)]).collect();
    sso_logout(&all)
}

async fn started(setup: Setup) -> (Directories, String) {
    let directories = Directories::with(setup).await;
    let ada = directories.create_user(&MARKET, &ADA).await;
    (directories, ada)
}

/// The ID token of the browser's session, for the shop.
async fn id_token(directories: &Directories, browser: &mut Browser) -> String {
    let arrival = browser.sign_in_silently(&SHOP).await;
    directories.redeem(&SHOP, &arrival.code).await["id_token"].as_str().unwrap().to_owned()
}

fn assert_sent_to(answer: &Answer, address: &str) {
    assert!(matches!(answer.status, 302 | 303), "{} {}", answer.status, answer.text());
    assert_eq!(answer.location(), address);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
}

/// The form of the page that asks.
fn question(page: &Answer) -> Form {
    assert_eq!(page.status, 200, "{}", page.text());
    let mut found = forms(&page.text()).into_iter();
    let question = found.find(|form| form.fields.iter().any(|field| field.name == "decision"));
    question.unwrap_or_else(|| panic!("{}", page.text()))
}

#[tokio::test]
async fn a_logout_ends_the_session_of_this_browser_alone_and_leads_to_the_registered_address() {
    let (directories, ada) = started(Setup::default()).await;
    let (mut browser, mut other) = (signed_in(&directories).await, signed_in(&directories).await);
    let before = browser.clone();
    assert_sent_to(&browser.get(&usual(&[])).await, SIGNED_OUT);
    assert_eq!(browser.cookie(SESSION), None);
    assert!(is_asked(&mut browser, &TICKETS).await);
    assert!(is_asked(&mut before.clone(), &TICKETS).await, "a copy of the cookie opens nothing");
    assert!(!is_asked(&mut other, &TICKETS).await);
    let line = directories.audited("directory_signed_out", Some(&ada)).await;
    assert_eq!((&line["tenant"], &line["application"]), (&MARKET.tenant.into(), &SHOP.client_id.into()));
    assert!(line["client"].is_string() && line["correlation_id"].is_string(), "{line}");
}

#[tokio::test]
async fn without_a_session_or_single_sign_on_the_browser_is_sent_on_all_the_same() {
    let (directories, _) = started(Setup::default()).await;
    assert_sent_to(&directories.browser().get(&usual(&[])).await, SIGNED_OUT);
    assert_sent_to(&directories.browser().get(&usual(&[("all_sessions", "true")])).await, SIGNED_OUT);
    let (directories, _) = started(Setup { sso: Some("is_active = false"), ..Setup::default() }).await;
    assert_sent_to(&directories.browser().get(&usual(&[])).await, SIGNED_OUT);
}

#[tokio::test]
async fn without_an_id_token_of_the_session_a_page_asks_before_all_sessions_end() {
    let (directories, ada) = started(Setup::default()).await;
    directories.create_user(&MARKET, &BEN).await;
    let (mut browser, mut other) = (signed_in(&directories).await, signed_in(&directories).await);
    let of_other = id_token(&directories, &mut other).await;
    let mut of_ben = directories.browser();
    of_ben.sign_in(&SHOP, &BEN).await;
    let of_ben = id_token(&directories, &mut of_ben).await;
    let tampered = format!("{of_other}x");
    for hint in ["", "none", &of_other, &of_ben, &tampered] {
        let address = usual(&[("all_sessions", "true"), ("id_token_hint", hint)]);
        question(&browser.get(&address).await);
        assert!(!is_asked(&mut browser, &SHOP).await && !is_asked(&mut other, &SHOP).await, "{hint}");
    }
    let address = usual(&[("all_sessions", "true")]);
    let form = question(&browser.get(&address).await);
    let answer = browser.send_form(&address, &form, &[("decision", "everywhere")]).await;
    assert_sent_to(&answer, SIGNED_OUT);
    assert!(is_asked(&mut browser, &SHOP).await && is_asked(&mut other, &SHOP).await);
    let line = directories.audited("directory_sessions_ended", Some(&ada)).await;
    assert_eq!((&line["detail"], &line["tenant"]), (&"logout".into(), &MARKET.tenant.into()));
}

#[tokio::test]
async fn the_page_ends_what_the_user_chooses() {
    let (directories, _) = started(Setup::default()).await;
    let (mut browser, mut other) = (signed_in(&directories).await, signed_in(&directories).await);
    let address = usual(&[("all_sessions", "true")]);
    let form = question(&browser.get(&address).await);
    assert_sent_to(&browser.send_form(&address, &form, &[("decision", "stay")]).await, SIGNED_OUT);
    assert!(!is_asked(&mut browser, &SHOP).await);
    assert_sent_to(&browser.send_form(&address, &form, &[("decision", "browser")]).await, SIGNED_OUT);
    assert!(is_asked(&mut browser, &SHOP).await && !is_asked(&mut other, &SHOP).await);
    assert_sent_to(&browser.send_form(&address, &form, &[("decision", "everywhere")]).await, SIGNED_OUT);
    assert!(!is_asked(&mut other, &SHOP).await, "the browser has no session any more");
}

#[tokio::test]
async fn an_id_token_of_the_session_ends_all_sessions_at_once_also_when_it_has_expired() {
    let (directories, _) = started(Setup::default()).await;
    let (mut browser, mut other) = (signed_in(&directories).await, signed_in(&directories).await);
    let hint = id_token(&directories, &mut browser).await;
    directories.pass(7200);
    let answer = browser.get(&usual(&[("all_sessions", "true"), ("id_token_hint", &hint)])).await;
    assert_sent_to(&answer, SIGNED_OUT);
    assert!(is_asked(&mut browser, &SHOP).await && is_asked(&mut other, &SHOP).await);
}

#[tokio::test]
async fn a_directory_may_trust_the_sdk_to_end_all_sessions() {
    let (directories, _) = started(Setup { market: "sdk_all_sessions = true", ..Setup::default() }).await;
    let (mut browser, mut other) = (signed_in(&directories).await, signed_in(&directories).await);
    assert_sent_to(&browser.get(&usual(&[("all_sessions", "false")])).await, SIGNED_OUT);
    assert!(!is_asked(&mut other, &SHOP).await);
    let mut browser = signed_in(&directories).await;
    assert_sent_to(&browser.get(&usual(&[("all_sessions", "true")])).await, SIGNED_OUT);
    assert!(is_asked(&mut browser, &SHOP).await && is_asked(&mut other, &SHOP).await);
}

#[tokio::test]
async fn openid_connect_logout_with_an_id_token_ends_the_session_and_returns_the_state() {
    let (directories, _) = started(Setup::default()).await;
    let mut browser = signed_in(&directories).await;
    let hint = id_token(&directories, &mut browser).await;
    let address = end_session(&[
        ("id_token_hint", &hint),
        ("post_logout_redirect_uri", SIGNED_OUT),
        ("state", "a&b=c"),
        ("client_id", SHOP.client_id),
    ]);
    assert_sent_to(&browser.get(&address).await, &format!("{SIGNED_OUT}&state=a%26b%3Dc"));
    assert!(is_asked(&mut browser, &SHOP).await);
    let mut browser = signed_in(&directories).await;
    let page = browser.get(&end_session(&[("id_token_hint", &hint)])).await;
    assert_eq!(page.status, 200, "an earlier token of the user");
    assert!(page.text().contains("You are signed out"), "{}", page.text());
    assert!(is_asked(&mut browser, &SHOP).await);
}

#[tokio::test]
async fn openid_connect_logout_without_an_id_token_of_the_user_asks_first() {
    let (directories, _) = started(Setup::default()).await;
    let mut browser = signed_in(&directories).await;
    let address = end_session(&[("post_logout_redirect_uri", SIGNED_OUT), ("state", "s"), ("ui_locales", "de")]);
    let page = browser.get(&address).await;
    assert!(page.text().contains("<html lang=\"de\"") && page.text().contains("Ada Lovelace"), "{}", page.text());
    let form = question(&page);
    assert!(!is_asked(&mut browser, &SHOP).await);
    let odd = browser.send_form(&address, &form, &[("decision", "")]).await;
    assert!(
        odd.status == 403 && odd.text().contains("<html lang=\"de\""),
        "the page keeps its language: {}",
        odd.text()
    );
    let answer = browser.send_form(&address, &form, &[("decision", "browser")]).await;
    assert_sent_to(&answer, &format!("{SIGNED_OUT}&state=s"));
    assert!(is_asked(&mut browser, &SHOP).await);
}

#[tokio::test]
async fn openid_connect_logout_by_a_form_is_the_same_request_as_a_query() {
    let (directories, _) = started(Setup::default()).await;
    let mut browser = signed_in(&directories).await;
    let hint = id_token(&directories, &mut browser).await;
    let fields = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", SIGNED_OUT), ("state", "s")];
    // A browser sends the cookie with no POST of another site.
    let sent_on = directories.browser().post(&MARKET.oauth("/logout"), &fields).await;
    assert_eq!(sent_on.status, 303, "{}", sent_on.text());
    assert_sent_to(&browser.get(sent_on.location()).await, &format!("{SIGNED_OUT}&state=s"));
    assert!(is_asked(&mut browser, &SHOP).await);
}

#[tokio::test]
async fn an_id_token_for_another_application_than_the_caller_is_refused() {
    let (directories, _) = started(Setup::default()).await;
    let mut browser = signed_in(&directories).await;
    let hint = id_token(&directories, &mut browser).await;
    for client_id in [TICKETS.client_id, CATALOGUE.client_id, "unknown"] {
        let address = end_session(&[("id_token_hint", hint.as_str()), ("client_id", client_id)]);
        assert_eq!(browser.get(&address).await.status, 400, "{client_id}");
    }
    assert!(!is_asked(&mut browser, &SHOP).await);
}
