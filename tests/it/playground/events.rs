//! The events of the gateway, as programs and the panel read them.

use bytes::BytesMut;
use serde_json::{Value, json};

use super::observed_stage::{ObservedStage, json_request};
use super::silent_user::SilentUser;
use crate::harness::waiting::wait_for;

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

/// The events of the first exchange, once the bot has been told of its token.
async fn events_of_exchange(observed: &ObservedStage) -> Vec<Value> {
    wait_for("the bot's answer", async || {
        let events = observed.events().await;
        let exchange = events.iter().find(|event| event["name"] == "signin/tokenExchange")?["correlation_id"].clone();
        let of_it: Vec<Value> = events.into_iter().filter(|event| event["correlation_id"] == exchange).collect();
        of_it.iter().any(|event| event["kind"] == "bot_answered").then_some(of_it)
    })
    .await
}

#[tokio::test]
async fn a_silent_sign_in_is_told_step_by_step() {
    let observed = ObservedStage::start().await;
    let user = SilentUser::start(&observed, "ada").await;
    assert!((200..300).contains(&user.sign_in().await.status));
    let events = events_of_exchange(&observed).await;
    // The bot may be told before the client has its answer.
    let (of_bot, of_client): (Vec<Value>, Vec<Value>) =
        events.into_iter().partition(|event| event["kind"].as_str().unwrap().starts_with("bot_"));
    assert_eq!(kinds(&of_client), ["activity_arrived", "provider_asked", "provider_answered", "activity_answered"]);
    assert_eq!(kinds(&of_bot), ["bot_asked", "bot_answered"]);
    let ([arrived, _, redeemed, answered], [asked, told]) = (&of_client[..], &of_bot[..]) else { unreachable!() };
    let expected = json!({
        "kind": "activity_arrived", "caller": "channel", "bot": "demo", "channel": "webchat", "connection": "graph",
        "name": "signin/tokenExchange",
    });
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(arrived[member], *value, "{arrived}");
    }
    assert_eq!(json!([redeemed["grant"], redeemed["status"]]), json!(["on_behalf_of", 200]));
    assert_eq!(json!([answered["status"], answered["reason"], answered["shared"]]), json!([200, null, false]));
    assert_eq!(json!([asked["message"], told["status"]]), json!(["tokens/response", 200]));
    assert!(redeemed["took_ms"].as_f64().unwrap() <= answered["took_ms"].as_f64().unwrap(), "{answered}");
    // The bot's own calls have requests of their own.
    let all = observed.events().await;
    let offered = all.iter().find(|event| event["operation"] == "GetSignInResource").unwrap();
    let about = json!([offered["kind"], offered["door"], offered["connection"], offered["status"]]);
    assert_eq!(about, json!(["operation_answered", "token_service", "graph", 200]));
}

#[tokio::test]
async fn no_event_holds_a_token() {
    let observed = ObservedStage::start().await;
    let user = SilentUser::start(&observed, "ada").await;
    let sent = user.sign_in().await;
    events_of_exchange(&observed).await;
    user.hears("Ada Lovelace").await;
    // An activity of a client that puts its tokens where an event shows something.
    let token = &sent.exchangeable_token;
    user.post(&json!({"type": "invoke", "name": token, "value": {"token": token}})).await;
    user.post(&json!({"type": "event", "name": format!("say {}", user.chat_token())})).await;
    let events = json!(observed.events().await).to_string();
    assert!(events.contains("(token)"), "the names are masked: {events}");
    for secret in [token.as_str(), user.chat_token()] {
        assert!(!events.contains(secret), "{events}");
        assert!(!events.contains(secret.rsplit('.').next().unwrap()), "not even the signature");
    }
    assert!(!events.contains("eyJ"), "nothing looks like a token: {events}");
}

#[tokio::test]
async fn a_reader_that_was_interrupted_goes_on_where_it_was() {
    let observed = ObservedStage::start().await;
    SilentUser::start(&observed, "ada").await.sign_in().await;
    let events = events_of_exchange(&observed).await;
    let last = events.last().unwrap()["number"].as_u64().unwrap();
    let mut from_start = EventReader::open(&observed, None).await;
    for number in 1..=last {
        assert_eq!(from_start.next().await["number"], number);
    }
    drop(from_start);
    let mut resumed = EventReader::open(&observed, Some(last - 2)).await;
    assert_eq!(resumed.next().await["number"], last - 1);
    assert_eq!(resumed.next().await["number"], last);
    // What happens later arrives while the reader waits.
    SilentUser::start(&observed, "ben").await;
    assert_eq!(resumed.next().await["number"], last + 1);
    let since = observed.get_json(&format!("/playground/events?since={}", last - 1)).await;
    assert_eq!(since["events"][0]["number"], last);
}

