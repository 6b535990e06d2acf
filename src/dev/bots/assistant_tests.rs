#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

use crate::dev::test_client::{Fixture, decode_claims};

/// A program in the gateway's place, which notes what it is called with and answers as a test wants.
#[derive(Clone, Default)]
struct FakeGateway {
    calls: Arc<Mutex<Vec<Call>>>,
    answers: Arc<Mutex<Vec<Answer>>>,
}

#[derive(Clone)]
struct Call {
    path: String,
    query: String,
    conversation: Option<String>,
    claims: Value,
    body: Value,
}

struct Answer {
    path: &'static str,
    status: u16,
    body: Value,
}

impl FakeGateway {
    fn attach(fixture: &Fixture) -> Self {
        let (fake, listener) = (Self::default(), TcpListener::bind("127.0.0.1:0").unwrap());
        fixture.stage.attach_gateway(&format!("http://{}", listener.local_addr().unwrap()));
        let data = Data::new(fake.clone());
        let server = HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(answer)));
        tokio::spawn(server.workers(1).disable_signals().listen(listener).unwrap().run());
        fake
    }

    /// Answers the calls of `path` from now on.
    fn answers(&self, path: &'static str, status: u16, body: Value) {
        self.answers.lock().unwrap().insert(0, Answer { path, status, body });
    }

    fn last_call(&self, path: &str) -> Call {
        self.calls.lock().unwrap().iter().rfind(|call| call.path == path).unwrap_or_else(|| panic!("{path}")).clone()
    }
}

async fn answer(request: HttpRequest, body: Bytes, fake: Data<FakeGateway>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    fake.calls.lock().unwrap().push(Call {
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        conversation: header("x-ms-conversation-id"),
        claims: decode_claims(header("authorization").unwrap().trim_start_matches("Bearer ")),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    });
    let answers = fake.answers.lock().unwrap();
    match answers.iter().find(|answer| request.path().starts_with(answer.path)) {
        Some(Answer { status, body, .. }) => HttpResponse::build((*status).try_into().unwrap()).json(body),
        None => HttpResponse::NotFound().finish(),
    }
}

fn activity(fixture: &Fixture, members: &Value) -> Value {
    let mut activity = json!({
        "id": "in-1", "channelId": "webchat", "serviceUrl": fixture.stage.service_url(), "locale": "en-GB",
        "from": {"id": "dl_ada", "name": "Ada"}, "recipient": {"id": "the assistant", "name": "assistant"},
        "conversation": {"id": "the conversation"},
    });
    activity.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    activity
}

fn say(fixture: &Fixture, text: &str) -> Value {
    activity(fixture, &json!({"type": "message", "text": text}))
}

fn messages_url(fixture: &Fixture, bot: &str) -> String {
    format!("{}/demo-bots/{bot}/api/messages", fixture.stage.http_base())
}

/// A token of the app `app_id` for the app `audience`.
async fn app_token(fixture: &Fixture, app_id: &str, audience: &str) -> String {
    let app = fixture.stage.directory().find_app(app_id).unwrap();
    let scope = format!("{audience}/.default");
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", app.client_id),
        ("client_secret", app.secret.unwrap()),
        ("scope", scope.as_str()),
    ];
    fixture.form(&fixture.token_url(fixture.tenant()), &fields).await.text_member("access_token").to_owned()
}

async fn tell_assistant(fixture: &Fixture, activity: &Value) -> u16 {
    let assistant = fixture.stage.directory().find_bot("assistant").unwrap();
    let channel = fixture.channel_token_for(assistant.app_id, &[]).await;
    fixture.post_json_as(&messages_url(fixture, "assistant"), &channel, activity).await.status
}

