//! `GetSignInResource` (docs/protocols/token-service-api.md §3.7, §4.1, §1 rules 5, 11, 15).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{error_of, names_of};
use crate::harness::{Answer, Harness, Options, activities};

async fn get_sign_in_resource(harness: &Harness, state: &str) -> Answer {
    let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
    harness.token_service("demo", &format!("/api/botsignin/GetSignInResource?{query}")).await
}

fn is_guid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

/// Asserts every member of a resource that offers an exchange; returns its exchange id.
fn assert_offers_exchange(case: &str, harness: &Harness, answer: &Answer) -> String {
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{case}");
    let resource = answer.json();
    assert_eq!(names_of(&resource), ["signInLink", "tokenExchangeResource", "tokenPostResource"], "{case}");
    let exchange = &resource["tokenExchangeResource"];
    assert_eq!(names_of(exchange), ["id", "providerId", "uri"], "{case}");
    assert_eq!(exchange["providerId"], "30dd229c-58e3-4a48-bdfd-91ec48eb906c", "{case}");
    assert_eq!(exchange["uri"], format!("api://botid-{}", harness.bot_app_id("demo")), "{case}");
    let id = exchange["id"].as_str().unwrap().to_owned();
    assert!(is_guid(&id), "{case}: {id}");
    let link = resource["signInLink"].as_str().unwrap();
    let handle = link.strip_prefix("http://127.0.0.1:1/api/oauth/signin?signin=").unwrap();
    assert!(handle.len() == 32 && handle.bytes().all(|byte| byte.is_ascii_hexdigit()), "{case}: {link}");
    assert_ne!(handle, id.replace('-', ""), "{case}: whoever reads the id in a log has no link");
    id
}

/// States about the same user in the spellings of different SDKs.
fn spellings() -> [(&'static str, Value); 6] {
    let reference = json!({
        "activityId": "1", "bot": { "id": "28:bot" }, "channelId": "msteams", "serviceUrl": "https://smba.example/",
        "conversation": { "id": "a:ada", "conversationType": "personal" }, "user": { "id": "29:ada", "name": "Ada ?>~ü" },
    });
    [
        ("camelCase", json!({ "connectionName": "graph", "conversation": reference, "msAppId": "" })),
        ("agent", json!({ "connectionName": "graph", "conversation": reference, "relatesTo": null, "agentUrl": "x" })),
        (
            "PascalCase",
            json!({ "ConnectionName": "graph", "MsAppId": "other", "Conversation": {
                "ChannelId": "msteams", "User": { "Id": "29:ada" },
                "Conversation": { "Id": "a:ada", "ConversationType": "personal" } } }),
        ),
        (
            "snake_case",
            json!({ "connection_name": "graph", "bot_url": null, "ms_app_id": "", "conversation": {
                "channel_id": "msteams", "user": { "id": "29:ada" },
                "conversation": { "id": "a:ada", "conversation_type": "personal" } } }),
        ),
        ("the least", json!({ "connectionName": "graph", "conversation": { "user": { "id": "29:ada" } } })),
        (
            "another bot in msAppId",
            json!({ "connectionName": "graph", "conversation": reference, "msAppId": "3d9b5e74-ac20-4f83-9e4d-7a6b8c9dae03" }),
        ),
    ]
}

#[tokio::test]
async fn a_state_is_read_in_every_spelling_and_base64_alphabet() {
    let harness = Harness::start().await;
    let mut ids = Vec::new();
    for (case, state) in spellings() {
        for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
            ids.push(assert_offers_exchange(
                case,
                &harness,
                &get_sign_in_resource(&harness, &engine.encode(state.to_string())).await,
            ));
        }
    }
    let asked = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), asked, "an id is made anew each time");
}

#[tokio::test]
async fn the_query_may_hold_parameters_that_sdks_add_in_any_letter_case() {
    let harness = Harness::start().await;
    let state = activities::state_of(&activities::teams(&harness, &harness.user("Ada")), "graph");
    let state = state.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    for url in [
        format!("/api/botsignin/getSignInResource?state={state}"),
        format!("/api/BotSignIn/GetSignInResource?State={state}&code_challenge=&emulatorUrl=&finalRedirect="),
        format!("/api/botsignin/getsigninresource?api-version=token&codeChallenge=&STATE={state}"),
    ] {
        assert_offers_exchange(&url, &harness, &harness.token_service("demo", &url).await);
    }
}

#[tokio::test]
async fn a_sign_in_resource_offers_no_exchange_where_no_client_can_sign_in_silently() {
    let appended = format!(
        "[connections.demo-plain]\nname = \"plain\"\nbot = \"demo\"\nclient_id = \"{demo}\"\n\
         client_secret = {{ file = \"SECRET\" }}\nscopes = [\"https://graph.microsoft.com/User.Read\"]\n\
         tenants = \"any_organization\"\n",
        demo = "1b7f3c52-8a0e-4d61-9c2b-5e4f6a7b8c01"
    );
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    crate::harness::write_private(&secret, "demo-app-secret-of-the-local-stage");
    let appended = appended.replace("SECRET", secret.to_str().unwrap());
    let harness = Harness::with(Options { appended, ..Options::default() }).await;
    let personal = activities::teams(&harness, &harness.user("Ada"));
    let mut channel = personal.clone();
    channel["conversation"] = json!({ "id": "19:c@thread.tacv2", "conversationType": "channel", "isGroup": true });
    for (case, activity, connection) in [("no URI", &personal, "plain"), ("Teams channel", &channel, "graph")] {
        let resource = harness.sign_in_resource(activity, connection).await;
        assert_eq!(names_of(&resource), ["signInLink", "tokenPostResource"], "{case}");
    }
    let group = activities::in_group(personal);
    assert_offers_exchange(
        "group chat",
        &harness,
        &get_sign_in_resource(&harness, &activities::state_of(&group, "graph")).await,
    );
}

