//! Answers of skills to `expectReplies` that have come and cannot be read: the operator learns what is wrong with them.

use serde_json::{Value, json};

use super::fixture::Fixture;
use crate::harness::{Behaviour, logs};

/// An answer of `length` bytes without activities.
fn answer_of(length: usize) -> String {
    let around = json!({ "activities": [], "x": "" }).to_string().len();
    json!({ "activities": [], "x": "x".repeat(length - around) }).to_string()
}

#[tokio::test]
async fn the_log_says_what_is_wrong_with_an_answer_that_cannot_be_read() {
    let fixture = Fixture::start().await;
    fixture.open().await;
    let mut message = fixture.message();
    message["deliveryMode"] = "expectReplies".into();
    let many = json!({ "activities": vec![json!({}); 1025] }).to_string();
    let compressed = Behaviour { headers: vec![("content-encoding", "gzip")], ..Behaviour::answering(200, "gzip") };
    let cases = [
        (Behaviour::answering(200, "<html>"), "the answer is no JSON, or holds more than 1,024 activities"),
        (Behaviour::answering(200, &many), "the answer is no JSON, or holds more than 1,024 activities"),
        (Behaviour::answering(200, &answer_of((1 << 20) + 1)), "the answer is too large"),
        (compressed, "the answer is compressed"),
    ];
    for (behaviour, expected) in cases {
        fixture.skill.behave(behaviour);
        let logged = logs::length();
        assert_eq!(fixture.post(&message).await.status, 502, "{expected}");
        let [line]: [Value; 1] = fixture.lines(logged, "a skill's answer cannot be read").try_into().unwrap();
        assert_eq!((&line["error"], &line["bot"]), (&expected.into(), &"demo".into()));
        assert!(!line["hint"].as_str().unwrap().contains("skills.*.endpoint"), "the skill was reached: {line}");
        assert!(fixture.lines(logged, "no answer came through the skill host").is_empty(), "{expected}");
    }
    fixture.skill.behave(Behaviour::answering(200, &answer_of(1 << 20)));
    let answer = fixture.post(&message).await;
    assert_eq!((answer.status, answer.body.len()), (200, 1 << 20), "the largest answer");
}
