//! The ids that skills write into paths: which are passed on, which are unknown, and which are security events
//! (docs/skills.md §What is never done).

use serde_json::{Value, json};

use super::fixture::{Fixture, WEATHER};
use crate::harness::{Answer, Behaviour, logs};

impl Fixture {
    /// Asserts that the call is answered as one for an unknown conversation, and that nothing is passed on.
    async fn assert_unknown(&self, method: &str, path: &str, body: &Value) {
        let before = self.parent.received().len();
        let unknown = self.as_skill("DELETE", "0123456789abcdef0123456789abcdef/activities/x", &Value::Null).await;
        let answer = self.as_skill(method, path, body).await;
        assert_eq!((answer.status, &answer.body), (404, &unknown.body), "{method} {path}");
        assert_eq!(self.parent.received().len(), before, "{method} {path}: nothing is passed on");
    }
}

/// The path of the parent's last request below its conversation.
fn last_path(fixture: &Fixture) -> String {
    let received = fixture.parent.received();
    let path = &received.last().unwrap().path;
    path.strip_prefix("/api/skills/v3/conversations/parents-conversation/").unwrap().to_owned()
}

#[tokio::test]
async fn an_id_with_a_slash_is_passed_on_where_the_parent_has_given_it() {
    let fixture = Fixture::start().await;
    let id = fixture.open().await;
    fixture.parent.behave(Behaviour::answering(200, r#"{"id":"2026/11\\7"}"#));
    assert_eq!(fixture.send(&id, &fixture.reply(&id)).await.status, 200);
    let path = format!("{id}/activities/2026%2F11%5C7");
    let mut edit = fixture.reply(&id);
    edit["id"] = "2026/11\\7".into();
    let logged = logs::length();
    for (method, path, body) in [
        ("PUT", path.clone(), &edit),
        ("POST", path.clone(), &fixture.reply(&id)),
        ("GET", format!("{path}/members"), &Value::Null),
        ("DELETE", path, &Value::Null),
    ] {
        let before = fixture.parent.received().len();
        let answer = fixture.as_skill(method, &path, body).await;
        assert_eq!(answer.status, 200, "{method} {path}");
        assert_eq!(fixture.parent.received().len(), before + 1, "{method} {path}");
        let expected = path.strip_prefix(&format!("{id}/")).unwrap();
        assert_eq!(last_path(&fixture), expected, "{method}: one segment");
    }
    assert!(fixture.oversteps(logged).is_empty());
}

#[tokio::test]
async fn a_skill_replies_to_an_activity_of_the_user_whose_id_has_a_slash() {
    let fixture = Fixture::start().await;
    let id = fixture.open().await;
    let answer = fixture.as_skill("POST", &format!("{id}/activities/AAQk%2Fabc%3D%3D"), &fixture.reply(&id)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(last_path(&fixture), "activities/AAQk%2Fabc==", "one segment");
}

#[tokio::test]
async fn an_id_with_a_slash_that_the_skill_was_not_given_is_unknown_and_no_security_event() {
    let fixture = Fixture::start().await;
    let id = fixture.open().await;
    let logged = logs::length();
    for (method, path) in [
        ("PUT", "activities/a%2Fb"),
        ("DELETE", "activities/a%5Cb"),
        ("GET", "activities/a%2Fb/members"),
        ("GET", "members/a%2Fb"),
        ("DELETE", "members/a%5Cb"),
    ] {
        let body = if method == "PUT" { fixture.reply(&id) } else { Value::Null };
        fixture.assert_unknown(method, &format!("{id}/{path}"), &body).await;
    }
    assert!(fixture.oversteps(logged).is_empty());
}

#[tokio::test]
async fn an_id_that_leads_to_another_path_is_never_passed_on_and_a_security_event() {
    let fixture = Fixture::start().await;
    let id = fixture.open().await;
    fixture.parent.behave(Behaviour::answering(200, r#"{"id":"../x"}"#));
    assert_eq!(fixture.send(&id, &fixture.reply(&id)).await.status, 200);
    let logged = logs::length();
    let ids = ["..;x", "..%3Bx", "%2E%2E;a=b", ".;x", ";x", "..%2F..%2Fadmin", "..;a%2Fadmin", "a%2F..%5Cb", "..%2Fx"];
    for unusual in ids {
        fixture.assert_unknown("POST", &format!("{id}/activities/{unusual}"), &fixture.reply(&id)).await;
        fixture.assert_unknown("DELETE", &format!("{id}/activities/{unusual}"), &Value::Null).await;
        fixture.assert_unknown("GET", &format!("{id}/members/{unusual}"), &Value::Null).await;
    }
    assert_eq!(fixture.oversteps(logged), vec!["activity"; 3 * ids.len()]);
    assert_eq!(fixture.as_skill("GET", &format!("{id}/members/a;b"), &Value::Null).await.status, 200);
    assert_eq!(last_path(&fixture), "members/a;b", "a semicolon inside an id does no harm");
}

#[tokio::test]
async fn a_history_is_declined_in_every_spelling_of_its_path() {
    let fixture = Fixture::start().await;
    let id = fixture.open().await;
    for spelling in ["history", "HISTORY", "hIstory", "%68istory", "%48ISTORY", "history;x", "History;"] {
        let answer: Answer =
            fixture.as_skill("POST", &format!("{id}/activities/{spelling}"), &fixture.reply(&id)).await;
        assert_eq!(answer.status, 501, "{spelling}");
        assert_eq!(answer.json()["error"]["code"], "NotImplemented", "{spelling}");
        let path = format!("/api/skills/weather/v3/conversations/{id}/activities/{spelling}");
        assert_eq!(fixture.call("POST", &path, "no-token", Vec::new()).await.status, 401, "{spelling}");
    }
    assert!(fixture.parent.received().is_empty());
    assert_eq!(fixture.as_skill("POST", &format!("{id}/activities/history1"), &fixture.reply(&id)).await.status, 200);
}

#[tokio::test]
async fn the_line_of_a_dropped_activity_names_the_parent_and_the_skill() {
    let fixture = Fixture::start().await;
    let foreign = fixture.reply("0123456789abcdef0123456789abcdef");
    fixture.skill.behave(Behaviour::answering(200, &json!({ "activities": [foreign] }).to_string()));
    let mut message = fixture.message();
    message["deliveryMode"] = "expectReplies".into();
    message["recipient"]["id"] = format!("28:{WEATHER}").into();
    let logged = logs::length();
    assert_eq!(fixture.post(&message).await.json(), json!({ "activities": [] }));
    let lines = fixture.lines(logged, "an activity in a skill's answer was dropped");
    assert_eq!(lines.len(), 1);
    assert_eq!((&lines[0]["bot"], &lines[0]["skill"]), (&"demo".into(), &"weather".into()));
}