#[tokio::test]
async fn an_assistant_passes_on_what_names_a_skill_and_codes_to_the_one_spoken_to_last() {
    let fixture = Fixture::start().await;
    let gateway = FakeGateway::attach(&fixture);
    gateway.answers("/api/skills/", 200, Value::Null);
    assert_eq!(tell_assistant(&fixture, &say(&fixture, "What is the WEATHER like?")).await, 200);
    let call = gateway.last_call("/api/skills/weather/messages");
    let directory = fixture.stage.directory();
    let (assistant, skill) = (directory.find_bot("assistant").unwrap(), directory.find_skill("weather").unwrap());
    assert_eq!((&call.claims["aud"], &call.claims["azp"]), (&json!(skill.bot.app_id), &json!(assistant.app_id)));
    let conversation = call.conversation.unwrap();
    assert_eq!((&call.body["conversation"]["id"], conversation.len()), (&json!(conversation), 32));
    assert_eq!(call.body["serviceUrl"], format!("{}/demo-bots/assistant/skill-host/", fixture.stage.http_base()));
    assert_eq!(call.body["recipient"], json!({"id": "the assistant", "name": "assistant", "role": "skill"}));
    assert_eq!(
        call.body["relatesTo"],
        json!({
            "activityId": "in-1", "bot": null, "channelId": "webchat", "conversation": {"id": "the conversation"},
            "locale": "en-GB", "serviceUrl": fixture.stage.service_url(),
        })
    );
    for member in ["id", "from", "channelId", "text", "type"] {
        assert_eq!(call.body[member], say(&fixture, "What is the WEATHER like?")[member], "{member}");
    }
    tell_assistant(&fixture, &say(&fixture, "my calendar")).await;
    tell_assistant(&fixture, &say(&fixture, "123456")).await;
    let call = gateway.last_call("/api/skills/calendar/messages");
    assert_eq!(call.body["text"], "123456");
    assert_ne!(call.conversation.unwrap(), conversation);
    // Other bots have no skills.
    let channel = fixture.channel_token(&[]).await;
    let before = gateway.calls.lock().unwrap().len();
    fixture.post_json_as(&messages_url(&fixture, "demo"), &channel, &say(&fixture, "weather")).await;
    let calls = gateway.calls.lock().unwrap();
    assert!(calls[before..].iter().all(|call| !call.path.starts_with("/api/skills/")));
}

#[tokio::test]
async fn what_a_skill_says_reaches_the_user_as_the_assistants_answer() {
    let fixture = Fixture::start().await;
    let gateway = FakeGateway::attach(&fixture);
    gateway.answers("/api/skills/", 200, Value::Null);
    tell_assistant(&fixture, &say(&fixture, "weather")).await;
    let passed = gateway.last_call("/api/skills/weather/messages");
    let activities = format!(
        "{}v3/conversations/{}/activities",
        passed.body["serviceUrl"].as_str().unwrap(),
        passed.conversation.unwrap()
    );
    let app_id =
        |bot: &str| fixture.stage.directory().bots_and_skills().find(|entry| entry.name == bot).unwrap().app_id;
    let token = app_token(&fixture, app_id("weather"), app_id("assistant")).await;
    let sunny = json!({"type": "message", "text": "It is sunny.", "from": {"id": "somebody else"}});
    let answer = fixture.post_json_as(&format!("{activities}/in-1"), &token, &sunny).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let done = json!({"type": "endOfConversation"});
    assert_eq!(fixture.post_json_as(&activities, &token, &done).await.status, 200);
    let sent = fixture.stage.connector_calls(None);
    assert_eq!(sent.len(), 1, "{sent:?}");
    let said = &sent[0]["activity"];
    assert_eq!((&sent[0]["conversation"], &sent[0]["bot"]), (&json!("the conversation"), &json!(app_id("assistant"))));
    assert_eq!(
        json!([said["text"], said["from"]["id"], said["replyToId"]]),
        json!(["It is sunny.", "the assistant", "in-1"])
    );
    let received = fixture.stage.received_activities("assistant");
    assert_eq!(
        received.iter().map(|one| &one["type"]).collect::<Vec<_>>(),
        ["message", "message", "endOfConversation"]
    );

    let own = app_token(&fixture, app_id("assistant"), app_id("assistant")).await;
    assert_eq!(fixture.post_json_as(&activities, &own, &sunny).await.status, 401, "the assistant is not its own skill");
    let other = app_token(&fixture, app_id("calendar"), app_id("assistant")).await;
    assert_eq!(fixture.post_json_as(&activities, &other, &sunny).await.status, 404, "another skill's conversation");
}

