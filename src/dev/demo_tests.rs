#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::net::TcpListener;

use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

use super::test_client::{Bench, claims_of, part_of};

const GATEWAY: &str = "http://127.0.0.1:3978";

fn members(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn activity(bench: &Bench, kind: &Value) -> Value {
    let user = bench.stage.directory().find_user("ada").unwrap();
    let mut activity = json!({
        "id": "in-1", "channelId": "msteams", "serviceUrl": bench.stage.service_url(),
        "from": {"id": "29:ada", "aadObjectId": user.oid}, "recipient": {"id": "28:bot"},
        "conversation": {"id": "the conversation", "tenantId": user.tid},
    });
    activity.as_object_mut().unwrap().extend(kind.as_object().unwrap().clone());
    activity
}

fn bot_url(bench: &Bench, bot: &str) -> String {
    format!("{}/demo-bots/{bot}/api/messages", bench.stage.http_base())
}

#[tokio::test]
async fn the_manifest_has_the_members_that_were_promised() {
    let bench = Bench::start().await;
    let manifest = bench.stage.manifest(GATEWAY);
    assert_eq!(
        members(&manifest),
        BTreeSet::from(["bots", "channel", "clients", "connections", "gateway", "tenant", "token_service", "users"])
    );
    assert_eq!(members(&manifest["tenant"]), BTreeSet::from(["authority", "id", "token_endpoint"]));
    assert_eq!(
        members(&manifest["channel"]),
        BTreeSet::from(["client_id", "client_secret", "endorsed", "service_url", "token_endpoint"])
    );
    assert_eq!(members(&manifest["bots"][0]), BTreeSet::from(["app_id", "app_secret", "messages_url", "name"]));
    assert_eq!(members(&manifest["clients"][0]), BTreeSet::from(["client_id", "name"]));
    assert_eq!(members(&manifest["connections"][0]), BTreeSet::from(["bot", "name", "scope", "token_exchange_uri"]));
    assert_eq!(members(&manifest["users"][0]), BTreeSet::from(["name", "oid", "password", "story", "tid"]));
    assert!(!manifest.to_string().contains("https://"), "programs without TLS read this");
    let stories: BTreeSet<_> =
        manifest["users"].as_array().unwrap().iter().map(|user| user["story"].as_str().unwrap()).collect();
    assert_eq!(stories, BTreeSet::from(["signs in", "lacks consent", "needs MFA", "disabled", "guest"]));
    assert_eq!(manifest["bots"][0]["messages_url"], "http://127.0.0.1:3978/bots/demo/api/messages");
    assert!(
        toml::from_str::<toml::Table>(&bench.stage.configuration(GATEWAY, "127.0.0.1:3978", "/tmp".as_ref())).is_ok()
    );
    assert!(bench.stage.instructions(GATEWAY).contains("/dev/consent"));
}

#[tokio::test]
async fn the_manifest_is_served_to_loopback_names_only() {
    let bench = Bench::start().await;
    let routes = bench.stage.routes(GATEWAY);
    let app = actix_web::test::init_service(App::new().configure(routes)).await;
    let get = |host: &'static str| {
        actix_web::test::TestRequest::get().uri("/dev/manifest.json").insert_header(("host", host)).to_request()
    };
    let answer = actix_web::test::call_service(&app, get("127.0.0.1:3978")).await;
    assert_eq!(answer.status(), 200);
    let served: Value = actix_web::test::read_body_json(answer).await;
    assert_eq!(served, bench.stage.manifest(GATEWAY));
    assert_eq!(actix_web::test::call_service(&app, get("rebound.example")).await.status(), 403);
}