#[tokio::test]
async fn readers_are_bounded_and_pages_of_other_sites_are_none() {
    let observed = ObservedStage::start().await;
    let mut readers = Vec::new();
    let mut refused = None;
    for _ in 0..64 {
        let answer = observed.http.get(observed.url("/playground/events/stream")).send().await.unwrap();
        if answer.status() == 503 {
            refused = Some(answer.headers().contains_key("retry-after"));
            break;
        }
        assert_eq!(answer.status(), 200);
        readers.push(answer);
    }
    assert_eq!((readers.len(), refused), (32, Some(true)));
    for path in
        ["/playground/events", "/playground/events/stream", "/playground/events/1/claims", "/playground/switches"]
    {
        for (name, value) in [("origin", "https://evil.example"), ("host", "evil.example")] {
            let answer = observed.http.get(observed.url(path)).header(name, value).send().await.unwrap();
            assert_eq!(answer.status(), 403, "{path} {name}");
        }
    }
    let command = json_request(observed.http.post(observed.url("/playground/switches")), &json!({"reset": true}));
    assert_eq!(command.header("origin", "https://evil.example").send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn a_refused_caller_is_told_with_the_hint_of_the_log() {
    let observed = ObservedStage::start().await;
    let url = format!("{}/bots/demo/api/messages", observed.gateway);
    let request = observed.http.post(url).bearer_auth("none");
    let answer = json_request(request, &json!({"type": "message"})).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let events = observed.events().await;
    assert_eq!(kinds(&events), ["caller_refused", "operation_answered"], "{events:?}");
    assert_eq!(json!([events[0]["status"], events[1]["status"]]), json!([401, 401]));
    assert!(events[0]["hint"].as_str().is_some_and(|hint| hint.len() > 20), "{events:?}");
    let claims = observed.http.get(observed.url("/playground/events/1/claims")).send().await.unwrap();
    assert_eq!(claims.status(), 404);
}

#[tokio::test]
async fn the_pages_of_a_sign_in_and_a_sign_out_are_told() {
    let observed = ObservedStage::start().await;
    let user = SilentUser::start(&observed, "ada").await;
    user.post(&json!({"type": "message", "text": "hello"})).await;
    let card = wait_for("the card", async || user.find_card().await).await;
    let link = card["buttons"][0]["value"].as_str().unwrap().to_owned();
    let browser = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    assert_eq!(browser.get(link).send().await.unwrap().status(), 302);
    observed.switch(&json!({"user": "ada", "story": "guest"})).await;
    let events = observed.events().await;
    let page = events.iter().find(|event| event["door"] == "sign_in_pages").unwrap();
    assert_eq!(json!([page["operation"], page["status"]]), json!(["BeginSignIn", 302]));
    let signed_out = events.iter().filter(|event| event["kind"] == "signed_out").count();
    assert_eq!(signed_out, 11, "each person of the stage: {events:?}");
}

/// A reader of the stream.
struct EventReader {
    answer: reqwest::Response,
    read: BytesMut,
}

impl EventReader {
    async fn open(observed: &ObservedStage, last_event_id: Option<u64>) -> Self {
        let request = observed.http.get(observed.url("/playground/events/stream"));
        let request = match last_event_id {
            Some(id) => request.header("last-event-id", id),
            None => request,
        };
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { answer, read: BytesMut::new() }
    }

    /// The next event. Comments are skipped.
    async fn next(&mut self) -> Value {
        loop {
            if let Some(end) = self.read.windows(2).position(|pair| pair == b"\n\n") {
                let block = self.read.split_to(end + 2);
                let block = String::from_utf8(block.to_vec()).unwrap();
                let Some((id, data)) = block.trim().split_once("\ndata: ") else { continue };
                let event: Value = serde_json::from_str(data).unwrap();
                assert_eq!(id, format!("id: {}", event["number"]));
                return event;
            }
            let chunk = self.answer.chunk().await.unwrap().unwrap();
            self.read.extend_from_slice(&chunk);
        }
    }
}
