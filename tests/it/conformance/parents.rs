//! Case 66, and cases 53 and 72 as far as they concern parents: activities that another bot sends.

use serde_json::{Value, json};

use super::{assert_mismatch, exchange_of, success};
use crate::harness::{Answer, Behaviour, Harness, Options, Received, activities};

pub(super) const SERVICE_URL: &str = "https://parent.example/api/skills/";

/// A gateway on which the bot `demo-forward` may call `demo` for Teams.
pub(super) async fn harness(after_exchange: &'static str) -> Harness {
    let mut harness = Harness::start().await;
    harness.restart(&options(&harness, after_exchange)).await;
    harness
}

pub(super) fn options(harness: &Harness, after_exchange: &'static str) -> Options {
    let appended = format!(
        "[[bots.demo.callers]]\napp_id = \"{}\"\ntenant = \"{}\"\nservice_urls = [\"{SERVICE_URL}\"]\n\
         channels = [\"msteams\"]\n",
        harness.bot_app_id("demo-forward"),
        harness.stage.directory().main_tenant_id(),
    );
    Options { after_exchange, appended, operations: true, ..Options::default() }
}

async fn parent_token(harness: &Harness, parent: &str) -> String {
    harness.app_token(harness.bot_app_id(parent), &format!("{}/.default", harness.bot_app_id("demo"))).await
}

pub(super) async fn post(harness: &Harness, activity: &Value) -> Answer {
    harness.post_as("demo", &parent_token(harness, "demo-forward").await, activity).await
}

/// The activity as the SDK's `CreateReply` leaves it for a skill: of the user only id and name remain.
pub(super) fn from_parent(mut activity: Value, user_id: &str) -> Value {
    activity["serviceUrl"] = SERVICE_URL.into();
    activity["from"] = json!({ "id": user_id, "name": "someone" });
    activity["conversation"] = json!({ "id": format!("conversation-of-{user_id}") });
    activity.as_object_mut().unwrap().remove("channelData");
    activity["deliveryMode"] = "expectReplies".into();
    activity
}

/// The one activity of an `expectReplies` answer.
fn invoke_response(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let body = answer.json();
    let activities = body["activities"].as_array().unwrap();
    assert_eq!(activities.len(), 1, "{body}");
    assert_eq!(activities[0]["type"], "invokeResponse");
    assert!(activities[0]["value"]["status"].is_u64(), "an integer: {body}");
    activities[0]["value"].clone()
}

#[tokio::test]
async fn case_66_a_parent_that_expects_replies_gets_the_status_in_one_invoke_response_activity() {
    let harness = harness("notify").await;
    let kept = post(&harness, &from_parent(exchange_of(&harness, "Ada", "x").await, "p:ada")).await;
    assert_eq!(invoke_response(&kept), json!({ "status": 200, "body": success() }));
    let consent = post(&harness, &from_parent(exchange_of(&harness, "Cleo", "x").await, "p:cleo")).await;
    let consent = invoke_response(&consent);
    assert_eq!((consent["status"].clone(), consent["body"]["id"].clone()), (json!(412), json!("x")));
    assert!(consent["body"]["failureDetail"].as_str().unwrap().starts_with("consent_required:"));
    let mut incomplete = from_parent(exchange_of(&harness, "Ada", "y").await, "p:ada");
    incomplete["value"]["token"] = "".into();
    assert_eq!(invoke_response(&post(&harness, &incomplete).await)["status"], 400);
    let mut failure = from_parent(incomplete, "p:ada");
    failure["name"] = "signin/failure".into();
    assert_eq!(invoke_response(&post(&harness, &failure).await), json!({ "status": 200 }));
    let told: Vec<Value> = harness.bot_received(2).await.iter().map(Received::json).collect();
    let event = told.iter().find(|told| told["name"] == "tokens/response").unwrap();
    assert_eq!(event["serviceUrl"], SERVICE_URL);
    assert!(told.iter().any(|told| told["name"] == "signin/failure"), "{told:?}");
    assert_eq!(harness.received_once_settled().await.len(), 2);
}