#[tokio::test]
async fn discovery_names_one_issuer_on_both_listeners() {
    let bench = Bench::start().await;
    let (http, https) = (bench.stage.http_base(), bench.stage.https_base());
    for base in [&http, &https] {
        let own = bench.get(&format!("{base}/{}/v2.0/.well-known/openid-configuration", bench.tenant())).await;
        assert_eq!(own.text_of("issuer"), bench.stage.v2_issuer(bench.tenant()));
        assert!(own.text_of("token_endpoint").starts_with(base.as_str()));
        let common = bench.get(&format!("{base}/common/v2.0/.well-known/openid-configuration")).await;
        assert_eq!(common.text_of("issuer"), format!("{https}/{{tenantid}}/v2.0"));
        let channel = bench.get(&format!("{base}/channel/v1/.well-known/openidconfiguration")).await;
        assert_eq!(channel.text_of("issuer"), bench.stage.channel_issuer());
        let keys = bench.get(channel.text_of("jwks_uri")).await;
        assert_eq!(keys.json["keys"][0]["endorsements"], json!(["msteams", "webchat", "directline"]));
        assert_eq!(keys.json["keys"][1]["endorsements"], json!(["directline"]));
        assert!(keys.json["keys"][2]["endorsements"].is_null());
    }
    let rebound = bench.call("GET", &format!("{http}/dev/calls"), &[], "").await;
    assert_eq!(rebound.status, 200);
    assert_eq!(bench.get(&format!("{http}/elsewhere/v2.0/.well-known/openid-configuration")).await.code(), 90_002);
}

#[tokio::test]
async fn channel_tokens_carry_audience_and_service_url() {
    let bench = Bench::start().await;
    let token = bench.channel_token(&[]).await;
    let claims = claims_of(&token);
    assert_eq!(claims["aud"], bench.stage.directory().bots[0].app_id);
    assert_eq!(claims["iss"], bench.stage.channel_issuer());
    assert_eq!(claims["serviceurl"], bench.stage.service_url());
    let other = bench.channel_token(&[("kid", "unendorsed"), ("service_url", "http://127.0.0.1:9/")]).await;
    assert_ne!(part_of(&other, 0)["kid"], part_of(&token, 0)["kid"]);
    assert_eq!(claims_of(&other)["serviceurl"], "http://127.0.0.1:9/");
}

#[tokio::test]
async fn the_notified_demo_bot_acts_as_the_user() {
    let bench = Bench::start().await;
    let exchanged = bench.exchange(&bench.exchangeable("ada", "graph").await, &[]).await;
    let token = exchanged.text_of("access_token");
    let event = activity(
        &bench,
        &json!({"type": "event", "name": "tokens/response", "value": {"connectionName": "graph", "token": token}}),
    );
    assert_eq!(bench.post_json_as(&bot_url(&bench, "demo"), "nonsense", &event).await.status, 401);
    let channel = bench.channel_token(&[]).await;
    let answer = bench.post_json_as(&bot_url(&bench, "demo"), &channel, &event).await;
    assert_eq!(answer.status, 200, "{}", answer.text);

    let url = format!("{}/connector/_sent?conversation=the+conversation", bench.stage.http_base());
    let sent = bench.get(&url).await;
    assert_eq!(sent.json.as_array().unwrap().len(), 1);
    assert_eq!(sent.json[0]["activity"]["text"], "You are signed in as Ada Lovelace");
    assert_eq!(sent.json[0]["bot"], bench.stage.directory().bots[0].app_id);
    let received = bench.get(&format!("{}/demo-bots/demo/received", bench.stage.http_base())).await;
    assert_eq!(received.json[0]["value"]["token"], "(token)");
    assert!(!received.text.contains(token));

    let foreign = bench.channel_token(&[("service_url", "http://127.0.0.1:9/")]).await;
    assert_eq!(bench.post_json_as(&bot_url(&bench, "demo"), &foreign, &event).await.status, 401);
}

