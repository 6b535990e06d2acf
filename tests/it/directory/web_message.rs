//! `response_mode=web_message`: pages without a server get the code as a message to their window.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::browser::Browser;
use super::fixture::{ADA, CATALOGUE, Directories, MARKET, SHOP, claims};
use crate::harness::Answer;

const VERIFIER: &str = "a-verifier-of-the-page-that-is-long-enough-for-the-rule-of-43-characters";

/// The challenge of `ibmcloud-appid-js`: padded base64 of the hexadecimal digest.
fn challenge_of_the_sdk() -> String {
    let digest = digest(&SHA256, VERIFIER.as_bytes());
    let hex = digest.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    STANDARD.encode(hex)
}

/// The page's message and the origin that it goes to.
fn message_of(answer: &Answer) -> (Value, String) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    let attribute = |name: &str| {
        let (_, rest) = text.split_once(&format!("{name}=\"")).unwrap_or_else(|| panic!("no {name}: {text}"));
        rest.split('"').next().unwrap().replace("&#34;", "\"").replace("&#38;", "&")
    };
    (serde_json::from_str(&attribute("data-message")).unwrap(), attribute("data-origin"))
}

async fn ask(browser: &mut Browser, challenge: &str, prompt: &str) -> Answer {
    let more = [
        ("response_mode", "web_message"),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
        ("nonce", "n-1"),
        ("prompt", prompt),
    ];
    browser.authorize(&CATALOGUE, &more).await
}

#[tokio::test]
async fn a_page_without_a_server_signs_in_with_either_form_of_the_challenge() {
    let directories = Directories::start().await;
    let id = directories.create_user(&MARKET, &ADA).await;
    let standard = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
    for challenge in [challenge_of_the_sdk(), standard] {
        let mut browser = directories.browser();
        let (message, origin) = message_of(&ask(&mut browser, &challenge, "none").await);
        assert_eq!(origin, CATALOGUE.redirect_uri);
        let told = [&message["type"], &message["error"], &message["state"], &message["iss"]];
        let issuer = directories.issuer(&MARKET);
        assert_eq!(told, ["authorization_response", "login_required", "the-state-of-the-app", &issuer]);

        let page = ask(&mut browser, &challenge, "login").await;
        let answer = browser.log_in(&CATALOGUE.authorization(&[]), &page, ADA.email, ADA.password).await;
        let (message, _) = message_of(&answer);
        let (again, _) = message_of(&ask(&mut browser, &challenge, "none").await);
        for message in [message, again] {
            assert_eq!(message["state"], "the-state-of-the-app");
            let fields = [
                ("grant_type", "authorization_code"),
                ("code", message["code"].as_str().unwrap()),
                ("redirect_uri", CATALOGUE.redirect_uri),
                ("code_verifier", VERIFIER),
            ];
            let tokens = directories.token(&CATALOGUE, &fields).await;
            assert_eq!(tokens.status, 200, "{}", tokens.text());
            let token = claims(tokens.json()["id_token"].as_str().unwrap());
            assert_eq!((&token["sub"], &token["nonce"]), (&json!(id), &json!("n-1")));
        }
    }
}

#[tokio::test]
async fn the_app_alone_may_frame_the_page_that_has_its_code() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let mut browser = directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let answer = ask(&mut browser, &challenge_of_the_sdk(), "none").await;
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.ends_with(&format!("frame-ancestors {}", CATALOGUE.redirect_uri)), "{policy}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let failing = ask(&mut browser, "no challenge", "none").await;
    assert_eq!(message_of(&failing).0["error"], "invalid_request");
    assert!(failing.header("content-security-policy").unwrap().ends_with(CATALOGUE.redirect_uri));
    // Neither a page for the user nor an answer that may follow one.
    let page = ask(&mut browser, &challenge_of_the_sdk(), "login").await;
    let after = browser.log_in(&CATALOGUE.authorization(&[]), &page, ADA.email, ADA.password).await;
    let silent = ask(&mut browser, &challenge_of_the_sdk(), "consent").await;
    for (case, answer) in [("the page", &page), ("its answer", &after), ("a window", &silent)] {
        assert_eq!(answer.status, 200, "{case}: {}", answer.text());
        assert!(answer.header("content-security-policy").unwrap().ends_with("frame-ancestors 'none'"), "{case}");
    }
    assert_ne!(message_of(&after).0["code"], Value::Null);
    assert_ne!(message_of(&silent).0["code"], Value::Null);
}

#[tokio::test]
async fn a_state_of_the_app_is_only_text_in_the_page() {
    let directories = Directories::start().await;
    let mut browser = directories.browser();
    let state = "</script><script>alert(1)</script>\"'&";
    let more = [("response_mode", "web_message"), ("state", state), ("prompt", "none")];
    let answer = browser.authorize(&SHOP, &more).await;
    let (message, origin) = message_of(&answer);
    assert_eq!((message["error"].as_str(), origin.as_str()), (Some("login_required"), "https://shop.example.com"));
    assert_eq!(answer.text().matches("<script").count(), 1, "{}", answer.text());
}