#[tokio::test]
async fn a_state_with_an_unknown_connection_is_400_and_the_error_names_it() {
    let harness = Harness::start().await;
    let activity = activities::teams(&harness, &harness.user("Ada"));
    for name in ["hosted", "Graph", "graph ", "<script>"] {
        let (code, message) =
            error_of(name, &get_sign_in_resource(&harness, &activities::state_of(&activity, name)).await, 400);
        assert_eq!(code, "BadArgument");
        assert!(message.contains(&format!("'{name}'")), "{message}");
    }
    let vast = "x".repeat(500);
    let (_, message) =
        error_of("vast", &get_sign_in_resource(&harness, &activities::state_of(&activity, &vast)).await, 400);
    assert!(message.len() < 200, "{message}");
}

#[tokio::test]
async fn a_broken_state_is_400() {
    let harness = Harness::start().await;
    let encode = |value: Value| STANDARD.encode(value.to_string());
    let user = json!({ "user": { "id": "29:ada" } });
    for (case, state) in [
        ("empty", String::new()),
        ("not base64", String::from("!!!")),
        ("not JSON", STANDARD.encode("text")),
        ("not UTF-8", STANDARD.encode(b"{\"connectionName\":\"\xff\"}")),
        ("half", STANDARD.encode("{\"connectionName\":\"graph\"")),
        ("array", encode(json!(["graph"]))),
        ("no connection", encode(json!({ "conversation": user }))),
        ("connection a number", encode(json!({ "connectionName": 7, "conversation": user }))),
        ("connection empty", encode(json!({ "connectionName": "", "conversation": user }))),
        ("no conversation", encode(json!({ "connectionName": "graph" }))),
        ("no user", encode(json!({ "connectionName": "graph", "conversation": {} }))),
        ("user without id", encode(json!({ "connectionName": "graph", "conversation": { "user": {} } }))),
        ("vast", encode(json!({ "connectionName": "graph", "conversation": user, "pad": "x".repeat(20_000) }))),
    ] {
        let (code, message) = error_of(case, &get_sign_in_resource(&harness, &state).await, 400);
        assert_eq!(code, "BadArgument", "{case}");
        assert!(message.contains("state"), "{case}: {message}");
    }
    let none = harness.token_service("demo", "/api/botsignin/GetSignInResource").await;
    assert!(error_of("none", &none, 400).1.contains("'state'"));
}

#[tokio::test]
async fn a_card_is_refused_for_another_user_and_accepted_for_its_own() {
    let harness = Harness::start().await;
    let (ada, ben) = (harness.user("Ada"), harness.user("Ben"));
    let card = harness.card(&activities::teams(&harness, &ada), "graph").await;
    let token = harness.user_token("Ben", "graph").await;
    let by_ben = harness.post(&activities::exchange(&harness, &ben, &card, &token)).await;
    assert_eq!(by_ben.status, 400, "{}", String::from_utf8_lossy(&by_ben.body));
    let token = harness.user_token("Ada", "graph").await;
    let by_ada = harness.post(&activities::exchange(&harness, &ada, &card, &token)).await;
    assert_eq!((by_ada.status, &by_ada.json()["id"]), (200, &json!(card)));
    assert_eq!(harness.exchanges(), 1);
}

#[tokio::test]
async fn a_user_whose_exchange_would_be_refused_gets_no_exchange_offer() {
    let harness = Harness::start().await;
    let ada = activities::teams(&harness, &harness.user("Ada"));
    for (channel, user_id, silent) in [
        ("emulator", "user", false),
        ("webchat", "wc-1", false),
        ("directline", "ada", false),
        ("webchat", "dl_ada", true),
        ("slack", "U1", true),
        ("msteams", "29:ada", true),
    ] {
        let mut activity = activities::on_channel(ada.clone(), channel, user_id);
        activity["conversation"]["conversationType"] = "personal".into();
        let answer = get_sign_in_resource(&harness, &activities::state_of(&activity, "graph")).await;
        assert_eq!(answer.json().get("tokenExchangeResource").is_some(), silent, "{channel} {user_id}");
        assert!(answer.json()["signInLink"].is_string(), "{channel} {user_id}: by code they may");
    }
    let trusting = Options { identity: "verified_user_ids = \"all\"".to_owned(), ..Options::default() };
    let harness = Harness::with(trusting).await;
    let activity = activities::on_channel(ada, "webchat", "wc-1");
    let answer = get_sign_in_resource(&harness, &activities::state_of(&activity, "graph")).await;
    assert!(answer.json()["tokenExchangeResource"].is_object());
}
