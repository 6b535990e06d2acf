//! The authorization request asks for what a silent sign-in or a resource lacked: consent, a second factor, claims.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use url::Url;

use super::{redeem, teams_card, token_owner};
use crate::harness::{Harness, activities};

fn query_parameters(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

/// Tries to sign `user` in silently, which is refused; returns the parameters of the authorization request that
/// follows.
async fn authorization_request_after_refused_exchange(harness: &Harness, user: &str) -> BTreeMap<String, String> {
    let resource = teams_card(harness, user).await;
    let card_id = resource["tokenExchangeResource"]["id"].as_str().unwrap();
    let token = harness.user_token(user, "graph").await;
    let silent = harness.post(&activities::exchange(harness, &harness.user(user), card_id, &token)).await;
    assert_eq!(silent.status, 412, "{}", silent.text());
    query_parameters(&harness.browser().begin(&resource).await)
}

#[tokio::test]
async fn an_authorization_request_has_pkce_state_and_nonce_and_requests_no_claims_or_consent() {
    let harness = Harness::start().await;
    let resource = teams_card(&harness, "Ada").await;
    let mut browser = harness.browser();
    let first = query_parameters(&browser.begin(&resource).await);
    let second = query_parameters(&browser.begin(&resource).await);
    assert_eq!(first["response_type"], "code");
    assert_eq!(first["client_id"], harness.bot_app_id("demo"));
    assert_eq!(first["redirect_uri"], "http://127.0.0.1:1/.auth/web/redirect");
    assert_eq!(first["code_challenge_method"], "S256");
    for name in ["state", "nonce", "code_challenge"] {
        assert!(first[name].len() >= 43, "{name}");
        assert_ne!(first[name], second[name], "{name} is drawn anew");
    }
    assert!(first["scope"].split(' ').any(|scope| scope == "openid"), "{}", first["scope"]);
    assert!(!first.contains_key("claims") && first.get("prompt").is_none_or(|prompt| prompt != "consent"));
}

#[tokio::test]
async fn the_browser_is_sent_to_consent_until_the_user_has_consented() {
    let harness = Harness::start().await;
    assert_eq!(
        authorization_request_after_refused_exchange(&harness, "Cleo").await.get("prompt").map(String::as_str),
        Some("consent")
    );
    let resource = teams_card(&harness, "Cleo").await;
    let mut browser = harness.browser();
    let last = browser.arrive(&resource, "Cleo").await;
    let code = browser.get(&last).await.code();
    assert_eq!(token_owner(&redeem(&harness, "msteams", "29:cleo", &code).await), harness.user("Cleo").oid);
    let next = query_parameters(&browser.begin(&teams_card(&harness, "Cleo").await).await);
    assert!(next.get("prompt").is_none_or(|prompt| prompt != "consent"), "{next:?}");
}

#[tokio::test]
async fn the_browser_is_sent_with_the_issuers_claims_when_a_second_factor_was_missing() {
    let harness = Harness::start().await;
    let request = authorization_request_after_refused_exchange(&harness, "Dan").await;
    let claims: Value = serde_json::from_str(&request["claims"]).unwrap();
    assert!(claims["access_token"].is_object(), "{claims}");
    assert!(request.get("prompt").is_none_or(|prompt| prompt != "consent"));
}

#[tokio::test]
async fn the_browser_is_sent_with_a_resources_claims_challenge_until_the_user_has_met_it() {
    let harness = Harness::start().await;
    let ada = [("userId", "29:ada"), ("connectionName", "graph"), ("channelId", "msteams")];
    let mut browser = harness.browser();
    let resource = teams_card(&harness, "Ada").await;
    let last = browser.arrive(&resource, "Ada").await;
    assert_eq!(browser.get(&last).await.status, 200);
    let challenge = json!({"access_token": {"nbf": {"essential": true, "value": "1735689600"}}}).to_string();
    let answer = harness.get_token_as("demo", &[ada[0], ada[1], ada[2], ("claims", &challenge)]).await;
    assert_eq!(answer.status, 404, "the user is needed");
    let resource = teams_card(&harness, "Ada").await;
    for _ in 0..2 {
        assert_eq!(query_parameters(&browser.begin(&resource).await)["claims"], challenge);
    }
    let last = browser.arrive(&resource, "Ada").await;
    assert_eq!(browser.get(&last).await.status, 200);
    assert!(!query_parameters(&browser.begin(&resource).await).contains_key("claims"));
}
