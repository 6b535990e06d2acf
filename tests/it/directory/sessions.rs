//! How long a sign-on session lives, what ends it, and which cookies open none (docs/directory.md §Sessions).

use serde_json::{Value, json};

use super::browser::{Browser, Cookie};
use super::fixture::{ADA, BEN, Directories, MARKET, SHOP, Setup, TICKETS, TestApp, claims};
use crate::harness::Answer;

const SESSION: &str = "bot-sso-session-";

/// Whether the browser is asked for a password at `app`.
pub async fn is_asked(browser: &mut Browser, app: &TestApp) -> bool {
    let answer = browser.authorize(app, &[]).await;
    let is_page = answer.status == 200 && answer.text().contains("type=\"password\"");
    assert!(is_page || matches!(answer.status, 302 | 303), "{} {}", answer.status, answer.text());
    is_page
}

/// A browser in which `ADA` is signed in to the shop.
pub async fn signed_in(directories: &Directories) -> Browser {
    let mut browser = directories.browser();
    assert_ne!(browser.sign_in(&SHOP, &ADA).await.code, "");
    browser
}

async fn started() -> (Directories, String) {
    let directories = Directories::start().await;
    let ada = directories.create_user(&MARKET, &ADA).await;
    (directories, ada)
}

async fn set_sso(directories: &Directories, is_active: bool, seconds: u32) {
    let body = json!({ "isActive": is_active, "inactivityTimeoutSeconds": seconds, "logoutRedirectUris": [] });
    let answer = directories.manage(&MARKET, "PUT", "/config/cloud_directory/sso", &body).await;
    assert!(answer.status < 300, "{}", answer.text());
}

fn set_cookie(answer: &Answer) -> Vec<&str> {
    let cookies = answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.as_str());
    cookies.filter(|cookie| cookie.starts_with(SESSION)).collect()
}

#[tokio::test]
async fn a_user_who_has_signed_in_to_one_app_is_signed_in_to_the_other_silently_and_after_a_restart() {
    let (mut directories, _) = started().await;
    let mut browser = signed_in(&directories).await;
    let arrival = browser.sign_in_silently(&TICKETS).await;
    let first = claims(directories.redeem(&TICKETS, &arrival.code).await["id_token"].as_str().unwrap());
    directories.restart().await;
    let arrival = browser.sign_in_silently(&SHOP).await;
    let second = claims(directories.redeem(&SHOP, &arrival.code).await["id_token"].as_str().unwrap());
    assert_eq!((&first["sub"], &first["sid"]), (&second["sub"], &second["sid"]));
    assert!(first["sid"].as_str().is_some_and(|sid| sid.len() == 32));
    assert!(is_asked(&mut directories.browser(), &TICKETS).await, "another browser");
}

#[tokio::test]
async fn the_cookie_is_bound_to_the_directory_and_kept_from_scripts() {
    let (directories, _) = started().await;
    let mut browser = directories.browser();
    let page = browser.authorize(&SHOP, &[]).await;
    assert_eq!(set_cookie(&page), [""; 0], "no session before the sign-in");
    let answer = browser.log_in(&SHOP.authorization(&[]), &page, ADA.email, ADA.password).await;
    let [cookie] = set_cookie(&answer)[..] else { panic!("{:?}", answer.headers) };
    let lower = cookie.to_ascii_lowercase();
    for attribute in ["; httponly", "; samesite=lax", &format!("; path=/oauth/v4/{}", MARKET.tenant)] {
        assert!(lower.contains(attribute), "{attribute} in {cookie}");
    }
    for attribute in ["max-age", "expires", "domain", ADA.email] {
        assert!(!lower.contains(attribute), "{attribute} in {cookie}");
    }
}

#[tokio::test]
async fn a_cookie_that_was_planted_before_the_sign_in_opens_nothing_afterwards() {
    let (directories, _) = started().await;
    directories.create_user(&MARKET, &BEN).await;
    let mut attacker = directories.browser();
    attacker.sign_in(&SHOP, &BEN).await;
    let planted = attacker.cookie(SESSION).unwrap().clone();
    let mut victim = directories.browser();
    victim.cookies.push(planted.clone());
    let page = victim.authorize(&SHOP, &[("prompt", "login")]).await;
    victim.log_in(&SHOP.authorization(&[("prompt", "login")]), &page, ADA.email, ADA.password).await;
    let own = victim.cookie(SESSION).unwrap();
    let (id, planted_id) = (own.value.split('.').next(), planted.value.split('.').next());
    assert!(own.value != planted.value && id != planted_id, "a sign-in draws a new id");
    assert!(!is_asked(&mut victim, &TICKETS).await);
    assert!(is_asked(&mut attacker, &TICKETS).await, "the planted session has ended");
}

#[tokio::test]
async fn a_cookie_that_another_site_has_added_hides_no_genuine_one() {
    let (directories, _) = started().await;
    let mut browser = signed_in(&directories).await;
    let genuine = browser.cookie(SESSION).unwrap().clone();
    browser.cookies.insert(0, Cookie { value: "planted".to_owned(), path: "/oauth/v4".to_owned(), ..genuine });
    assert!(!is_asked(&mut browser, &TICKETS).await);
}

