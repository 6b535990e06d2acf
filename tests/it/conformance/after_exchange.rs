//! The modes `forward` and `none` of `after_exchange` (`notify` is what all other cases run with).

use std::time::Duration;

use bot_sso::dev::{Fault, FaultRule};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Scene, exchange_of, is_kept, received_in_the_end, success};
use crate::harness::{Behaviour, Harness, Options, activities};

fn forward() -> Options {
    Options { after_exchange: "forward", ..Options::default() }
}

#[tokio::test]
async fn in_none_the_invoke_is_answered_and_the_bot_asks_when_it_wants() {
    let scene = Scene::on(Harness::with(Options { after_exchange: "none", ..Options::default() }).await).await;
    for _ in 0..2 {
        let answer = scene.harness.post(&scene.exchange()).await;
        assert_eq!((answer.status, answer.json()), (200, success()));
    }
    assert_eq!(scene.harness.exchanges(), 1);
    assert!(received_in_the_end(&scene.harness).await.is_empty());
    assert!(is_kept(&scene.harness, &scene.exchange(), "graph").await);
}

#[tokio::test]
async fn in_forward_the_bot_finds_the_token_kept_when_the_invoke_reaches_it_unchanged() {
    let scene = Scene::on(Harness::with(forward()).await).await;
    let (harness, caller) = (&scene.harness, scene.harness.channel_token("demo").await);
    harness.bot.behave(Behaviour { delay: Duration::from_millis(600), ..Behaviour::default() });
    let (activity, bearer) = (scene.exchange(), format!("Bearer {caller}"));
    let bot = async {
        let received = harness.bot_received(1).await;
        assert!(is_kept(harness, &activity, "graph").await, "kept before it is forwarded");
        received
    };
    let (answer, received) = tokio::join!(harness.post_as("demo", &caller, &activity), bot);
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b""[..]), "the bot's own answer");
    assert_eq!(received[0].path, "/api/messages");
    assert_eq!(received[0].body, serde_json::to_vec(&activity).unwrap(), "byte by byte");
    assert_eq!(received[0].header("authorization"), Some(bearer.as_str()));
    assert_eq!(received_in_the_end(harness).await.len(), 1, "no event besides");
}

#[tokio::test]
async fn in_forward_the_bot_sees_the_canonical_spelling() {
    let scene = Scene::on(Harness::with(forward()).await).await;
    let canonical = scene.exchange();
    let mut activity = canonical.clone();
    activity["type"] = "Invoke".into();
    activity["name"] = "signin/TokenExchange".into();
    let value = &canonical["value"];
    activity["value"] =
        json!({ "Id": value["id"], "ConnectionName": value["connectionName"], "Token": value["token"] });
    assert_eq!(scene.harness.post(&activity).await.status, 200);
    assert_eq!(scene.harness.bot.received()[0].json(), canonical);
}

