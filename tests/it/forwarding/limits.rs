//! Requests that are too large, too slow, or malformed on purpose.

use super::{head, message};
use crate::harness::raw::{Wire, blocking};
use crate::harness::{Harness, logs};

/// The default limit of a body, in bytes.
const LIMIT: usize = 512 * 1024;

/// Sends the bytes of `request` unchanged and reads until the gateway closes the connection.
async fn answer_to(harness: &Harness, request: String) -> String {
    let base = harness.base.clone();
    blocking(move || Wire::to(&base).send(request.as_bytes()).read_all()).await
}

fn padded(harness: &Harness, size: usize) -> String {
    let body = message(harness);
    format!("{body}{}", " ".repeat(size - body.len()))
}

fn chunked(body: &str) -> String {
    let chunk = |chunk: &[u8]| format!("{:x};ext=1\r\n{}\r\n", chunk.len(), String::from_utf8_lossy(chunk));
    let chunks: Vec<_> = body.as_bytes().chunks(1000).map(chunk).collect();
    chunks.concat() + "0\r\n\r\n"
}

#[tokio::test]
async fn a_body_as_long_as_the_limit_is_forwarded_and_one_byte_more_is_413() {
    let harness = Harness::start().await;
    let token = harness.channel_token("demo").await;
    let largest = harness.post_bytes("demo", &token, padded(&harness, LIMIT).into_bytes()).await;
    assert_eq!(largest.status, 200, "{}", String::from_utf8_lossy(&largest.body));
    assert_eq!(harness.bot.received()[0].body.len(), LIMIT);
    let larger = harness.post_bytes("demo", &token, padded(&harness, LIMIT + 1).into_bytes()).await;
    assert_eq!((larger.status, larger.json()["error"]["code"].as_str()), (413, Some("MessageSizeTooBig")));
    let body = chunked(&padded(&harness, LIMIT + 1));
    let answer = answer_to(
        &harness,
        format!("{}connection: close\r\ntransfer-encoding: chunked\r\n\r\n{body}", head(&token, "")),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(harness.bot.received().len(), 1);
}

#[tokio::test]
async fn a_chunked_upload_is_forwarded_whole() {
    let harness = Harness::start().await;
    let token = harness.channel_token("demo").await;
    let body = padded(&harness, 5000);
    let more = "connection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let answer = answer_to(&harness, format!("{}{}", head(&token, more), chunked(&body))).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let received = harness.bot.received().pop().unwrap();
    assert_eq!(String::from_utf8_lossy(&received.body), body);
    assert_eq!(received.header("transfer-encoding"), None);
    assert_eq!(received.header("content-length"), Some("5000"));
}

#[tokio::test]
async fn a_client_that_expects_100_continue_gets_it() {
    let harness = Harness::start().await;
    let (token, body, base) = (harness.channel_token("demo").await, message(&harness), harness.base.clone());
    let more = format!("connection: close\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n", body.len());
    let request = head(&token, &more);
    let answer = blocking(move || {
        let mut wire = Wire::to(&base);
        let interim = wire.send(request.as_bytes()).read_until("\r\n\r\n");
        assert!(interim.starts_with("HTTP/1.1 100"), "{interim}");
        wire.send(body.as_bytes()).read_all()
    })
    .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(harness.bot.received()[0].header("expect"), None);
}

// Case 73 of docs/protocols/bot-auth-and-skills.md §9.
#[tokio::test]
async fn a_body_that_does_not_arrive_is_408() {
    let harness = Harness::start().await;
    let (token, base) = (harness.channel_token("demo").await, harness.base.clone());
    let request = head(&token, "content-length: 1000\r\n\r\n{\"type\":");
    let answer = blocking(move || Wire::to(&base).send(request.as_bytes()).read_until("}}")).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains(r#""code":"RequestTimeout""#), "{answer}");
    let lines = logs::complaints_of(&harness.tag, 0);
    assert_eq!((lines.len(), &lines[0]["code"]), (1, &"RequestTimeout".into()), "{lines:#?}");
    assert!(harness.bot.received().is_empty());
}

// Case 67 of docs/protocols/bot-auth-and-skills.md §9.
#[tokio::test]
async fn requests_whose_length_is_ambiguous_are_refused_and_the_connection_is_closed() {
    let harness = Harness::start().await;
    let token = harness.channel_token("demo").await;
    let body = message(&harness);
    let (length, smuggled) = (body.len(), chunked(&body));
    let framings = [
        format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n\r\n{smuggled}"),
        format!("transfer-encoding: chunked\r\ncontent-length: {length}\r\n\r\n{smuggled}"),
        format!("content-length: {length}\r\ncontent-length: {}\r\n\r\n{body}", length + 1),
        format!("content-length: {length}\r\ncontent-length: {length}\r\n\r\n{body}"),
        format!("content-length: +{length}\r\n\r\n{body}"),
        format!("content-length: {length}, {length}\r\n\r\n{body}"),
        format!("transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n{smuggled}"),
        format!("transfer-encoding: xchunked\r\n\r\n{smuggled}"),
        format!("transfer-encoding: gzip, chunked\r\n\r\n{smuggled}"),
        format!("transfer-encoding : chunked\r\n\r\n{smuggled}"),
        format!("content-length : {length}\r\n\r\n{body}"),
        format!("x y: 1\r\ncontent-length: {length}\r\n\r\n{body}"),
        format!(" folded: 1\r\ncontent-length: {length}\r\n\r\n{body}"),
        format!("host: other\r\ncontent-length: {length}\r\n\r\n{body}"),
        String::from("transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    ];
    for framing in framings {
        let answer = answer_to(&harness, head(&token, &framing)).await;
        let head = framing.split("\r\n\r\n").next().unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{head}: {answer}");
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{head}: {answer}");
    }
    assert!(harness.bot.received().is_empty());
}

#[tokio::test]
async fn the_unread_body_of_a_refused_request_is_not_read_as_the_next_request() {
    let harness = Harness::start().await;
    let token = harness.channel_token("demo").await;
    let body = message(&harness);
    let hidden = format!("{}content-length: {}\r\n\r\n{body}", head(&token, ""), body.len());
    let outer = format!(
        "POST /bots/demo/api/messages HTTP/1.1\r\nhost: bot-sso\r\ncontent-length: {}\r\n\r\n{hidden}",
        hidden.len()
    );
    let base = harness.base.clone();
    let answer = blocking(move || {
        let mut wire = Wire::to(&base);
        // A second request makes the gateway close the connection that it keeps open.
        wire.send(outer.as_bytes())
            .send(b"GET /nothing HTTP/1.1\r\nhost: bot-sso\r\nconnection: close\r\n\r\n")
            .read_all()
    })
    .await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(!answer.contains("HTTP/1.1 200"), "{answer}");
    assert!(harness.bot.received().is_empty());
}

// Case 74 of docs/protocols/bot-auth-and-skills.md §9.
#[tokio::test]
async fn an_upgrade_request_is_405_and_an_oversized_header_closes_the_connection() {
    let harness = Harness::start().await;
    let upgrade = "GET /bots/demo/api/messages HTTP/1.1\r\nhost: bot-sso\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let base = harness.base.clone();
    let answer = blocking(move || Wire::to(&base).send(upgrade.as_bytes()).read_until("\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    let vast = answer_to(&harness, head(&"x".repeat(1 << 20), "content-length: 0\r\n\r\n")).await;
    assert!(vast.is_empty() || vast.starts_with("HTTP/1.1 4"), "{vast}");
    assert!(harness.bot.received().is_empty());
}
