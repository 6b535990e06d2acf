//! The same conversation with `;messageid=…` in its id and without, and conversations whose kind only their id shows.

use serde_json::{Value, json};

use super::{assert_mismatch, exchange_of};
use crate::harness::{Harness, activities};

const GROUP: &str = "19:group@thread.v2";

/// The activity in the conversation `id`, whose kind is not stated.
fn in_conversation(mut activity: Value, id: &str) -> Value {
    let tenant = activity["conversation"]["tenantId"].clone();
    activity["conversation"] = json!({ "id": id, "tenantId": tenant });
    activity
}

#[tokio::test]
async fn a_card_for_a_conversation_is_answered_from_one_of_its_threads_and_the_other_way_round() {
    for (card_in, answered_in) in
        [(GROUP, "19:group@thread.v2;messageid=1"), ("19:group@thread.v2;messageid=1", GROUP), (GROUP, GROUP)]
    {
        let harness = Harness::start().await;
        let activity = exchange_of(&harness, "Ada", "x").await;
        let id = harness.card(&in_conversation(activity.clone(), card_in), "graph").await;
        for id in [json!(id), Value::Null] {
            let mut answered = in_conversation(activity.clone(), answered_in);
            answered["value"]["id"] = id;
            let answer = harness.post(&answered).await;
            assert_eq!(answer.status, 200, "{card_in} {answered_in}: {}", answer.detail());
            // The card is used up, so the next exchange answers another one.
            harness.card(&in_conversation(activity.clone(), card_in), "graph").await;
        }
    }
}

#[tokio::test]
async fn a_conversation_that_is_a_group_by_its_id_needs_a_pending_sign_in() {
    let harness = Harness::start().await;
    for id in [GROUP, "19:a_b@unq.gbl.spaces", "19:team@thread.tacv2", "19:old@thread.skype;messageid=7"] {
        let activity = in_conversation(exchange_of(&harness, "Ada", "x").await, id);
        assert_mismatch(id, &harness.post(&activity).await, "no_pending_sign_in");
    }
    assert_eq!(harness.exchanges(), 0);
    let personal = in_conversation(exchange_of(&harness, "Ada", "x").await, "a:ada");
    assert_eq!(harness.post(&personal).await.status, 200);
}

#[tokio::test]
async fn a_failure_that_a_client_reports_in_a_thread_counts_in_the_whole_conversation() {
    let harness = Harness::start().await;
    let (thread, other) = ("19:group@thread.v2;messageid=1", "19:group@thread.v2;messageid=2");
    let ada = harness.user("Ada");
    let message = activities::message(&harness, &ada, "hello");
    let is_silent = async |id: &str| {
        let resource = harness.sign_in_resource(&in_conversation(message.clone(), id), "graph").await;
        resource.get("tokenExchangeResource").is_some()
    };
    assert!(is_silent(GROUP).await);
    let failure = activities::invoke(&harness, &ada, "signin/failure", json!({ "code": "resourcematchfailed" }));
    assert_eq!(harness.post(&in_conversation(failure, thread)).await.status, 200);
    for id in [GROUP, thread, other] {
        assert!(!is_silent(id).await, "{id}");
    }
    assert!(is_silent("19:another@thread.v2").await);
}
