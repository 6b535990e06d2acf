//! What the collector, the identity provider and the bot get of a silent sign-in, a forwarded activity and a stranger.

use serde_json::Value;

use super::collector::{COLLECTOR_TOKEN, Collector, named, of_trace};
use crate::harness::{Answer, Harness, Options, activities, logs};

const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLERS_SPAN: &str = "b7ad6b7169203331";
const REQUEST_ID: &str = "request-7_of-the-channel";

/// Posts an activity as the channel does, with these further headers.
async fn post(harness: &Harness, activity: &Value, more: &[(&str, &str)]) -> Answer {
    let bearer = format!("Bearer {}", harness.channel_token("demo").await);
    let headers = [&[("authorization", bearer.as_str()), ("content-type", "application/json")], more].concat();
    harness.send("POST", "/bots/demo/api/messages", &headers, activity.to_string().into_bytes()).await
}

fn traceparent_of(span: &Value) -> String {
    format!("00-{TRACE_ID}-{}-01", span["span_id"].as_str().unwrap())
}

/// Neither the token, nor who the user is, nor a secret is in what was exported.
fn assert_nothing_is_told(collector: &Collector, harness: &Harness, token: &str) {
    let exported = String::from_utf8_lossy(&collector.bytes()).into_owned();
    let user = harness.user("Ada");
    for secret in [token, token.rsplit('.').next().unwrap(), "eyJ", user.oid, user.principal_name, COLLECTOR_TOKEN] {
        assert!(!exported.contains(secret), "{secret} was exported");
    }
}

#[tokio::test]
async fn a_silent_sign_in_is_one_trace_from_the_caller_over_gateway_and_provider_to_the_bot() {
    let collector = Collector::start().await;
    // Nobody but the caller asks for the trace.
    let harness = Harness::with(collector.options("sample = 0.0\nattributes = { team = \"identity\" }")).await;
    let token = harness.user_token("Ada", "graph").await;
    let exchange = activities::exchange(&harness, &harness.user("Ada"), "x", &token);
    let traceparent = format!("00-{TRACE_ID}-{CALLERS_SPAN}-01");
    let headers = [("traceparent", traceparent.as_str()), ("tracestate", "channel=1"), ("x-request-id", REQUEST_ID)];
    let logged = logs::length();
    assert_eq!(post(&harness, &exchange, &headers).await.status, 200);
    let told = harness.received_once_settled().await;
    let spans = collector.spans_once(&harness, "bot demo tokens/response", TRACE_ID).await;
    let trace = of_trace(&spans, TRACE_ID);
    let (gateway, provider) =
        (named(&trace, "POST /bots/{bot}/api/messages"), named(&trace, "identity provider entra"));
    let bot = named(&trace, "bot demo tokens/response");
    assert_eq!((&gateway["kind"], &gateway["parent_id"]), (&"SPAN_KIND_SERVER".into(), &CALLERS_SPAN.into()));
    for called in [provider, bot] {
        assert_eq!((&called["kind"], &called["parent_id"]), (&"SPAN_KIND_CLIENT".into(), &gateway["span_id"]));
        assert_eq!(called["attributes"]["http.response.status_code"], 200);
        assert_eq!(called["attributes"]["server.address"], "127.0.0.1");
    }
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/bots/{bot}/api/messages"),
        ("bot_sso.door", "bot_gateway"),
        ("bot_sso.bot", "demo"),
        ("bot_sso.connection", "graph"),
        ("bot_sso.correlation_id", REQUEST_ID),
    ] {
        assert_eq!(gateway["attributes"][name], value, "{name}");
    }
    assert!(trace.iter().any(|span| span["name"] == "store put"), "{trace:#?}");
    for span in &trace {
        assert_eq!(
            (&span["state"], &span["status"], &span["flags"]),
            (&"channel=1".into(), &"STATUS_CODE_UNSET".into(), &1.into())
        );
        assert!(span["begin"].as_u64() <= span["end"].as_u64());
        assert_eq!(
            (&span["resource"]["service.name"], &span["resource"]["team"]),
            (&"bot-sso".into(), &"identity".into())
        );
    }
    let asked = harness.stage.calls().snapshot().requests;
    let asked = asked.iter().find(|request| request.correlation_id.as_deref() == Some(REQUEST_ID)).unwrap();
    assert_eq!(asked.traceparent.as_deref(), Some(traceparent_of(provider).as_str()));
    let [event] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(event.header("traceparent"), Some(traceparent_of(bot).as_str()));
    assert_eq!((event.header("tracestate"), event.header("x-request-id")), (Some("channel=1"), Some(REQUEST_ID)));
    assert_nothing_is_told(&collector, &harness, &token);
    let lines = logs::since(logged);
    let answered = lines.lines().find(|line| line.contains("\"answered\"") && line.contains(REQUEST_ID)).unwrap();
    assert!(answered.contains(&format!("\"otel_trace_id\":\"{TRACE_ID}\"")), "{answered}");
}

