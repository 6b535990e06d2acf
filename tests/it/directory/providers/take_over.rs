//! Nobody becomes a user of the directory by what a provider says but the person whose identity the user has.

use serde_json::json;

use super::fixture::Federation;
use crate::directory::browser::Arrival;
use crate::directory::fixture::{MARKET, Person, SHOP, TICKETS};

const EDITH: Person = Person {
    email: "edith@elsewhere.example",
    password: "edith-password-of-the-directory",
    name: "Edith of Elsewhere",
};

#[tokio::test]
async fn a_person_with_the_address_and_the_name_of_a_user_is_another_user() {
    let federation = Federation::start("directory-address").await;
    let directories = &federation.directories;
    let id = directories.create_user(&MARKET, &EDITH).await;
    // The provider states the user's address as `sub`, `preferred_username` and, unverified, in nothing else that could count.
    let claims = federation.claims_of(EDITH.email).await;
    assert_ne!(claims["sub"], id.as_str());
    assert_eq!((&claims["name"], &claims["email"]), (&json!(EDITH.name), &json!(null)));
    let new = format!("/cloud_directory/Users/{}", claims["sub"].as_str().unwrap());
    let user = directories.manage(&MARKET, "GET", &new, &json!(null)).await.json();
    assert_eq!(user["emails"], json!([]));
    let mut browser = federation.browser();
    browser.sign_in(&SHOP, &EDITH).await;
    let arrival = browser.sign_in_silently(&TICKETS).await;
    let own = directories.redeem(&TICKETS, &arrival.code).await;
    let own = crate::directory::fixture::claims(own["id_token"].as_str().unwrap());
    assert_eq!(own["sub"], id.as_str(), "the password's user is who it was");
    assert_eq!(own["identities"], json!([{ "provider": "cloud_directory", "id": id }]));
}

#[tokio::test]
async fn a_planted_session_is_replaced_by_the_session_of_the_sign_in() {
    let federation = Federation::start("directory-planted").await;
    let (mut victim, mut attacker) = (federation.browser(), federation.browser());
    federation.sign_in(&mut attacker, &SHOP, "grace").await;
    let planted = attacker.cookie("bot-sso-session").unwrap().clone();
    let to_provider = federation.press(&mut victim, &SHOP, "staff", &[]).await;
    victim.cookies.push(planted.clone());
    let back = federation.sign_in_at_staff(&mut victim, to_provider, "ada").await;
    let arrival = Arrival::of(&victim.get(back.as_str()).await, &SHOP);
    let own = federation.directories.redeem(&SHOP, &arrival.code).await;
    let own = crate::directory::fixture::claims(own["id_token"].as_str().unwrap());
    assert_eq!(own["identities"][0]["id"], "ada");
    assert_ne!(victim.cookie("bot-sso-session").unwrap().value, planted.value);
    assert!(crate::directory::sessions::is_asked(&mut attacker, &TICKETS).await, "the planted session has ended");
}
