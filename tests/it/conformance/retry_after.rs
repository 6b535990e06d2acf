//! Every 429, 500 and 503 of the gateway says when to ask again (docs/architecture.md §An outage is not a sign-out).

use bot_sso::dev::{Fault, FaultRule};
use serde_json::json;

use crate::harness::{Answer, Behaviour, Harness, activities};

async fn exchange(harness: &Harness, id: &str, token: &str) -> Answer {
    harness.post(&activities::exchange(harness, &harness.user("Ada"), id, token)).await
}

fn assert_wait(case: &str, answer: &Answer, status: u16, seconds: &str) {
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!((answer.status, answer.header("retry-after")), (status, Some(seconds)), "{case}: {text}");
}

#[tokio::test]
async fn a_client_learns_when_to_repeat_an_exchange_that_an_outage_of_the_identity_provider_stopped() {
    let harness = Harness::start().await;
    let token = harness.user_token("Ada", "graph").await;
    for (fault, seconds) in [
        (Fault::Unavailable { retry_after: None }, "5"),
        (Fault::PlainText, "5"),
        (Fault::Html, "5"),
        (Fault::Empty, "5"),
        (Fault::Unavailable { retry_after: Some(20) }, "20"),
    ] {
        let case = format!("{fault:?}");
        harness.stage.faults().add(FaultRule::new(fault));
        assert_wait(&case, &exchange(&harness, &case, &token).await, 500, seconds);
        harness.stage.faults().clear();
    }
}

#[tokio::test]
async fn a_client_learns_when_to_repeat_an_exchange_while_the_key_set_or_the_store_is_away() {
    let harness = Harness::start().await;
    assert_eq!(exchange(&harness, "first", &harness.user_token("Ada", "graph").await).await.status, 200);
    harness.stage.rotate_keys().await.unwrap();
    let token = harness.user_token("Ada", "graph").await;
    harness.stage.faults().set_keys_unavailable(true);
    let answer = exchange(&harness, "keys", &token).await;
    assert_eq!(answer.status, 500);
    assert!(answer.header("retry-after").is_some(), "the key is not known yet");

    let harness = Harness::start().await;
    let token = harness.user_token("Ada", "graph").await;
    let ada = activities::teams(&harness, &harness.user("Ada"));
    harness.sign_in_resource(&ada, "graph").await;
    let verify = activities::invoke(&harness, &harness.user("Ada"), "signin/verifyState", json!({ "state": "123456" }));
    let away = harness.store_path().with_extension("away");
    std::fs::rename(harness.store_path(), &away).unwrap();
    assert_wait("exchange", &exchange(&harness, "store", &token).await, 500, "5");
    assert_wait("code", &harness.post(&verify).await, 500, "5");
    std::fs::rename(&away, harness.store_path()).unwrap();
}

#[tokio::test]
async fn a_bots_own_answer_gets_no_wait_of_ours() {
    let harness = Harness::start().await;
    harness.bot.behave(Behaviour::answering(500, ""));
    let invoke = activities::invoke(&harness, &harness.user("Ada"), "task/fetch", json!({}));
    let answer = harness.post(&invoke).await;
    assert_eq!((answer.status, answer.header("retry-after")), (500, None));
}
