//! A bot is asked once, whichever replicas the duplicates reach.

use serde_json::json;

use super::exchange_of;
use crate::harness::replicas::Replicas;
use crate::harness::{Behaviour, Gate, Options, activities};

#[tokio::test]
async fn in_forward_one_of_the_duplicates_at_three_replicas_reaches_the_bot_and_all_get_its_answer() {
    for (status, body) in [(200, r#"{"from":"the bot"}"#), (412, r#"{"failureDetail":"the bot's"}"#), (501, "")] {
        let replicas = Replicas::start(3, Options { after_exchange: "forward", ..Options::default() }).await;
        let (harness, activity) = (&replicas.harness, exchange_of(&replicas.harness, "Ada", "x").await);
        let gate = Gate::default();
        harness.bot.behave(Behaviour::answering(status, body).behind(&gate));
        let answering = async {
            harness.bot_received(1).await;
            gate.open();
        };
        let (answers, ()) = tokio::join!(replicas.post_to_all(&activity), answering);
        for answer in answers {
            assert_eq!((answer.status, String::from_utf8_lossy(&answer.body).as_ref()), (status, body));
        }
        assert_eq!(replicas.received_once_settled().await.len(), 1, "{status}");
        assert_eq!(harness.exchanges(), 1, "{status}");
        assert_eq!(replicas.get_token(2, "29:ada").await.status, 200, "{status}: the token stays");
    }
}

#[tokio::test]
async fn a_report_of_a_client_that_reaches_two_replicas_is_told_to_the_bot_once() {
    let replicas = Replicas::start(2, Options::default()).await;
    let ada = replicas.harness.user("Ada");
    let report = activities::invoke(&replicas.harness, &ada, "signin/failure", json!({ "code": "tokenmissing" }));
    for replica in [0, 1, 0] {
        assert_eq!(replicas.post(replica, &report).await.status, 200);
    }
    // The fence: it is told after the others.
    let mut fence = report.clone();
    fence["id"] = "fence".into();
    assert_eq!(replicas.post(1, &fence).await.status, 200);
    let told = replicas.harness.bot_received(2).await;
    let ids: Vec<_> = told.iter().map(|told| told.json()["id"].clone()).collect();
    assert_eq!(ids.iter().filter(|id| **id == report["id"]).count(), 1, "{ids:?}");
}
