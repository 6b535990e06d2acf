//! The exchange of users' tokens: what is sent, for which user, and what of an answer is taken.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::domain::{SecurityContext, Timestamp};

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

fn settings(grant: UserTokenGrant, is_of_entra: bool) -> GenericSettings {
    let token_exchange = TokenExchangeSettings {
        grant,
        is_of_entra,
        subject_token_type: ACCESS_TOKEN.to_owned(),
        requested_token_type: None,
        audience: vec!["the api".to_owned()],
        resource: Vec::new(),
        parameters: BTreeMap::from([("subject_issuer".to_owned(), "entra".to_owned())]),
    };
    GenericSettings { token_exchange: Some(token_exchange), ..GenericSettings::default() }
}

fn token_of(user: UserKey) -> ExchangeableToken {
    ExchangeableToken {
        raw: Secret::from("the.user's.token"),
        user,
        expires_at: Timestamp::from_unix_seconds(4_000_000_000),
        security_context: SecurityContext([0; 16]),
        policy_context: SecurityContext([0; 16]),
        displayed: std::sync::Arc::default(),
    }
}

async fn exchange(stand: &Stand, user: UserKey) -> Result<RedeemedToken, RedeemError> {
    stand.redeem(Grant::OnBehalfOf(&token_of(user))).await
}

#[actix_web::test]
async fn the_users_token_is_sent_by_the_configured_grant_with_the_clients_proof() {
    for (grant, grant_type, name) in [
        (UserTokenGrant::TokenExchange, "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token"),
        (UserTokenGrant::JwtBearer, "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion"),
    ] {
        let stand = Stand::with_settings(settings(grant, true), |_| {});
        exchange(&stand, UserKey::entra("a", "t")).await.unwrap();
        let (form, authorization) = stand.asked();
        assert_eq!((form["grant_type"].as_str(), form[name].as_str()), (grant_type, "the.user's.token"));
        assert_eq!((form["audience"].as_str(), form["subject_issuer"].as_str()), ("the api", "entra"));
        let has_type = form.contains_key("subject_token_type");
        assert_eq!(has_type, grant == UserTokenGrant::TokenExchange, "{form:?}");
        assert!(authorization.unwrap().starts_with("Basic "));
        assert!(!form.contains_key("requested_token_use") && !form.contains_key("scope"), "{form:?}");
    }
}

#[actix_web::test]
async fn a_token_of_another_issuer_than_the_connection_says_is_not_sent() {
    for (is_of_entra, is_exchanged) in [(true, [true, false, false]), (false, [false, true, false])] {
        let stand = Stand::with_settings(settings(UserTokenGrant::TokenExchange, is_of_entra), |_| {});
        let users = [
            UserKey::entra("a", "t"),
            UserKey::from_parts(&stand.issuer, "ada"),
            UserKey::from_parts("https://other.example", "ada"),
        ];
        for (user, is_exchanged) in users.into_iter().zip(is_exchanged) {
            assert_eq!(exchange(&stand, user.clone()).await.is_ok(), is_exchanged, "{is_of_entra} {user}");
        }
        assert_eq!(stand.peer.asked.lock().unwrap().len(), 1);
    }
    let without = Stand::new();
    assert!(!without.provider.capabilities().on_behalf_of);
    let refused = exchange(&without, UserKey::entra("a", "t")).await.unwrap_err();
    assert_eq!(refused.failure, RedeemFailure::Misconfigured);
}

#[actix_web::test]
async fn what_was_exchanged_for_a_user_of_entra_is_refreshed_and_revoked_for_that_user() {
    let stand = Stand::with_settings(settings(UserTokenGrant::TokenExchange, true), |_| {});
    stand.describe(&json!({"revocation_endpoint": format!("{}/revoke", stand.issuer)}));
    assert!(stand.provider.capabilities().on_behalf_of);
    let (refresh_token, user) = (Secret::from("r-1"), UserKey::entra("a", "t"));
    stand.redeem(Grant::RefreshToken { refresh_token: &refresh_token, user: &user }).await.unwrap();
    assert_eq!(stand.asked().0["refresh_token"], "r-1");
    let tokens = RevocableTokens {
        refresh_token: Some(&refresh_token),
        access_token: &Secret::from("A"),
        user: &user,
        correlation_id: "c-1",
        deadline: Instant::now() + Duration::from_secs(8),
    };
    assert_eq!(stand.provider.revoke(tokens).await, Ok(RevocationOutcome::Revoked));
    assert_eq!(stand.peer.revoked.lock().unwrap().len(), 2);
}

#[actix_web::test]
async fn an_answer_without_an_access_token_is_the_operators_matter_and_a_challenge_the_users() {
    let stand = Stand::with_settings(settings(UserTokenGrant::TokenExchange, true), |_| {});
    *stand.peer.answer.lock().unwrap() = (200, json!({"token_type": "N_A", "access_token": "A"}));
    let refused = exchange(&stand, UserKey::entra("a", "t")).await.unwrap_err();
    assert_eq!(refused.failure, RedeemFailure::Misconfigured);
    assert_eq!(refused.diagnostics.http_status, Some(200));
    let challenge = ClaimsChallenge::parse(r#"{"access_token":{"acrs":{"essential":true}}}"#).unwrap();
    let token = token_of(UserKey::entra("a", "t"));
    let refused = stand.redeem_with(Grant::OnBehalfOf(&token), Some(challenge.clone())).await.unwrap_err();
    let claims = Some(challenge.as_str().to_owned());
    assert_eq!(refused.failure, RedeemFailure::InteractionRequired { claims });
}
