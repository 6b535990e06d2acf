//! What messages cost while the bot is awaited.

use serde_json::json;

use super::harness::{Behaviour, Gate, Harness, activities};
use super::{ALLOCATOR, count_alone};

const MESSAGES: usize = 20;
const BYTES: usize = 250_000;

/// The application holds each body, and so do this test and the bot; parsing takes more for a moment.
const MOST_PER_BYTE: usize = 8;

#[allow(clippy::await_holding_lock, reason = "nothing else of this binary may allocate meanwhile")]
#[tokio::test]
async fn messages_of_empty_objects_take_a_small_multiple_of_their_size_while_the_bot_is_awaited() {
    let _alone = count_alone();
    let harness = Harness::start().await;
    let bearer = harness.channel_token("demo").await;
    // Connections and threads are there before anything is counted.
    assert_eq!(harness.post(&activities::message(&harness, &harness.user("Ada"), "hello")).await.status, 200);
    for element in ["{}", "[]", "0", "{\"\":0}"] {
        let gate = Gate::default();
        harness.bot.behave(Behaviour::default().behind(&gate));
        let body = message_of(&harness, element);
        let received = harness.bot.received().len();
        let before = ALLOCATOR.current_usage();
        let posts = (0..MESSAGES).map(|_| harness.post_bytes("demo", &bearer, body.clone()));
        let waiting = async {
            harness.bot.wait_for(received + MESSAGES).await;
            let live = ALLOCATOR.current_usage().saturating_sub(before);
            gate.open();
            live
        };
        let (answers, live) = tokio::join!(futures_util::future::join_all(posts), waiting);
        assert!(answers.iter().all(|answer| answer.status == 200), "all messages of {element} reach the bot");
        let per_byte = live / (MESSAGES * BYTES);
        assert!(per_byte < MOST_PER_BYTE, "{live} bytes are in use for {MESSAGES} messages of {element}");
    }
}

/// A message whose `channelData` is an array of this element.
fn message_of(harness: &Harness, element: &str) -> Vec<u8> {
    let mut message = activities::message(harness, &harness.user("Ada"), "hello");
    message["channelData"] = json!("the array");
    let array = format!("[{}]", vec![element; BYTES / (element.len() + 1)].join(","));
    message.to_string().replacen("\"the array\"", &array, 1).into_bytes()
}