#[tokio::test]
async fn a_refused_sign_in_has_its_reason_and_a_stranger_is_not_traced_however_often_it_asks() {
    let collector = Collector::start().await;
    let harness = Harness::with(collector.options("sample = 0.0")).await;
    let strangers = "00-11111111111111111111111111111111-b7ad6b7169203331-01";
    for _ in 0..200 {
        let headers = [("traceparent", strangers), ("authorization", "Bearer made-up")];
        assert_eq!(harness.send("POST", "/bots/demo/api/messages", &headers, b"{}".to_vec()).await.status, 401);
    }
    let token = harness.user_token("Ada", "graph").await;
    let exchange = activities::exchange(&harness, &harness.user("Ben"), "x", &token);
    let traceparent = format!("00-{TRACE_ID}-{CALLERS_SPAN}-01");
    let refused = post(&harness, &exchange, &[("traceparent", traceparent.as_str())]).await;
    assert_eq!(refused.status, 400);
    let spans = collector.spans_once(&harness, "POST /bots/{bot}/api/messages", TRACE_ID).await;
    let trace = of_trace(&spans, TRACE_ID);
    let gateway = named(&trace, "POST /bots/{bot}/api/messages");
    assert_eq!(gateway["attributes"]["http.response.status_code"], 400);
    assert_eq!(gateway["attributes"]["bot_sso.reason"], "identity_mismatch");
    assert_eq!(of_trace(&spans, "11111111111111111111111111111111").len(), 0);
    assert_nothing_is_told(&collector, &harness, &token);
}

#[tokio::test]
async fn a_forwarded_activity_reaches_the_bot_as_a_child_and_a_malformed_trace_begins_anew() {
    let collector = Collector::start().await;
    let harness = Harness::with(collector.options("sample = 1.0")).await;
    let message = activities::message(&harness, &harness.user("Ada"), "hello");
    let malformed = [("traceparent", "00-no-trace-01"), ("tracestate", "channel=1"), ("x-request-id", "two words")];
    assert_eq!(post(&harness, &message, &malformed).await.status, 200);
    let [received] = harness.bot_received(1).await.try_into().unwrap();
    let told = received.header("traceparent").unwrap().to_owned();
    let trace_id = told.split('-').nth(1).unwrap().to_owned();
    assert_eq!(received.header("tracestate"), None, "what belongs to a malformed header is as good as none");
    assert!(received.header("x-request-id").is_some_and(|id| id.starts_with(&harness.tag)), "{received:?}");
    let spans = collector.spans_once(&harness, "bot demo activity", &trace_id).await;
    let trace = of_trace(&spans, &trace_id);
    let (gateway, bot) = (named(&trace, "POST /bots"), named(&trace, "bot demo activity"));
    assert_eq!((&gateway["parent_id"], &bot["parent_id"]), (&"".into(), &gateway["span_id"]));
    assert_eq!(gateway["attributes"]["bot_sso.answered_by"], "bot");
    assert!(told.contains(bot["span_id"].as_str().unwrap()));
}

#[tokio::test]
async fn without_the_section_the_callers_trace_reaches_provider_and_bot_unchanged() {
    let harness = Harness::with(Options::default()).await;
    let token = harness.user_token("Ada", "graph").await;
    let exchange = activities::exchange(&harness, &harness.user("Ada"), "x", &token);
    let traceparent = format!("00-{TRACE_ID}-{CALLERS_SPAN}-01");
    let headers = [("traceparent", traceparent.as_str()), ("x-correlation-id", REQUEST_ID)];
    assert_eq!(post(&harness, &exchange, &headers).await.status, 200);
    let told = harness.received_once_settled().await;
    assert_eq!(told[0].header("traceparent"), Some(traceparent.as_str()));
    assert_eq!(told[0].header("x-request-id"), Some(REQUEST_ID));
    let asked = harness.stage.calls().snapshot().requests;
    let asked = asked.iter().find(|request| request.correlation_id.as_deref() == Some(REQUEST_ID)).unwrap();
    assert_eq!(asked.traceparent.as_deref(), Some(traceparent.as_str()));
}

#[tokio::test]
async fn without_the_section_a_malformed_trace_does_not_reach_the_bot() {
    let harness = Harness::with(Options::default()).await;
    let message = activities::message(&harness, &harness.user("Ada"), "hello");
    let malformed = [("traceparent", "00-no-trace-01"), ("tracestate", "channel=1"), ("x-request-id", REQUEST_ID)];
    assert_eq!(post(&harness, &message, &malformed).await.status, 200);
    let [received] = harness.bot_received(1).await.try_into().unwrap();
    assert_eq!((received.header("traceparent"), received.header("tracestate")), (None, None));
    assert_eq!(received.header("x-request-id"), Some(REQUEST_ID));
}
