//! Cases 41 to 47: any number of duplicates of an invoke cause one exchange.

use std::time::Duration;

use bot_sso::dev::{Fault, FaultRule};
use serde_json::json;

use super::{Scenario, exchange_of, is_kept, success};
use crate::harness::waiting::wait_until;
use crate::harness::{Harness, Options, activities};

/// Delays the identity provider's answer so that parallel requests certainly overlap.
fn slow_down(harness: &Harness) {
    harness.stage.faults().add(FaultRule::new(Fault::Slow { millis: 400 }));
}

#[tokio::test]
async fn case_41_three_parallel_duplicates_cause_one_exchange_three_equal_answers_and_one_event() {
    let scenario = Scenario::start().await;
    let (harness, activity) = (&scenario.harness, scenario.exchange());
    slow_down(harness);
    let (first, second, third) =
        tokio::join!(harness.post(&activity), harness.post(&activity), harness.post(&activity));
    for answer in [&first, &second, &third] {
        assert_eq!((answer.status, &answer.body), (200, &first.body));
    }
    assert_eq!(first.json(), success());
    assert_eq!(harness.exchanges(), 1);
    assert_eq!(harness.received_once_settled().await.len(), 1);
}

#[tokio::test]
async fn case_41_three_parallel_duplicates_all_get_the_412_of_the_first() {
    let harness = Harness::start().await;
    let activity = exchange_of(&harness, "Cleo", "x").await;
    slow_down(&harness);
    let (first, second, third) =
        tokio::join!(harness.post(&activity), harness.post(&activity), harness.post(&activity));
    for answer in [&first, &second, &third] {
        assert_eq!((answer.status, &answer.body), (412, &first.body));
    }
    assert!(first.detail().starts_with("consent_required:"));
    assert_eq!(harness.exchanges(), 1);
    assert!(harness.received_once_settled().await.is_empty());
}

#[tokio::test]
async fn case_43_a_duplicate_a_minute_later_is_200_without_an_exchange_or_a_second_event() {
    let scenario = Scenario::start().await;
    let first = scenario.harness.post(&scenario.exchange()).await;
    for _ in 0..2 {
        scenario.harness.clock.advance(Duration::from_mins(1));
        let later = scenario.harness.post(&scenario.exchange()).await;
        assert_eq!((later.status, &later.body), (200, &first.body));
    }
    assert_eq!(scenario.harness.exchanges(), 1);
    assert_eq!(scenario.harness.received_once_settled().await.len(), 1);
}

#[tokio::test]
async fn clients_that_answer_one_card_with_different_tokens_of_the_user_are_duplicates() {
    let scenario = Scenario::start().await;
    let mut other_client = scenario.exchange();
    other_client["value"]["token"] = scenario.token_with(|claims| claims["uti"] = "another".into()).into();
    for activity in [scenario.exchange(), other_client] {
        let answer = scenario.harness.post(&activity).await;
        assert_eq!((answer.status, answer.json()), (200, success()));
    }
    assert_eq!(scenario.harness.exchanges(), 1);
    assert_eq!(scenario.harness.received_once_settled().await.len(), 1);
}

#[tokio::test]
async fn a_duplicate_is_exchanged_again_once_the_token_of_the_success_is_gone() {
    let scenario = Scenario::start().await;
    scenario.harness.stage.faults().add(FaultRule::new(Fault::OddExpiresIn(json!(400))).times(1));
    assert_eq!(scenario.harness.post(&scenario.exchange()).await.status, 200);
    // The event is sent before the token is too old to be told of.
    scenario.harness.bot_received(1).await;
    scenario.harness.clock.advance(Duration::from_secs(150));
    assert_eq!(scenario.harness.post(&scenario.exchange()).await.status, 200);
    assert_eq!(scenario.harness.exchanges(), 1, "half of a short life is over: not yet");
    scenario.harness.clock.advance(Duration::from_secs(100));
    assert!(!is_kept(&scenario.harness, &scenario.exchange(), "graph").await);
    let again = scenario.harness.post(&scenario.exchange()).await;
    assert_eq!((again.status, again.json()), (200, success()));
    assert_eq!(scenario.harness.exchanges(), 2);
    assert!(is_kept(&scenario.harness, &scenario.exchange(), "graph").await);
    assert_eq!(scenario.harness.received_once_settled().await.len(), 2, "a new token is a new continuation");
}

#[tokio::test]
async fn a_duplicate_after_a_restart_is_answered_from_the_vault_without_another_event() {
    let mut scenario = Scenario::start().await;
    assert_eq!(scenario.harness.post(&scenario.exchange()).await.status, 200);
    scenario.harness.bot_received(1).await;
    scenario.harness.restart(&Options::default()).await;
    let again = scenario.harness.post(&scenario.exchange()).await;
    assert_eq!((again.status, again.json()), (200, success()));
    assert_eq!(scenario.harness.exchanges(), 1);
    assert_eq!(scenario.harness.received_once_settled().await.len(), 1);
}

