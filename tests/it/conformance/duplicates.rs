//! Cases 41 to 47: one exchange, however often it is asked for.

use std::time::Duration;

use bot_sso::dev::{Fault, FaultRule};
use serde_json::json;

use super::{Scene, exchange_of, is_kept, received_in_the_end, success};
use crate::harness::{Harness, Options, activities};

/// Makes parallel requests overlap for certain.
fn slow_down(harness: &Harness) {
    harness.stage.faults().add(FaultRule::new(Fault::Slow { millis: 400 }));
}

#[tokio::test]
async fn case_41_three_in_parallel_are_one_exchange_three_equal_answers_and_one_continuation() {
    let scene = Scene::set().await;
    let (harness, activity) = (&scene.harness, scene.exchange());
    slow_down(harness);
    let (first, second, third) =
        tokio::join!(harness.post(&activity), harness.post(&activity), harness.post(&activity));
    for answer in [&first, &second, &third] {
        assert_eq!((answer.status, &answer.body), (200, &first.body));
    }
    assert_eq!(first.json(), success());
    assert_eq!(harness.exchanges(), 1);
    assert_eq!(received_in_the_end(harness).await.len(), 1);
}

#[tokio::test]
async fn case_41_three_in_parallel_get_the_leaders_412_as_well() {
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
    assert!(received_in_the_end(&harness).await.is_empty());
}

#[tokio::test]
async fn case_43_a_duplicate_a_minute_later_is_200_without_an_exchange_or_a_second_event() {
    let scene = Scene::set().await;
    let first = scene.harness.post(&scene.exchange()).await;
    for _ in 0..2 {
        scene.harness.clock.advance(Duration::from_mins(1));
        let later = scene.harness.post(&scene.exchange()).await;
        assert_eq!((later.status, &later.body), (200, &first.body));
    }
    assert_eq!(scene.harness.exchanges(), 1);
    assert_eq!(received_in_the_end(&scene.harness).await.len(), 1);
}

#[tokio::test]
async fn clients_with_tokens_of_their_own_are_duplicates_all_the_same() {
    let scene = Scene::set().await;
    let mut other_client = scene.exchange();
    other_client["value"]["token"] = scene.token_with(|claims| claims["uti"] = "another".into()).into();
    for activity in [scene.exchange(), other_client] {
        let answer = scene.harness.post(&activity).await;
        assert_eq!((answer.status, answer.json()), (200, success()));
    }
    assert_eq!(scene.harness.exchanges(), 1);
    assert_eq!(received_in_the_end(&scene.harness).await.len(), 1);
}

#[tokio::test]
async fn a_success_counts_only_as_long_as_its_token_is_there() {
    let scene = Scene::set().await;
    scene.harness.stage.faults().add(FaultRule::new(Fault::OddExpiresIn(json!(400))).times(1));
    assert_eq!(scene.harness.post(&scene.exchange()).await.status, 200);
    scene.harness.clock.advance(Duration::from_secs(150));
    assert_eq!(scene.harness.post(&scene.exchange()).await.status, 200);
    assert_eq!(scene.harness.exchanges(), 1, "half of a short life is over: not yet");
    scene.harness.clock.advance(Duration::from_secs(100));
    assert!(!is_kept(&scene.harness, &scene.exchange(), "graph").await);
    let again = scene.harness.post(&scene.exchange()).await;
    assert_eq!((again.status, again.json()), (200, success()));
    assert_eq!(scene.harness.exchanges(), 2);
    assert!(is_kept(&scene.harness, &scene.exchange(), "graph").await);
    assert_eq!(received_in_the_end(&scene.harness).await.len(), 2, "a new token is a new continuation");
}

#[tokio::test]
async fn after_a_restart_the_vault_answers_the_duplicate_and_the_bot_is_not_told_again() {
    let mut scene = Scene::set().await;
    assert_eq!(scene.harness.post(&scene.exchange()).await.status, 200);
    scene.harness.bot_received(1).await;
    scene.harness.restart(&Options::default()).await;
    let again = scene.harness.post(&scene.exchange()).await;
    assert_eq!((again.status, again.json()), (200, success()));
    assert_eq!(scene.harness.exchanges(), 1);
    assert_eq!(received_in_the_end(&scene.harness).await.len(), 1);
}