#[tokio::test]
async fn inactivity_is_that_of_the_present_settings_and_begins_anew_with_each_use() {
    let (directories, _) = started().await;
    set_sso(&directories, true, 3600).await;
    let mut browser = signed_in(&directories).await;
    for _ in 0..3 {
        directories.pass(3000);
        assert!(!is_asked(&mut browser, &TICKETS).await);
    }
    directories.pass(3000);
    set_sso(&directories, true, 2000).await;
    assert!(is_asked(&mut browser, &TICKETS).await, "shortened");
    set_sso(&directories, true, 7200).await;
    directories.pass(3000);
    assert!(!is_asked(&mut browser, &TICKETS).await, "lengthened before it was found out");
    directories.pass(7200);
    assert!(is_asked(&mut browser, &TICKETS).await);
}

#[tokio::test]
async fn the_absolute_lifetime_ends_a_session_in_use() {
    let setup = Setup { market: "absolute_lifetime_seconds = 7200", ..Setup::default() };
    let directories = Directories::with(setup).await;
    directories.create_user(&MARKET, &ADA).await;
    let mut browser = signed_in(&directories).await;
    directories.pass(7000);
    assert!(!is_asked(&mut browser, &SHOP).await);
    directories.pass(200);
    assert!(is_asked(&mut browser, &SHOP).await);
}

#[tokio::test]
async fn sessions_from_before_single_sign_on_was_off_stay_ended() {
    let (directories, _) = started().await;
    let mut browser = signed_in(&directories).await;
    set_sso(&directories, false, 3600).await;
    assert!(is_asked(&mut browser, &SHOP).await);
    set_sso(&directories, true, 3600).await;
    assert!(is_asked(&mut browser, &SHOP).await);
    assert_ne!(browser.sign_in(&SHOP, &ADA).await.code, "");
    assert!(!is_asked(&mut browser, &SHOP).await);
}

#[tokio::test]
async fn an_administrator_ends_all_sessions_of_a_user_in_all_browsers_and_of_no_other() {
    let (directories, ada) = started().await;
    directories.create_user(&MARKET, &BEN).await;
    let (mut first, mut second) = (signed_in(&directories).await, signed_in(&directories).await);
    let mut of_ben = directories.browser();
    of_ben.sign_in(&SHOP, &BEN).await;
    let path = format!("/cloud_directory/Users/{ada}/sso/logout");
    assert_eq!(directories.manage(&MARKET, "POST", &path, &Value::Null).await.status, 204);
    assert!(is_asked(&mut first, &SHOP).await && is_asked(&mut second, &TICKETS).await);
    assert!(!is_asked(&mut of_ben, &SHOP).await);
    let line = directories.audited("directory_sessions_ended", Some(&ada)).await;
    assert_eq!((&line["tenant"], &line["administrator"]), (&json!(MARKET.tenant), &json!("manager-of-market")));
}

#[tokio::test]
async fn the_operator_signs_a_user_of_a_directory_out_everywhere() {
    let (directories, ada) = started().await;
    let mut browser = directories.browser();
    let arrival = browser.sign_in(&SHOP, &ADA).await;
    let tokens = directories.redeem(&SHOP, &arrival.code).await;
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let user = format!("cloud_directory:{}/{ada}", MARKET.tenant);
    let encoded: String = url::form_urlencoded::byte_serialize(user.as_bytes()).collect();
    let answer = directories.harness.sign_out_everywhere(&encoded).await;
    assert_eq!((answer.status, answer.json()["userKey"].as_str()), (200, Some(user.as_str())), "{}", answer.text());
    assert!(is_asked(&mut browser, &SHOP).await);
    assert_eq!(directories.refresh(&SHOP, refresh_token).await.status, 400, "refresh tokens end as well");
    let line = directories.audited("signed_out_everywhere", Some(&ada)).await;
    assert_eq!(line["user"], user);
}

#[tokio::test]
async fn a_disabled_or_deleted_user_has_no_session() {
    let (directories, ada) = started().await;
    let ben = directories.create_user(&MARKET, &BEN).await;
    let mut of_ada = signed_in(&directories).await;
    let mut of_ben = directories.browser();
    of_ben.sign_in(&SHOP, &BEN).await;
    let disabled = json!({ "emails": [{ "value": ADA.email, "primary": true }], "active": false });
    let path = format!("/cloud_directory/Users/{ada}");
    assert_eq!(directories.manage(&MARKET, "PUT", &path, &disabled).await.status, 200);
    let path = format!("/cloud_directory/Users/{ben}");
    assert_eq!(directories.manage(&MARKET, "DELETE", &path, &Value::Null).await.status, 204);
    assert!(is_asked(&mut of_ada, &SHOP).await && is_asked(&mut of_ben, &SHOP).await);
}

#[tokio::test]
async fn sessions_are_counted() {
    let (directories, _) = started().await;
    let mut browser = signed_in(&directories).await;
    browser.sign_in_silently(&TICKETS).await;
    let address = format!("{}/metrics", directories.harness.operations);
    let metrics = directories.harness.send("GET", &address, &[], Vec::new()).await.text();
    for line in [
        "bot_sso_directory_sign_ins_total{directory=\"market\",outcome=\"accepted\"} 1",
        "bot_sso_directory_sessions_total{directory=\"market\",event=\"begun\"} 1",
        "bot_sso_directory_sessions_total{directory=\"market\",event=\"used\"} 1",
        "bot_sso_directory_sessions_total{directory=\"campus\",event=\"begun\"} 0",
    ] {
        assert!(metrics.lines().any(|written| written == line), "{line} in {metrics}");
    }
}
