//! Actions that a parent bot passes on.

use serde_json::{Value, json};

use super::{Action, BOTH, authentication, cut, text_of};
use crate::harness::{Answer, Behaviour, Harness, Options};

pub(super) const SERVICE_URL: &str = "https://parent.example/api/skills/";

/// A gateway on which the bot `demo-forward` may call `demo`, which has this setting.
pub(super) async fn harness(bot: &'static str) -> Harness {
    let mut harness = Harness::start().await;
    let appended = format!(
        "[[bots.demo.callers]]\napp_id = \"{}\"\ntenant = \"{}\"\nservice_urls = [\"{SERVICE_URL}\"]\n\
         channels = [\"msteams\"]\n",
        harness.bot_app_id("demo-forward"),
        harness.stage.directory().main_tenant_id(),
    );
    harness.restart(&Options { appended, bot, ..Options::default() }).await;
    harness
}

pub(super) async fn post(harness: &Harness, activity: &Value) -> Answer {
    let scope = format!("{}/.default", harness.bot_app_id("demo"));
    let bearer = harness.app_token(harness.bot_app_id("demo-forward"), &scope).await;
    harness.post_as("demo", &bearer, activity).await
}

/// The action as a parent bot passes it on.
async fn told(harness: &Harness, user: &str, token_of: &str) -> Value {
    let mut activity = Action::Card.of(harness, user, &authentication(harness, token_of).await);
    activity["serviceUrl"] = SERVICE_URL.into();
    activity["deliveryMode"] = "expectReplies".into();
    activity
}

#[tokio::test]
async fn an_action_of_a_parent_is_exchanged_and_the_bots_envelope_relayed() {
    let harness = harness(BOTH).await;
    let envelope = "{\"activities\":[{\"type\":\"invokeResponse\",\"value\":{\"status\":200,\"body\":{}}}]}";
    harness.bot.behave(Behaviour::answering(200, envelope));
    let activity = told(&harness, "Ada", "Ada").await;
    let answer = post(&harness, &activity).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, envelope.as_bytes()));
    assert_eq!(harness.bot.received()[0].body, cut(&activity, "authentication"));
    assert_eq!(harness.get_token("msteams", "29:ada", "graph").await.status, 200);
}

#[tokio::test]
async fn a_refusal_is_in_the_envelope_that_a_parent_expects() {
    let harness = harness(BOTH).await;
    for (user, token_of, status) in [("Cleo", "Cleo", 412), ("Ada", "Ben", 400)] {
        let answer = post(&harness, &told(&harness, user, token_of).await).await;
        assert_eq!(answer.status, 200, "{}", text_of(&answer));
        let response = &answer.json()["activities"][0];
        assert_eq!((&response["type"], &response["value"]["status"]), (&json!("invokeResponse"), &json!(200)));
        assert_eq!(response["value"]["body"]["statusCode"], status, "{response}");
    }
    assert!(harness.received_once_settled().await.is_empty());
}

#[tokio::test]
async fn a_parent_cannot_bring_another_persons_token_for_a_user_of_the_channel() {
    let harness = harness(BOTH).await;
    assert_eq!(post(&harness, &told(&harness, "Ada", "Ada").await).await.status, 200);
    let mut bens = told(&harness, "Ben", "Ben").await;
    bens["from"]["id"] = "29:ada".into();
    bens.as_object_mut().unwrap().remove("deliveryMode");
    let answer = post(&harness, &bens).await;
    assert_eq!(answer.json()["statusCode"], 400, "{}", text_of(&answer));
    assert_eq!(harness.received_once_settled().await.len(), 1);
}