#[tokio::test]
async fn case_66_a_parent_that_does_not_expect_replies_gets_the_plain_answer() {
    let harness = harness("notify").await;
    let mut activity = from_parent(exchange_of(&harness, "Ada", "x").await, "p:ada");
    activity.as_object_mut().unwrap().remove("deliveryMode");
    let answer = post(&harness, &activity).await;
    assert_eq!((answer.status, answer.json()), (200, success()));
}

#[tokio::test]
async fn case_66_in_forward_the_bots_envelope_passes_unchanged_and_its_inner_status_decides() {
    let harness = harness("forward").await;
    let envelope = |status: u16| {
        json!({ "activities": [{ "type": "invokeResponse", "value": { "status": status } }] }).to_string()
    };
    harness
        .bot
        .behave_in_turn(vec![Behaviour::answering(200, &envelope(412)), Behaviour::answering(200, &envelope(200))]);
    let activity = from_parent(exchange_of(&harness, "Ada", "x").await, "p:ada");
    assert_eq!(invoke_response(&post(&harness, &activity).await)["status"], 412);
    harness.clock.advance(std::time::Duration::from_millis(3100));
    for _ in 0..2 {
        assert_eq!(invoke_response(&post(&harness, &activity).await)["status"], 200);
    }
    assert_eq!(harness.received_once_settled().await.len(), 2, "the failure was tried again, the success was not");
    assert_eq!(harness.exchanges(), 1);
}

#[tokio::test]
async fn a_parents_user_id_stays_pinned_to_the_first_person_who_signed_in_with_it() {
    let harness = harness("notify").await;
    let plain = |mut activity: Value| {
        activity.as_object_mut().unwrap().remove("deliveryMode");
        activity
    };
    let ada = plain(from_parent(exchange_of(&harness, "Ada", "x").await, "p:1"));
    let ben = plain(from_parent(exchange_of(&harness, "Ben", "x").await, "p:1"));
    assert_eq!(post(&harness, &ada).await.status, 200);
    assert_mismatch("another identity", &post(&harness, &ben).await, "pin");
    let other = plain(from_parent(exchange_of(&harness, "Ben", "x").await, "p:2"));
    assert_eq!(post(&harness, &other).await.status, 200);
    assert_eq!(harness.exchanges(), 2);
}

#[tokio::test]
async fn only_listed_parents_may_call_and_only_for_their_channels_and_addresses() {
    let harness = harness("notify").await;
    let activity = from_parent(exchange_of(&harness, "Ada", "x").await, "p:ada");
    let unlisted = parent_token(&harness, "demo-none").await;
    let user = harness.user_token("Ada", "graph").await;
    let listed = parent_token(&harness, "demo-forward").await;
    let elsewhere = {
        let mut activity = activity.clone();
        activity["serviceUrl"] = "https://parent.example.evil.test/api/skills/".into();
        activity
    };
    let other_channel = activities::on_channel(activity.clone(), "directline", "dl_ada");
    for (case, bearer, activity, code) in [
        ("69, unlisted", &unlisted, &activity, "CallerNotAllowed"),
        ("a user's token", &user, &activity, "DelegatedTokenNotAllowed"),
        ("service URL", &listed, &elsewhere, "ServiceUrlNotAllowed"),
        ("channel", &listed, &other_channel, "ChannelNotEndorsed"),
    ] {
        let answer = harness.post_as("demo", bearer, activity).await;
        assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (403, json!(code)), "{case}");
    }
    assert_eq!(harness.exchanges(), 0);
    assert!(harness.received_once_settled().await.is_empty());
}

#[tokio::test]
async fn case_72_a_tokens_response_event_from_a_parent_is_dropped() {
    let harness = harness("notify").await;
    let mut event = from_parent(exchange_of(&harness, "Ada", "x").await, "p:ada");
    event["type"] = "event".into();
    event["name"] = "tokens/response".into();
    event["value"] = json!({ "connectionName": "graph", "token": "forged" });
    assert_eq!(post(&harness, &event).await.status, 200);
    assert!(harness.received_once_settled().await.is_empty());
    assert_eq!(harness.get_token("msteams", "p:ada", "graph").await.status, 404);
}

