//! The same exchange at several replicas costs one call of the identity provider.

use bot_sso::dev::{Fault, FaultRule};
use serde_json::json;

use super::exchange_of;
use crate::harness::replicas::Replicas;
use crate::harness::{Harness, Options};

/// Delays the identity provider's answer so that parallel requests certainly overlap.
fn slow_down(harness: &Harness) {
    harness.stage.faults().add(FaultRule::new(Fault::Slow { millis: 400 }));
}

#[tokio::test]
async fn the_same_exchange_at_three_replicas_at_once_is_one_exchange_with_three_equal_answers_and_one_event() {
    let replicas = Replicas::start(3, Options::default()).await;
    let activity = exchange_of(&replicas.harness, "Ada", "x").await;
    slow_down(&replicas.harness);
    for answer in replicas.post_to_all(&activity).await {
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 200, "{text}");
        assert_eq!(answer.json(), json!({ "id": "x", "connectionName": "graph" }));
    }
    assert_eq!(replicas.harness.exchanges(), 1);
    assert_eq!(replicas.received_once_settled().await.len(), 1);
}

#[tokio::test]
async fn the_same_exchange_at_three_replicas_at_once_gets_the_412_of_the_first_everywhere() {
    let replicas = Replicas::start(3, Options::default()).await;
    let activity = exchange_of(&replicas.harness, "Cleo", "x").await;
    slow_down(&replicas.harness);
    let answers = replicas.post_to_all(&activity).await;
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (412, &answers[0].body));
    }
    assert!(answers[0].detail().starts_with("consent_required:"));
    assert_eq!(replicas.harness.exchanges(), 1);
    assert!(replicas.received_once_settled().await.is_empty());
}

#[tokio::test]
async fn a_later_duplicate_at_another_replica_is_answered_without_an_exchange_or_a_second_event() {
    let replicas = Replicas::start(2, Options::default()).await;
    let activity = exchange_of(&replicas.harness, "Ada", "x").await;
    for replica in [0, 1, 0] {
        assert_eq!(replicas.post(replica, &activity).await.status, 200);
    }
    assert_eq!(replicas.harness.exchanges(), 1);
    assert_eq!(replicas.received_once_settled().await.len(), 1);
}
