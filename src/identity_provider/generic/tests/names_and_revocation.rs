//! Names from the userinfo endpoint, and the revocation of tokens.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::identity_provider::{ProvidedNames, RevocableTokens, RevocationOutcome};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

async fn names_of(stand: &Stand, userinfo: Value) -> Option<ProvidedNames> {
    *stand.peer.userinfo.lock().unwrap() = userinfo;
    stand.provider.find_names(&Secret::from("A"), "ada", soon()).await
}

#[actix_web::test]
async fn names_come_from_userinfo_if_it_is_the_same_users() {
    let stand = Stand::new();
    stand.describe(&json!({"userinfo_endpoint": format!("{}/userinfo", stand.issuer)}));
    let names = names_of(&stand, json!({"sub": "ada", "name": "Ada", "email": "ada@example.com", "groups": [1]})).await;
    let names = names.unwrap();
    assert_eq!((names.name.as_deref(), names.email.as_deref()), (Some("Ada"), Some("ada@example.com")));
    let names = names_of(&stand, json!({"sub": "ada", "name": 7, "email": "ada@example.com"})).await.unwrap();
    assert_eq!((names.name, names.email.as_deref()), (None, Some("ada@example.com")));
    for userinfo in [
        json!({"sub": "grace", "name": "Grace"}),
        json!({"sub": "ADA", "name": "Ada"}),
        json!({"name": "Ada"}),
        json!({"sub": "ada", "name": "x".repeat(70_000)}),
        json!("ada"),
    ] {
        assert_eq!(names_of(&stand, userinfo.clone()).await, None, "{}", userinfo.to_string().len());
    }
}

#[actix_web::test]
async fn userinfo_on_another_host_is_asked_only_if_it_is_configured() {
    let stand = Stand::new();
    stand.describe(&json!({"userinfo_endpoint": "https://elsewhere.example/userinfo"}));
    assert_eq!(names_of(&stand, json!({"sub": "ada", "name": "Ada"})).await, None);
    assert!(stand.redeem_code().await.is_ok(), "a sign-in does not depend on it");
    let stand = Stand::with(|settings| {
        settings.userinfo_endpoint = Some(Url::parse(&format!("{}/userinfo", settings.issuer)).unwrap());
    });
    stand.describe(&json!({"userinfo_endpoint": "https://elsewhere.example/userinfo"}));
    assert!(names_of(&stand, json!({"sub": "ada", "name": "Ada"})).await.is_some());
}

async fn revoke(stand: &Stand, issuer: &str, refresh_token: Option<&str>) -> Result<RevocationOutcome, RedeemError> {
    let (refresh_token, access_token) = (refresh_token.map(Secret::from), Secret::from("A"));
    let user = UserKey::from_parts(issuer, "ada");
    let tokens = RevocableTokens {
        refresh_token: refresh_token.as_ref(),
        access_token: &access_token,
        user: &user,
        correlation_id: "c-1",
        deadline: soon(),
    };
    stand.provider.revoke(tokens).await
}

fn revoked(stand: &Stand) -> Vec<(String, String)> {
    let revoked = stand.peer.revoked.lock().unwrap();
    revoked.iter().map(|(form, _)| (form["token"].clone(), form["token_type_hint"].clone())).collect()
}

#[actix_web::test]
async fn refresh_token_is_revoked_before_the_access_token_and_the_client_authenticates() {
    let stand = Stand::new();
    assert_eq!(revoke(&stand, &stand.issuer, Some("R")).await, Ok(RevocationOutcome::NotSupported));
    let stand = Stand::new();
    stand.describe(&json!({"revocation_endpoint": format!("{}/revoke", stand.issuer)}));
    assert_eq!(revoke(&stand, &stand.issuer, Some("R")).await, Ok(RevocationOutcome::Revoked));
    let both = [("R", "refresh_token"), ("A", "access_token")].map(|(token, hint)| (token.to_owned(), hint.to_owned()));
    assert_eq!(revoked(&stand), both);
    let basic = "Basic dGhlK2NsaWVudDpzJTNBY3JldA==";
    assert_eq!(stand.peer.revoked.lock().unwrap()[0].1.as_deref(), Some(basic));
    revoke(&stand, &stand.issuer, None).await.unwrap();
    assert_eq!(revoked(&stand)[2..], both[1..]);
}

#[actix_web::test]
async fn tokens_of_another_issuer_are_not_sent_to_be_revoked() {
    let stand = Stand::new();
    stand.describe(&json!({"revocation_endpoint": format!("{}/revoke", stand.issuer)}));
    assert_eq!(revoke(&stand, "https://elsewhere.example", Some("R")).await, Ok(RevocationOutcome::NotSupported));
    assert!(revoked(&stand).is_empty());
}

#[actix_web::test]
async fn refused_revocation_is_not_repeated() {
    let stand = Stand::new();
    stand.describe(&json!({"revocation_endpoint": format!("{}/revoke", stand.issuer)}));
    *stand.peer.revocation_status.lock().unwrap() = 503;
    let error = revoke(&stand, &stand.issuer, Some("R")).await.unwrap_err();
    assert_eq!(error.diagnostics.http_status, Some(503));
    assert_eq!(revoked(&stand).len(), 2, "each token once");
}
