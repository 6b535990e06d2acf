//! What parents and skills send to each other, and under which addresses it arrives.

use serde_json::{Value, json};

use super::fixture::{Fixture, OTHER_PARENT, PARENT, Setting, WEATHER, service_url, skill_section, text_of};
use crate::harness::{Behaviour, NOWHERE, logs};

#[tokio::test]
async fn a_parents_activity_reaches_the_skill_with_another_address_and_nothing_else_changed() {
    let fixture = Fixture::start().await;
    fixture.skill.behave(Behaviour { headers: vec![("x-answer", "kept")], ..Behaviour::answering(202, "taken") });
    let message = fixture.message();
    let answer = fixture.post(&message).await;
    assert_eq!((answer.status, text_of(&answer).as_str()), (202, "taken"));
    assert_eq!(answer.header("x-answer"), Some("kept"));
    let [received] = fixture.skill.received().try_into().unwrap();
    let body = received.json();
    let id = body["conversation"]["id"].as_str().unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let mut expected = message.clone();
    expected["conversation"]["id"] = id.into();
    expected["serviceUrl"] = format!("{}/api/skills/weather/", fixture.harness.base).into();
    assert_eq!(body, expected);
    assert_eq!(received.header("x-ms-conversation-id"), Some(id));
    assert!(received.header("authorization").unwrap().starts_with("Bearer "));
    assert_eq!(received.path, "/api/messages");
    fixture.skill.behave(Behaviour::default());
    assert_eq!(fixture.open().await, id, "one parent conversation keeps its id");
    let mut other = message;
    other["conversation"]["id"] = "another-conversation".into();
    assert_ne!(fixture.open_with(&other).await, id);
    assert!(fixture.parent.received().is_empty());
}

#[tokio::test]
async fn a_skills_activity_reaches_the_parent_under_the_parents_own_addresses() {
    let fixture = Fixture::start().await;
    let id = fixture.open().await;
    let reply = fixture.reply(&id);
    for path in [format!("{id}/activities"), format!("{id}/activities/f%3A6b2c%201?x=%2F&y")] {
        let answer = fixture.as_skill("POST", &path, &reply).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "id": "parents-1" })));
    }
    let [first, second] = fixture.parent.received().try_into().unwrap();
    let mut expected = reply.clone();
    expected["conversation"]["id"] = "parents-conversation".into();
    expected["serviceUrl"] = service_url(&fixture.parent).into();
    assert_eq!((first.json(), second.json()), (expected.clone(), expected));
    assert_eq!(first.path, "/api/skills/v3/conversations/parents-conversation/activities");
    assert_eq!(second.path, "/api/skills/v3/conversations/parents-conversation/activities/f:6b2c%201?x=%2F&y");
    assert_eq!(first.header("x-ms-conversation-id"), Some("parents-conversation"));
    assert!(first.header("authorization").unwrap().starts_with("Bearer "));
}

