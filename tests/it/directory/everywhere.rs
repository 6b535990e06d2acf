//! A sign-out everywhere is one act for all that a person has (docs/directory.md §Sign out everywhere).

use serde_json::json;

use super::fixture::{ADA, BEN, Directories, MARKET, SHOP, TICKETS};
use super::providers::fixture::Federation;
use super::sessions::is_asked;
use super::token::text;
use crate::harness::waiting::wait_until;
use crate::harness::{Answer, activities};

/// Signs the person with this key out, as the operator.
async fn sign_out(directories: &Directories, key: &str) -> Answer {
    let encoded: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
    let answer = directories.harness.sign_out_everywhere(&encoded).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

/// What a user holds at one moment: a code, tokens, and a browser with a session.
#[tokio::test]
async fn afterwards_no_door_gives_anything_for_what_was_begun_before() {
    let directories = Directories::start().await;
    let ada = directories.create_user(&MARKET, &ADA).await;
    directories.create_user(&MARKET, &BEN).await;
    let (mut browser, mut of_ben) = (directories.browser(), directories.browser());
    let first = browser.sign_in(&SHOP, &ADA).await;
    let tokens = directories.redeem(&SHOP, &first.code).await;
    let code = browser.sign_in_silently(&TICKETS).await.code;
    of_ben.sign_in(&SHOP, &BEN).await;
    let answer = sign_out(&directories, &format!("cloud_directory:{}/{ada}", MARKET.tenant)).await;
    assert_eq!(answer.json()["ended"], json!({ "directory users": 1, "sessions": 1, "grants": 1 }));

    assert!(is_asked(&mut browser, &SHOP).await, "the session has ended");
    let redeemed = directories
        .token(
            &TICKETS,
            &[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", TICKETS.redirect_uri)],
        )
        .await;
    assert_eq!((redeemed.status, redeemed.json()["error"].as_str()), (400, Some("invalid_grant")));
    assert_eq!(directories.refresh(&SHOP, text(&tokens, "refresh_token")).await.status, 400);
    assert!(!directories.is_active(&SHOP, text(&tokens, "access_token")).await);
    assert_eq!(directories.userinfo(&MARKET, text(&tokens, "access_token")).await.status, 401);
    assert!(!is_asked(&mut of_ben, &SHOP).await, "another user stays");
    let line = directories.audited("signed_out_everywhere", Some(&ada)).await;
    assert_eq!((&line["ended"]["sessions"], &line["detail"]), (&json!(1), &json!("operator")), "{line}");
    assert!(line["unreached"].is_null(), "{line}");
}

#[tokio::test]
async fn a_person_of_several_keys_is_signed_out_under_all_of_them() {
    let federation = Federation::start("everywhere-keys").await;
    let (directories, harness) = (&federation.directories, &federation.directories.harness);
    let ada = directories.create_user(&MARKET, &ADA).await;
    let keys = [federation.link_ada(&ada).await, format!("cloud_directory:{}/{ada}", MARKET.tenant)];
    let at_entra = harness.user("Ada");
    for key in keys {
        let mut browser = directories.browser();
        browser.sign_in(&SHOP, &ADA).await;
        let token = harness.user_token("Ada", "graph").await;
        assert_eq!(harness.post(&activities::exchange(harness, &at_entra, &key, &token)).await.status, 200);
        assert_eq!(harness.get_token("msteams", "29:ada", "graph").await.status, 200);
        let answer = sign_out(directories, &key).await.json();
        assert_eq!((&answer["tokensRemoved"], &answer["ended"]["sessions"]), (&json!(1), &json!(1)), "{key}: {answer}");
        assert_eq!(harness.get_token("msteams", "29:ada", "graph").await.status, 404, "{key}");
        assert!(is_asked(&mut browser, &SHOP).await, "{key}");
    }
    let count = || {
        let lines = directories.audit_lines(None);
        lines.iter().filter(|line| line["event"] == "signed_out_everywhere").count()
    };
    wait_until("one line for each act", async || count() >= 2).await;
    assert_eq!(count(), 2);
}
