//! The modes `forward` and `none` of `after_exchange`. All other cases run with `notify`.

use std::time::Duration;

use bot_sso::dev::{Fault, FaultRule};
use serde_json::{Value, json};

use super::{Scenario, exchange_of, is_kept, success};
use crate::harness::{Behaviour, Gate, Harness, Options, activities};

fn forward() -> Options {
    Options { after_exchange: "forward", ..Options::default() }
}

#[tokio::test]
async fn in_none_the_gateway_answers_the_invoke_and_the_bot_fetches_the_token_later() {
    let scenario = Scenario::with(Harness::with(Options { after_exchange: "none", ..Options::default() }).await).await;
    for _ in 0..2 {
        let answer = scenario.harness.post(&scenario.exchange()).await;
        assert_eq!((answer.status, answer.json()), (200, success()));
    }
    assert_eq!(scenario.harness.exchanges(), 1);
    assert!(scenario.harness.received_once_settled().await.is_empty());
    assert!(is_kept(&scenario.harness, &scenario.exchange(), "graph").await);
}

#[tokio::test]
async fn in_forward_the_unchanged_invoke_reaches_the_bot_after_the_token_is_stored() {
    let scenario = Scenario::with(Harness::with(forward()).await).await;
    let (harness, caller) = (&scenario.harness, scenario.harness.channel_token("demo").await);
    let gate = Gate::default();
    harness.bot.behave(Behaviour::default().behind(&gate));
    let (activity, bearer) = (scenario.exchange(), format!("Bearer {caller}"));
    let bot = async {
        let received = harness.bot_received(1).await;
        assert!(is_kept(harness, &activity, "graph").await, "kept before it is forwarded");
        gate.open();
        received
    };
    let (answer, received) = tokio::join!(harness.post_as("demo", &caller, &activity), bot);
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b""[..]), "the bot's own answer");
    assert_eq!(received[0].path, "/api/messages");
    assert_eq!(received[0].body, serde_json::to_vec(&activity).unwrap(), "byte by byte");
    assert_eq!(received[0].header("authorization"), Some(bearer.as_str()));
    assert_eq!(harness.received_once_settled().await.len(), 1, "no event besides");
}

#[tokio::test]
async fn in_forward_the_bot_receives_the_invoke_in_canonical_spelling() {
    let scenario = Scenario::with(Harness::with(forward()).await).await;
    let canonical = scenario.exchange();
    let mut activity = canonical.clone();
    activity["type"] = "Invoke".into();
    activity["name"] = "signin/TokenExchange".into();
    let value = &canonical["value"];
    activity["value"] =
        json!({ "Id": value["id"], "ConnectionName": value["connectionName"], "Token": value["token"] });
    assert_eq!(scenario.harness.post(&activity).await.status, 200);
    assert_eq!(scenario.harness.bot.received()[0].json(), canonical);
}

#[tokio::test]
async fn in_forward_only_the_first_of_parallel_duplicates_reaches_the_bot_and_all_get_its_answer() {
    for (status, body) in [(200, r#"{"from":"the bot"}"#), (412, r#"{"failureDetail":"the bot's"}"#), (501, "")] {
        let scenario = Scenario::with(Harness::with(forward()).await).await;
        let (harness, activity) = (&scenario.harness, scenario.exchange());
        let gate = Gate::default();
        harness.bot.behave(Behaviour::answering(status, body).behind(&gate));
        let answering = async {
            harness.bot_received(1).await;
            gate.open();
        };
        let (first, second, third, ()) =
            tokio::join!(harness.post(&activity), harness.post(&activity), harness.post(&activity), answering);
        for answer in [first, second, third, harness.post(&activity).await] {
            assert_eq!((answer.status, String::from_utf8_lossy(&answer.body).as_ref()), (status, body));
        }
        assert_eq!(harness.received_once_settled().await.len(), 1, "{status}");
        assert_eq!(harness.exchanges(), 1, "{status}");
        assert!(is_kept(harness, &activity, "graph").await, "{status}: the token stays");
    }
}

#[tokio::test]
async fn in_forward_a_retry_after_the_bot_failed_reaches_the_bot_again_without_an_exchange() {
    let scenario = Scenario::with(Harness::with(forward()).await).await;
    scenario.harness.bot.behave_in_turn(vec![Behaviour::answering(500, "boom"), Behaviour::default()]);
    assert_eq!(scenario.harness.post(&scenario.exchange()).await.status, 500);
    scenario.harness.clock.advance(Duration::from_millis(3100));
    assert_eq!(scenario.harness.post(&scenario.exchange()).await.status, 200);
    assert_eq!((scenario.harness.exchanges(), scenario.harness.bot.received().len()), (1, 2));
}

#[tokio::test]
async fn in_forward_a_slow_bot_is_504_and_an_unreachable_bot_is_502_and_the_token_stays() {
    let (late, gone) = tokio::join!(
        async {
            let scenario = Scenario::with(Harness::with(forward()).await).await;
            scenario.harness.bot.behave(Behaviour::silent());
            let answer = scenario.harness.post(&scenario.exchange()).await;
            assert!(is_kept(&scenario.harness, &scenario.exchange(), "graph").await);
            answer
        },
        async {
            let nowhere = Options { endpoint: Some("http://127.0.0.1:9/api/messages".into()), ..forward() };
            let scenario = Scenario::with(Harness::with(nowhere).await).await;
            let answer = scenario.harness.post(&scenario.exchange()).await;
            assert!(is_kept(&scenario.harness, &scenario.exchange(), "graph").await);
            answer
        }
    );
    assert_eq!((late.status, late.json()["error"]["code"].clone()), (504, json!("BotTimeout")));
    assert_eq!((gone.status, gone.json()["error"]["code"].clone()), (502, json!("BotUnavailable")));
}

#[tokio::test]
async fn in_forward_a_refused_exchange_never_reaches_the_bot() {
    let scenario = Scenario::with(Harness::with(forward()).await).await;
    let harness = &scenario.harness;
    let mut of_another = scenario.exchange();
    of_another["value"]["token"] = harness.user_token("Ben", "graph").await.into();
    let mut incomplete = scenario.exchange();
    incomplete["value"].as_object_mut().unwrap().remove("token");
    let consent = exchange_of(harness, "Cleo", "x").await;
    for (activity, status) in [(&of_another, 400), (&incomplete, 400), (&consent, 412)] {
        assert_eq!(harness.post(activity).await.status, status);
    }
    harness.stage.faults().add(FaultRule::new(Fault::PlainText));
    assert_eq!(harness.post(&scenario.exchange()).await.status, 500);
    assert!(harness.received_once_settled().await.is_empty());
}

#[tokio::test]
async fn in_forward_the_gateway_forwards_a_code_without_redeeming_it() {
    let mut harness = Harness::with(forward()).await;
    let ada = harness.user("Ada");
    harness.sign_in_resource(&activities::teams(&harness, &ada), "graph").await;
    let code = harness.issue_code(&forward(), &ada, "graph", "behind-a-code").await;
    harness.bot.behave(Behaviour::answering(200, r#"{"the":"bot"}"#));
    let activity = activities::invoke(&harness, &ada, "signin/verifyState", json!({ "state": code }));
    let answer = harness.post(&activity).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "the": "bot" })));
    assert_eq!(harness.bot.received()[0].json(), activity);
    assert!(!is_kept(&harness, &activity, "graph").await);
    let query = [("userId", "29:ada"), ("connectionName", "graph"), ("channelId", "msteams"), ("code", code.as_str())];
    let redeemed = harness.get_token_as("demo", &query).await;
    assert_eq!((redeemed.status, redeemed.json()["token"].clone()), (200, json!("behind-a-code")));
}

