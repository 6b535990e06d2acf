#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::net::TcpListener;
use std::time::Duration;

use actix_web::ResponseError;
use actix_web::body::to_bytes;
use serde_json::{Value, json};

use super::chat_channel::{ChatChannel, ChatPlace};
use super::client_activity::ClientActivity;
use super::refusal::DirectLineRefusal;
use crate::dev::test_client::Fixture;

/// The status and the body of a refusal.
async fn answer_of(refusal: DirectLineRefusal) -> (u16, Value) {
    let answer = refusal.error_response();
    let status = answer.status().as_u16();
    let body = to_bytes(answer.into_body()).await.unwrap_or_else(|_| panic!("no body"));
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn a_bot_that_does_not_answer_in_time_or_at_all_is_a_bad_gateway() {
    let fixture = Fixture::start().await;
    let mut line = fixture.stage.services.direct_line();
    let binding = line.bind_new("demo", "dl_user", ChatPlace::personal(ChatChannel::WebChat));
    let conversation = line.start(&binding).unwrap().conversation;
    let message = || ClientActivity::parse(br#"{"type": "message", "text": "hello"}"#).unwrap();
    let unreachable = json!({
        "error": {"code": "BotError", "message": "Failed to send activity: bot could not be reached"},
        "httpStatusCode": 502,
    });
    let refusal = line.post(&conversation, message()).await.unwrap_err();
    assert_eq!(answer_of(refusal).await, (502, unreachable), "no gateway is attached");

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    fixture.stage.attach_gateway(&format!("http://{}", silent.local_addr().unwrap()));
    line.bots.timeout = Duration::from_millis(1);
    let refusal = line.post(&conversation, message()).await.unwrap_err();
    let timed_out = json!({
        "error": {"code": "BotError", "message": "Failed to send activity: bot timed out"},
        "httpStatusCode": 504,
    });
    assert_eq!(answer_of(refusal).await, (502, timed_out));
}
