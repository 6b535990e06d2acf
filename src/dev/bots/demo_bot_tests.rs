#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::net::TcpListener;

use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

use crate::dev::test_client::Fixture;

fn activity(fixture: &Fixture, kind: &Value) -> Value {
    let user = fixture.stage.directory().find_user("ada").unwrap();
    let mut activity = json!({
        "id": "in-1", "channelId": "msteams", "serviceUrl": fixture.stage.service_url(),
        "from": {"id": "29:ada", "aadObjectId": user.oid}, "recipient": {"id": "28:bot"},
        "conversation": {"id": "the conversation", "tenantId": user.tid},
    });
    activity.as_object_mut().unwrap().extend(kind.as_object().unwrap().clone());
    activity
}

fn bot_url(fixture: &Fixture, bot: &str) -> String {
    format!("{}/demo-bots/{bot}/api/messages", fixture.stage.http_base())
}

#[tokio::test]
async fn a_demo_bot_that_is_notified_calls_the_resource_as_the_user() {
    let fixture = Fixture::start().await;
    let exchanged = fixture.exchange(&fixture.get_exchangeable_token("ada", "graph").await, &[]).await;
    let token = exchanged.text_member("access_token");
    let event = activity(
        &fixture,
        &json!({"type": "event", "name": "tokens/response", "value": {"connectionName": "graph", "token": token}}),
    );
    assert_eq!(fixture.post_json_as(&bot_url(&fixture, "demo"), "nonsense", &event).await.status, 401);
    let channel = fixture.channel_token(&[]).await;
    let answer = fixture.post_json_as(&bot_url(&fixture, "demo"), &channel, &event).await;
    assert_eq!(answer.status, 200, "{}", answer.text);

    let url = format!("{}/connector/_sent?conversation=the+conversation", fixture.stage.http_base());
    let sent = fixture.get(&url).await;
    assert_eq!(sent.json.as_array().unwrap().len(), 1);
    assert_eq!(sent.json[0]["activity"]["text"], "You are signed in as Ada Lovelace");
    assert_eq!(sent.json[0]["bot"], fixture.stage.directory().bots[0].app_id);
    let received = fixture.get(&format!("{}/demo-bots/demo/received", fixture.stage.http_base())).await;
    assert_eq!(received.json[0]["value"]["token"], "(token)");
    assert!(!received.text.contains(token));

    let foreign = fixture.channel_token(&[("service_url", "http://127.0.0.1:9/")]).await;
    assert_eq!(fixture.post_json_as(&bot_url(&fixture, "demo"), &foreign, &event).await.status, 401);
}

#[tokio::test]
async fn a_demo_bot_sends_a_card_and_gets_the_token_from_the_token_service() {
    let fixture = Fixture::start().await;
    let channel = fixture.channel_token(&[]).await;
    let message = activity(&fixture, &json!({"type": "message", "text": "hello"}));
    assert_eq!(
        fixture.post_json_as(&bot_url(&fixture, "demo"), &channel, &message).await.status,
        500,
        "no gateway yet"
    );

    let exchanged = fixture.exchange(&fixture.get_exchangeable_token("ada", "graph").await, &[]).await;
    let token = exchanged.text_member("access_token").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    fixture.stage.attach_gateway(&format!("http://{}", listener.local_addr().unwrap()));
    let gateway = HttpServer::new(move || {
        let token = token.clone();
        let get_token = move |query: web::Query<std::collections::BTreeMap<String, String>>| {
            let found = query["connectionName"] == "mail";
            let answer = json!({"connectionName": "mail", "token": token});
            async move { if found { HttpResponse::Ok().json(answer) } else { HttpResponse::NotFound().finish() } }
        };
        App::new().route("/api/usertoken/GetToken", web::get().to(get_token)).route(
            "/api/botsignin/GetSignInResource",
            web::get().to(|| async {
                HttpResponse::Ok().json(json!({
                    "signInLink": "http://127.0.0.1/link", "tokenExchangeResource": {"id": "card-1", "uri": "api://x"}
                }))
            }),
        )
    })
    .workers(1)
    .disable_signals()
    .listen(listener)
    .unwrap()
    .run();
    tokio::spawn(gateway);

    assert_eq!(fixture.post_json_as(&bot_url(&fixture, "demo"), &channel, &message).await.status, 200);
    let card = &fixture.stage.connector_calls(Some("the conversation"))[0]["activity"]["attachments"][0];
    assert_eq!(card["contentType"], "application/vnd.microsoft.card.oauth");
    assert_eq!(card["content"]["tokenExchangeResource"]["id"], "card-1");
    assert_eq!(card["content"]["connectionName"], "graph");

    let value = json!({"id": "card-1", "connectionName": "graph", "token": "x"});
    let invoke = activity(&fixture, &json!({"type": "invoke", "name": "signin/tokenExchange", "value": value}));
    let refused = fixture.post_json_as(&bot_url(&fixture, "demo"), &channel, &invoke).await;
    assert_eq!((refused.status, refused.text_member("id")), (412, "card-1"));
    let value = json!({"id": "card-2", "connectionName": "mail", "token": "x"});
    let invoke = activity(&fixture, &json!({"type": "invoke", "name": "signin/tokenExchange", "value": value}));
    let accepted = fixture.post_json_as(&bot_url(&fixture, "demo"), &channel, &invoke).await;
    assert_eq!((accepted.status, accepted.json), (200, json!({"id": "card-2", "connectionName": "mail"})));
    assert_eq!(fixture.stage.connector_calls(None)[1]["activity"]["text"], "You are signed in as Ada Lovelace");
}

#[tokio::test]
async fn a_demo_bot_takes_the_word_of_the_agent_365_platform_for_the_stages_own_service_url() {
    let fixture = Fixture::start().await;
    let manifest = fixture.stage.manifest("http://127.0.0.1:1");
    let text = |member: &str| manifest["agent_365"][member].as_str().unwrap().to_owned();
    let (client, secret) = (text("client_id"), text("client_secret"));
    let scope = format!("{}/.default", fixture.stage.directory().bots[0].app_id);
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", client.as_str()),
        ("client_secret", secret.as_str()),
        ("scope", scope.as_str()),
    ];
    let platform = fixture.form(&text("token_endpoint"), &fields).await;
    let token = platform.text_member("access_token");
    let update = activity(&fixture, &json!({"type": "conversationUpdate"}));
    assert_eq!(fixture.post_json_as(&bot_url(&fixture, "demo"), token, &update).await.status, 200);
    let elsewhere = activity(&fixture, &json!({"type": "conversationUpdate", "serviceUrl": "http://127.0.0.1:9/"}));
    assert_eq!(fixture.post_json_as(&bot_url(&fixture, "demo"), token, &elsewhere).await.status, 401);
    assert_eq!(fixture.post_json_as(&bot_url(&fixture, "demo-none"), token, &update).await.status, 401);
}