#[tokio::test]
async fn a_user_is_told_that_a_skill_cannot_be_reached() {
    let fixture = Fixture::start().await;
    FakeGateway::attach(&fixture);
    assert_eq!(tell_assistant(&fixture, &say(&fixture, "weather")).await, 200);
    let said = fixture.stage.connector_calls(None)[0]["activity"]["text"].clone();
    assert_eq!(said, "The skill weather cannot be reached (404 Not Found).");
}

#[tokio::test]
async fn a_skill_greets_the_user_by_its_own_token_or_asks_for_it_with_a_card() {
    let fixture = Fixture::start().await;
    let gateway = FakeGateway::attach(&fixture);
    let directory = fixture.stage.directory();
    let (skill, assistant) = (directory.find_skill("weather").unwrap(), directory.find_bot("assistant").unwrap());
    let base = gateway_base(&fixture);
    let resource = json!({"id": "card-1", "uri": skill.connection.token_exchange_uri});
    gateway.answers(
        "/api/botsignin/GetSignInResource",
        200,
        json!({"signInLink": "x", "tokenExchangeResource": resource}),
    );
    gateway.answers("/host/", 200, json!({"id": "sent-1"}));
    let from_parent = |members: &Value| {
        let mut passed = activity(&fixture, members);
        passed["serviceUrl"] = json!(format!("{base}/host/"));
        passed
    };
    let parent = app_token(&fixture, assistant.app_id, skill.bot.app_id).await;
    let tell =
        async |activity: &Value| fixture.post_json_as(&messages_url(&fixture, "weather"), &parent, activity).await;
    assert_eq!(tell(&from_parent(&json!({"type": "message", "text": "weather"}))).await.status, 200);
    let sent = gateway.last_call("/host/v3/conversations/the%20conversation/activities");
    assert_eq!(json!([sent.claims["aud"], sent.claims["azp"]]), json!([assistant.app_id, skill.bot.app_id]));
    let card = &sent.body["attachments"][0]["content"];
    assert_eq!(json!([card["connectionName"], card["tokenExchangeResource"]]), json!(["weather-graph", resource]));

    let value = |connection: &str| json!({"id": "card-1", "connectionName": connection, "token": "of the parent"});
    let invoke = |connection: &str| {
        from_parent(&json!({"type": "invoke", "name": "signin/tokenExchange", "value": value(connection)}))
    };
    assert_eq!(tell(&invoke("other")).await.status, 400);
    gateway.answers("/api/usertoken/exchange", 400, json!({"error": {}}));
    assert_eq!(tell(&invoke("weather-graph")).await.status, 412);
    let exchanged = fixture.exchange(&fixture.get_exchangeable_token("ada", "graph").await, &[]).await;
    gateway.answers("/api/usertoken/exchange", 200, json!({"token": exchanged.text_member("access_token")}));
    let answer = tell(&invoke("weather-graph")).await;
    assert_eq!((answer.status, answer.json), (200, json!({"id": "card-1", "connectionName": "weather-graph"})));
    let exchange = gateway.last_call("/api/usertoken/exchange");
    assert_eq!(exchange.body, json!({"token": "of the parent"}));
    assert_eq!(exchange.query, "userId=dl_ada&connectionName=weather-graph&channelId=webchat");
    let greeting = gateway.last_call("/host/v3/conversations/the%20conversation/activities");
    assert_eq!(greeting.body["text"], "Hello Ada Lovelace, this is weather.");

    let stranger = app_token(&fixture, directory.bots[0].app_id, skill.bot.app_id).await;
    let refused = fixture.post_json_as(&messages_url(&fixture, "weather"), &stranger, &invoke("weather-graph")).await;
    assert_eq!(refused.status, 401, "a bot that is not its parent");
}

fn gateway_base(fixture: &Fixture) -> String {
    fixture.stage.services.bots.services.gateway.find().unwrap().as_str().trim_end_matches('/').to_owned()
}
