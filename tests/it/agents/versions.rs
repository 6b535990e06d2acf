//! The order of events in an agent user's life, however their versions are written, and where an event names its user
//! (docs/protocols/agent-identity.md §6 rule 3).

use serde_json::{Value, json};

use super::Fixture;
use super::fixture::{CONTOSO, HELPER};
use crate::harness::{Options, logs};

/// An agent user of one test alone, because all tests write the same log and some count its lines.
fn user_of_test(number: u32) -> String {
    format!("0a9e0000-0000-4000-8000-0000000000{number}")
}

/// An event about `user` whose version is this JSON.
fn event(fixture: &Fixture, kind: &str, user: &str, version: &str) -> Vec<u8> {
    let event = fixture.lifecycle(kind, user, 0);
    let text = event.to_string();
    assert!(text.contains("\"version\":0"));
    text.replace("\"version\":0", version).into_bytes()
}

async fn post(fixture: &Fixture, body: Vec<u8>) -> u16 {
    let token = fixture.platform_token().await;
    fixture.harness.post_bytes("demo", &token, body).await.status
}

fn sign_outs(logged: usize, user: &str) -> usize {
    let key = format!("{user}@{CONTOSO}");
    let lines = logs::since(logged);
    lines.lines().filter(|line| line.contains("signed out everywhere") && line.contains(&key)).count()
}

#[tokio::test]
async fn an_older_version_is_dropped_in_every_notation() {
    let fixture = Fixture::with_helper().await;
    let user = user_of_test(11);
    let disabled = event(&fixture, "AgenticUserDisabled", &user, "\"version\":5");
    assert_eq!(post(&fixture, disabled).await, 200);
    assert_eq!(fixture.harness.bot.received().len(), 1);
    for older in [
        "\"version\":4",
        "\"version\":4.0",
        "\"version\":4.9999",
        "\"version\":40e-1",
        "\"version\":\"4\"",
        "\"version\":\"4.0\"",
        "\"version\":\"\\u0034\"",
        "\"version\":-6",
        "\"version\":\"-6\"",
        "\"Version\":4",
        "\"ver\\u0073ion\":4",
        "\"version\":1e-999",
    ] {
        assert_eq!(post(&fixture, event(&fixture, "AgenticUserEnabled", &user, older)).await, 200, "{older}");
        assert_eq!(fixture.harness.bot.received().len(), 1, "{older}");
    }
    let mut marked = "\u{feff}".as_bytes().to_vec();
    marked.extend(event(&fixture, "AgenticUserEnabled", &user, "\"version\":4"));
    post(&fixture, marked).await;
    assert_eq!(fixture.harness.bot.received().len(), 1, "behind a byte-order mark");
    for (count, newer) in
        ["\"version\":5.0", "\"version\":\"6\"", "\"version\":18446744073709551616"].into_iter().enumerate()
    {
        assert_eq!(post(&fixture, event(&fixture, "AgenticUserEnabled", &user, newer)).await, 200, "{newer}");
        assert_eq!(fixture.harness.bot.received().len(), 2 + count, "{newer}");
    }
    let older = event(&fixture, "AgenticUserEnabled", &user, "\"version\":18446744073709551615");
    assert_eq!(post(&fixture, older).await, 200);
    assert_eq!(fixture.harness.bot.received().len(), 4, "one less than the largest");
}

#[tokio::test]
async fn a_version_that_is_no_number_is_refused() {
    let fixture = Fixture::with_helper().await;
    let user = user_of_test(12);
    for version in ["\"\"", "\"four\"", "\"4 \"", "true", "[4]", "{\"number\":4}"] {
        let body = event(&fixture, "AgenticUserEnabled", &user, &format!("\"version\":{version}"));
        assert_eq!(post(&fixture, body).await, 400, "{version}");
    }
    assert!(fixture.harness.bot.received().is_empty());
}

#[tokio::test]
async fn the_order_of_versions_survives_a_restart_at_any_size() {
    for (known, older) in [("5", "4"), ("18446744073709551617", "18446744073709551616"), ("-3", "-4"), ("0.5", "0.25")]
    {
        let mut fixture = Fixture::with_helper().await;
        let user = user_of_test(13);
        let number = |version: &str| format!("\"version\":{version}");
        assert_eq!(post(&fixture, event(&fixture, "AgenticUserDisabled", &user, &number(known))).await, 200);
        let appended = format!("{}agents = [\"{HELPER}\"]\n", super::fixture::EVERY_AGENT);
        fixture.harness.restart(&Options { appended, ..Options::default() }).await;
        assert_eq!(post(&fixture, event(&fixture, "AgenticUserEnabled", &user, &number(older))).await, 200);
        assert_eq!(fixture.harness.received_once_settled().await.len(), 1, "{known} {older}");
    }
}

#[tokio::test]
async fn a_user_whom_only_a_party_of_the_event_names_is_signed_out() {
    let fixture = Fixture::with_helper().await;
    let places: [fn(&mut Value, &str); 4] = [
        |event, user| event["recipient"]["agenticUserId"] = user.into(),
        |event, user| event["from"]["agenticUserId"] = user.into(),
        |event, user| event["recipient"] = json!({ "id": format!("8:orgid:{user}"), "role": "agenticUser" }),
        |event, user| event["recipient"] = json!({ "id": "x", "aadObjectId": user, "role": "agenticUser" }),
    ];
    let user = user_of_test(14);
    let logged = logs::length();
    let before = sign_outs(logged, &user);
    for (count, place) in places.into_iter().enumerate() {
        let mut event = fixture.lifecycle("AgenticUserDeleted", "", 1);
        event["value"].as_object_mut().unwrap().remove("agenticUserId");
        event["value"].as_object_mut().unwrap().remove("version");
        place(&mut event, &user);
        assert_eq!(fixture.post(&event).await.status, 200, "{event}");
        assert!(sign_outs(logged, &user) > before + count, "{event}");
    }
}

#[tokio::test]
async fn an_event_that_names_two_users_is_refused() {
    let fixture = Fixture::with_helper().await;
    let mut event = fixture.lifecycle("AgenticUserDeleted", &user_of_test(15), 1);
    event["recipient"]["agenticUserId"] = user_of_test(16).into();
    assert_eq!(fixture.post(&event).await.status, 400);
    assert!(fixture.harness.bot.received().is_empty());
}
