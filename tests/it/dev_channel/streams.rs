//! The WebSocket of a conversation.

use serde_json::{Value, json};

use super::chat::{Bot, Chat, start_with};
use crate::harness::peers::{Peer, Program};

async fn say(chat: &Chat<'_>, text: &str) {
    let activity = json!({"type": "message", "text": text}).to_string();
    assert_eq!(chat.as_bot("demo", "POST", "/activities", &activity).await.status, 201);
}

/// Opens the stream at the address that a client gets when it reconnects after `watermark`.
async fn open(chat: &Chat<'_>, label: &str, watermark: &str) -> Peer {
    let answer = chat.call("GET", &chat.path(&format!("?watermark={watermark}")), "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let url = answer.json()["streamUrl"].as_str().unwrap().to_owned();
    let program = Program { peer: "directline", script: "stream.mjs" };
    Peer::start(&program, &format!("direct-line-stream-{label}"), &[("STREAM_URL", url)])
}

fn is_frame_with(text: &'static str) -> impl Fn(&Value) -> bool {
    move |event| event["texts"].as_array().is_some_and(|texts| texts.contains(&text.into()))
}

fn texts(stream: &Peer) -> Vec<Value> {
    let frames = stream.events().into_iter().filter(|event| event["event"] == "frame");
    frames.flat_map(|frame| frame["texts"].as_array().unwrap().clone()).collect()
}

#[tokio::test]
async fn a_stream_begins_with_what_came_before_and_resumes_after_a_watermark() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    say(&chat, "before the stream").await;
    let mut first = open(&chat, "first", "").await;
    first.wait_for("what came before", is_frame_with("before the stream")).await;
    say(&chat, "while it is open").await;
    let frame = first.wait_for("what comes now", is_frame_with("while it is open")).await;
    let watermark = frame["watermark"].as_str().unwrap().to_owned();
    assert_eq!(chat.poll(&watermark).await["activities"], json!([]), "polling knows the same watermarks");

    say(&chat, "unseen").await;
    let mut second = open(&chat, "second", &watermark).await;
    second.wait_for("what was missed", is_frame_with("unseen")).await;
    let closed = first.wait_for("the end", |event| event["event"] == "closed").await;
    assert_eq!(closed["code"], 1005, "a conversation has one stream");
    say(&chat, "to the second").await;
    second.wait_for("what comes now", is_frame_with("to the second")).await;
    assert_eq!(texts(&second), ["unseen", "to the second"]);
    assert!(!texts(&first).contains(&"to the second".into()));
}

#[tokio::test]
async fn a_client_that_closes_its_stream_reads_the_rest_by_polling() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    let mut stream = open(&chat, "closing", "").await;
    stream.wait_for("the stream", |event| event["event"] == "open").await;
    drop(stream);
    say(&chat, "afterwards").await;
    assert_eq!(chat.activities().await[0]["text"], "afterwards");
}
