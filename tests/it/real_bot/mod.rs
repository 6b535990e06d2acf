//! An unmodified SDK bot behind the gateway, in both modes that continue its dialog. The bot's output is in
//! `target/test-logs/real-bot-*.log`.

mod agents;
mod browser;
mod fixture;
mod pages;
mod presets;
mod refusals;
mod teams;
mod teams_ai;

use std::time::Duration;

use serde_json::json;

use self::fixture::{Fixture, assert_exchanged, assert_mismatch, channel_token_for, id_of};
use crate::harness::waiting::wait_until;
use crate::harness::{Behaviour, Gate, RecorderBot, activities};

/// Runs each scenario with `notify` and with `forward`.
macro_rules! in_both_modes {
    ($($scenario:ident)*) => {
        mod notify {
            $(#[tokio::test] async fn $scenario() { super::$scenario("notify").await; })*
        }
        mod forward {
            $(#[tokio::test] async fn $scenario() { super::$scenario("forward").await; })*
        }
    };
}

in_both_modes! {
    an_invoke_continues_the_bots_dialog_once_with_a_usable_token
    parallel_duplicates_continue_the_dialog_once
    another_users_token_leaves_the_dialog_waiting
    a_user_without_consent_continues_with_the_same_id_after_consenting
    in_a_group_another_users_token_does_not_continue_the_dialog
    a_forged_tokens_response_does_not_continue_the_dialog
    an_invoke_on_webchat_continues_the_dialog
    an_invoke_that_arrives_before_the_bots_turn_ends_continues_the_dialog
}

async fn an_invoke_continues_the_bots_dialog_once_with_a_usable_token(mode: &'static str) {
    let mut fixture = Fixture::start(mode, "once", "teams").await;
    let ada = fixture.harness.user("Ada");
    let message = activities::message(&fixture.harness, &ada, "hello");
    let card = fixture.card_for(&message).await;
    assert_eq!(card["connectionName"], "graph");
    assert_eq!(card["tokenExchangeResource"]["uri"], format!("api://botid-{}", fixture.harness.bot_app_id("demo")));
    assert_eq!(card["buttons"][0]["type"], "signin");

    let token = fixture.harness.user_token("Ada", "graph").await;
    let invoke = activities::exchange(&fixture.harness, &ada, id_of(&card), &token);
    assert_exchanged(&fixture.harness.post(&invoke).await, id_of(&card));
    let state = fixture.wait_for_continuation(1).await;
    assert_eq!(state["activities"].as_array().unwrap().len(), 2, "{state}");
    assert_eq!(state["continuations"][0]["cause"], fixture.continuing_activity(), "{state}");
    assert_eq!(state["continuations"][0]["user"], "29:ada", "{state}");
    assert_eq!(
        fixture.messages_said(&message["conversation"]["id"]).await.last().unwrap(),
        "Signed in as Ada Lovelace (#1)"
    );

    // A late duplicate changes nothing, and for the next message the bot finds the token without a card.
    assert_exchanged(&fixture.harness.post(&invoke).await, id_of(&card));
    fixture.wait_for_continuation(1).await;
    assert_eq!(fixture.harness.post(&message).await.status, 200);
    let state = fixture.wait_for_continuation(2).await;
    assert_eq!(state["continuations"][1]["cause"], "message", "{state}");
    assert_eq!(
        fixture.messages_said(&message["conversation"]["id"]).await.last().unwrap(),
        "Signed in as Ada Lovelace (#2)"
    );
    assert_eq!(fixture.harness.exchanges(), 1);
}

async fn parallel_duplicates_continue_the_dialog_once(mode: &'static str) {
    let mut fixture = Fixture::start(mode, "duplicates", "teams").await;
    let ada = fixture.harness.user("Ada");
    let message = activities::message(&fixture.harness, &ada, "hello");
    let card = fixture.card_for(&message).await;
    // Each of the user's clients gets a token of its own for the same card.
    let mut answers = Vec::new();
    for _ in 0..3 {
        let token = fixture.harness.user_token("Ada", "graph").await;
        answers.push(activities::exchange(&fixture.harness, &ada, id_of(&card), &token));
    }
    let answers = futures_util::future::join_all(answers.iter().map(|invoke| fixture.harness.post(invoke))).await;
    for answer in &answers {
        assert_exchanged(answer, id_of(&card));
        assert_eq!(answer.body, answers[0].body);
    }
    let state = fixture.wait_for_continuation(1).await;
    assert_eq!(state["activities"].as_array().unwrap().len(), 2, "{state}");
    assert_eq!(fixture.harness.exchanges(), 1);
}

async fn another_users_token_leaves_the_dialog_waiting(mode: &'static str) {
    let mut fixture = Fixture::start(mode, "wrong-user", "teams").await;
    let ada = fixture.harness.user("Ada");
    let message = activities::message(&fixture.harness, &ada, "hello");
    let card = fixture.card_for(&message).await;
    let token = fixture.harness.user_token("Ben", "graph").await;
    let invoke = activities::exchange(&fixture.harness, &ada, id_of(&card), &token);
    assert_mismatch(&fixture.harness.post(&invoke).await);
    fixture.assert_waits_after(&json!([{ "type": "message" }])).await;

    let token = fixture.harness.user_token("Ada", "graph").await;
    let invoke = activities::exchange(&fixture.harness, &ada, id_of(&card), &token);
    assert_exchanged(&fixture.harness.post(&invoke).await, id_of(&card));
    fixture.wait_for_continuation(1).await;
    assert_eq!(
        fixture.messages_said(&message["conversation"]["id"]).await.last().unwrap(),
        "Signed in as Ada Lovelace (#1)"
    );
}

async fn a_user_without_consent_continues_with_the_same_id_after_consenting(mode: &'static str) {
    let mut fixture = Fixture::start(mode, "consent", "teams").await;
    let cleo = fixture.harness.user("Cleo");
    let message = activities::message(&fixture.harness, &cleo, "hello");
    let card = fixture.card_for(&message).await;
    let token = fixture.harness.user_token("Cleo", "graph").await;
    let invoke = activities::exchange(&fixture.harness, &cleo, id_of(&card), &token);
    let refused = fixture.harness.post(&invoke).await;
    assert_eq!(refused.status, 412, "{}", refused.json());
    assert!(refused.detail().starts_with("consent_required:"), "{}", refused.json());
    fixture.assert_waits_after(&json!([{ "type": "message" }])).await;
    // The conversation holds only the card, which the bot neither changed nor withdrew.
    let conversation = message["conversation"]["id"].as_str();
    assert_eq!(fixture.harness.stage.connector_calls(conversation).len(), 1);

    fixture.harness.stage.consent("cleo", fixture.harness.bot_app_id("demo")).unwrap();
    fixture.harness.clock.advance(Duration::from_secs(3));
    assert_exchanged(&fixture.harness.post(&invoke).await, id_of(&card));
    fixture.wait_for_continuation(1).await;
    assert_eq!(
        fixture.messages_said(&message["conversation"]["id"]).await.last().unwrap(),
        "Signed in as Cleo Patra (#1)"
    );
}

async fn in_a_group_another_users_token_does_not_continue_the_dialog(mode: &'static str) {
    let mut fixture = Fixture::start(mode, "group", "teams").await;
    let (ada, ben) = (fixture.harness.user("Ada"), fixture.harness.user("Ben"));
    let message = activities::in_group(activities::message(&fixture.harness, &ada, "hello"));
    let card = fixture.card_for(&message).await;
    let token = fixture.harness.user_token("Ben", "graph").await;
    let his = |id: &str| activities::in_group(activities::exchange(&fixture.harness, &ben, id, &token));
    let mut without_card = his("");
    without_card["value"].as_object_mut().unwrap().remove("id");
    let made_up = his("0b8f2f8a-6a54-4b0e-8f5e-0d6a3b1c9f00");
    for invoke in [his(id_of(&card)), without_card.clone(), made_up] {
        assert_mismatch(&fixture.harness.post(&invoke).await);
    }
    fixture.assert_waits_after(&json!([{ "type": "message" }])).await;

    // Ben's own message does not help him either, because the waiting prompt sends him no card.
    let his_message = activities::in_group(activities::message(&fixture.harness, &ben, "me too"));
    assert_eq!(fixture.harness.post(&his_message).await.status, 200);
    assert_mismatch(&fixture.harness.post(&without_card).await);
    fixture.assert_waits_after(&json!([{ "type": "message" }, { "type": "message" }])).await;
    assert_eq!(fixture.harness.exchanges(), 0);

    let token = fixture.harness.user_token("Ada", "graph").await;
    let invoke = activities::in_group(activities::exchange(&fixture.harness, &ada, id_of(&card), &token));
    assert_exchanged(&fixture.harness.post(&invoke).await, id_of(&card));
    let state = fixture.wait_for_continuation(1).await;
    assert_eq!(state["continuations"][0]["user"], "29:ada", "{state}");
    assert_eq!(
        fixture.messages_said(&message["conversation"]["id"]).await.last().unwrap(),
        "Signed in as Ada Lovelace (#1)"
    );
}

async fn a_forged_tokens_response_does_not_continue_the_dialog(mode: &'static str) {
    let mut fixture = Fixture::start(mode, "forged", "teams").await;
    let ada = fixture.harness.user("Ada");
    let message = activities::message(&fixture.harness, &ada, "hello");
    let card = fixture.card_for(&message).await;
    let mut event = activities::teams(&fixture.harness, &ada);
    event["type"] = "event".into();
    event["name"] = "tokens/response".into();
    for value in [
        json!({ "channelId": "msteams", "connectionName": "graph", "token": "forged" }),
        json!({ "ConnectionName": "GRAPH", "Token": "forged" }),
        json!({ "token": "forged" }),
    ] {
        event["value"] = value;
        assert_eq!(fixture.harness.post(&event).await.status, 200);
    }
    fixture.assert_waits_after(&json!([{ "type": "message" }])).await;

    let token = fixture.harness.user_token("Ada", "graph").await;
    let invoke = activities::exchange(&fixture.harness, &ada, id_of(&card), &token);
    assert_exchanged(&fixture.harness.post(&invoke).await, id_of(&card));
    fixture.wait_for_continuation(1).await;
}

async fn an_invoke_on_webchat_continues_the_dialog(mode: &'static str) {
    let mut fixture = Fixture::start(mode, "webchat", "plain").await;
    let ada = fixture.harness.user("Ada");
    let on_webchat = |activity| activities::on_channel(activity, "webchat", "dl_5f1c");
    let message = on_webchat(activities::message(&fixture.harness, &ada, "hello"));
    let card = fixture.card_for(&message).await;
    let token = fixture.harness.user_token("Ada", "graph").await;
    let invoke = on_webchat(activities::exchange(&fixture.harness, &ada, id_of(&card), &token));
    assert_exchanged(&fixture.harness.post(&invoke).await, id_of(&card));
    let state = fixture.wait_for_continuation(1).await;
    assert_eq!(state["continuations"][0]["cause"], fixture.continuing_activity(), "{state}");
    assert_eq!(state["continuations"][0]["channelId"], "webchat", "{state}");
    assert_eq!(
        fixture.messages_said(&message["conversation"]["id"]).await.last().unwrap(),
        "Signed in as Ada Lovelace (#1)"
    );

    // The account is pinned to Ada now.
    let token = fixture.harness.user_token("Ben", "graph").await;
    let invoke = on_webchat(activities::exchange(&fixture.harness, &ada, "y", &token));
    assert_mismatch(&fixture.harness.post(&invoke).await);
    fixture.wait_for_continuation(1).await;
}

/// The user has the card, but the bot's turn is not over: it waits for a slow connector, and the bot saves the state of
/// its dialog only at the end of the turn.
async fn an_invoke_that_arrives_before_the_bots_turn_ends_continues_the_dialog(mode: &'static str) {
    let mut fixture = Fixture::start(mode, "race", "teams").await;
    let (connector, gate) = (RecorderBot::start().await, Gate::default());
    let prompt = Behaviour::answering(200, r#"{"id":"1"}"#);
    connector.behave_in_turn(vec![prompt.clone().behind(&gate), prompt]);
    let service_url = connector.endpoint().replace("/api/messages", "/");
    let ada = fixture.harness.user("Ada");
    let mut message = activities::message(&fixture.harness, &ada, "hello");
    message["serviceUrl"] = service_url.as_str().into();
    let bearer = channel_token_for(&fixture.harness, &service_url);
    let token = fixture.harness.user_token("Ada", "graph").await;

    let posting = fixture.harness.post_as("demo", &bearer, &message);
    let answering = async {
        let card = connector.wait_for(1).await[0].json()["attachments"][0]["content"].clone();
        let mut invoke = activities::exchange(&fixture.harness, &ada, id_of(&card), &token);
        invoke["serviceUrl"] = service_url.as_str().into();
        let invoking = fixture.harness.post_as("demo", &bearer, &invoke);
        let turn_ends = async {
            assert_nothing_reaches_the_bot_during_its_turn(&fixture).await;
            gate.open();
        };
        // In `notify` the client gets its answer before the bot's turn ends. In `forward` the answer is the bot's.
        let answer = if mode == "notify" {
            let answer = invoking.await;
            turn_ends.await;
            answer
        } else {
            tokio::join!(invoking, turn_ends).0
        };
        assert_exchanged(&answer, id_of(&card));
    };
    let (posted, ()) = tokio::join!(posting, answering);
    assert_eq!(posted.status, 200);
    let state = fixture.wait_for_continuation(1).await;
    assert_eq!(state["continuations"][0]["cause"], fixture.continuing_activity(), "{state}");
    assert_eq!(connector.wait_for(2).await[1].json()["text"], "Signed in as Ada Lovelace (#1)");

    // No dialog is waiting now: a message begins a new one, which finds the token.
    assert_eq!(fixture.harness.post_as("demo", &bearer, &message).await.status, 200);
    let state = fixture.wait_for_continuation(2).await;
    assert_eq!(state["continuations"][1]["cause"], "message", "{state}");
}

/// Asserts that the bot receives no activity of Ada during her turn: after her token is stored, only Ben's message
/// arrives.
async fn assert_nothing_reaches_the_bot_during_its_turn(fixture: &Fixture) {
    let harness = &fixture.harness;
    wait_until("the exchange", async || harness.get_token("msteams", "29:ada", "graph").await.status == 200).await;
    fixture.card_for(&activities::message(harness, &harness.user("Ben"), "hello")).await;
    let state = fixture.state().await;
    assert_eq!(state["activities"], json!([{ "type": "message" }, { "type": "message" }]), "{state}");
}
