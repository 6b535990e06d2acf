//! Users who have to confirm their address before they sign in.

use serde_json::json;

use super::browser::login_form;
use super::fixture::{ADA, BEN, Directories, MARKET, Outbox, SHOP, Setup};
use crate::harness::Answer;

const REQUIRED: &str = "[directories.market.self_service]\nconfirmation = \"required\"\n";

/// The page without what is drawn for each answer, and without the name that the user has typed.
fn constant_part(page: &Answer, name: &str) -> String {
    let policy = page.header("content-security-policy").unwrap();
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    page.text().replace(nonce, "").replace(login_form(page).value("form_token"), "").replace(name, "")
}

#[tokio::test]
async fn a_user_who_has_to_confirm_the_address_is_answered_as_a_wrong_password_is_until_it_is_confirmed() {
    let outbox = Outbox::new();
    let directories = Directories::with(Setup { tables: REQUIRED, mail: outbox.section(), ..Setup::default() }).await;
    directories.create_user(&MARKET, &BEN).await;
    let pending = json!({ "emails": [{ "value": ADA.email, "primary": true }], "password": ADA.password });
    let made = directories.manage(&MARKET, "POST", "/cloud_directory/Users", &pending).await;
    assert_eq!((made.status, made.json()["status"].as_str()), (201, Some("PENDING")));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let mut browser = directories.browser();
    let url = SHOP.authorization(&[]);
    let first = browser.get(&url).await;
    let mut pages = Vec::new();
    for (case, name, password) in [
        ("unconfirmed", ADA.email, ADA.password),
        ("wrong", ADA.email, "a-password"),
        ("unknown", "eve@contoso.example", ADA.password),
        ("wrong of a confirmed user", BEN.email, "a-password"),
        ("too long", ADA.email, &"p".repeat(1025)),
    ] {
        let answer = browser.log_in(&url, &first, name, password).await;
        assert_eq!((answer.status, answer.header("location")), (401, None), "{case}");
        pages.push((case, constant_part(&answer, name)));
    }
    for (case, page) in &pages {
        assert_eq!(page, &pages[0].1, "{case}");
    }
    assert!(pages[0].1.contains("follow the link"), "{}", pages[0].1);
    directories.audited_refusal("unconfirmed", Some(&id)).await;

    let grant = [("grant_type", "password"), ("username", ADA.email), ("password", ADA.password)];
    let refused = directories.token(&SHOP, &grant).await;
    assert_eq!((refused.status, refused.json()["error"].as_str()), (400, Some("invalid_grant")));
    assert!(refused.text().contains("confirm"), "{}", refused.text());
    let confirmed = json!({ "emails": [{ "value": ADA.email, "primary": true }], "status": "CONFIRMED" });
    let path = format!("/cloud_directory/Users/{id}");
    assert_eq!(directories.manage(&MARKET, "PUT", &path, &confirmed).await.status, 200);
    let right = browser.log_in(&url, &first, ADA.email, ADA.password).await;
    assert_eq!(right.status, 303);
    assert_eq!(directories.token(&SHOP, &grant).await.status, 200);
}