#[tokio::test]
async fn a_connection_that_was_changed_has_no_token_until_it_is_exchanged_anew() {
    let mut scene = Scene::set().await;
    let client_id = scene.harness.bot_app_id("demo");
    let section = |scope: &str| {
        format!(
            "[connections.changing]\nbot = \"demo\"\nclient_id = \"{client_id}\"\nscopes = [\"{scope}\"]\n\
             client_secret = {{ file = \"{}\" }}\ntoken_exchange_uri = \"api://botid-{client_id}\"\n\
             tenants = [\"{}\"]\n",
            scene.harness.directory.path().join("demo-graph.secret").display(),
            scene.harness.stage.directory().main_tenant_id(),
        )
    };
    let options = |scope: &str| Options { appended: section(scope), ..Options::default() };
    let (before, after) =
        (options("https://graph.microsoft.com/User.Read"), options("https://graph.microsoft.com/Mail.Read"));
    let mut activity = scene.exchange();
    activity["value"]["connectionName"] = "changing".into();
    scene.harness.restart(&before).await;
    assert_eq!(scene.harness.post(&activity).await.status, 200);
    assert!(is_kept(&scene.harness, &activity, "changing").await);
    scene.harness.restart(&after).await;
    assert!(!is_kept(&scene.harness, &activity, "changing").await);
    assert_eq!(scene.harness.post(&activity).await.status, 200);
    assert_eq!(scene.harness.exchanges(), 2);
    assert!(is_kept(&scene.harness, &activity, "changing").await);
}

#[tokio::test]
async fn case_47_one_id_on_two_connections_is_two_exchanges() {
    let scene = Scene::set().await;
    let mut mail = scene.exchange();
    mail["value"]["connectionName"] = "mail".into();
    let activity = scene.exchange();
    let (graph_answer, mail_answer) = tokio::join!(scene.harness.post(&activity), scene.harness.post(&mail));
    assert_eq!((graph_answer.status, graph_answer.json()), (200, success()));
    assert_eq!((mail_answer.status, mail_answer.json()), (200, json!({ "id": "x", "connectionName": "mail" })));
    assert_eq!(scene.harness.exchanges(), 2);
    let mut told: Vec<String> = received_in_the_end(&scene.harness)
        .await
        .iter()
        .map(|event| event.json()["value"]["connectionName"].as_str().unwrap().to_owned())
        .collect();
    told.sort();
    assert_eq!(told, ["graph", "mail"]);
    for connection in ["graph", "mail"] {
        assert!(is_kept(&scene.harness, &activity, connection).await);
    }
}

#[tokio::test]
async fn one_id_of_two_users_is_two_exchanges_each_with_its_own_token() {
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
    let scene = Scene::set().await;
    assert_eq!(scene.harness.post(&scene.exchange()).await.status, 200);
    let mut elsewhere = scene.exchange();
    elsewhere["value"]["id"] = "y".into();
    elsewhere["conversation"]["id"] = "a:another-conversation".into();
    let answer = scene.harness.post(&elsewhere).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "id": "y", "connectionName": "graph" })));
    assert_eq!(scene.harness.exchanges(), 1);
    let received = received_in_the_end(&scene.harness).await;
    assert_eq!(received.len(), 2);
    assert_eq!(received[1].json()["conversation"]["id"], "a:another-conversation");
    assert_ne!(received[0].json()["id"], received[1].json()["id"]);
}

#[tokio::test]
async fn a_token_of_another_sign_in_is_exchanged_and_not_answered_from_the_vault() {
    let scene = Scene::set().await;
    assert_eq!(scene.harness.post(&scene.exchange()).await.status, 200);
    let mut stepped_up = scene.exchange();
    stepped_up["value"]["id"] = "y".into();
    stepped_up["value"]["token"] = scene.token_with(|claims| claims["acrs"] = json!(["c1"])).into();
    assert_eq!(scene.harness.post(&stepped_up).await.status, 200);
    assert_eq!(scene.harness.exchanges(), 2);
}

#[tokio::test]
async fn a_client_that_hangs_up_cancels_nobody() {
    let scene = Scene::set().await;
    let (harness, activity) = (&scene.harness, scene.exchange());
    let caller = harness.channel_token("demo").await;
    harness.post_as("demo", &caller, &activities::message(harness, &harness.user("Ada"), "warm up")).await;
    slow_down(harness);
    let hung_up = tokio::time::timeout(Duration::from_millis(200), harness.post_as("demo", &caller, &activity)).await;
    assert!(hung_up.is_err(), "the client should have left before the answer");
    let answer = harness.post_as("demo", &caller, &activity).await;
    assert_eq!((answer.status, answer.json()), (200, success()));
    assert_eq!(harness.exchanges(), 1);
    assert_eq!(received_in_the_end(harness).await.len(), 2, "the message and one event");
}

#[tokio::test]
async fn a_crowd_of_duplicates_is_bounded_and_costs_one_exchange() {
    let scene = Scene::set().await;
    let (harness, activity) = (&scene.harness, scene.exchange());
    harness.stage.faults().add(FaultRule::new(Fault::Slow { millis: 3000 }));
    let caller = harness.channel_token("demo").await;
    let crowd = (0..80).map(|_| harness.post_as("demo", &caller, &activity));
    let answers = futures_util::future::join_all(crowd).await;
    let taken = answers.iter().filter(|answer| answer.status == 200).count();
    let turned_away = answers.iter().filter(|answer| answer.status == 500).count();
    assert_eq!((taken, turned_away), (64, 16));
    assert_eq!(harness.exchanges(), 1);
    assert_eq!(received_in_the_end(harness).await.len(), 1);
}
