//! Which parts of the bot's answer reach the caller.

use std::io::Write;
use std::sync::mpsc;
use std::time::Duration;

use super::{head, in_front_of, message, say};
use crate::harness::raw::{ScriptedServer, Wire, blocking};
use crate::harness::{Behaviour, Harness, NOWHERE, Options, activities};

#[tokio::test]
async fn the_bots_status_and_body_reach_the_caller_unchanged() {
    let harness = Harness::start().await;
    let all_bytes: Vec<u8> = (0..=255).collect();
    let answers: [(u16, &str, &[u8]); 9] = [
        (200, "application/json", br#"{ "id" : 1 }"#),
        (200, "text/plain; charset=iso-8859-1", b"gr\xfc\xdfe"),
        (200, "application/octet-stream", &all_bytes),
        (201, "application/json", b"{}"),
        (202, "", b""),
        (400, "text/html", b"<h1>no</h1>"),
        (412, "application/json", br#"{"failureDetail":"mine"}"#),
        (500, "text/plain", b"boom"),
        (501, "", b""),
    ];
    for (status, content_type, body) in answers {
        let mut behaviour = Behaviour { status, headers: vec![("x-bot", "1"), ("x-bot", "2")], ..Behaviour::default() };
        if !body.is_empty() {
            behaviour.body = body.to_vec();
        }
        behaviour.content_type = content_type;
        harness.bot.behave(behaviour);
        let answer = say(&harness).await;
        assert_eq!((answer.status, answer.body.as_slice()), (status, body), "{status} {content_type}");
        assert_eq!(answer.header("content-type").unwrap_or(""), content_type, "{status}");
        let repeated: Vec<_> = answer.headers.iter().filter(|(name, _)| name == "x-bot").collect();
        assert_eq!(repeated.len(), 2, "repeated headers stay repeated");
    }
    assert_eq!(harness.bot.received().len(), answers.len());
}

#[tokio::test]
async fn the_bots_headers_reach_the_caller_except_those_of_its_connection() {
    let server = ScriptedServer::answering(
        "HTTP/1.1 207 Whatever\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\nserver: a bot\r\nset-cookie: a=1\r\n\
         set-cookie: b=2\r\netag: \"x\"\r\nretry-after: 7\r\nwww-authenticate: Bearer\r\nconnection: close, X-Inner\r\n\
         x-inner: 1\r\nkeep-alive: timeout=5\r\nproxy-authenticate: Basic\r\nproxy-connection: close\r\n\
         trailer: x-sum\r\nupgrade: h2c\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n",
    );
    let harness = in_front_of(&server).await;
    let answer = say(&harness).await;
    assert_eq!((answer.status, answer.body.as_slice()), (207, b"abc".as_slice()));
    for (name, value) in [
        ("date", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ("server", "a bot"),
        ("etag", "\"x\""),
        ("retry-after", "7"),
        ("www-authenticate", "Bearer"),
    ] {
        let values: Vec<_> = answer.headers.iter().filter(|(key, _)| key == name).collect();
        assert_eq!((values.len(), answer.header(name)), (1, Some(value)), "{name}");
    }
    assert_eq!(answer.headers.iter().filter(|(name, _)| name == "set-cookie").count(), 2);
    for name in ["x-inner", "keep-alive", "proxy-authenticate", "proxy-connection", "trailer", "upgrade", "x-sum"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
    assert_ne!(answer.header("connection"), Some("close, X-Inner"));
}

#[tokio::test]
async fn an_answer_without_a_body_reaches_the_caller_without_a_body() {
    let server = ScriptedServer::answering("HTTP/1.1 204 No Content\r\nx-bot: 1\r\n\r\n");
    let harness = in_front_of(&server).await;
    let (token, body, base) = (harness.channel_token("demo").await, message(&harness), harness.base.clone());
    let request = format!("{}connection: close\r\ncontent-length: {}\r\n\r\n{body}", head(&token, ""), body.len());
    let answer = blocking(move || Wire::to(&base).send(request.as_bytes()).read_all()).await;
    let lower = answer.to_ascii_lowercase();
    assert!(lower.starts_with("http/1.1 204") && lower.contains("x-bot: 1") && lower.ends_with("\r\n\r\n"), "{answer}");
    assert!(!lower.contains("transfer-encoding") && !lower.contains("content-length"), "{answer}");
}

#[tokio::test]
async fn the_gateway_does_not_decode_an_encoded_body() {
    let server = ScriptedServer::answering(
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n\x1f\x8b\x08no"
            .as_slice(),
    );
    let harness = in_front_of(&server).await;
    let answer = say(&harness).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"\x1f\x8b\x08no".as_slice()));
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert!(!server.requests()[0].to_ascii_lowercase().contains("accept-encoding"), "nothing is asked for in addition");
}

#[tokio::test]
async fn server_sent_events_arrive_one_by_one() {
    let (seen, wait) = mpsc::channel::<()>();
    let server = ScriptedServer::start(move |stream| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        for number in 1..=3 {
            stream.write_all(format!("data: event {number}\n\n").as_bytes()).unwrap();
            // The bot writes the next event only after the client has received this one.
            wait.recv_timeout(Duration::from_secs(15)).unwrap();
        }
    });
    let harness = in_front_of(&server).await;
    let (token, body, base) = (harness.channel_token("demo").await, message(&harness), harness.base.clone());
    let request = format!(
        "{}accept: text/event-stream\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        head(&token, ""),
        body.len()
    );
    let head = blocking(move || {
        let mut wire = Wire::to(&base);
        let head = wire.send(request.as_bytes()).read_until("\r\n\r\n");
        for number in 1..=3 {
            wire.read_until(&format!("data: event {number}\n\n"));
            seen.send(()).unwrap();
        }
        assert!(wire.read_all().ends_with("0\r\n\r\n"));
        head
    })
    .await;
    assert!(head.contains("content-type: text/event-stream\r\n"), "{head}");
}

#[tokio::test]
async fn the_caller_notices_when_the_bots_answer_breaks_off() {
    let server = ScriptedServer::answering("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
    let harness = in_front_of(&server).await;
    let (token, body, base) = (harness.channel_token("demo").await, message(&harness), harness.base.clone());
    let request = format!("{}content-length: {}\r\n\r\n{body}", head(&token, ""), body.len());
    let answer = blocking(move || Wire::to(&base).send(request.as_bytes()).read_all()).await;
    assert!(answer.contains("half"), "{answer}");
    assert!(!answer.ends_with("0\r\n\r\n") && !answer.to_ascii_lowercase().contains("content-length: 4"), "{answer}");
}

#[tokio::test]
async fn the_gateway_passes_redirects_to_the_caller_and_does_not_follow_them() {
    let elsewhere = ScriptedServer::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let statuses = [301, 302, 303, 307, 308];
    let to = elsewhere.url("/x");
    let answers = statuses.map(|status| {
        format!("HTTP/1.1 {status} Moved\r\nlocation: {to}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
    });
    let server = ScriptedServer::answering_in_turn(answers.to_vec());
    let harness = in_front_of(&server).await;
    let token = harness.channel_token("demo").await;
    let url = format!("{}/bots/demo/api/messages", harness.base);
    for status in statuses {
        let request = client.post(&url).bearer_auth(&token).body(message(&harness));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(answer.headers()["location"], to);
    }
    assert_eq!(server.requests().len(), statuses.len());
    assert!(elsewhere.requests().is_empty());
}

const UNAVAILABLE: &str = r#"{"error":{"code":"BotUnavailable","message":"The bot cannot be reached."}}"#;
const TIMEOUT: &str = r#"{"error":{"code":"BotTimeout","message":"The bot did not answer in time."}}"#;

#[tokio::test]
async fn a_bot_that_cannot_be_reached_is_502() {
    let endpoint = Some(format!("http://{NOWHERE}/api/messages"));
    let harness = Harness::with(Options { endpoint, ..Options::default() }).await;
    let invoke = activities::invoke(&harness, &harness.user("Ada"), "task/fetch", serde_json::json!({}));
    for answer in [say(&harness).await, harness.post(&invoke).await] {
        assert_eq!((answer.status, String::from_utf8_lossy(&answer.body).as_ref()), (502, UNAVAILABLE));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn a_bot_that_answers_nothing_or_invalid_http_is_502() {
    let answers = ["", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-len"];
    let server = ScriptedServer::answering_in_turn(answers.map(String::from).to_vec());
    let harness = in_front_of(&server).await;
    for (number, answer) in answers.iter().enumerate() {
        let got = say(&harness).await;
        assert_eq!((got.status, String::from_utf8_lossy(&got.body).as_ref()), (502, UNAVAILABLE), "{answer:?}");
        assert_eq!(server.requests().len(), number + 1, "{answer:?}: nothing is repeated");
    }
}

#[tokio::test]
async fn a_slow_bot_is_504() {
    let appended = String::from("[outbound]\nbot_timeout_ms = 1000\n");
    let harness = Harness::with(Options { appended, ..Options::default() }).await;
    harness.bot.behave(Behaviour::silent());
    let answer = say(&harness).await;
    assert_eq!((answer.status, String::from_utf8_lossy(&answer.body).as_ref()), (504, TIMEOUT));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(harness.bot.received().len(), 1);
}

#[tokio::test]
async fn an_invoke_that_the_bot_handles_too_slowly_is_504_before_the_channel_gives_up() {
    let harness = Harness::start().await;
    harness.bot.behave(Behaviour::silent());
    let invoke = activities::invoke(&harness, &harness.user("Ada"), "task/fetch", serde_json::json!({}));
    let token = harness.channel_token("demo").await;
    let answer = harness.post_as("demo", &token, &invoke).await;
    assert_eq!((answer.status, String::from_utf8_lossy(&answer.body).as_ref()), (504, TIMEOUT));
}
