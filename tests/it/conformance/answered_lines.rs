//! The line `answered` of each request: its route, its cleaned path, its client, and who answered.

use serde_json::{Value, json};

use super::{Scenario, exchange_of};
use crate::harness::{Answer, Behaviour, Harness, NOWHERE, Options, activities, logs};

/// The lines `answered` of this application since the log had `length` bytes.
fn answered(harness: &Harness, length: usize) -> Vec<Value> {
    let log = logs::since(length);
    let lines = log.lines().filter(|line| line.contains(&harness.tag)).map(|line| serde_json::from_str(line).unwrap());
    lines.filter(|line: &Value| line["message"] == "answered").collect()
}

/// The only line `answered` about the request of `sending`.
async fn line_of(harness: &Harness, sending: impl Future<Output = Answer>) -> Value {
    let logged = logs::length();
    sending.await;
    let lines = answered(harness, logged);
    let [line] = lines.as_slice() else { panic!("not one line: {lines:#?}") };
    assert_eq!(line["client"], "127.0.0.1", "{line}");
    line.clone()
}

fn assert_line(line: &Value, path: &str, route: Option<&str>, answered_by: &str) {
    let route = route.map_or(Value::Null, Value::from);
    assert_eq!((&line["path"], &line["route"]), (&path.into(), &route), "{line}");
    assert_eq!(line["answered_by"], answered_by, "{line}");
}

#[tokio::test]
async fn a_line_has_the_published_path_whatever_was_sent() {
    let harness = Harness::start().await;
    let gateway = "/bots/{bot}/api/messages";
    let get = |path: &'static str| harness.send("GET", path, &[], Vec::new());
    for (path, shown, route) in [
        ("/api/usertoken/GetToken?userId=hidden-in-a-query", "/api/usertoken/GetToken", "/api/usertoken/GetToken"),
        ("/API/UserToken/gettoken", "/API/UserToken/gettoken", "/api/usertoken/GetToken"),
        ("/bots/demo/api/messages", "/bots/demo/api/messages", gateway),
        ("/api/oauth/signin?signin=hidden-in-a-query", "/api/oauth/signin", "/api/oauth/signin"),
        ("/openapi.json", "/openapi.json", "/openapi.json"),
    ] {
        assert_line(&line_of(&harness, get(path)).await, shown, Some(route), "gateway");
    }
    assert!(!logs::text().contains("hidden-in-a-query"));
}

#[tokio::test]
async fn the_path_of_an_address_that_does_not_exist_is_cleaned_and_cut() {
    let harness = Harness::start().await;
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlMTIz";
    let cases = [
        ("/api/message".to_owned(), "/api/message".to_owned()),
        ("/api/usertokens/GetToken?code=123456".to_owned(), "/api/usertokens/GetToken".to_owned()),
        (format!("/{token}"), "/eyJhbGci...".to_owned()),
        (format!("/a%3Fcode={token}"), "/a".to_owned()),
    ];
    for (path, shown) in cases {
        assert_line(&line_of(&harness, harness.send("GET", &path, &[], Vec::new())).await, &shown, None, "gateway");
    }
    let long = line_of(&harness, harness.send("GET", &"/long".repeat(1000), &[], Vec::new())).await;
    assert!(long["path"].as_str().unwrap().len() <= 128, "{long}");
    let bearer = harness.channel_token("demo").await;
    let unknown = line_of(&harness, harness.post_bytes(token, &bearer, b"{}".to_vec())).await;
    assert_eq!(unknown["status"], 404);
    assert_line(&unknown, "/bots/eyJhbGci.../api/messages", Some("/bots/{bot}/api/messages"), "gateway");
    assert!(!logs::text().contains("eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlMTIz"));
}

#[tokio::test]
async fn the_bot_has_answered_what_is_forwarded_and_the_gateway_everything_else() {
    let harness = Harness::start().await;
    let message = activities::message(&harness, &harness.user("Ada"), "hello");
    harness.bot.behave(Behaviour::answering(500, "{}"));
    let line = line_of(&harness, harness.post(&message)).await;
    assert_eq!((&line["status"], &line["answered_by"]), (&500.into(), &"bot".into()), "{line}");
    let exchange = exchange_of(&harness, "Ada", "x").await;
    let line = line_of(&harness, harness.post(&exchange)).await;
    assert_eq!((&line["status"], &line["answered_by"]), (&200.into(), &"gateway".into()), "{line}");
    let code = activities::invoke(&harness, &harness.user("Ada"), "signin/verifyState", json!({ "state": "{}" }));
    let line = line_of(&harness, harness.post(&code)).await;
    assert_eq!(line["answered_by"], "bot", "{line}");

    let endpoint = Some(format!("http://{NOWHERE}/api/messages"));
    let unreachable = Harness::with(Options { endpoint, ..Options::default() }).await;
    let message = activities::message(&unreachable, &unreachable.user("Ada"), "hello");
    let line = line_of(&unreachable, unreachable.post(&message)).await;
    assert_eq!((&line["status"], &line["answered_by"]), (&502.into(), &"gateway".into()), "{line}");
}

#[tokio::test]
async fn in_forward_the_bot_has_answered_an_exchange_and_its_duplicates_but_no_refusal() {
    let options = Options { after_exchange: "forward", ..Options::default() };
    let scenario = Scenario::with(Harness::with(options).await).await;
    let harness = &scenario.harness;
    for _ in 0..2 {
        let line = line_of(harness, harness.post(&scenario.exchange())).await;
        assert_eq!((&line["status"], &line["answered_by"]), (&200.into(), &"bot".into()), "{line}");
    }
    let refused = exchange_of(harness, "Cleo", "y").await;
    let line = line_of(harness, harness.post(&refused)).await;
    assert_eq!((&line["status"], &line["answered_by"]), (&412.into(), &"gateway".into()), "{line}");
}
