//! In a Teams channel, only the answer to an action offers silent sign-in.

use serde_json::{Value, json};

use super::{ACTIONS, Action, BOTH};
use crate::harness::{Behaviour, Gate, Harness, Options, activities};

/// What each operation offers for the user and conversation of `activity`: `GetSignInResource`, `GetTokenOrSignInResource`,
/// `GetOAuthCard`.
async fn offers(harness: &Harness, activity: &Value) -> [bool; 3] {
    let state = activities::state_of(activity, "graph");
    let user = activity["from"]["id"].as_str().unwrap();
    let pairs = [("state", state.as_str()), ("userId", user), ("connectionName", "graph"), ("channelId", "msteams")];
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let mut offered = [false; 3];
    for (operation, (path, part)) in [
        ("/api/botsignin/GetSignInResource", ""),
        ("/api/usertoken/GetTokenOrSignInResource", "/signInResource"),
        ("/api/botsignin/GetOAuthCard", "/content"),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = harness.token_service("demo", &format!("{path}?{query}")).await;
        let body = answer.json();
        let resource = body.pointer(part).unwrap();
        offered[operation] = resource.get("tokenExchangeResource").is_some();
        assert!(resource.get("signInLink").or(resource.pointer("/buttons/0/value")).is_some(), "{path}: {body}");
    }
    offered
}

const NONE: [bool; 3] = [false; 3];

#[tokio::test]
async fn a_resource_offers_silent_sign_in_only_while_an_action_of_that_user_is_at_the_bot() {
    for setting in ["", BOTH] {
        let harness = Harness::with(Options { bot: setting, ..Options::default() }).await;
        let message = activities::in_channel(activities::message(&harness, &harness.user("Ada"), "hello"));
        for (number, kind) in ACTIONS.into_iter().enumerate() {
            let action = activities::in_channel(kind.of(&harness, "Ada", &json!({})));
            assert_eq!(offers(&harness, &action).await, NONE, "{kind:?}: before");
            let gate = Gate::default();
            harness.bot.behave(Behaviour::answering(200, "{}").behind(&gate));
            let meanwhile = async {
                harness.bot_received(number + 1).await;
                assert_eq!(offers(&harness, &action).await, [true, true, false], "{kind:?}: at the bot");
                let bens = activities::in_channel(kind.of(&harness, "Ben", &json!({})));
                assert_eq!(offers(&harness, &bens).await, NONE, "{kind:?}: another user");
                let mut elsewhere = message.clone();
                elsewhere["conversation"]["id"] = "19:elsewhere@thread.tacv2".into();
                assert_eq!(offers(&harness, &elsewhere).await, NONE, "{kind:?}: another channel");
                gate.open();
            };
            let (answer, ()) = tokio::join!(harness.post(&action), meanwhile);
            assert_eq!(answer.status, 200);
            assert_eq!(offers(&harness, &action).await, NONE, "{kind:?}: after its answer");
        }
    }
}

#[tokio::test]
async fn a_message_in_a_channel_at_the_bot_makes_no_offer() {
    let harness = Harness::start().await;
    let message = activities::in_channel(activities::message(&harness, &harness.user("Ada"), "hello"));
    let gate = Gate::default();
    harness.bot.behave(Behaviour::answering(200, "").behind(&gate));
    let meanwhile = async {
        harness.bot_received(1).await;
        assert_eq!(offers(&harness, &message).await, NONE);
        gate.open();
    };
    tokio::join!(harness.post(&message), meanwhile);
}

#[tokio::test]
async fn outside_of_channels_every_offer_stays() {
    let harness = Harness::start().await;
    let personal = activities::message(&harness, &harness.user("Ada"), "hello");
    for message in [personal.clone(), activities::in_group(personal)] {
        assert_eq!(offers(&harness, &message).await, [true; 3]);
    }
}

#[tokio::test]
async fn the_token_for_an_offer_in_a_channel_is_exchanged() {
    let harness = Harness::with(Options { bot: BOTH, ..Options::default() }).await;
    let gate = Gate::default();
    harness.bot.behave(Behaviour::answering(200, "{}").behind(&gate));
    let first = activities::in_channel(Action::Card.of(&harness, "Ada", &json!({})));
    let meanwhile = async {
        harness.bot_received(1).await;
        let resource = harness.sign_in_resource(&first, "graph").await;
        gate.open();
        resource["tokenExchangeResource"]["id"].clone()
    };
    let (_, id) = tokio::join!(harness.post(&first), meanwhile);
    let token = harness.user_token("Ada", "graph").await;
    let authentication = json!({ "authentication": { "id": id, "connectionName": "graph", "token": token } });
    let again = activities::in_channel(Action::Card.of(&harness, "Ada", &authentication));
    assert_eq!(harness.post(&again).await.status, 200);
    assert_eq!(harness.get_token("msteams", "29:ada", "graph").await.status, 200);
}
