//! Programs that misuse connections to the stage, which has the bounds of all listeners (docs/running.md §Connections).

use crate::harness::Harness;
use crate::harness::raw::{Wire, blocking};
use crate::harness::waiting::wait_until;

async fn send_to_close(base: &str, bytes: &str) -> String {
    let (base, bytes) = (base.to_owned(), bytes.to_owned());
    blocking(move || Wire::to(&base).send(bytes.as_bytes()).read_all()).await
}

#[tokio::test]
async fn a_body_that_the_stage_does_not_want_is_not_drained() {
    let harness = Harness::start().await;
    let head = "POST /nowhere/at/all HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n5\r\n";
    let answer = send_to_close(&harness.stage.http_base(), head).await.to_lowercase();
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_client_that_opens_more_connections_than_the_stage_has_loses_the_idle_ones() {
    let harness = Harness::start().await;
    let base = harness.stage.http_base();
    let mut held = blocking(move || (0..520).map(|_| Wire::to(&base)).collect::<Vec<_>>()).await;
    // The times of connections are coarse, so any of those that opened at nearly the same time may be the longest idle.
    wait_until("the end of an idle connection", async || held.iter_mut().any(Wire::is_closed_unanswered)).await;
    let token = harness.channel_token("demo").await;
    assert!(!token.is_empty(), "and others are answered");
}

#[tokio::test]
async fn a_connection_on_which_the_stage_has_read_the_whole_body_stays_open() {
    let harness = Harness::start().await;
    let base = harness.stage.http_base();
    let answers = blocking(move || {
        let mut client = Wire::to(&base);
        let request = "POST /dev/faults HTTP/1.1\r\nhost: localhost\r\n\
                       content-type: application/x-www-form-urlencoded\r\ncontent-length: 10\r\n\r\nclear=true";
        (0..3).map(|_| client.send(request.as_bytes()).read_until("\r\n\r\n")).collect::<Vec<_>>()
    });
    for answer in answers.await {
        assert!(!answer.to_lowercase().contains("connection: close"), "{answer}");
    }
}