#[tokio::test]
async fn in_forward_the_leader_alone_reaches_the_bot_and_its_answer_is_everybodys() {
    for (status, body) in [(200, r#"{"from":"the bot"}"#), (412, r#"{"failureDetail":"the bot's"}"#), (501, "")] {
        let scene = Scene::on(Harness::with(forward()).await).await;
        let (harness, activity) = (&scene.harness, scene.exchange());
        let slow = Behaviour { delay: Duration::from_millis(400), ..Behaviour::answering(status, body) };
        harness.bot.behave(slow);
        let (first, second, third) =
            tokio::join!(harness.post(&activity), harness.post(&activity), harness.post(&activity));
        for answer in [first, second, third, harness.post(&activity).await] {
            assert_eq!((answer.status, String::from_utf8_lossy(&answer.body).as_ref()), (status, body));
        }
        assert_eq!(received_in_the_end(harness).await.len(), 1, "{status}");
        assert_eq!(harness.exchanges(), 1, "{status}");
        assert!(is_kept(harness, &activity, "graph").await, "{status}: the token stays");
    }
}

#[tokio::test]
async fn in_forward_a_retry_after_the_bots_failure_reaches_it_again_without_an_exchange() {
    let scene = Scene::on(Harness::with(forward()).await).await;
    scene.harness.bot.behave_in_turn(vec![Behaviour::answering(500, "boom"), Behaviour::default()]);
    assert_eq!(scene.harness.post(&scene.exchange()).await.status, 500);
    scene.harness.clock.advance(Duration::from_millis(3100));
    assert_eq!(scene.harness.post(&scene.exchange()).await.status, 200);
    assert_eq!((scene.harness.exchanges(), scene.harness.bot.received().len()), (1, 2));
}

#[tokio::test]
async fn in_forward_a_bot_that_is_too_late_is_504_and_one_that_is_not_there_502_and_the_token_stays() {
    let (late, gone) = tokio::join!(
        async {
            let scene = Scene::on(Harness::with(forward()).await).await;
            scene.harness.bot.behave(Behaviour { delay: Duration::from_secs(30), ..Behaviour::default() });
            let begun = Instant::now();
            let answer = scene.harness.post(&scene.exchange()).await;
            assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
            assert!(is_kept(&scene.harness, &scene.exchange(), "graph").await);
            answer
        },
        async {
            let nowhere = Options { endpoint: Some("http://127.0.0.1:1/api/messages".into()), ..forward() };
            let scene = Scene::on(Harness::with(nowhere).await).await;
            let answer = scene.harness.post(&scene.exchange()).await;
            assert!(is_kept(&scene.harness, &scene.exchange(), "graph").await);
            answer
        }
    );
    assert_eq!((late.status, late.json()["error"]["code"].clone()), (504, json!("BotTimeout")));
    assert_eq!((gone.status, gone.json()["error"]["code"].clone()), (502, json!("BotUnavailable")));
}

#[tokio::test]
async fn in_forward_a_refused_exchange_never_reaches_the_bot() {
    let scene = Scene::on(Harness::with(forward()).await).await;
    let harness = &scene.harness;
    let mut of_another = scene.exchange();
    of_another["value"]["token"] = harness.user_token("Ben", "graph").await.into();
    let mut incomplete = scene.exchange();
    incomplete["value"].as_object_mut().unwrap().remove("token");
    let consent = exchange_of(harness, "Cleo", "x").await;
    for (activity, status) in [(&of_another, 400), (&incomplete, 400), (&consent, 412)] {
        assert_eq!(harness.post(activity).await.status, status);
    }
    harness.stage.faults().add(FaultRule::new(Fault::PlainText));
    assert_eq!(harness.post(&scene.exchange()).await.status, 500);
    assert!(received_in_the_end(harness).await.is_empty());
}

#[tokio::test]
async fn in_forward_a_code_is_passed_on_unredeemed() {
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
async fn in_forward_a_clients_failure_is_passed_on_and_the_client_gets_200_all_the_same() {
    let harness = Harness::with(forward()).await;
    harness.bot.behave(Behaviour::answering(501, "not mine"));
    let ada = harness.user("Ada");
    let activity: Value = activities::invoke(&harness, &ada, "signin/failure", json!({ "code": "tokenmissing" }));
    let answer = harness.post(&activity).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b""[..]));
    assert_eq!(harness.bot_received(1).await[0].json(), activity);
}

#[tokio::test]
async fn in_forward_a_channels_wish_for_replies_is_taken_back_before_the_bot_sees_it() {
    let scene = Scene::on(Harness::with(forward()).await).await;
    scene.harness.bot.behave(Behaviour::answering(412, r#"{"failureDetail":"the bot's"}"#));
    let mut activity = scene.exchange();
    activity["deliveryMode"] = "expectReplies".into();
    let answer = scene.harness.post(&activity).await;
    assert_eq!((answer.status, answer.json()), (412, json!({ "failureDetail": "the bot's" })));
    activity["deliveryMode"] = "normal".into();
    assert_eq!(scene.harness.bot.received()[0].json(), activity);
}

#[tokio::test]
async fn in_forward_a_compressed_answer_is_not_asked_for_and_not_taken() {
    let scene = Scene::on(Harness::with(forward()).await).await;
    let gzip = Behaviour { headers: vec![("content-encoding", "gzip")], ..Behaviour::answering(200, "\u{1f}zipped") };
    scene.harness.bot.behave(gzip);
    let bearer = format!("Bearer {}", scene.harness.channel_token("demo").await);
    let headers = [("authorization", bearer.as_str()), ("accept-encoding", "gzip")];
    let body = serde_json::to_vec(&scene.exchange()).unwrap();
    let answer = scene.harness.send("POST", "/bots/demo/api/messages", &headers, body).await;
    assert_eq!(answer.status, 502);
    assert_eq!(scene.harness.bot.received()[0].header("accept-encoding"), None);
    assert!(is_kept(&scene.harness, &scene.exchange(), "graph").await, "the token stays");
}

#[tokio::test]
async fn in_forward_a_card_that_the_bot_did_not_take_in_a_group_stays_good() {
    let harness = Harness::with(forward()).await;
    harness.bot.behave_in_turn(vec![Behaviour::answering(412, "{}"), Behaviour::default()]);
    let mut activity = activities::in_group(exchange_of(&harness, "Ada", "").await);
    activity["value"]["id"] = harness.card(&activity, "graph").await.into();
    assert_eq!(harness.post(&activity).await.status, 412);
    harness.clock.advance(Duration::from_millis(3100));
    assert_eq!(harness.post(&activity).await.status, 200);
    assert_eq!(harness.exchanges(), 1);
}
