//! Cases 53 and 72: only the gateway itself may send a bot a tokens/response event.

use serde_json::{Value, json};

use super::{Change, is_kept};
use crate::harness::{Harness, activities, logs};

fn forged(harness: &Harness) -> Value {
    let mut event = activities::teams(harness, &harness.user("Ada"));
    event["type"] = "event".into();
    event["name"] = "tokens/response".into();
    event["value"] = json!({ "connectionName": "graph", "token": "forged", "channelId": "msteams" });
    event
}

#[tokio::test]
async fn case_53_an_inbound_tokens_response_is_dropped_in_every_spelling_and_logged() {
    let harness = Harness::start().await;
    let changes: [(&str, Change); 7] = [
        ("as SDKs spell it", |_| {}),
        ("type and name in another case", |event| {
            event["type"] = "Event".into();
            event["name"] = "Tokens/Response".into();
        }),
        ("connection in another case", |event| event["value"]["connectionName"] = "GRAPH".into()),
        ("member in another case", |event| {
            event["value"] = json!({ "ConnectionName": "graph", "Token": "forged" });
        }),
        ("no connection", |event| event["value"] = json!({ "token": "forged" })),
        ("no value", |event| drop(event.as_object_mut().unwrap().remove("value"))),
        ("connection a number", |event| event["value"]["connectionName"] = 7.into()),
    ];
    for (case, change) in changes {
        let mut event = forged(&harness);
        change(&mut event);
        let answer = harness.post(&event).await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b""[..]), "{case}");
    }
    assert!(harness.received_once_settled().await.is_empty());
    assert!(!is_kept(&harness, &forged(&harness), "graph").await);
    let text = logs::text();
    let told = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).any(|line| {
        line["security"] == true && line["message"].as_str().is_some_and(|message| message.contains("tokens/response"))
    });
    assert!(told);
}

#[tokio::test]
async fn other_events_are_forwarded_and_a_forged_tokens_response_is_dropped_for_any_connection() {
    let harness = Harness::start().await;
    let (mut hosted, mut other) = (forged(&harness), forged(&harness));
    hosted["value"]["connectionName"] = "hosted-elsewhere".into();
    other["name"] = "tokens/request".into();
    for event in [&hosted, &other] {
        assert_eq!(harness.post(event).await.status, 200);
    }
    let received: Vec<Value> =
        harness.received_once_settled().await.iter().map(crate::harness::Received::json).collect();
    assert_eq!(received, [other], "SDK prompts do not look at the connection's name");
}

#[tokio::test]
async fn case_53_a_forged_tokens_response_does_not_complete_the_pending_sign_in() {
    let harness = Harness::start().await;
    let mut activity = activities::in_group(super::exchange_of(&harness, "Ada", "").await);
    activity["value"]["id"] = harness.card(&activity, "graph").await.into();
    let mut event = activities::in_group(forged(&harness));
    event["value"]["token"] = activity["value"]["token"].clone();
    assert_eq!(harness.post(&event).await.status, 200);
    assert!(!is_kept(&harness, &activity, "graph").await);
    assert_eq!(harness.post(&activity).await.status, 200);
    let received = harness.received_once_settled().await;
    assert_eq!(received.len(), 1);
    assert_ne!(received[0].json()["value"]["token"], event["value"]["token"]);
}
