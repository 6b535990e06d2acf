//! Refusals in each invoke's own form; the bot is not asked.

use std::time::Duration;

use bot_sso::dev::{Fault, FaultRule, Signer};
use serde_json::{Value, json};

use super::{ACTIONS, Action, BOTH, authentication, cut, is_kept, outcome, start, text_of};
use crate::harness::{Answer, Harness, Options, activities, logs};

/// Asserts the exact form of a refusal for the reason `code`.
fn assert_refused(action: Action, answer: &Answer, status: u64, code: &str) {
    assert_eq!(outcome(action, answer), status, "{action:?}: {}", text_of(answer));
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(!body.contains("AADSTS") && !body.contains("eyJ"), "{body}");
    if action == Action::Card {
        let kind = if status == 412 { ".preconditionFailed" } else { "" };
        let body = answer.json();
        assert_eq!(body["type"], format!("application/vnd.microsoft.error{kind}"), "{body}");
        assert_eq!(body["value"]["code"], status.to_string(), "{body}");
        assert!(body["value"]["message"].as_str().unwrap().starts_with(&format!("{code}: ")), "{body}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    } else if status == 412 {
        assert!(answer.body.is_empty(), "{body}");
    } else {
        assert!(answer.json()["error"]["message"].as_str().unwrap().starts_with(&format!("{code}: ")), "{body}");
    }
}

#[tokio::test]
async fn a_refusal_by_the_identity_provider_has_the_form_of_the_action() {
    let harness = start().await;
    for action in ACTIONS {
        for (user, status, code) in
            [("Cleo", 412, "consent_required"), ("Dan", 412, "interaction_required"), ("Eve", 400, "denied")]
        {
            let activity = activities::in_channel(action.of(&harness, user, &authentication(&harness, user).await));
            assert_refused(action, &harness.post(&activity).await, status, code);
            assert!(!is_kept(&harness, user).await);
            harness.clock.advance(Duration::from_secs(4));
        }
    }
    assert!(harness.received_once_settled().await.is_empty());
}

#[tokio::test]
async fn a_user_who_consents_after_the_refusal_goes_on() {
    let harness = start().await;
    let activity = Action::Card.of(&harness, "Cleo", &authentication(&harness, "Cleo").await);
    assert_refused(Action::Card, &harness.post(&activity).await, 412, "consent_required");
    harness.stage.consent("Cleo", harness.bot_app_id("demo")).unwrap();
    harness.clock.advance(Duration::from_secs(4));
    assert_eq!(harness.post(&activity).await.status, 200);
    assert_eq!(harness.bot.received()[0].body, cut(&activity, "authentication"));
}

#[tokio::test]
async fn another_persons_token_never_reaches_the_bot() {
    let harness = start().await;
    let length = logs::length();
    let places: [fn(Value) -> Value; 3] = [|activity| activity, activities::in_group, activities::in_channel];
    for action in ACTIONS {
        for place in places {
            let activity = place(action.of(&harness, "Ada", &authentication(&harness, "Ben").await));
            assert_refused(action, &harness.post(&activity).await, 400, "identity_mismatch");
        }
    }
    assert!(harness.received_once_settled().await.is_empty());
    assert_eq!(harness.exchanges(), 0);
    let complaints = logs::complaints_of(&harness.tag, length);
    assert!(complaints.iter().all(|line| line["check"] == "oid" && line["security"] == true), "{complaints:?}");
    assert_eq!(complaints.len(), 9);
}

#[tokio::test]
async fn a_user_whom_the_channel_does_not_identify_is_refused() {
    let harness = start().await;
    for remove in [("from", "aadObjectId"), ("conversation", "tenantId")] {
        let mut activity = Action::Card.of(&harness, "Ada", &authentication(&harness, "Ada").await);
        activity[remove.0].as_object_mut().unwrap().remove(remove.1);
        activity.as_object_mut().unwrap().remove("channelData");
        assert_refused(Action::Card, &harness.post(&activity).await, 400, "identity_mismatch");
    }
    let mut elsewhere = Action::Card.of(&harness, "Ada", &authentication(&harness, "Ada").await);
    elsewhere["conversation"]["tenantId"] = harness.user("Fay").tid.into();
    assert_refused(Action::Card, &harness.post(&elsewhere).await, 400, "identity_mismatch");
    assert!(harness.received_once_settled().await.is_empty());
}

#[tokio::test]
async fn a_token_that_is_not_good_for_the_connection_is_refused() {
    let harness = start().await;
    let token = harness.user_token("Ada", "graph").await;
    let forge = |change: fn(&mut Value)| harness.forge(Signer::Tenant, &token, change);
    let expired = forge(|claims| {
        let now = claims["iat"].as_i64().unwrap();
        (claims["iat"], claims["nbf"], claims["exp"]) = ((now - 900).into(), (now - 900).into(), (now - 10).into());
    });
    let foreign = forge(|claims| claims["aud"] = "api://somebody-else".into());
    let unscoped = forge(|claims| claims["scp"] = "other".into());
    let unsigned = format!("{}.AAAA", token.rsplit_once('.').unwrap().0);
    for action in [Action::Card, Action::Link] {
        for (token, status, code) in [
            (expired.as_str(), 412, "assertion_expired"),
            (&foreign, 400, "assertion_rejected:aud"),
            (&unscoped, 400, "assertion_rejected:scp"),
            (&unsigned, 400, "assertion_rejected:signature"),
            ("nonsense", 400, "assertion_rejected:form"),
            (&"x".repeat(40_000), 400, "bad_request"),
        ] {
            let authentication = json!({ "authentication": { "connectionName": "graph", "token": token } });
            let answer = harness.post(&action.of(&harness, "Ada", &authentication)).await;
            assert_refused(action, &answer, status, code);
        }
    }
    assert!(harness.received_once_settled().await.is_empty());
    assert_eq!(harness.exchanges(), 0);
}

#[tokio::test]
async fn a_forged_token_without_a_connection_name_is_refused_by_the_connection_of_its_audience() {
    let harness = start().await;
    let token = harness.user_token("Ada", "legacy").await;
    let payload = token.split('.').nth(1).unwrap();
    let none = format!("eyJhbGciOiJub25lIn0.{payload}.");
    let unsigned = format!("{}.AAAA", token.rsplit_once('.').unwrap().0);
    for (token, check) in [(none, "alg"), (unsigned, "signature")] {
        let activity = Action::Query.of(&harness, "Ada", &json!({ "authentication": { "token": token } }));
        let answer = harness.post(&activity).await;
        assert_refused(Action::Query, &answer, 400, &format!("assertion_rejected:{check}"));
    }
    assert!(harness.received_once_settled().await.is_empty());
}

#[tokio::test]
async fn an_outage_is_a_500_and_nothing_is_kept() {
    let harness = start().await;
    for action in ACTIONS {
        harness.stage.faults().add(FaultRule::new(Fault::Unavailable { retry_after: Some(20) }).times(1));
        let activity = action.of(&harness, "Ada", &authentication(&harness, "Ada").await);
        let answer = harness.post(&activity).await;
        assert_refused(action, &answer, 500, "temporarily_unavailable");
        assert_eq!(answer.header("retry-after").is_some(), action != Action::Card, "{:?}", answer.headers);
        assert!(!is_kept(&harness, "Ada").await);
        harness.clock.advance(Duration::from_mins(2));
    }
    assert!(harness.received_once_settled().await.is_empty());
}

#[tokio::test]
async fn a_user_who_acts_too_often_is_refused_without_a_call() {
    let appended = "[limits]\nuser_exchanges_per_minute = 1\n".to_owned();
    let harness = Harness::with(Options { bot: BOTH, appended, ..Options::default() }).await;
    let post = async |action: Action, connection: &str| {
        let token = harness.user_token("Ada", "graph").await;
        let authentication = json!({ "authentication": { "connectionName": connection, "token": token } });
        harness.post(&action.of(&harness, "Ada", &authentication)).await
    };
    assert_eq!(post(Action::Query, "graph").await.status, 200);
    assert_refused(Action::Card, &post(Action::Card, "mail").await, 500, "too_many_requests");
    let answer = post(Action::Link, "mail").await;
    assert_eq!((answer.status, answer.header("retry-after").is_some()), (429, true), "{}", text_of(&answer));
    assert_eq!(post(Action::Card, "graph").await.status, 200, "a kept token costs no exchange");
    assert_eq!(harness.exchanges(), 1);
}

#[tokio::test]
async fn an_action_that_readers_may_read_differently_is_refused() {
    let harness = start().await;
    let bearer = harness.channel_token("demo").await;
    let token = harness.user_token("Ben", "graph").await;
    for action in ACTIONS {
        let plain = action.of(&harness, "Ada", &json!({ "authentication": "AUTH" })).to_string();
        let ours = format!("{{\"connectionName\":\"graph\",\"token\":\"{token}\"}}");
        for (case, change) in [
            ("twice", format!("{ours},\"authentication\":null")),
            ("null first", format!("null,\"authentication\":{ours}")),
            ("in two letter cases", format!("{{}},\"Authentication\":{ours}")),
            ("two tokens", format!("{{\"connectionName\":\"graph\",\"token\":\"{token}\",\"token\":\"\"}}")),
            ("two spellings", format!("{{\"connectionName\":\"graph\",\"token\":7,\"Token\":\"{token}\"}}")),
            ("a Kelvin sign", format!("{{\"connectionName\":\"graph\",\"token\":\"\",\"to\u{212a}en\":\"{token}\"}}")),
            (
                "two names",
                format!("{{\"connectionName\":\"hosted\",\"token\":\"{token}\",\"connectionname\":\"graph\"}}"),
            ),
        ] {
            let body = plain.replace("\"AUTH\"", &change);
            let answer = harness.post_bytes("demo", &bearer, body.into_bytes()).await;
            assert_eq!(outcome(action, &answer), 400, "{case} {action:?}: {}", text_of(&answer));
        }
    }
    assert!(harness.received_once_settled().await.is_empty());
}

#[tokio::test]
async fn an_odd_name_of_the_invoke_hides_no_token() {
    let harness = start().await;
    let anothers = authentication(&harness, "Ben").await;
    for (action, name) in [
        (Action::Card, "ADAPTIVECARD/ACTION"),
        (Action::Query, "compo\u{17f}eExtension/query"),
        (Action::Link, "composeExtension/queryLin\u{212a}"),
    ] {
        let mut activity = action.of(&harness, "Ada", &anothers);
        activity["name"] = name.into();
        assert_eq!(outcome(action, &harness.post(&activity).await), 400, "{name}");
    }
    assert!(harness.received_once_settled().await.is_empty());
}

#[tokio::test]
async fn a_connection_name_in_another_letter_case_is_refused() {
    let harness = start().await;
    let length = logs::length();
    let token = harness.user_token("Ada", "graph").await;
    for action in [Action::Card, Action::Query] {
        let authentication = json!({ "authentication": { "connectionName": "Graph", "token": token } });
        assert_refused(action, &harness.post(&action.of(&harness, "Ada", &authentication)).await, 400, "bad_request");
    }
    assert!(harness.received_once_settled().await.is_empty());
    let complaints = logs::complaints_of(&harness.tag, length);
    assert!(complaints.iter().any(|line| line["near"] == "graph"), "{complaints:?}");
}

#[tokio::test]
async fn a_caller_who_may_not_post_learns_nothing_from_a_broken_action() {
    let harness = start().await;
    let mut activity = Action::Card.of(&harness, "Ada", &authentication(&harness, "Ada").await);
    activity["value"]["Authentication"] = json!({ "token": "x", "connectionName": "graph" });
    activity["serviceUrl"] = "https://elsewhere.example/".into();
    assert_eq!(harness.post(&activity).await.status, 403);
}

#[tokio::test]
async fn configured_statuses_change_the_outcome_of_actions() {
    let appended = "[statuses.msteams]\nidentity_mismatch = 412\n".to_owned();
    let harness = Harness::with(Options { bot: BOTH, appended, ..Options::default() }).await;
    for action in [Action::Card, Action::Query] {
        let activity = action.of(&harness, "Ada", &authentication(&harness, "Ben").await);
        assert_refused(action, &harness.post(&activity).await, 412, "identity_mismatch");
    }
}