#[tokio::test]
async fn every_operation_of_the_channel_service_is_passed_on_or_declined() {
    let fixture = Fixture::start().await;
    let id = fixture.open().await;
    fixture.send(&id, &fixture.reply(&id)).await;
    let body = json!({ "type": "message", "id": "parents-1" });
    let attachment = json!({ "type": "text/plain", "name": "a", "originalBase64": "YQ==" });
    let passed_on = [
        ("PUT", "activities/parents-1", &body),
        ("DELETE", "activities/parents-1", &Value::Null),
        ("GET", "activities/parents-1/members", &Value::Null),
        ("GET", "members", &Value::Null),
        ("GET", "members/29%3Aada", &Value::Null),
        ("DELETE", "members/29%3Aada", &Value::Null),
        ("GET", "pagedmembers?pageSize=2&continuationToken=a%2Fb", &Value::Null),
        ("POST", "attachments", &attachment),
    ];
    for (method, path, body) in passed_on {
        let (before, what) = (fixture.parent.received().len(), format!("{method} {path}"));
        fixture
            .parent
            .behave(Behaviour { headers: vec![("x-of", "parent")], ..Behaviour::answering(207, r#"{"x":1}"#) });
        let answer = fixture.as_skill(method, &format!("{id}/{path}"), body).await;
        assert_eq!((answer.status, answer.header("x-of")), (207, Some("parent")), "{what}");
        assert_eq!(answer.json(), json!({ "x": 1 }), "{what}");
        let received = fixture.parent.received();
        assert_eq!(received.len(), before + 1, "{what}");
        let path = path.replace("%3A", ":");
        assert_eq!(received[before].path, format!("/api/skills/v3/conversations/parents-conversation/{path}"));
    }
    let before = fixture.parent.received().len();
    for (method, path) in
        [("POST", String::new()), ("GET", String::new()), ("POST", format!("{id}/activities/history"))]
    {
        let path = if path.is_empty() { path } else { format!("/{path}") };
        let token = fixture.token(WEATHER, PARENT).await;
        let path = format!("/api/skills/weather/v3/conversations{path}");
        let answer = fixture.call(method, &path, &token, fixture.reply(&id).to_string().into_bytes()).await;
        assert_eq!(answer.status, 501, "{method} {path}");
        assert_eq!(answer.json()["error"]["code"], "NotImplemented");
        assert_eq!(fixture.call(method, &path, "no-token", Vec::new()).await.status, 401, "{method} {path}");
    }
    assert_eq!(fixture.as_skill("PUT", &format!("{id}/activities/history"), &body).await.status, 405);
    assert_eq!(fixture.parent.received().len(), before, "nothing else is passed on");
}

#[tokio::test]
async fn an_id_in_a_path_never_becomes_another_path_of_the_parent() {
    let fixture = Fixture::start().await;
    let id = fixture.open().await;
    let token = fixture.token(WEATHER, PARENT).await;
    for activity in ["%2e%2e", "..%2F..%2Fadmin", "a%2Fmembers", "a%5Cb", "%2F", "%00", "a%zz", "%2E"] {
        // A reply may name an activity of the parent whose id has a slash.
        let may_reply = matches!(activity, "a%2Fmembers" | "a%5Cb");
        for method in ["POST", "PUT", "DELETE"].into_iter().filter(|method| *method != "POST" || !may_reply) {
            let path = format!("{id}/activities/{activity}");
            let answer = fixture.as_skill(method, &path, &fixture.reply(&id)).await;
            assert!(matches!(answer.status, 404 | 405), "{method} {activity}: {}", answer.status);
        }
        let path = format!("/api/skills/weather/v3/conversations/{id}/members/{activity}");
        let answer = fixture.call("GET", &path, &token, Vec::new()).await;
        assert!(matches!(answer.status, 404 | 405), "{activity}: {}", answer.status);
    }
    assert!(fixture.parent.received().is_empty());
    // What is escaped twice is an id with a percent sign.
    assert_eq!(fixture.as_skill("POST", &format!("{id}/activities/a%252Fb"), &fixture.reply(&id)).await.status, 200);
    assert!(fixture.parent.received()[0].path.ends_with("/activities/a%252Fb"));
}

#[tokio::test]
async fn a_skill_changes_and_deletes_only_activities_whose_ids_it_was_given() {
    let mut fixture = Fixture::start().await;
    let id = fixture.open().await;
    fixture.parent.behave_in_turn(vec![
        Behaviour::answering(201, r#"{"Id":"given-1","more":true}"#),
        Behaviour::answering(200, ""),
        Behaviour::answering(400, r#"{"id":"refused-1"}"#),
        Behaviour::answering(200, r#"{"id":"given-2"}"#),
    ]);
    for status in [201, 200, 400] {
        assert_eq!(fixture.send(&id, &fixture.reply(&id)).await.status, status);
    }
    fixture.restart().await;
    let mut other = fixture.message();
    other["conversation"]["id"] = "another-conversation".into();
    let other = fixture.open_with(&other).await;
    let unknown = fixture.as_skill("DELETE", "0123456789abcdef0123456789abcdef/activities/x", &Value::Null).await;
    let before = fixture.parent.received().len();
    let mut edit = fixture.reply(&id);
    edit["id"] = "of-the-parent".into();
    let mut twice = fixture.reply(&id).to_string();
    twice = twice.replacen('{', r#"{"Id":"of-the-parent","#, 1).replace("skills-activity", "given-1");
    let logged = logs::length();
    let refused = [
        ("PUT", format!("{id}/activities/of-the-parent"), fixture.reply(&id).to_string()),
        ("PUT", format!("{id}/activities/refused-1"), fixture.reply(&id).to_string()),
        ("DELETE", format!("{id}/activities/of-the-parent"), String::new()),
        ("PUT", format!("{other}/activities/given-1"), fixture.reply(&other).to_string()),
        ("DELETE", format!("{other}/activities/given-1"), String::new()),
        // The parent's SDK changes the activity that the body names.
        ("PUT", format!("{id}/activities/given-1"), edit.to_string()),
        ("PUT", format!("{id}/activities/given-1"), twice),
    ];
    let token = fixture.token(WEATHER, PARENT).await;
    for (method, path, body) in &refused {
        let path = format!("/api/skills/weather/v3/conversations/{path}");
        let answer = fixture.call(method, &path, &token, body.clone().into_bytes()).await;
        assert_eq!((answer.status, &answer.body), (404, &unknown.body), "{method} {path}");
        assert_eq!(answer.headers.len(), unknown.headers.len(), "{method} {path}");
    }
    assert_eq!(fixture.oversteps(logged), vec!["activity"; refused.len()]);
    assert_eq!(fixture.parent.received().len(), before, "nothing is passed on");
    let mut edit = fixture.reply(&id);
    edit["id"] = "given-1".into();
    assert_eq!(fixture.as_skill("PUT", &format!("{id}/activities/given-1"), &edit).await.status, 200);
    assert_eq!(fixture.as_skill("DELETE", &format!("{id}/activities/given-1"), &Value::Null).await.status, 200);
    let received = fixture.parent.received();
    assert_eq!(received[before].json()["conversation"]["id"], "parents-conversation");
    assert_eq!(received.len(), before + 2);
}

#[tokio::test]
async fn conversations_outlive_a_restart() {
    let mut fixture = Fixture::start().await;
    let id = fixture.open().await;
    fixture.restart().await;
    assert_eq!(fixture.send(&id, &fixture.reply(&id)).await.status, 200);
    assert_eq!(fixture.open().await, id);
    assert!(fixture.parent.received()[0].path.contains("/parents-conversation/"));
}

#[tokio::test]
async fn a_conversation_ends_a_week_after_its_last_use() {
    let fixture = Fixture::start().await;
    let id = fixture.open().await;
    fixture.harness.clock.advance(std::time::Duration::from_hours(24 * 8));
    let answer = fixture.send(&id, &fixture.reply(&id)).await;
    assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (404, Some("NotFound")));
    assert!(fixture.parent.received().is_empty());
    assert_ne!(fixture.open().await, id);
}

#[tokio::test]
async fn an_activity_that_two_readers_read_in_two_ways_reaches_no_skill() {
    let fixture = Fixture::start().await;
    let token = fixture.token(PARENT, WEATHER).await;
    let message = fixture.message().to_string();
    let without = |member: &str| {
        let mut message = fixture.message();
        message.as_object_mut().unwrap().remove(member);
        message.to_string()
    };
    let twice = |member: &str| message.replacen('{', &format!("{{{member},"), 1);
    for (body, code) in [
        (without("conversation"), "MissingProperty"),
        (without("serviceUrl"), "MissingProperty"),
        (without("channelId"), "MissingProperty"),
        (twice(r#""conversation":{"id":"other"}"#), "BadArgument"),
        (twice(r#""Conversation":{"id":"other"}"#), "BadArgument"),
        (twice(r#""ServiceUrl":"https://evil.example/""#), "BadArgument"),
        (twice(r#""deliverymode":"stream","deliveryMode":"normal""#), "BadArgument"),
        (message.replace(r#""id":"parents-conversation""#, r#""id":7"#), "BadArgument"),
        ("[]".to_owned(), "MissingProperty"),
        ("no JSON".to_owned(), "BadArgument"),
    ] {
        let answer = fixture.call("POST", "/api/skills/weather/messages", &token, body.clone().into_bytes()).await;
        assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (400, Some(code)), "{body}");
    }
    assert!(fixture.skill.received().is_empty());
}

#[tokio::test]
async fn a_body_of_another_conversation_than_the_path_is_400_and_a_security_event() {
    let fixture = Fixture::start().await;
    let (id, news) = (fixture.open().await, fixture.open_news().await);
    let logged = logs::length();
    for other in [news.as_str(), "parents-conversation"] {
        let answer = fixture.send(&id, &fixture.reply(other)).await;
        assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (400, Some("BadArgument")), "{other}");
    }
    assert_eq!(fixture.oversteps(logged), ["conversation", "conversation"]);
    assert!(fixture.parent.received().is_empty());
    let mut reply = fixture.reply(&id);
    reply.as_object_mut().unwrap().remove("conversation");
    assert_eq!(fixture.send(&id, &reply).await.status, 200, "a body may leave the conversation out");
}

#[tokio::test]
async fn the_parents_last_address_counts_and_its_redirects_are_not_followed() {
    let fixture = Fixture::start().await;
    let mut message = fixture.message();
    let id = fixture.open().await;
    // The parent moves.
    message["serviceUrl"] = format!("{}not-there/", service_url(&fixture.parent)).into();
    fixture.parent.behave(Behaviour::answering(500, "parent's own"));
    fixture.open_with(&message).await;
    let answer = fixture.send(&id, &fixture.reply(&id)).await;
    assert_eq!((answer.status, text_of(&answer).as_str()), (500, "parent's own"));
    assert!(fixture.parent.received()[0].path.starts_with("/api/skills/not-there/v3/"), "the last address counts");
    let elsewhere = Box::leak(format!("{}/elsewhere", fixture.skill.endpoint()).into_boxed_str());
    fixture.parent.behave(Behaviour { headers: vec![("location", elsewhere)], ..Behaviour::answering(302, "") });
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let path = format!("{}/api/skills/weather/v3/conversations/{id}/activities", fixture.harness.base);
    let request = client.post(path).bearer_auth(fixture.token(WEATHER, PARENT).await);
    let request = request.header("content-type", "application/json").body(fixture.reply(&id).to_string());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 302, "case 48: a redirect is not followed");
    assert_eq!(fixture.parent.received().len(), 2);
    assert!(fixture.skill.received().iter().all(|request| !request.path.contains("elsewhere")));
}

#[tokio::test]
async fn a_skill_or_a_parent_that_cannot_be_reached_is_502_and_a_line_in_the_log() {
    let nowhere = format!("http://{NOWHERE}/api/messages");
    let away =
        skill_section("away", OTHER_PARENT, &nowhere, "\"demo\"", "away-graph").replace("the-api-of-news", "away");
    let fixture =
        Fixture::with(Setting { appended: away, elsewhere: "http://127.77.83.29:9/", ..Setting::default() }).await;
    let token = fixture.token(PARENT, OTHER_PARENT).await;
    let logged = logs::length();
    let body = fixture.message().to_string().into_bytes();
    let answer = fixture.call("POST", "/api/skills/away/messages", &token, body).await;
    assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (502, Some("BotUnavailable")));
    let mut message = fixture.message();
    message["serviceUrl"] = format!("http://{NOWHERE}/").into();
    let id = fixture.open_with(&message).await;
    let answer = fixture.send(&id, &fixture.reply(&id)).await;
    assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (502, Some("BotUnavailable")));
    let lines = fixture.lines(logged, "no answer came through the skill host");
    let sides: Vec<&str> = lines.iter().map(|line| line["side"].as_str().unwrap()).collect();
    assert_eq!(sides, ["skill", "parent"]);
}
