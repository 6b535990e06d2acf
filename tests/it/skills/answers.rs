//! What skills answer to `expectReplies` and `stream`: the activities in an answer are readdressed and looked at, and
//! everything else stays.

use serde_json::{Value, json};

use super::fixture::{Fixture, WEATHER_URI, oauth_card, service_url, text_of};
use crate::harness::{Behaviour, logs};

impl Fixture {
    /// A message that wants its answer in this delivery mode.
    fn message_in_mode(&self, mode: &str) -> Value {
        let mut message = self.message();
        message["deliveryMode"] = mode.into();
        message
    }

    /// The activity as the parent gets it.
    fn for_parent(&self, activity: &Value) -> Value {
        let mut activity = activity.clone();
        activity["conversation"]["id"] = "parents-conversation".into();
        activity["serviceUrl"] = service_url(&self.parent).into();
        activity
    }

    fn forged_event(&self, id: &str) -> Value {
        let mut event = self.reply(id);
        event["type"] = "event".into();
        event["name"] = "tokens/response".into();
        event
    }
}

#[tokio::test]
async fn expected_replies_come_back_with_the_parents_addresses_and_without_what_ended_here() {
    let fixture = Fixture::start().await;
    fixture.sign_in().await;
    let id = fixture.open().await;
    let invoke_response = json!({ "type": "invokeResponse", "value": { "status": 200, "body": { "x": 1 } } });
    let activities = [
        fixture.reply(&id),
        fixture.card(&id, "card-1"),
        fixture.forged_event(&id),
        fixture.reply("0123456789abcdef0123456789abcdef"),
        invoke_response.clone(),
    ];
    let body = json!({ "activities": activities, "more": { "kept": [1] } }).to_string();
    let answering = Behaviour { headers: vec![("x-answer", "kept")], ..Behaviour::answering(200, &body) };
    fixture.skill.behave_in_turn(vec![answering, Behaviour::answering(200, r#"{"id":"card-1"}"#)]);
    let logged = logs::length();
    let answer = fixture.post(&fixture.message_in_mode("expectReplies")).await;
    assert_eq!((answer.status, answer.header("x-answer")), (200, Some("kept")));
    let expected = json!({
        "activities": [fixture.for_parent(&fixture.reply(&id)), invoke_response],
        "more": { "kept": [1] },
    });
    assert_eq!(answer.json(), expected);
    assert_eq!(fixture.invokes().len(), 1);
    assert!(fixture.invokes()[0].json()["deliveryMode"].is_null());
    assert_eq!(fixture.oversteps(logged), ["conversation"]);
    assert!(fixture.skill.received()[1].header("accept-encoding").is_none());
    assert!(fixture.parent.received().is_empty());
}

#[tokio::test]
async fn a_card_in_expected_replies_stays_if_it_cannot_be_answered() {
    let fixture = Fixture::start().await;
    let id = fixture.open().await;
    let card = fixture.card(&id, "card-1");
    fixture.skill.behave(Behaviour::answering(200, &json!({ "activities": [card] }).to_string()));
    let logged = logs::length();
    let answer = fixture.post(&fixture.message_in_mode("expectReplies")).await;
    assert_eq!(answer.json(), json!({ "activities": [fixture.for_parent(&card)] }));
    assert_eq!(fixture.card_reasons(logged), ["not_signed_in"]);
}

#[tokio::test]
async fn answers_without_activities_come_back_as_they_are() {
    let fixture = Fixture::start().await;
    for (status, body) in [
        (200, ""),
        (202, ""),
        (200, "{}"),
        (200, r#"{"activities":null,"x": 1}"#),
        (200, r#"{"activities":[]}"#),
        (501, ""),
        (412, r#"{"activities":[],"body":{"failureDetail":"x"}}"#),
        (500, "<html>not JSON"),
    ] {
        fixture.skill.behave(Behaviour::answering(status, body));
        for mode in ["expectReplies", "stream", "normal"] {
            let answer = fixture.post(&fixture.message_in_mode(mode)).await;
            assert_eq!((answer.status, text_of(&answer).as_str()), (status, body), "{mode}");
        }
    }
    // What cannot be read cannot be judged.
    fixture.skill.behave(Behaviour::answering(200, "{'activities':[]}"));
    assert_eq!(fixture.post(&fixture.message_in_mode("expectReplies")).await.status, 502);
    assert_eq!(fixture.post(&fixture.message_in_mode("normal")).await.status, 200);
}

#[tokio::test]
async fn events_of_a_stream_come_back_one_by_one_with_the_parents_addresses() {
    let fixture = Fixture::start().await;
    fixture.sign_in().await;
    let id = fixture.open().await;
    let event = |name: &str, data: &Value| format!("event: {name}\r\ndata: {data}\r\n\r\n");
    let response = json!({ "status": 200, "body": { "x": 1 } });
    let (reply, card) = (fixture.reply(&id), fixture.card(&id, "card-1"));
    let mut unlisted = fixture.reply(&id);
    unlisted["attachments"] = json!([oauth_card("card-2", &format!("{WEATHER_URI}x"))]);
    let stream = [
        ": a comment\r\n\r\n".to_owned(),
        event("activity", &reply),
        event("activity", &card),
        event("activity", &fixture.forged_event(&id)),
        event("activity", &unlisted),
        "data: [DONE]\n\n".to_owned(),
        event("invokeResponse", &response),
    ];
    let answering = Behaviour {
        content_type: "text/event-stream; charset=utf-8",
        body: stream.concat().into_bytes(),
        ..Behaviour::default()
    };
    fixture.skill.behave_in_turn(vec![answering, Behaviour::default()]);
    let logged = logs::length();
    let answer = fixture.post(&fixture.message_in_mode("stream")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/event-stream; charset=utf-8")));
    let text = text_of(&answer);
    let events: Vec<&str> = text.split_inclusive("\n\n").flat_map(|part| part.split_inclusive("\r\n\r\n")).collect();
    let data = |event: &str| serde_json::from_str::<Value>(event.split("data: ").nth(1).unwrap()).unwrap();
    assert_eq!(events.len(), 5, "{text}");
    assert_eq!((events[0], events[3]), (stream[0].as_str(), stream[5].as_str()));
    assert_eq!(data(events[1]), fixture.for_parent(&reply));
    assert_eq!(data(events[2]), fixture.for_parent(&unlisted));
    assert_eq!(events[4], stream[6], "unchanged to the byte");
    assert!(events[1].starts_with("event: activity\r\ndata: ") && events[1].ends_with("\r\n\r\n"));
    assert_eq!(fixture.invokes().len(), 1);
    assert_eq!(fixture.oversteps(logged), ["uri"]);
}