#[tokio::test]
async fn a_parents_exchange_in_a_group_needs_a_pending_sign_in() {
    let harness = harness("notify").await;
    let mut activity = from_parent(exchange_of(&harness, "Ada", "x").await, "p:ada");
    activity["conversation"]["isGroup"] = true.into();
    activity.as_object_mut().unwrap().remove("deliveryMode");
    assert_mismatch("group", &post(&harness, &activity).await, "no_pending_sign_in");
    activity["value"]["id"] = harness.card(&activity, "graph").await.into();
    assert_eq!(post(&harness, &activity).await.status, 200);
}

#[tokio::test]
async fn a_parents_exchange_is_refused_when_its_stated_entra_identity_differs_from_the_token() {
    let harness = harness("notify").await;
    let calls = harness.exchanges();
    let mut activity = from_parent(exchange_of(&harness, "Ada", "x").await, "p:ada");
    activity.as_object_mut().unwrap().remove("deliveryMode");
    activity["from"]["aadObjectId"] = harness.user("Ben").oid.into();
    assert_mismatch("oid", &post(&harness, &activity).await, "oid");
    activity["from"]["aadObjectId"] = harness.user("Ada").oid.into();
    activity["conversation"]["tenantId"] = harness.user("Fay").tid.into();
    assert_mismatch("tid", &post(&harness, &activity).await, "tid");
    assert_eq!(harness.exchanges(), calls);
    activity["conversation"]["tenantId"] = harness.user("Ada").tid.into();
    assert_eq!(post(&harness, &activity).await.status, 200);
}

#[tokio::test]
async fn a_parent_cannot_put_another_persons_token_where_the_channels_user_finds_it() {
    let harness = harness("notify").await;
    let ada = activities::exchange(&harness, &harness.user("Ada"), "x", &harness.user_token("Ada", "graph").await);
    assert_eq!(harness.post(&ada).await.status, 200);
    let mut bens = from_parent(exchange_of(&harness, "Ben", "y").await, "29:ada");
    bens.as_object_mut().unwrap().remove("deliveryMode");
    bens["value"]["connectionName"] = "mail".into();
    assert_mismatch("pin", &post(&harness, &bens).await, "pin");
    assert_eq!(harness.get_token("msteams", "29:ada", "mail").await.status, 404);
}

#[tokio::test]
async fn in_forward_replies_without_an_invoke_response_do_not_count_as_a_success() {
    let harness = harness("forward").await;
    harness.bot.behave(Behaviour::answering(200, r#"{"activities":[{"type":"message","text":"hi"}]}"#));
    let activity = from_parent(exchange_of(&harness, "Ada", "x").await, "p:ada");
    assert_eq!(invoke_response(&post(&harness, &activity).await), json!({ "status": 501 }));
    harness.clock.advance(std::time::Duration::from_millis(3100));
    post(&harness, &activity).await;
    assert_eq!(harness.bot.received().len(), 2, "it was not taken for settled");
}

#[tokio::test]
async fn a_parents_user_may_be_another_person_once_all_connections_were_signed_out() {
    let harness = harness("none").await;
    let status = async |user: &str, id: &str| {
        invoke_response(&post(&harness, &from_parent(exchange_of(&harness, user, id).await, "p:1")).await)["status"]
            .clone()
    };
    let account = [("userId", "p:1"), ("channelId", "msteams")];
    assert_eq!(status("Ada", "1").await, 200);
    assert_eq!(harness.sign_out(&[account[0], account[1], ("connectionName", "graph")]).await.status, 200);
    assert_eq!(status("Ben", "2").await, 400, "the parent spoke for Ada");
    assert_eq!(harness.sign_out(&account).await.status, 200);
    assert_eq!(status("Ben", "3").await, 200);
}
