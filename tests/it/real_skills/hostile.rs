//! A hostile skill, with its genuine credentials, behind an unmodified parent: it asks for another user, for another URI and for
//! another skill's conversation, and edits what the parent said. It gets nothing, and each try is one security event.

use std::collections::BTreeSet;

use bot_sso::dev::User;
use serde_json::{Value, json};

use super::fixture::{CALENDAR, Call, PARENT_BOT, Pair, Route, Sdk, Setup, WEATHER, skill_host};
use crate::harness::tokens::claims_of;
use crate::harness::waiting::wait_for;
use crate::harness::{Answer, Behaviour, RecorderBot, Surroundings, logs};

const OAUTH_CARD: &str = "application/vnd.microsoft.card.oauth";

/// The test as the skill `weather`, whose endpoint is `recorder`.
struct Hostile {
    pair: Pair,
    recorder: RecorderBot,
    ada: User,
    /// What the skill got when the user asked for it.
    asked: Value,
}

impl Hostile {
    /// The user is signed in at the parent, and has asked for the skill.
    async fn start(scenario: &str) -> Self {
        let (surroundings, recorder) = (Surroundings::start().await, RecorderBot::start().await);
        let called = format!("{}/api/skills/{WEATHER}/messages", surroundings.base);
        let (endpoint, setup) =
            (recorder.endpoint(), Setup { call: Call::Handler, sdk: Sdk::BotBuilder, skill: WEATHER });
        let route = Route { called: &called, endpoint: &endpoint };
        let pair = Pair::with_route(surroundings, setup, &route, scenario).await;
        let ada = pair.harness.user("Ada");
        pair.sign_in_at_parent(&ada).await;
        pair.say(&ada, "ask the skill").await;
        let asked = recorder.wait_for(1).await[0].json();
        recorder.behave(Behaviour::answering(200, r#"{"id":"x","connectionName":"weather-graph"}"#));
        Self { pair, recorder, ada, asked }
    }

    fn conversation(&self) -> &str {
        self.asked["conversation"]["id"].as_str().unwrap()
    }

    /// The id of the message by which the parent told the user of the sign-in.
    fn parents_message(&self) -> String {
        let calls = self.pair.transcript(&self.ada);
        let said = calls
            .iter()
            .find(|call| call["activity"]["text"].as_str().is_some_and(|text| text.starts_with("Signed in")));
        said.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// The token of `skill` for the parent.
    async fn token(&self, skill: &str) -> String {
        let directory = self.pair.harness.stage.directory();
        let scope = format!("{}/.default", self.pair.harness.bot_app_id(PARENT_BOT));
        self.pair.harness.app_token(directory.find_skill(skill).unwrap().bot.app_id, &scope).await
    }

    /// Calls the host of the skill `weather`, below `/v3/conversations/`, with the skill's credentials.
    async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let authorization = format!("Bearer {}", self.token(WEATHER).await);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let url = format!("{}/v3/conversations/{path}", skill_host(&self.pair.harness, WEATHER));
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.pair.harness.send(method, &url, &headers, body).await
    }

    /// A message of the skill to `recipient`.
    fn message(&self, conversation: &str, recipient: &str) -> Value {
        json!({
            "type": "message",
            "channelId": self.asked["channelId"],
            "serviceUrl": self.asked["serviceUrl"],
            "conversation": { "id": conversation },
            "from": self.asked["recipient"],
            "recipient": { "id": recipient },
            "text": "from the skill",
        })
    }

    /// A card of the skill that asks for `uri`.
    fn card(&self, id: &str, uri: &str, recipient: &str) -> Value {
        let mut card = self.message(self.conversation(), recipient);
        card["text"] = Value::Null;
        card["attachments"] = json!([{
            "contentType": OAUTH_CARD,
            "content": {
                "text": "Please sign in",
                "connectionName": self.pair.connection,
                "buttons": [{ "type": "signin", "title": "Sign in", "value": "https://weather.example/sign-in" }],
                "tokenExchangeResource": { "id": id, "uri": uri },
            },
        }]);
        card
    }

    async fn send_card(&self, card: &Value) -> Answer {
        self.call("POST", &format!("{}/activities", self.conversation()), card).await
    }

    fn own_uri(&self) -> String {
        self.uri_of(WEATHER)
    }

    fn uri_of(&self, skill: &str) -> String {
        self.pair.harness.stage.directory().find_skill(skill).unwrap().connection.token_exchange_uri.clone()
    }

    /// The invokes that the skill has received.
    fn invokes(&self) -> Vec<Value> {
        let received = self.recorder.received();
        received.iter().map(crate::harness::Received::json).filter(|activity| activity["type"] == "invoke").collect()
    }

    /// Waits for one security event about what the skill did since the log had `length` bytes. The requests about it
    /// have ended, so there is no second one.
    async fn one_event(&self, length: usize, detail: &str) {
        let events = || {
            let text = logs::since(length);
            let lines = text.lines().filter(|line| line.contains(&self.pair.harness.tag));
            let lines = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
            lines.filter(|line| line["security"] == true).collect::<Vec<_>>()
        };
        wait_for("a security event", async || (!events().is_empty()).then_some(())).await;
        let events = events();
        assert_eq!(events.len(), 1, "{events:#?}");
        assert_eq!((&events[0]["detail"], &events[0]["skill"]), (&json!(detail), &json!(WEATHER)), "{events:#?}");
    }

    /// The parent opens a conversation with the skill `calendar`; returns the id that the skill gets.
    async fn open_conversation_of_calendar(&self) -> String {
        let harness = &self.pair.harness;
        let skill = harness.stage.directory().find_skill(CALENDAR).unwrap().bot.app_id;
        let token = harness.app_token(harness.bot_app_id(PARENT_BOT), &format!("{skill}/.default")).await;
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let parent_port = self.pair.parent.events()[0]["port"].clone();
        let mut activity = crate::harness::activities::message(harness, &self.ada, "for the calendar");
        activity["conversation"] = json!({ "id": "conversation-with-the-calendar" });
        activity["serviceUrl"] = format!("http://127.0.0.1:{parent_port}/api/skills").into();
        let before = self.recorder.received().len();
        let url = format!("/api/skills/{CALENDAR}/messages");
        let answer = harness.send("POST", &url, &headers, activity.to_string().into_bytes()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let received = self.recorder.wait_for(before + 1).await[before].json();
        received["conversation"]["id"].as_str().unwrap().to_owned()
    }
}

/// What a caller sees of an answer, without what differs from answer to answer.
fn seen(answer: &Answer) -> (u16, BTreeSet<String>, String) {
    let names = answer
        .headers
        .iter()
        .map(|(name, value)| if name == "date" { name.clone() } else { format!("{name}: {value}") });
    let names = names.filter(|header| !header.contains("correlation") && !header.starts_with("x-request-id"));
    (answer.status, names.collect(), answer.text())
}

#[tokio::test]
async fn a_card_for_another_user_gives_the_skill_the_token_of_the_user_who_asked() {
    let hostile = Hostile::start("hostile-user").await;
    let ben = hostile.pair.harness.user("Ben");
    hostile.pair.sign_in_at_parent(&ben).await;
    let length = logs::length();
    let answer = hostile.send_card(&hostile.card("r-1", &hostile.own_uri(), "29:ben")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let invokes = hostile.invokes();
    assert_eq!(invokes.len(), 1, "{invokes:?}");
    let claims = claims_of(invokes[0]["value"]["token"].as_str().unwrap());
    assert_eq!(claims["oid"], hostile.ada.oid);
    assert_eq!(invokes[0]["from"]["id"], "29:ada");
    hostile.one_event(length, "user").await;
    assert_eq!(hostile.pair.cards(&ben, hostile.pair.connection).len(), 0);
    assert_eq!(hostile.pair.cards(&hostile.ada, hostile.pair.connection).len(), 0);
}

#[tokio::test]
async fn a_card_for_another_uri_reaches_the_user_and_gives_the_skill_nothing() {
    let hostile = Hostile::start("hostile-uri").await;
    let uris = ["https://graph.microsoft.com", "https://graph.microsoft.com/User.Read", &hostile.uri_of(CALENDAR)];
    for (number, uri) in uris.into_iter().enumerate() {
        let length = logs::length();
        let answer = hostile.send_card(&hostile.card(&format!("r-{number}"), uri, "29:ada")).await;
        assert_eq!(answer.status, 200, "{uri}: {}", answer.text());
        hostile.one_event(length, "uri").await;
        let cards = hostile.pair.cards(&hostile.ada, hostile.pair.connection);
        assert_eq!(cards.len(), number + 1, "{uri}");
        assert_eq!(cards[number]["tokenExchangeResource"]["uri"], uri);
    }
    assert_eq!(hostile.invokes(), [] as [Value; 0]);
}

#[tokio::test]
async fn another_skills_conversation_is_answered_as_an_unknown_one() {
    let hostile = Hostile::start("hostile-conversation").await;
    let foreign = hostile.open_conversation_of_calendar().await;
    let before = hostile.pair.transcript(&hostile.ada).len();
    let unknown = "0".repeat(foreign.len());
    let (length, tries) = (logs::length(), |id: &str| (format!("{id}/activities"), hostile.message(id, "29:ada")));
    let (path, message) = tries(&unknown);
    let of_unknown = hostile.call("POST", &path, &message).await;
    assert_eq!(of_unknown.status, 404, "{}", of_unknown.text());
    assert!(
        !logs::since(length)
            .lines()
            .any(|line| { line.contains(&hostile.pair.harness.tag) && line.contains("\"security\":true") })
    );
    for method in ["POST", "GET"] {
        let length = logs::length();
        let (path, body) = match method {
            "POST" => tries(&foreign),
            _ => (format!("{foreign}/members/29:ada"), Value::Null),
        };
        let answer = hostile.call(method, &path, &body).await;
        assert_eq!(answer.status, 404, "{method}: {}", answer.text());
        if method == "POST" {
            assert_eq!(seen(&answer), seen(&of_unknown));
        }
        hostile.one_event(length, "conversation").await;
    }
    assert_eq!(hostile.pair.transcript(&hostile.ada).len(), before);
}

#[tokio::test]
async fn the_parents_messages_stay_as_they_are() {
    let hostile = Hostile::start("hostile-edit").await;
    let (message, before) = (hostile.parents_message(), hostile.pair.transcript(&hostile.ada));
    let path = format!("{}/activities/{message}", hostile.conversation());
    for (method, body) in [("PUT", hostile.message(hostile.conversation(), "29:ada")), ("DELETE", Value::Null)] {
        let length = logs::length();
        let answer = hostile.call(method, &path, &body).await;
        assert_eq!(answer.status, 404, "{method}: {}", answer.text());
        hostile.one_event(length, "activity").await;
    }
    assert_eq!(hostile.pair.transcript(&hostile.ada), before);

    // Its own message it may change, but not in the parent's place.
    let own = hostile.message(hostile.conversation(), "29:ada");
    let posted = hostile.call("POST", &format!("{}/activities", hostile.conversation()), &own).await;
    let id = posted.json()["id"].as_str().unwrap().to_owned();
    let path = format!("{}/activities/{id}", hostile.conversation());
    let put = |id: &str| {
        let mut changed = own.clone();
        changed["id"] = id.into();
        changed
    };
    let length = logs::length();
    let answer = hostile.call("PUT", &path, &put(&message)).await;
    assert_eq!(answer.status, 404, "{}", answer.text());
    hostile.one_event(length, "activity").await;
    assert_eq!(hostile.pair.transcript(&hostile.ada).len(), before.len() + 1);
    let answer = hostile.call("PUT", &path, &put(&id)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let last = hostile.pair.transcript(&hostile.ada).pop().unwrap();
    assert_eq!((&last["method"], &last["activity_id"]), (&json!("PUT"), &json!(id)));
}
