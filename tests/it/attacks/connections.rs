//! Clients that open many connections, send slowly, or do not read what they asked for (docs/running.md §Connections).

use futures_util::future::{join, join_all};

use crate::harness::raw::{Wire, blocking};
use crate::harness::{Harness, Options, activities};

/// A harness with few connections and short time limits. The limits are long enough for a whole request on a busy machine.
async fn start() -> Harness {
    let limits = "[limits]\nconnections = 24\nconnections_per_client = 20\nrequest_arrival_ms = 3000\nidle_ms = 3000\nwrite_ms = 500\n";
    Harness::with(Options { appended: limits.to_owned(), operations: true, ..Options::default() }).await
}

/// Sends `bytes` on a connection of its own and reads until the gateway closes it.
async fn send_to_close(base: &str, bytes: impl Into<Vec<u8>>) -> String {
    let (base, bytes) = (base.to_owned(), bytes.into());
    blocking(move || Wire::to(&base).send(&bytes).read_all()).await
}

async fn assert_serves_a_user(harness: &Harness, exchange: &str) {
    let token = harness.user_token("Ada", "graph").await;
    let activity = activities::exchange(harness, &harness.user("Ada"), exchange, &token);
    assert_eq!(harness.post(&activity).await.status, 200, "{exchange}");
}

#[tokio::test]
async fn a_body_that_a_caller_goes_on_sending_after_a_refusal_is_not_read() {
    let harness = start().await;
    let bearer = harness.channel_token("demo").await;
    let calls = [
        ("/bots/demo/api/messages", String::new(), 401),
        ("/nowhere", String::new(), 404),
        ("/api/usertoken/exchange", String::new(), 401),
        ("/api/oauth/PostSignInCallback", String::new(), 400),
        // A slow body of an authenticated caller.
        ("/bots/demo/api/messages", format!("authorization: Bearer {bearer}\r\n"), 408),
    ];
    for (path, authorization, status) in calls {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n{authorization}transfer-encoding: \
             chunked\r\n\r\n5\r\n"
        );
        let answer = send_to_close(&harness.base, head).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
        assert!(answer.to_lowercase().contains("connection: close"), "{path}: {answer}");
    }
    assert_serves_a_user(&harness, "x").await;
}

#[tokio::test]
async fn callers_that_are_refused_need_no_connection_for_each_request() {
    let harness = start().await;
    let request = |bearer: &str, connection: &str| {
        let body = r#"{"type":"message"}"#;
        format!(
            "POST /bots/demo/api/messages HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n{bearer}connection: \
             {connection}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let bearers = ["", "authorization: Bearer a.b.c\r\n", "authorization: Basic YTpi\r\n"];
    let base = harness.base.clone();
    let requests: Vec<String> = bearers.iter().map(|bearer| request(bearer, "keep-alive")).collect();
    let last = request("", "close");
    let answers = blocking(move || {
        let mut wire = Wire::to(&base);
        let mut answers: Vec<_> =
            requests.iter().map(|request| wire.send(request.as_bytes()).read_until("}}")).collect();
        answers.push(wire.send(last.as_bytes()).read_all());
        answers
    })
    .await;
    assert_eq!(answers.len(), bearers.len() + 1);
    assert!(answers.iter().all(|answer| answer.starts_with("HTTP/1.1 401")), "{answers:?}");
}

#[tokio::test]
async fn a_head_that_does_not_arrive_in_time_ends_the_connection() {
    let harness = start().await;
    let whole = "GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n";
    let begun = ["", "GET /openapi.json HTTP/1.1\r\nhost:", "\r\n\r\n\r\n"];
    let base = &harness.base;
    let answers = join_all(begun.map(|begun| async move {
        join(send_to_close(base, begun), send_to_close(base, format!("{whole}{begun}"))).await
    }));
    for (begun, (first, second)) in begun.into_iter().zip(answers.await) {
        assert!(first.is_empty() || first.starts_with("HTTP/1.1 408"), "{begun:?}: {first}");
        assert!(second.starts_with("HTTP/1.1 200"), "{begun:?}: {second}");
    }
}

#[tokio::test]
async fn connections_that_strangers_hold_do_not_keep_a_user_out() {
    let harness = start().await;
    let base = harness.base.clone();
    let held = blocking(move || {
        let requests = ["", "GET / HT", "GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n"];
        let wires = requests.iter().cycle().take(150).map(|request| {
            let mut wire = Wire::to(&base);
            wire.send(request.repeat(40).as_bytes());
            wire
        });
        wires.collect::<Vec<_>>()
    })
    .await;
    assert_serves_a_user(&harness, "x").await;
    let health = harness.send("GET", &format!("{}/healthz", harness.operations), &[], Vec::new()).await;
    assert_eq!(health.status, 200);
    drop(held);
    assert_serves_a_user(&harness, "y").await;
}

#[tokio::test]
async fn answers_that_a_client_does_not_read_end_its_connection() {
    let harness = start().await;
    let request = "GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n".repeat(2_000);
    let base = harness.base.clone();
    // The client writes until it is cut off: the gateway takes no request while its answers are unread.
    let written = blocking(move || Wire::to(&base).pour(request.as_bytes(), 100)).await;
    assert!(written < request_bytes(100), "the gateway took {written} bytes of requests");
    assert_serves_a_user(&harness, "x").await;
}

fn request_bytes(times: usize) -> usize {
    "GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n".len() * 2_000 * times
}
