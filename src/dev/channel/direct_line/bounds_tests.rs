#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use actix_web::web::Bytes;
use serde_json::{Map, Value, json};

use super::activity_log::{ActivityLog, MAX_ACTIVITIES, MAX_LOG_BYTES};
use super::chat_channel::{ChatChannel, ChatPlace};
use super::chat_users::ChatUser;
use super::conversation::ConversationIdentity;
use super::conversations::{Conversations, MAX_CONVERSATIONS};
use super::uploads::{MAX_KEPT_BYTES, MAX_KEPT_FILES, NewFile, Uploads};
use crate::dev::addresses::Addresses;
use crate::dev::tenant::Directory;
use crate::domain::{SystemClock, SystemEntropy};

fn activity(id: &str, text: &str) -> Map<String, Value> {
    Map::from_iter([("id".to_owned(), json!(id)), ("text".to_owned(), json!(text))])
}

fn identity(id: &str) -> ConversationIdentity {
    let bot = Directory::with_fixed_entries().bots[0].clone();
    let user = ChatUser { id: "dl_user".to_owned(), entry: None };
    ConversationIdentity { id: id.to_owned(), bot, user, place: ChatPlace::personal(ChatChannel::WebChat) }
}

#[test]
fn a_conversation_keeps_its_newest_activities_within_a_number_and_a_size() {
    let mut log = ActivityLog::default();
    for number in 0..MAX_ACTIVITIES + 3 {
        log.append(activity(&number.to_string(), "short"));
    }
    let batch = log.after(0);
    assert_eq!((batch.activities.len(), &batch.activities[0]["id"]), (MAX_ACTIVITIES, &json!("3")));
    assert_eq!(batch.watermark, (MAX_ACTIVITIES + 3) as u64, "the watermark counts dropped activities, too");

    let half = "x".repeat(MAX_LOG_BYTES / 2);
    log.append(activity("first", &half));
    log.append(activity("second", &half));
    let kept = log.after(0).activities;
    assert_eq!(kept.iter().map(|activity| &activity["id"]).collect::<Vec<_>>(), [&json!("second")]);
    assert!(log.replace("second", activity("second", "short")) && !log.replace("first", activity("first", "short")));
    log.append(activity("third", &half));
    assert_eq!(log.after(0).activities.len(), 2, "a replaced activity counts with its new size");
    assert!(log.replace("second", activity("second", &half)));
    assert_eq!(log.after(0).activities.len(), 1, "an activity that grows drops old ones");
}

#[test]
fn a_conversation_that_is_begun_again_goes_on_after_the_watermark_that_its_client_has() {
    let conversations = Conversations::new(Arc::new(SystemClock));
    let first = conversations.start(identity("first")).conversation;
    for number in 0..3 {
        first.append(activity(&first.next_activity_id(), &number.to_string()));
    }
    let seen = first.after(0).watermark;
    for number in 0..MAX_CONVERSATIONS {
        conversations.start(identity(&number.to_string()));
    }
    let again = conversations.start(identity("first"));
    assert!(again.is_new);
    let id = again.conversation.next_activity_id();
    assert_eq!(id, "first|0000004", "an id of its own");
    again.conversation.append(activity(&id, "after the watermark"));
    assert_eq!(again.conversation.after(seen).activities.len(), 1);
}

#[test]
fn a_removed_activity_leaves_the_watermark_as_it_is() {
    let mut log = ActivityLog::default();
    log.append(activity("1", "a"));
    log.append(activity("2", "b"));
    assert!(log.remove("2") && !log.remove("2"));
    let batch = log.after(1);
    assert_eq!((batch.activities.len(), batch.watermark), (0, 2));
    assert_eq!(log.append(activity("3", "c")), 3);
    assert_eq!(log.after(2).activities, [json!({"id": "3", "text": "c"})]);
}

#[tokio::test]
async fn a_conversation_too_many_ends_the_oldest_and_its_stream() {
    let conversations = Conversations::new(Arc::new(SystemClock));
    let mut stream = conversations.start(identity("0")).conversation.open_stream(0);
    for number in 1..MAX_CONVERSATIONS {
        assert!(conversations.start(identity(&number.to_string())).is_new);
    }
    assert!(!conversations.start(identity("0")).is_new, "it was started before");
    conversations.find("0").unwrap().append(activity("1", "hello"));
    assert_eq!(stream.next().await.unwrap().activities.len(), 1);
    conversations.start(identity("one more"));
    assert!(conversations.find("0").is_none() && conversations.find("1").is_some());
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_later_stream_ends_the_earlier_one_and_begins_after_its_watermark() {
    let conversations = Conversations::new(Arc::new(SystemClock));
    let conversation = conversations.start(identity("0")).conversation;
    conversation.append(activity("1", "before the stream"));
    let mut earlier = conversation.open_stream(0);
    assert_eq!(earlier.next().await.unwrap().activities[0]["id"], "1");
    conversation.append(activity("2", "between"));
    let mut later = conversation.open_stream(1);
    assert!(earlier.next().await.is_none());
    let batch = later.next().await.unwrap();
    assert_eq!((batch.activities.len(), batch.watermark), (1, 2));
    assert_eq!(batch.activities[0]["id"], "2");
}

#[test]
fn a_file_too_many_or_too_large_replaces_the_oldest_ones() {
    let addresses =
        Addresses { http_base: "http://127.0.0.1:1".to_owned(), https_base: "https://localhost:2".to_owned() };
    let uploads = Uploads::new(Arc::new(addresses), Arc::new(SystemEntropy));
    let store = |size: usize| {
        let content = Bytes::from(vec![0; size]);
        let file = NewFile { name: "a.bin".to_owned(), content_type: "text/plain".to_owned(), content };
        let url = uploads.store(file)["contentUrl"].as_str().unwrap().to_owned();
        url.split('/').rev().nth(2).unwrap().to_owned()
    };
    let ids: Vec<_> = (0..=MAX_KEPT_FILES).map(|_| store(1)).collect();
    assert!(uploads.find(&ids[0]).is_none() && uploads.find(&ids[1]).is_some());
    let large = store(MAX_KEPT_BYTES);
    assert!(uploads.find(&ids[MAX_KEPT_FILES]).is_none() && uploads.find(&large).is_some());
}
