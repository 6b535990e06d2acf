//! What is not bot-sso's reaches the bot byte for byte.

use bot_sso::dev::Signer;
use serde_json::{Value, json};

use super::{ACTIONS, Action, BOTH, authentication, outcome, start, text_of};
use crate::harness::{Behaviour, Harness, Options, logs};

async fn assert_passed_on(case: &str, harness: &Harness, activity: &Value) {
    let before = harness.bot.received().len();
    harness.bot.behave(Behaviour::answering(200, "{\"the bot's\":1}"));
    let answer = harness.post(activity).await;
    assert_eq!(answer.body, b"{\"the bot's\":1}", "{case}: {}", text_of(&answer));
    let received = harness.bot.received();
    assert_eq!(received.len(), before + 1, "{case}");
    assert_eq!(String::from_utf8(received[before].body.clone()).unwrap(), activity.to_string(), "{case}");
}

#[tokio::test]
async fn without_the_setting_every_action_is_passed_on_with_its_token() {
    let harness = Harness::start().await;
    for action in ACTIONS {
        let mut more = authentication(&harness, "Ada").await;
        more["state"] = "123456".into();
        assert_passed_on(action.name(), &harness, &action.of(&harness, "Ada", &more)).await;
        let anothers = authentication(&harness, "Ben").await;
        assert_passed_on(action.name(), &harness, &action.of(&harness, "Ada", &anothers)).await;
    }
    assert_eq!(harness.exchanges(), 0);
}

#[tokio::test]
async fn a_kind_that_is_not_listed_is_passed_on() {
    for (setting, passed_on) in [
        ("sign_in_invokes = [\"adaptive_card\"]", [Action::Query, Action::Link].as_slice()),
        ("sign_in_invokes = [\"message_extension\"]", &[Action::Card]),
        ("sign_in_invokes = []", &ACTIONS),
    ] {
        let harness = Harness::with(Options { bot: setting, ..Options::default() }).await;
        for action in passed_on {
            let activity = action.of(&harness, "Ada", &authentication(&harness, "Ada").await);
            assert_passed_on(setting, &harness, &activity).await;
        }
        assert_eq!(harness.exchanges(), 0);
    }
}

#[tokio::test]
async fn other_invokes_of_cards_and_extensions_are_passed_on() {
    let harness = start().await;
    for name in [
        "composeExtension/fetchTask",
        "composeExtension/anonymousQueryLink",
        "composeExtension/submitAction",
        "composeExtension/selectItem",
        "adaptiveCard/actions",
        "task/fetch",
    ] {
        let mut activity = Action::Query.of(&harness, "Ada", &authentication(&harness, "Ada").await);
        activity["name"] = name.into();
        assert_passed_on(name, &harness, &activity).await;
    }
    let mut message = Action::Card.of(&harness, "Ada", &authentication(&harness, "Ada").await);
    message["type"] = "message".into();
    assert_passed_on("a message", &harness, &message).await;
    assert_eq!(harness.exchanges(), 0);
}

#[tokio::test]
async fn an_authentication_without_a_token_is_passed_on() {
    let harness = start().await;
    for authentication in [
        json!(null),
        json!("text"),
        json!([{ "token": "x" }]),
        json!({}),
        json!({ "connectionName": "graph" }),
        json!({ "connectionName": "graph", "token": null }),
        json!({ "connectionName": "graph", "token": "" }),
        json!({ "connectionName": "graph", "token": 7 }),
        json!({ "connectionName": "graph", "token": { "token": "x" } }),
    ] {
        let activity = Action::Card.of(&harness, "Ada", &json!({ "authentication": authentication }));
        assert_passed_on(&authentication.to_string(), &harness, &activity).await;
    }
}

#[tokio::test]
async fn a_token_for_another_connection_or_audience_is_passed_on() {
    let harness = start().await;
    let token = harness.user_token("Ada", "graph").await;
    let foreign = harness.forge(Signer::Tenant, &token, |claims| claims["aud"] = "api://somebody-else".into());
    let long_name = "n".repeat(1000);
    for (case, authentication) in [
        ("a connection of the bot's own", json!({ "connectionName": "hosted", "token": token })),
        ("a name that is too long for one of ours", json!({ "connectionName": long_name, "token": token })),
        ("another audience", json!({ "token": foreign })),
        ("no token of ours at all", json!({ "token": "opaque" })),
        ("nearly a token", json!({ "token": "a.b.c", "id": 7 })),
    ] {
        let activity = Action::Query.of(&harness, "Ada", &json!({ "authentication": authentication }));
        assert_passed_on(case, &harness, &activity).await;
    }
    assert_eq!(harness.exchanges(), 0);
}

#[tokio::test]
async fn a_token_that_names_no_connection_and_fits_several_is_the_bots() {
    let harness = Harness::with(Options { bot: BOTH, ..Options::default() }).await;
    let length = logs::length();
    let token = harness.user_token("Ada", "graph").await;
    for authentication in [json!({ "token": token }), json!({ "token": token, "connectionName": "" })] {
        let activity = Action::Query.of(&harness, "Ada", &json!({ "authentication": authentication }));
        assert_passed_on("graph and mail have one app", &harness, &activity).await;
    }
    assert_eq!(harness.exchanges(), 0);
    let complaints = logs::complaints_of(&harness.tag, length);
    assert!(complaints.iter().any(|line| line["connections"] == "graph, mail"), "{complaints:?}");
}

#[tokio::test]
async fn a_token_of_another_person_does_not_reach_the_bot_whichever_connection_it_is_for() {
    let harness = Harness::with(Options { bot: BOTH, ..Options::default() }).await;
    let token = harness.user_token("Ada", "graph").await;
    for action in ACTIONS {
        for authentication in [json!({ "token": token }), json!({ "token": token, "connectionName": "hosted" })] {
            let activity = action.of(&harness, "Ben", &json!({ "authentication": authentication }));
            let answer = harness.post(&activity).await;
            assert_eq!(outcome(action, &answer), 400, "{}", String::from_utf8_lossy(&answer.body));
        }
    }
    assert!(harness.bot.received().is_empty());
    assert_eq!(harness.exchanges(), 0);
}
