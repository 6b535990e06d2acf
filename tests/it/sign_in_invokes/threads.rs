//! Offers in a Teams channel whose kind the bot's `state` does not say, and which has threads.

use serde_json::{Value, json};

use super::Action;
use crate::harness::{Behaviour, Gate, Harness, activities};

/// Whether a resource and a card offer silent sign-in to Ada in the conversation `conversation`.
async fn offers(harness: &Harness, conversation: &Value) -> [bool; 2] {
    let mut message = activities::message(harness, &harness.user("Ada"), "hello");
    message["conversation"] = conversation.clone();
    let state = activities::state_of(&message, "graph");
    let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("state", &state).finish();
    let resource = harness.token_service("demo", &format!("/api/botsignin/GetSignInResource?{query}")).await.json();
    let card = harness.token_service("demo", &format!("/api/botsignin/GetOAuthCard?{query}")).await.json();
    [&resource, &card["content"]].map(|offer| offer.get("tokenExchangeResource").is_some())
}

#[tokio::test]
async fn a_channel_gets_no_silent_offer_although_only_its_id_says_that_it_is_one() {
    let harness = Harness::start().await;
    for id in
        ["19:a@thread.tacv2", "19:a@thread.tacv2;messageid=1481567603816", "19:a@thread.skype", "19:A@THREAD.TACV2"]
    {
        for more in
            [json!({}), json!({ "isGroup": true }), json!({ "conversationType": "" }), json!({ "name": "General" })]
        {
            let mut conversation = more;
            conversation["id"] = id.into();
            assert_eq!(offers(&harness, &conversation).await, [false; 2], "{conversation}");
        }
    }
    for id in ["19:a@thread.v2", "19:a_b@unq.gbl.spaces", "19:a@thread.v2;messageid=1", "a:1", "thread.tacv2"] {
        assert_eq!(offers(&harness, &json!({ "id": id })).await, [true; 2], "{id}");
    }
}

#[tokio::test]
async fn an_action_in_a_thread_lets_the_bot_offer_in_the_channel_and_in_its_threads() {
    let harness = Harness::start().await;
    let channel = "19:channel@thread.tacv2";
    for acted_in in [channel.to_owned(), format!("{channel};messageid=1")] {
        let mut action = Action::Card.of(&harness, "Ada", &json!({}));
        action["conversation"] = json!({ "id": acted_in, "tenantId": action["conversation"]["tenantId"] });
        let received = harness.bot.received().len();
        let gate = Gate::default();
        harness.bot.behave(Behaviour::answering(200, "{}").behind(&gate));
        let meanwhile = async {
            harness.bot_received(received + 1).await;
            for asked_in in [channel.to_owned(), format!("{channel};messageid=1"), format!("{channel};messageid=2")] {
                let kind = json!({ "id": asked_in });
                assert_eq!(offers(&harness, &kind).await, [true, false], "{acted_in} {asked_in}");
            }
            assert_eq!(offers(&harness, &json!({ "id": "19:other@thread.tacv2;messageid=1" })).await, [false; 2]);
            gate.open();
        };
        tokio::join!(harness.post(&action), meanwhile);
        assert_eq!(offers(&harness, &json!({ "id": channel })).await, [false; 2], "after its answer");
    }
}
