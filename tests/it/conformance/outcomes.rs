//! Cases 31 to 40: for each answer of the identity provider, what the client, the bot and the operator get.

use std::time::Duration;

use bot_sso::dev::{Fault, FaultRule, GrantKind, LoggedTokenRequest};
use serde_json::{Value, json};

use super::{Scenario, assert_refused, exchange_of, is_kept, success};
use crate::harness::waiting::wait_until;
use crate::harness::{Answer, Behaviour, Harness, Options, logs};

/// Longer than the gateway answers duplicates with a stored failure.
const FAILURE_LIFETIME: Duration = Duration::from_millis(3100);

/// The one log line that tells the operator about a refused exchange.
fn operator_log_line(answer: &Answer) -> Value {
    let mut lines = logs::lines_of(&answer.correlation_id());
    lines.retain(|line| line["message"] == "an exchange was refused");
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

#[tokio::test]
async fn cases_31_and_32_a_retry_with_the_same_id_succeeds_once_the_user_has_consented() {
    let harness = Harness::start().await;
    let activity = exchange_of(&harness, "Cleo", "x").await;
    let refused = harness.post(&activity).await;
    assert_refused("31", &refused, 412, "consent_required");
    let mut members: Vec<String> = refused.json().as_object().unwrap().keys().cloned().collect();
    members.sort();
    assert_eq!(members, ["connectionName", "failureDetail", "id"]);
    assert_eq!((refused.json()["id"].clone(), refused.json()["connectionName"].clone()), (json!("x"), json!("graph")));
    let late_duplicate = harness.post(&activity).await;
    assert_eq!(late_duplicate.body, refused.body, "a duplicate gets the leader's answer");
    assert_eq!(harness.exchanges(), 1);
    assert!(!is_kept(&harness, &activity, "graph").await);

    harness.stage.consent("Cleo", harness.bot_app_id("demo")).unwrap();
    harness.clock.advance(FAILURE_LIFETIME);
    let answer = harness.post(&activity).await;
    assert_eq!((answer.status, answer.json()), (200, success()));
    assert_eq!(harness.exchanges(), 2);
    assert!(is_kept(&harness, &activity, "graph").await);
    let received = harness.received_once_settled().await;
    assert_eq!(received.len(), 1, "the bot is told of the success, once, and of no failure");
    assert_eq!(received[0].json()["name"], "tokens/response");
}

#[tokio::test]
async fn case_33_a_refusal_that_the_user_can_resolve_is_412_and_any_other_is_400() {
    let harness = Harness::start().await;
    for (case, user, status, reason, number) in [
        ("33", "Dan", 412, "interaction_required", 50_076),
        ("disabled", "Eve", 400, "denied", 50_057),
        ("consent", "Cleo", 412, "consent_required", 65_001),
    ] {
        let activity = exchange_of(&harness, user, "x").await;
        let answer = harness.post(&activity).await;
        assert_refused(case, &answer, status, reason);
        assert!(!is_kept(&harness, &activity, "graph").await, "case {case}");
        let line = operator_log_line(&answer);
        assert_eq!(line["aadsts"], number, "case {case}: {line}");
        assert!(line["trace_id"].is_string() && line["hint"].is_string(), "case {case}: {line}");
    }
    assert!(harness.received_once_settled().await.is_empty());
}

#[tokio::test]
async fn case_34_a_wrong_client_secret_is_logged_for_the_operator_and_never_shown() {
    let options = Options { client_secret: Some("not-the-secret-of-demo"), ..Options::default() };
    let scenario = Scenario::with(Harness::with(options).await).await;
    let answer = scenario.harness.post(&scenario.exchange()).await;
    assert_refused("34", &answer, 400, "misconfigured");
    assert_eq!(scenario.harness.exchanges(), 1, "a wrong secret does not become right by trying again");
    let line = operator_log_line(&answer);
    assert_eq!(line["aadsts"], 7_000_215, "{line}");
    assert!(line["hint"].as_str().unwrap().contains("client secret"), "{line}");
    assert!(!logs::text().contains("not-the-secret-of-demo"));
}

#[tokio::test]
async fn case_35_a_short_outage_is_retried_within_the_time_budget_and_a_lasting_one_is_500() {
    let scenario = Scenario::start().await;
    let faults = scenario.harness.stage.faults();
    faults.add(FaultRule::new(Fault::Unavailable { retry_after: None }).times(1));
    let answer = scenario.harness.post(&scenario.exchange()).await;
    assert_eq!((answer.status, answer.json()), (200, success()));
    assert_eq!(scenario.harness.exchanges(), 2);

    faults.add(FaultRule::new(Fault::Unavailable { retry_after: None }));
    let activity = exchange_of(&scenario.harness, "Ben", "y").await;
    let answer = scenario.harness.post(&activity).await;
    assert_refused("35", &answer, 500, "temporarily_unavailable");
    let tries = scenario.harness.exchanges() - 2;
    assert!((2..=3).contains(&tries), "{tries} tries");
    assert!(!is_kept(&scenario.harness, &activity, "graph").await);
}

#[tokio::test]
async fn an_unreadable_answer_of_the_identity_provider_is_an_outage_and_never_shows_a_card() {
    let harness = Harness::start().await;
    let html_200 = Fault::Answer { status: 200, content_type: "text/html".into(), body: "<html>sign in</html>".into() };
    for (number, fault) in
        [Fault::PlainText, Fault::Html, Fault::InvalidJson, Fault::Empty, html_200].into_iter().enumerate()
    {
        harness.stage.faults().clear();
        harness.stage.faults().add(FaultRule::new(fault.clone()));
        let activity = exchange_of(&harness, "Ada", &number.to_string()).await;
        let answer = harness.post(&activity).await;
        assert_refused(&format!("{fault:?}"), &answer, 500, "temporarily_unavailable");
        assert!(!is_kept(&harness, &activity, "graph").await, "{fault:?}");
    }
    assert!(harness.received_once_settled().await.is_empty());
}

#[tokio::test]
async fn a_sign_in_succeeds_when_the_token_has_a_nonsensical_lifetime() {
    let harness = Harness::start().await;
    let odd =
        [json!("3599"), json!(3599.5), json!(-1), json!("soon"), json!(null), json!(99_999_999_999_u64), json!({})];
    for (number, value) in odd.into_iter().enumerate() {
        harness.stage.faults().clear();
        harness.stage.faults().add(FaultRule::new(Fault::OddExpiresIn(value.clone())));
        let user_id = format!("dl_{number}");
        let activity = exchange_of(&harness, "Ada", "x").await;
        let activity = crate::harness::activities::on_channel(activity, "directline", &user_id);
        let answer = harness.post(&activity).await;
        assert_eq!((answer.status, answer.json()), (200, success()), "expires_in {value}");
        let told = harness.bot_received(number + 1).await[number].json();
        assert!(told["value"]["expiration"].is_string(), "expires_in {value}: {told}");
    }
}

#[tokio::test]
async fn a_throttled_user_gets_500_without_another_call_and_other_users_are_not_affected() {
    let scenario = Scenario::start().await;
    let harness = &scenario.harness;
    let ada = harness.user("Ada");
    let throttled = Fault::Throttled { retry_after: Some(30) };
    harness.stage.faults().add(FaultRule::new(throttled).for_user(ada.oid).times(1));
    assert_refused("429", &harness.post(&scenario.exchange()).await, 500, "temporarily_unavailable");
    harness.clock.advance(FAILURE_LIFETIME);
    assert_refused("429 again", &harness.post(&scenario.exchange()).await, 500, "temporarily_unavailable");
    assert_eq!(harness.exchanges(), 1, "Retry-After is honoured");
    assert_eq!(harness.post(&exchange_of(harness, "Ben", "y").await).await.status, 200);
    harness.clock.advance(Duration::from_secs(30));
    assert_eq!(harness.post(&scenario.exchange()).await.status, 200);
}

#[tokio::test]
async fn case_37_a_hanging_identity_provider_is_500_within_8_s_and_its_late_answer_is_not_stored() {
    let scenario = Scenario::start().await;
    let harness = &scenario.harness;
    let (ada, ben) = (harness.user("Ada"), harness.user("Ben"));
    harness.stage.faults().add(FaultRule::new(Fault::Hang).for_user(ada.oid));
    harness.stage.faults().add(FaultRule::new(Fault::Slow { millis: 8500 }).for_user(ben.oid));
    let (hanging, slow) = (scenario.exchange(), exchange_of(harness, "Ben", "y").await);
    let (hung, late) = tokio::join!(harness.post(&hanging), harness.post(&slow));
    assert_refused("37, hang", &hung, 500, "temporarily_unavailable");
    assert_refused("37, late", &late, 500, "temporarily_unavailable");
    let is_late_answer = |call: &LoggedTokenRequest| call.user.as_deref() == Some(ben.oid) && call.status == 200;
    wait_until("the late answer", async || {
        let calls = harness.stage.calls().snapshot().requests;
        calls.iter().filter(|call| call.grant == GrantKind::OnBehalfOf).any(is_late_answer)
    })
    .await;
    for activity in [hanging, slow] {
        assert!(!is_kept(harness, &activity, "graph").await);
    }
    assert!(harness.received_once_settled().await.is_empty());
}

#[tokio::test]
async fn case_39_the_client_is_answered_before_the_bot_has_handled_its_event() {
    let scenario = Scenario::start().await;
    scenario.harness.bot.behave(Behaviour::silent());
    let caller = scenario.harness.channel_token("demo").await;
    let answer = scenario.harness.post_as("demo", &caller, &scenario.exchange()).await;
    assert_eq!((answer.status, answer.json()), (200, success()));
    scenario.harness.bot_received(1).await;
}

#[tokio::test]
async fn case_40_a_bot_that_is_unreachable_for_a_moment_gets_the_same_event_again() {
    let scenario = Scenario::start().await;
    scenario.harness.bot.behave_in_turn(vec![Behaviour::answering(503, "starting"), Behaviour::default()]);
    let answer = scenario.harness.post(&scenario.exchange()).await;
    assert_eq!((answer.status, answer.json()), (200, success()));
    let received = scenario.harness.bot_received(2).await;
    assert_eq!(received[0].body, received[1].body, "the same activity id, the same token");
    assert!(received[0].json()["id"].as_str().is_some_and(|id| !id.is_empty()));
    assert_eq!(scenario.harness.received_once_settled().await.len(), 2, "delivered once");
    assert_eq!(scenario.harness.exchanges(), 1);
}

#[tokio::test]
async fn case_40_a_bot_that_fails_gets_no_second_event_and_the_failure_is_logged() {
    let scenario = Scenario::start().await;
    scenario.harness.bot.behave(Behaviour::answering(500, "boom"));
    let answer = scenario.harness.post(&scenario.exchange()).await;
    assert_eq!((answer.status, answer.json()), (200, success()));
    assert_eq!(scenario.harness.received_once_settled().await.len(), 1);
    assert!(is_kept(&scenario.harness, &scenario.exchange(), "graph").await);
    let text = logs::text();
    let told =
        text.lines().any(|line| line.contains("the bot failed on the tokens/response event") && line.contains("500"));
    assert!(told);
}

#[tokio::test]
async fn a_user_stays_signed_in_when_the_bot_cannot_be_reached() {
    let options = Options { endpoint: Some("http://127.0.0.1:9/api/messages".into()), ..Options::default() };
    let scenario = Scenario::with(Harness::with(options).await).await;
    let answer = scenario.harness.post(&scenario.exchange()).await;
    assert_eq!((answer.status, answer.json()), (200, success()));
    assert!(is_kept(&scenario.harness, &scenario.exchange(), "graph").await);
}
