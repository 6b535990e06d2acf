//! Attacks on the logout: open redirects, forged forms, frames, and logouts in another user's name.

use super::browser::Browser;
use super::fixture::{ADA, CAMPUS, Directories, LIBRARY, MARKET, SHOP, SIGNED_OUT, encoded};
use super::forms::forms;
use super::logout::sso_logout;
use super::sessions::{is_asked, signed_in};
use crate::harness::Answer;

/// Addresses that are not registered, however much they look like one that is.
const OTHERS: [&str; 14] = [
    "https://evil.example/",
    "https://portal.example.com/signed-out",
    "https://portal.example.com/signed-out?lang=en&x=1",
    "https://portal.example.com/signed-out?lang=en#x",
    "https://portal.example.com/signed-out?lang=EN",
    "https://portal.example.com:443/signed-out?lang=en",
    "https://portal.example.com@evil.example/signed-out?lang=en",
    "https://portal.example.com.evil.example/signed-out?lang=en",
    "https://portal.example.com/x/../signed-out?lang=en",
    "HTTPS://portal.example.com/signed-out?lang=en",
    "http://portal.example.com/signed-out?lang=en",
    "//portal.example.com/signed-out?lang=en",
    "https://shop.example.com/callback?from=sign-in",
    "javascript:alert(document.domain)",
];

async fn started() -> (Directories, Browser) {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let browser = signed_in(&directories).await;
    (directories, browser)
}

fn assert_error_page(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 400, "{what} {}", answer.text());
    assert_eq!(answer.header("location"), None, "{what}");
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")), "{what}");
    assert!(answer.header("content-security-policy").is_some_and(|policy| policy.contains("frame-ancestors 'none'")));
    assert!(!answer.headers.iter().any(|(name, _)| name == "set-cookie"), "{what}: the cookie stays");
}

#[tokio::test]
async fn no_redirect_parameter_leads_to_an_address_that_is_not_registered_and_nothing_is_ended() {
    let (_directories, mut browser) = started().await;
    let client = ("client_id", SHOP.client_id);
    for other in OTHERS {
        assert_error_page(&browser.get(&sso_logout(&[("redirect_uri", other), client])).await, other);
        let address =
            format!("{}?{}", MARKET.oauth("/logout"), encoded(&[("post_logout_redirect_uri", other), client]));
        assert_error_page(&browser.get(&address).await, other);
        let path = MARKET.oauth("/cloud_directory/sso/logout/decision");
        let address = format!("{path}?{}", encoded(&[("redirect_uri", other), client]));
        assert_error_page(&browser.post(&address, &[("decision", "browser")]).await, other);
    }
    let twice = [("redirect_uri", SIGNED_OUT), ("redirect_uri", "https://evil.example/"), client];
    assert_error_page(&browser.get(&sso_logout(&twice)).await, "stated twice");
    for odd in [format!("{SIGNED_OUT}\r\nX-Evil: 1"), format!("{SIGNED_OUT}\n"), format!("{SIGNED_OUT}\0")] {
        assert_error_page(&browser.get(&sso_logout(&[("redirect_uri", &odd), client])).await, "control characters");
    }
    assert_error_page(&browser.get(&sso_logout(&[client])).await, "absent");
    assert!(!is_asked(&mut browser, &SHOP).await);
}

#[tokio::test]
async fn the_application_must_be_one_of_the_directory() {
    let (_directories, mut browser) = started().await;
    for client_id in ["", "unknown", LIBRARY.client_id] {
        let address = sso_logout(&[("redirect_uri", SIGNED_OUT), ("client_id", client_id)]);
        assert_error_page(&browser.get(&address).await, client_id);
    }
    let unknown = format!("/oauth/v4/unknown/cloud_directory/sso/logout?redirect_uri={SIGNED_OUT}");
    let answer = browser.get(&unknown).await;
    assert_eq!((answer.status, answer.header("location")), (404, None));
    assert!(!is_asked(&mut browser, &SHOP).await);
}

#[tokio::test]
async fn a_forged_form_ends_nothing() {
    let (directories, mut browser) = started().await;
    let address = sso_logout(&[("redirect_uri", SIGNED_OUT), ("client_id", SHOP.client_id), ("all_sessions", "true")]);
    let page = browser.get(&address).await;
    let form = forms(&page.text()).remove(0);
    let mut attacker = signed_in(&directories).await;
    let foreign = forms(&attacker.get(&address).await.text()).remove(0);
    let action = form.action.clone();
    let own = form.value("form_token").to_owned();
    for token in ["", "x", foreign.value("form_token"), &own[1..]] {
        let answer = browser.post(&action, &[("decision", "everywhere"), ("form_token", token)]).await;
        assert_eq!((answer.status, answer.header("location")), (403, None), "{token}");
    }
    let repeated = [("decision", "everywhere"), ("form_token", own.as_str()), ("form_token", own.as_str())];
    assert_eq!(browser.post(&action, &repeated).await.status, 403);
    // The token is good for the request that the page was shown for.
    let path = MARKET.oauth("/cloud_directory/sso/logout/decision");
    assert_eq!(browser.post(&path, &[("decision", "everywhere"), ("form_token", &own)]).await.status, 403);
    assert!(!is_asked(&mut browser, &SHOP).await);
    assert_eq!(browser.send_form(&address, &form, &[("decision", "everywhere")]).await.status, 303);
    assert!(is_asked(&mut browser, &SHOP).await);
}

#[tokio::test]
async fn the_page_that_asks_cannot_be_framed_kept_or_told_of() {
    let (_directories, mut browser) = started().await;
    let address = sso_logout(&[("redirect_uri", SIGNED_OUT), ("client_id", SHOP.client_id), ("all_sessions", "true")]);
    let page = browser.get(&address).await;
    let policy = page.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(browser.request("HEAD", &address, &[], None).await.status, 405, "a preview signs out of nothing");
}

#[tokio::test]
async fn a_logout_of_one_directory_ends_no_session_of_another() {
    let (directories, mut browser) = started().await;
    directories.create_user(&CAMPUS, &ADA).await;
    browser.sign_in(&LIBRARY, &ADA).await;
    let address = sso_logout(&[("redirect_uri", SIGNED_OUT), ("client_id", SHOP.client_id)]);
    assert_eq!(browser.get(&address).await.status, 302);
    assert!(is_asked(&mut browser, &SHOP).await && !is_asked(&mut browser, &LIBRARY).await);
}