#[tokio::test]
async fn in_forward_a_sign_in_failure_reaches_the_bot_and_the_client_always_gets_200() {
    let harness = Harness::with(forward()).await;
    harness.bot.behave(Behaviour::answering(501, "not mine"));
    let ada = harness.user("Ada");
    let activity: Value = activities::invoke(&harness, &ada, "signin/failure", json!({ "code": "tokenmissing" }));
    let answer = harness.post(&activity).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b""[..]));
    assert_eq!(harness.bot_received(1).await[0].json(), activity);
}

#[tokio::test]
async fn in_forward_the_gateway_removes_expect_replies_before_the_bot_receives_a_channels_invoke() {
    let scenario = Scenario::with(Harness::with(forward()).await).await;
    scenario.harness.bot.behave(Behaviour::answering(412, r#"{"failureDetail":"the bot's"}"#));
    let mut activity = scenario.exchange();
    activity["deliveryMode"] = "expectReplies".into();
    let answer = scenario.harness.post(&activity).await;
    assert_eq!((answer.status, answer.json()), (412, json!({ "failureDetail": "the bot's" })));
    activity["deliveryMode"] = "normal".into();
    assert_eq!(scenario.harness.bot.received()[0].json(), activity);
}

#[tokio::test]
async fn in_forward_the_gateway_neither_requests_nor_accepts_a_compressed_answer() {
    let scenario = Scenario::with(Harness::with(forward()).await).await;
    let gzip = Behaviour { headers: vec![("content-encoding", "gzip")], ..Behaviour::answering(200, "\u{1f}zipped") };
    scenario.harness.bot.behave(gzip);
    let bearer = format!("Bearer {}", scenario.harness.channel_token("demo").await);
    let headers = [("authorization", bearer.as_str()), ("accept-encoding", "gzip")];
    let body = serde_json::to_vec(&scenario.exchange()).unwrap();
    let answer = scenario.harness.send("POST", "/bots/demo/api/messages", &headers, body).await;
    assert_eq!(answer.status, 502);
    assert_eq!(scenario.harness.bot.received()[0].header("accept-encoding"), None);
    assert!(is_kept(&scenario.harness, &scenario.exchange(), "graph").await, "the token stays");
}

#[tokio::test]
async fn in_forward_a_group_card_stays_valid_after_the_bot_failed_to_handle_its_invoke() {
    let harness = Harness::with(forward()).await;
    harness.bot.behave_in_turn(vec![Behaviour::answering(412, "{}"), Behaviour::default()]);
    let mut activity = activities::in_group(exchange_of(&harness, "Ada", "").await);
    activity["value"]["id"] = harness.card(&activity, "graph").await.into();
    assert_eq!(harness.post(&activity).await.status, 412);
    harness.clock.advance(Duration::from_millis(3100));
    assert_eq!(harness.post(&activity).await.status, 200);
    assert_eq!(harness.exchanges(), 1);
}