#[tokio::test]
async fn the_demo_bot_offers_a_card_and_uses_the_token_service() {
    let bench = Bench::start().await;
    let channel = bench.channel_token(&[]).await;
    let message = activity(&bench, &json!({"type": "message", "text": "hello"}));
    assert_eq!(bench.post_json_as(&bot_url(&bench, "demo"), &channel, &message).await.status, 500, "no gateway yet");

    let exchanged = bench.exchange(&bench.exchangeable("ada", "graph").await, &[]).await;
    let token = exchanged.text_of("access_token").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    bench.stage.attach_gateway(&format!("http://{}", listener.local_addr().unwrap()));
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

    assert_eq!(bench.post_json_as(&bot_url(&bench, "demo"), &channel, &message).await.status, 200);
    let card = &bench.stage.sent(Some("the conversation"))[0]["activity"]["attachments"][0];
    assert_eq!(card["contentType"], "application/vnd.microsoft.card.oauth");
    assert_eq!(card["content"]["tokenExchangeResource"]["id"], "card-1");
    assert_eq!(card["content"]["connectionName"], "graph");

    let value = json!({"id": "card-1", "connectionName": "graph", "token": "x"});
    let invoke = activity(&bench, &json!({"type": "invoke", "name": "signin/tokenExchange", "value": value}));
    let refused = bench.post_json_as(&bot_url(&bench, "demo"), &channel, &invoke).await;
    assert_eq!((refused.status, refused.text_of("id")), (412, "card-1"));
    let value = json!({"id": "card-2", "connectionName": "mail", "token": "x"});
    let invoke = activity(&bench, &json!({"type": "invoke", "name": "signin/tokenExchange", "value": value}));
    let accepted = bench.post_json_as(&bot_url(&bench, "demo"), &channel, &invoke).await;
    assert_eq!((accepted.status, accepted.json), (200, json!({"id": "card-2", "connectionName": "mail"})));
    assert_eq!(bench.stage.sent(None)[1]["activity"]["text"], "You are signed in as Ada Lovelace");
}

#[tokio::test]
async fn managed_identity_tokens_open_the_connector() {
    let bench = Bench::start().await;
    let bot = &bench.stage.directory().bots[1];
    let url = format!(
        "{}/msi/token?api-version=2019-08-01&resource=https://api.botframework.com&client_id={}",
        bench.stage.http_base(),
        bot.app_id
    );
    assert_eq!(bench.get(&url).await.status, 401);
    let answer = bench.call("GET", &url, &[("X-IDENTITY-HEADER", "any")], "").await;
    assert!(answer.text_of("expires_on").parse::<i64>().is_ok());
    let token = answer.text_of("access_token");
    let claims = claims_of(token);
    assert_eq!(
        (claims["aud"].as_str(), claims["appid"].as_str()),
        (Some("https://api.botframework.com"), Some(bot.app_id))
    );
    assert_eq!(claims["iss"], bench.stage.v1_issuer(bench.tenant()));

    let url = format!("{}/connector//v3/conversations/c1/activities/a1", bench.stage.http_base());
    let body = json!({"type": "message", "text": format!("my token is {token}")});
    assert_eq!(bench.post_json_as(&url, "nonsense", &body).await.status, 401);
    assert_eq!(bench.post_json_as(&url, token, &body).await.status, 201);
    let sent = bench.stage.sent(Some("c1"));
    assert_eq!((sent[0]["activity_id"].as_str(), sent[0]["activity"]["text"].as_str()), (Some("a1"), Some("(token)")));
    let members =
        bench.get_as(&format!("{}/connector/v3/conversations/c1/members", bench.stage.http_base()), token).await;
    assert_eq!(members.json.as_array().unwrap().len(), bench.stage.directory().users.len());
}

#[tokio::test]
async fn a_stage_that_was_shut_down_no_longer_listens() {
    let bench = Bench::start().await;
    let base = bench.stage.http_base();
    bench.stage.shutdown().await;
    let address = base.trim_start_matches("http://");
    assert!(std::net::TcpStream::connect(address).is_err());
}
