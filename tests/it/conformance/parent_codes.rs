//! Codes that a parent bot passes on: the tries are the parent's own (docs/architecture.md §Security rules, rule 5).

use serde_json::{Value, json};

use super::parents::{SERVICE_URL, harness, options, post};
use crate::harness::{Harness, activities};

/// Ada's `signin/verifyState` with this code, as Teams sends it.
fn from_channel(harness: &Harness, code: &str) -> Value {
    activities::invoke(harness, &harness.user("Ada"), "signin/verifyState", json!({ "state": code }))
}

/// The same, as the parent sends it.
fn from_parent(harness: &Harness, code: &str) -> Value {
    let mut activity = super::parents::from_parent(from_channel(harness, code), "29:ada");
    activity.as_object_mut().unwrap().remove("deliveryMode");
    assert_eq!(activity["serviceUrl"], SERVICE_URL);
    activity
}

fn wrong(code: &str, distance: u32) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + distance) % 1_000_000)
}

/// A harness with a code that waits for Ada's Teams account.
async fn with_code() -> (Harness, String) {
    let mut harness = harness("none").await;
    harness.sign_in_resource(&activities::teams(&harness, &harness.user("Ada")), "graph").await;
    let options = options(&harness, "none");
    let token = harness.user_token("Ada", "graph").await;
    let code = harness.issue_code(&options, &harness.user("Ada"), "graph", &token).await;
    (harness, code)
}

#[tokio::test]
async fn a_parent_that_sends_eleven_wrong_codes_leaves_the_channels_user_every_try() {
    let (harness, code) = with_code().await;
    for distance in 1..=11 {
        assert_eq!(post(&harness, &from_parent(&harness, &wrong(&code, distance))).await.status, 404);
    }
    assert_eq!(post(&harness, &from_parent(&harness, &code)).await.status, 404, "the parent has no try left");
    assert_eq!(harness.post(&from_channel(&harness, &code)).await.status, 200, "the user has");
}

#[tokio::test]
async fn a_parent_may_bring_the_right_code_when_the_channels_user_has_no_try_left() {
    let (harness, code) = with_code().await;
    for distance in 1..=6 {
        assert_eq!(harness.post(&from_channel(&harness, &wrong(&code, distance))).await.status, 404);
    }
    assert_eq!(harness.post(&from_channel(&harness, &code)).await.status, 404, "the user has no try left");
    assert_eq!(post(&harness, &from_parent(&harness, &code)).await.status, 200, "the parent has");
}