#[tokio::test]
async fn a_changed_connection_has_no_token_until_the_next_exchange() {
    let mut scenario = Scenario::start().await;
    let client_id = scenario.harness.bot_app_id("demo");
    let section = |scope: &str| {
        format!(
            "[connections.changing]\nbot = \"demo\"\nclient_id = \"{client_id}\"\nscopes = [\"{scope}\"]\n\
             client_secret = {{ file = \"{}\" }}\ntoken_exchange_uri = \"api://botid-{client_id}\"\n\
             tenants = [\"{}\"]\n",
            scenario.harness.directory.path().join("demo-graph.secret").display(),
            scenario.harness.stage.directory().main_tenant_id(),
        )
    };
    let options = |scope: &str| Options { appended: section(scope), ..Options::default() };
    let (before, after) =
        (options("https://graph.microsoft.com/User.Read"), options("https://graph.microsoft.com/Mail.Read"));
    let mut activity = scenario.exchange();
    activity["value"]["connectionName"] = "changing".into();
    scenario.harness.restart(&before).await;
    assert_eq!(scenario.harness.post(&activity).await.status, 200);
    assert!(is_kept(&scenario.harness, &activity, "changing").await);
    scenario.harness.restart(&after).await;
    assert!(!is_kept(&scenario.harness, &activity, "changing").await);
    assert_eq!(scenario.harness.post(&activity).await.status, 200);
    assert_eq!(scenario.harness.exchanges(), 2);
    assert!(is_kept(&scenario.harness, &activity, "changing").await);
}

#[tokio::test]
async fn case_47_one_id_on_two_connections_causes_two_exchanges() {
    let scenario = Scenario::start().await;
    let mut mail = scenario.exchange();
    mail["value"]["connectionName"] = "mail".into();
    let activity = scenario.exchange();
    let (graph_answer, mail_answer) = tokio::join!(scenario.harness.post(&activity), scenario.harness.post(&mail));
    assert_eq!((graph_answer.status, graph_answer.json()), (200, success()));
    assert_eq!((mail_answer.status, mail_answer.json()), (200, json!({ "id": "x", "connectionName": "mail" })));
    assert_eq!(scenario.harness.exchanges(), 2);
    let mut told: Vec<String> = scenario
        .harness
        .received_once_settled()
        .await
        .iter()
        .map(|event| event.json()["value"]["connectionName"].as_str().unwrap().to_owned())
        .collect();
    told.sort();
    assert_eq!(told, ["graph", "mail"]);
    for connection in ["graph", "mail"] {
        assert!(is_kept(&scenario.harness, &activity, connection).await);
    }
}

#[tokio::test]
async fn one_id_used_by_two_users_causes_two_exchanges_with_a_token_each() {
    let harness = Harness::start().await;
    let (ada, ben) = (exchange_of(&harness, "Ada", "x").await, exchange_of(&harness, "Ben", "x").await);
    let (first, second) = tokio::join!(harness.post(&ada), harness.post(&ben));
    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!(harness.exchanges(), 2);
    let tokens = [
        harness.get_token("msteams", "29:ada", "graph").await.json()["token"].clone(),
        harness.get_token("msteams", "29:ben", "graph").await.json()["token"].clone(),
    ];
    assert_ne!(tokens[0], tokens[1]);
}

#[tokio::test]
async fn a_second_card_is_answered_from_the_vault_and_continues_its_own_dialog() {
    let scenario = Scenario::start().await;
    assert_eq!(scenario.harness.post(&scenario.exchange()).await.status, 200);
    let mut elsewhere = scenario.exchange();
    elsewhere["value"]["id"] = "y".into();
    elsewhere["conversation"]["id"] = "a:another-conversation".into();
    let answer = scenario.harness.post(&elsewhere).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "id": "y", "connectionName": "graph" })));
    assert_eq!(scenario.harness.exchanges(), 1);
    let received = scenario.harness.received_once_settled().await;
    assert_eq!(received.len(), 2);
    assert_eq!(received[1].json()["conversation"]["id"], "a:another-conversation");
    assert_ne!(received[0].json()["id"], received[1].json()["id"]);
}

#[tokio::test]
async fn a_token_with_other_sign_in_claims_is_exchanged_instead_of_answered_from_the_vault() {
    let scenario = Scenario::start().await;
    assert_eq!(scenario.harness.post(&scenario.exchange()).await.status, 200);
    let mut stepped_up = scenario.exchange();
    stepped_up["value"]["id"] = "y".into();
    stepped_up["value"]["token"] = scenario.token_with(|claims| claims["acrs"] = json!(["c1"])).into();
    assert_eq!(scenario.harness.post(&stepped_up).await.status, 200);
    assert_eq!(scenario.harness.exchanges(), 2);
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_cancel_the_exchange_of_its_duplicates() {
    let scenario = Scenario::start().await;
    let (harness, activity) = (&scenario.harness, scenario.exchange());
    let caller = harness.channel_token("demo").await;
    harness.post_as("demo", &caller, &activities::message(harness, &harness.user("Ada"), "warm up")).await;
    slow_down(harness);
    tokio::select! {
        biased;
        () = wait_until("the exchange", async || harness.exchanges() == 1) => {}
        _ = harness.post_as("demo", &caller, &activity) => panic!("the client should have left before the answer"),
    }
    let answer = harness.post_as("demo", &caller, &activity).await;
    assert_eq!((answer.status, answer.json()), (200, success()));
    assert_eq!(harness.exchanges(), 1);
    assert_eq!(harness.received_once_settled().await.len(), 2, "the message and one event");
}

#[tokio::test]
async fn many_parallel_duplicates_cause_one_exchange_and_only_a_limited_number_waits() {
    let scenario = Scenario::start().await;
    let (harness, activity) = (&scenario.harness, scenario.exchange());
    harness.stage.faults().add(FaultRule::new(Fault::Slow { millis: 3000 }));
    let caller = harness.channel_token("demo").await;
    let crowd = (0..80).map(|_| harness.post_as("demo", &caller, &activity));
    let answers = futures_util::future::join_all(crowd).await;
    let taken = answers.iter().filter(|answer| answer.status == 200).count();
    let turned_away = answers.iter().filter(|answer| answer.status == 500).count();
    assert_eq!((taken, turned_away), (64, 16));
    assert_eq!(harness.exchanges(), 1);
    assert_eq!(harness.received_once_settled().await.len(), 1);
}
