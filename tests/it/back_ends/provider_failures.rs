//! What a back end gets when the identity provider gives no token.

use bot_sso::dev::{Fault, FaultRule, GrantKind};
use serde_json::Value;

use super::fixture::{BackEnds, assert_error};
use crate::harness::{Options, logs};

#[tokio::test]
async fn a_user_who_has_to_act_is_invalid_grant_with_the_providers_own_words() {
    let back_ends = BackEnds::start().await;
    let consent = back_ends.exchange(&back_ends.subject("Cleo").await, &[]).await;
    assert_error(&consent, 400, "invalid_grant");
    assert_eq!(consent.json()["suberror"], "consent_required", "{}", consent.text());

    let interaction = back_ends.exchange(&back_ends.subject("Dan").await, &[]).await;
    assert_error(&interaction, 400, "invalid_grant");
    assert!(interaction.json()["suberror"].is_string(), "{}", interaction.text());
    let claims: Value = serde_json::from_str(interaction.json()["claims"].as_str().unwrap()).unwrap();
    assert!(claims["access_token"].is_object(), "{claims}");
    assert!(!interaction.text().contains("AADSTS"), "{}", interaction.text());

    let denied = back_ends.exchange(&back_ends.subject("Eve").await, &[]).await;
    assert_error(&denied, 400, "invalid_grant");
    assert!(denied.json().get("suberror").is_none() && denied.json().get("claims").is_none(), "{}", denied.text());
}

#[tokio::test]
async fn an_outage_is_503_with_the_time_to_wait_and_is_no_refusal_of_the_user() {
    let back_ends = BackEnds::start().await;
    for (fault, wait) in [
        (Fault::Throttled { retry_after: Some(20) }, Some("20")),
        (Fault::Unavailable { retry_after: Some(20) }, Some("20")),
        (Fault::Html, None),
    ] {
        let faults = back_ends.harness.stage.faults();
        faults.clear();
        back_ends.harness.clock.advance(std::time::Duration::from_mins(2));
        faults.add(FaultRule::new(fault.clone()));
        faults.add(FaultRule::new(fault.clone()).for_grant(Some(GrantKind::ClientCredentials)));
        let answer = back_ends.exchange(&back_ends.subject("Ada").await, &[]).await;
        assert_error(&answer, 503, "temporarily_unavailable");
        let retry_after = answer.header("retry-after").unwrap();
        assert!(wait.is_none_or(|wait| wait == retry_after), "{fault:?}: {retry_after}");
        let application = [("grant_type", "client_credentials")];
        let answer = back_ends.post_as_orders("/oauth2/token", &application).await;
        assert_error(&answer, 503, "temporarily_unavailable");
    }
}

#[tokio::test]
async fn a_mistake_of_the_operator_is_500_and_only_the_log_says_which() {
    let options = Options { client_secret: Some("not-the-secret-of-demo"), ..Options::default() };
    let back_ends = BackEnds::with(options).await;
    let begun = logs::length();
    let answer = back_ends.exchange(&back_ends.subject("Ada").await, &[]).await;
    assert_error(&answer, 500, "server_error");
    assert!(!answer.text().contains("secret"), "{}", answer.text());
    let lines = logs::complaints_of(&back_ends.harness.tag, begun);
    let line = lines.iter().find(|line| line["message"] == "an exchange was refused").unwrap();
    assert_eq!((&line["bot"], &line["aadsts"]), (&"back-end/orders".into(), &7_000_215.into()), "{line}");
    let application = [("grant_type", "client_credentials")];
    assert_error(&back_ends.post_as_orders("/oauth2/token", &application).await, 500, "server_error");
}
