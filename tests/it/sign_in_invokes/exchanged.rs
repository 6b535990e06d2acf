//! The token is exchanged, taken out, and the action passed on.

use bot_sso::dev::GrantKind;
use serde_json::{Value, json};

use super::{ACTIONS, Action, BOTH, authentication, cut, is_kept, start, text_of};
use crate::harness::{Behaviour, Harness, Options, activities};

const ANSWER: &str = "{ \"statusCode\" :200,\"type\":\"application/vnd.microsoft.card.adaptive\",\"value\":{}}\n";

fn places() -> [fn(Value) -> Value; 3] {
    [|activity| activity, activities::in_group, activities::in_channel]
}

#[tokio::test]
async fn every_action_is_exchanged_in_every_place_and_passed_on_without_its_token() {
    let harness = start().await;
    let answer = Behaviour { headers: vec![("x-of-the-bot", "1")], ..Behaviour::answering(203, ANSWER) };
    harness.bot.behave(answer);
    let mut sent = Vec::new();
    for place in places() {
        for action in ACTIONS {
            let activity = place(action.of(&harness, "Ada", &authentication(&harness, "Ada").await));
            let answer = harness.post(&activity).await;
            assert_eq!((answer.status, answer.body.as_slice()), (203, ANSWER.as_bytes()), "{action:?}");
            assert_eq!(answer.header("x-of-the-bot"), Some("1"));
            sent.push(cut(&activity, "authentication"));
            assert!(is_kept(&harness, "Ada").await);
        }
    }
    let received: Vec<_> = harness.received_once_settled().await.into_iter().map(|it| it.body).collect();
    assert_eq!(received, sent, "no event beside the actions, and no other byte changed");
    assert_eq!(harness.exchanges(), 1, "the kept token serves the later actions");
    let token = harness.get_token("msteams", "29:ada", "graph").await.json();
    assert!(token["token"].as_str().is_some_and(|token| !token.is_empty()), "{token}");
}

#[tokio::test]
async fn a_body_in_any_layout_loses_only_its_token() {
    let harness = start().await;
    let token = harness.user_token("Ada", "graph").await;
    let head = activities::invoke(&harness, &harness.user("Ada"), "AdaptiveCard/Action", json!({})).to_string();
    let head = head.strip_suffix(",\"value\":{}}").unwrap();
    let bearer = harness.channel_token("demo").await;
    for (value, kept) in [
        ("{ \"Authentication\" : AUTH ,\n \"n\" : 1.0 }", "{\n \"n\" : 1.0 }"),
        ("{\"n\":12345678901234567890123,\"authentication\":AUTH }", "{\"n\":12345678901234567890123}"),
        ("{\"data\":\"half \\ud83d\",\"authentication\":AUTH}", "{\"data\":\"half \\ud83d\"}"),
        ("{\"authentication\":AUTH}", "{}"),
    ] {
        let authentication = format!("{{\"token\":\"{token}\",\"connectionName\":\"graph\"}}");
        let body = |value: &str| format!(" {head},\"value\": {value},\"z\":\"\\u0041\" }}\n");
        let sent = body(&value.replace("AUTH", &authentication)).into_bytes();
        let answer = harness.post_bytes("demo", &bearer, sent).await;
        assert_eq!(answer.status, 200, "{value}: {}", text_of(&answer));
        let received = harness.bot.received().pop().unwrap().body;
        assert_eq!(String::from_utf8(received).unwrap(), body(kept), "{value}");
    }
}

#[tokio::test]
async fn parallel_actions_each_reach_the_bot_and_share_one_exchange() {
    let harness = start().await;
    // Teams sends the token that it has cached with each of them.
    let authentication = authentication(&harness, "Ada").await;
    let mut actions: Vec<_> = (0..3).map(|_| Action::Query.of(&harness, "Ada", &authentication)).collect();
    actions.push(actions[0].clone());
    let answers = futures_util::future::join_all(actions.iter().map(|action| harness.post(action))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(harness.received_once_settled().await.len(), 4);
    assert_eq!(harness.exchanges(), 1);
}

#[tokio::test]
async fn an_action_leaves_the_card_of_a_waiting_dialog_open() {
    let harness = start().await;
    let message = activities::in_group(activities::message(&harness, &harness.user("Ada"), "hello"));
    let card = harness.card(&message, "graph").await;
    let action = activities::in_group(Action::Card.of(&harness, "Ada", &authentication(&harness, "Ada").await));
    assert_eq!(harness.post(&action).await.status, 200);
    let token = harness.user_token("Ada", "graph").await;
    let exchange = activities::in_group(activities::exchange(&harness, &harness.user("Ada"), &card, &token));
    let answer = harness.post(&exchange).await;
    assert_eq!(answer.status, 200, "{}", text_of(&answer));
    let received = harness.received_once_settled().await;
    assert_eq!(received.last().unwrap().json()["name"], "tokens/response", "the dialog is continued");
}

#[tokio::test]
async fn a_token_without_a_connection_name_finds_its_connection_by_the_audience() {
    let environment =
        vec![("BOT_SSO_BOTS__DEMO_NONE__SIGN_IN_INVOKES".to_owned(), "[\"message_extension\"]".to_owned())];
    let harness = Harness::with(Options { environment, bot: BOTH, ..Options::default() }).await;
    let token = harness.user_token_for("demo-none", "Ada", "graph").await;
    let mut activity = Action::Query.of(&harness, "Ada", &json!({ "authentication": { "token": token } }));
    activity["recipient"]["id"] = format!("28:{}", harness.bot_app_id("demo-none")).into();
    assert_eq!(harness.post_to("demo-none", &activity).await.status, 200);
    assert_eq!(harness.bot.received()[0].body, cut(&activity, "authentication"));
    let query = [("userId", "29:ada"), ("connectionName", "graph"), ("channelId", "msteams")];
    assert_eq!(harness.get_token_as("demo-none", &query).await.status, 200);

    // A v1.0 token spells its audience in another way; only one connection of this bot accepts it.
    let token = harness.user_token("Ada", "legacy").await;
    let activity =
        Action::Card.of(&harness, "Ada", &json!({ "authentication": { "token": token, "connectionName": null } }));
    assert_eq!(harness.post(&activity).await.status, 200);
    assert_eq!(harness.bot.received()[1].body, cut(&activity, "authentication"));
    assert_eq!(harness.get_token("msteams", "29:ada", "legacy").await.status, 200);
}

#[tokio::test]
async fn a_guest_is_signed_in_by_the_account_that_the_host_knows() {
    let harness = start().await;
    let activity = activities::in_channel(Action::Query.of(&harness, "Gus", &authentication(&harness, "Gus").await));
    let answer = harness.post(&activity).await;
    assert_eq!(answer.status, 200, "{}", text_of(&answer));
    assert!(is_kept(&harness, "Gus").await);
}

#[tokio::test]
async fn an_action_after_a_sign_out_signs_in_anew() {
    let harness = start().await;
    let activity = Action::Card.of(&harness, "Ada", &authentication(&harness, "Ada").await);
    assert_eq!(harness.post(&activity).await.status, 200);
    assert_eq!(harness.sign_out(&[("userId", "29:ada"), ("channelId", "msteams")]).await.status, 200);
    assert!(!is_kept(&harness, "Ada").await);
    assert_eq!(harness.post(&activity).await.status, 200);
    assert!(is_kept(&harness, "Ada").await);
    assert_eq!(harness.stage.calls().count(GrantKind::OnBehalfOf), 2);
}
