//! Every event of the audit stream, caused for real in a process of its own, and read from its file
//! (docs/operating.md §Audit stream).

use bot_sso::domain::SecretHash;
use bot_sso::observability::AuditEvent;
use serde_json::{Value, json};

use super::operations::{FIRST, port_of, sign_out, with_operations};
use super::setting::{Service, Setting};
use crate::harness::waiting::wait_for;
use crate::harness::{Answer, activities, write_private};

const FILE: &str = "audit.jsonl";
const SECOND: &str = "second-admin-secret-of-the-local-stage";
/// A bot of the stage that plays a parent of `demo`.
const PARENT: &str = "demo-forward";
const PARENTS_URL: &str = "https://parent.example/api/skills/";
/// The service tokens of two apps.
const SERVICE_TOKEN: &str = "service-token-of-app1-secret-of-the-local-stage";
const OTHER_SERVICE_TOKEN: &str = "service-token-of-app2-secret-of-the-local-stage";
const APP_ORIGIN: &str = "https://app.example.com";
const GRAPH: &str = "https://graph.microsoft.com/";

fn audited(setting: &Setting) -> Vec<Value> {
    let text = std::fs::read_to_string(setting.path(FILE)).unwrap_or_default();
    // The last line may not be written to its end yet.
    text.split_inclusive('\n').filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Whether `line` has these fields, with these values; `true` stands for any value.
fn has_fields(line: &Value, fields: &Value) -> bool {
    fields.as_object().unwrap().iter().all(|(name, value)| {
        let found = &line[name];
        found == value || (*value == json!(true) && !found.is_null())
    })
}

/// A setting with everything that the events need: an operator's listener, a parent bot, and the audit stream.
async fn with_everything() -> Setting {
    let mut setting = with_operations("127.0.0.1:0").await;
    setting.set("audit.file", FILE);
    setting.set("server.public_url", "http://127.0.0.1:1");
    let directory = setting.harness.stage.directory();
    let mut agents = toml::Table::new();
    agents.insert("tenants".to_owned(), vec![directory.main_tenant_id()].into());
    agents.insert("service_urls".to_owned(), vec!["https://smba.trafficmanager.net/"].into());
    let mut parent = toml::Table::new();
    parent.insert("app_id".to_owned(), setting.harness.bot_app_id(PARENT).into());
    parent.insert("tenant".to_owned(), directory.main_tenant_id().into());
    parent.insert("service_urls".to_owned(), vec![PARENTS_URL].into());
    parent.insert("channels".to_owned(), vec!["msteams"].into());
    setting.set("bots.demo.agent_365", agents);
    for (name, app_id) in [("weather", harness_app(&setting)), ("news", "66666666-6666-4666-8666-666666666666")] {
        let mut skill = toml::Table::new();
        skill.insert("app_id".to_owned(), app_id.into());
        skill.insert("tenant".to_owned(), setting.harness.stage.directory().main_tenant_id().into());
        skill.insert("endpoint".to_owned(), format!("http://127.0.0.1:1/{name}").into());
        skill.insert("exchange_uris".to_owned(), vec![format!("api://{name}")].into());
        skill.insert("bots".to_owned(), vec!["demo"].into());
        setting.set(&format!("skills.{name}"), skill);
    }
    setting.set("bots.demo.callers", vec![toml::Value::from(parent)]);
    setting.set("identity_providers.realm.kind", "oidc");
    setting.set("identity_providers.realm.issuer", "https://realm.example");
    for (app, token) in [("app1", SERVICE_TOKEN), ("app2", OTHER_SERVICE_TOKEN)] {
        setting.set(&format!("apps.{app}.connection"), "demo-graph");
        setting.set(&format!("apps.{app}.service_token_sha256"), vec![SecretHash::of(token).to_text()]);
        setting.set(&format!("apps.{app}.login_origins"), vec![APP_ORIGIN]);
        let callback = format!("http://127.0.0.1:1/api/apps/{app}/auth/sso/callback");
        setting.harness.stage.allow_redirect(setting.harness.bot_app_id("demo"), &callback);
    }
    setting
}

/// The app that plays both a parent of `demo` and a skill of it.
fn harness_app(setting: &Setting) -> &'static str {
    setting.harness.bot_app_id(PARENT)
}

fn key_of(setting: &Setting, user: &str) -> String {
    let user = setting.harness.user(user);
    format!("{}@{}", user.oid, user.tid)
}

async fn as_bot(setting: &Setting, method: &str, path: &str, body: Value) -> Answer {
    let authorization = format!("Bearer {}", setting.harness.bot_token("demo").await);
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    setting.harness.send(method, path, &headers, body.to_string().into_bytes()).await
}

/// A card of a Web Chat user, who signs in by a code.
async fn web_chat_card(setting: &Setting, user_id: &str) -> Value {
    let activity = activities::teams(&setting.harness, &setting.harness.user("Ada"));
    setting.harness.sign_in_resource(&activities::on_channel(activity, "webchat", user_id), "graph").await
}

async fn teams_card(setting: &Setting, user: &str) -> Value {
    let activity = activities::teams(&setting.harness, &setting.harness.user(user));
    setting.harness.sign_in_resource(&activity, "graph").await
}

/// Signs in by the card in a browser, and returns the code that the last page shows.
async fn code_of(setting: &Setting, card: &Value, user: &str) -> String {
    let mut browser = setting.harness.browser();
    let last = browser.arrive(card, user).await;
    browser.post(&last, &[("decision", "continue")]).await.code()
}

async fn enter_code(setting: &Setting, user_id: &str, code: &str) -> u16 {
    let query = [("userId", user_id), ("connectionName", "graph"), ("channelId", "webchat"), ("code", code)];
    setting.harness.get_token_as("demo", &query).await.status
}

/// Silent exchanges, a pin, a token for another resource, sign-ins in a browser, and the sign-out of an account.
async fn sign_in_and_out(setting: &Setting) {
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    let pinned = activities::on_channel(setting.activity("Ben", "pin").await, "directline", "dl_ben");
    assert_eq!(setting.harness.post(&pinned).await.status, 200);
    let query = "userId=29:ada&connectionName=graph&channelId=msteams";
    let path = format!("/api/usertoken/GetAadTokens?{query}");
    assert_eq!(as_bot(setting, "POST", &path, json!({ "resourceUrls": [GRAPH] })).await.status, 200);
    let code = code_of(setting, &web_chat_card(setting, "wc-1").await, "Ada").await;
    assert_eq!(enter_code(setting, "wc-1", &code).await, 200);
    let path = format!("/api/usertoken/SignOut?{query}");
    assert!(as_bot(setting, "DELETE", &path, Value::Null).await.status < 300);
}

/// What may be an attack, by users and by callers.
async fn attack(setting: &Setting) {
    let (harness, ada) = (&setting.harness, setting.harness.user("Ada"));
    let stolen = activities::exchange(harness, &ada, "stolen", &harness.user_token("Ben", "graph").await);
    assert_eq!(harness.post(&stolen).await.status, 400);
    let mut browser = harness.browser();
    let last = browser.arrive(&teams_card(setting, "Ada").await, "Ben").await;
    browser.post(&last, &[("decision", "continue")]).await;
    let code: u32 = code_of(setting, &web_chat_card(setting, "wc-2").await, "Ada").await.parse().unwrap();
    for wrong in 1..=5 {
        let wrong = 100_000 + (code - 100_000 + wrong) % 900_000;
        assert_eq!(enter_code(setting, "wc-2", &wrong.to_string()).await, 404);
    }
    let mut event = activities::teams(harness, &ada);
    event["type"] = "event".into();
    event["name"] = "tokens/response".into();
    event["value"] = json!({ "connectionName": "graph", "token": "forged" });
    assert_eq!(harness.post(&event).await.status, 200);
    event["name"] = "agentLifecycle".into();
    event["valueType"] = "AgenticUserDeleted".into();
    harness.post(&event).await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let forged = harness.send("POST", "/backchannel-logout/realm", &form, b"logout_token=forged".to_vec()).await;
    assert_eq!(forged.status, 400);
    // The skill `weather` calls under the path of another skill.
    let scope = format!("{}/.default", harness.bot_app_id("demo"));
    let authorization = format!("Bearer {}", harness.app_token(harness_app(setting), &scope).await);
    let headers = [("authorization", authorization.as_str())];
    assert_eq!(harness.send("GET", "/api/skills/news/v3/conversations", &headers, Vec::new()).await.status, 404);
    let authorization = format!("Bearer {}", harness.user_token("Ada", "graph").await);
    let path = "/api/usertoken/GetToken?userId=29:ada&connectionName=graph&channelId=msteams";
    assert_eq!(harness.send("GET", path, &[("authorization", &authorization)], Vec::new()).await.status, 403);
}

/// Two accounts of one user id speak, and the bot asks for a token.
async fn let_two_accounts_speak(setting: &Setting) {
    let harness = &setting.harness;
    let message = activities::message(harness, &harness.user("Ada"), "hello");
    harness.post(&message).await;
    let mut by_parent = message;
    by_parent["serviceUrl"] = PARENTS_URL.into();
    let scope = format!("{}/.default", harness.bot_app_id("demo"));
    let token = harness.app_token(harness.bot_app_id(PARENT), &scope).await;
    assert!(matches!(harness.post_as("demo", &token, &by_parent).await.status, 200 | 202));
    assert_eq!(setting.get_token("Ada").await, 404);
}

/// The operator lists what Ben has, and ends an offer, a token and a pin of his.
async fn end_what_ben_has(setting: &Setting, port: &str) {
    let (harness, key) = (&setting.harness, key_of(setting, "Ben"));
    let activity = activities::teams(harness, &harness.user("Ben"));
    harness.sign_in_resource(&activities::on_channel(activity, "directline", "dl_ben"), "graph").await;
    let authorization = format!("Bearer {FIRST}");
    let headers = [("authorization", authorization.as_str())];
    let url = format!("http://127.0.0.1:{port}/admin/users/{key}");
    let seen = harness.send("GET", &url, &headers, Vec::new()).await.json();
    for kind in ["offers", "tokens", "pins"] {
        let id = seen[kind][0]["id"].as_str().unwrap_or_else(|| panic!("{kind}: {seen}"));
        let ended = harness.send("DELETE", &format!("{url}/{kind}/{id}"), &headers, Vec::new()).await;
        assert_eq!(ended.status, 200, "{kind}: {}", ended.text());
    }
}

async fn call_as_operator(setting: &Setting, service: &mut Service) {
    let (port, ada) = (port_of(service), setting.harness.user("Ada"));
    for _ in 0..10 {
        assert_eq!(sign_out(setting, &port, &ada, "a-guess-of-the-admin-token").await, 401);
    }
    let url = format!("http://127.0.0.1:{port}/healthz");
    assert_eq!(setting.harness.send("GET", &url, &[("host", "evil.example")], Vec::new()).await.status, 403);
    end_what_ben_has(setting, &port).await;
    assert_eq!(sign_out(setting, &port, &ada, FIRST).await, 200);
    for (method, act) in [("GET", "export"), ("POST", "erase")] {
        let url = format!("http://127.0.0.1:{port}/admin/users/{}@{}/{act}", ada.oid, ada.tid);
        let authorization = format!("Bearer {FIRST}");
        let headers = [("authorization", authorization.as_str())];
        assert_eq!(setting.harness.send(method, &url, &headers, Vec::new()).await.status, 200);
    }
    write_private(&setting.path("admin.token"), SECOND);
    service.signal("HUP");
    service.wait_for_line("the admin token was read again").await;
    // A sign-out that the store does not take.
    std::fs::rename(setting.path("bot-sso.db"), setting.path("away")).unwrap();
    wait_for("the lost database", async || (sign_out(setting, &port, &ada, SECOND).await == 503).then_some(())).await;
    std::fs::rename(setting.path("away"), setting.path("bot-sso.db")).unwrap();
}

/// The operator links a user of an app, who signs in; functions read the user's token, one of them at the wrong app; then the
/// operator removes the link.
async fn use_apps(setting: &Setting, service: &Service) {
    let port = port_of(service);
    let url = format!("http://127.0.0.1:{port}/admin/apps/app1/users/u-1");
    let admin = format!("Bearer {FIRST}");
    let headers = [("authorization", admin.as_str()), ("content-type", "application/json")];
    let person = json!({ "user": key_of(setting, "Ada") }).to_string();
    assert_eq!(setting.harness.send("PUT", &url, &headers, person.into_bytes()).await.status, 200);
    let mut browser = setting.harness.browser();
    let from = "https%3A%2F%2Fapp.example.com%2F";
    let begun = browser.get(&format!("/api/apps/app1/auth/sso/login?from_url={from}")).await;
    let callback = browser.log_in(&begun.location().parse().unwrap(), "ada").await;
    let mut answer = browser.get(&callback).await;
    while answer.status == 302 && !answer.location().starts_with(APP_ORIGIN) {
        answer = browser.get(answer.location()).await;
    }
    assert_eq!(answer.status, 302);
    for (token, status) in [(SERVICE_TOKEN, 200), (OTHER_SERVICE_TOKEN, 403)] {
        let url = format!("{}/api/apps/app1/auth/sso/accesstoken/u-1", setting.harness.base);
        let authorization = format!("Bearer {token}");
        let read = setting.harness.send("GET", &url, &[("authorization", authorization.as_str())], Vec::new()).await;
        assert_eq!(read.status, status);
    }
    assert_eq!(setting.harness.send("DELETE", &url, &headers, Vec::new()).await.status, 204);
}

/// The lines that the calls above cause, by event; the order is that of the vocabulary.
fn expected_lines(setting: &Setting) -> Vec<(AuditEvent, Value)> {
    let (ada, ben) = (key_of(setting, "Ada"), key_of(setting, "Ben"));
    let of_operator = |fields: Value| {
        let mut fields = fields;
        fields["client"] = "127.0.0.1".into();
        fields["correlation_id"] = true.into();
        fields
    };
    let teams = |user: &str| json!({ "bot": "demo", "channel": "msteams", "connection": "graph", "user": user });
    let with = |mut fields: Value, name: &str, value: Value| {
        fields[name] = value;
        fields
    };
    let web_chat = json!({ "bot": "demo", "channel": "webchat", "connection": "graph", "user": ada });
    vec![
        (AuditEvent::SignedIn, with(web_chat.clone(), "detail", "code".into())),
        (AuditEvent::TokenExchanged, with(teams(&ada), "correlation_id", true.into())),
        (AuditEvent::ResourceTokenExchanged, with(teams(&ada), "detail", true.into())),
        (AuditEvent::SignedOut, teams(&ada)),
        (AuditEvent::SignedOutEverywhere, of_operator(json!({ "user": ada, "count": true, "detail": "operator" }))),
        (AuditEvent::SignOutNotStored, of_operator(json!({ "user": ada, "detail": "operator", "unreached": true }))),
        (AuditEvent::ProviderLogoutRefused, json!({ "correlation_id": true, "client": true, "detail": "form" })),
        (AuditEvent::PersonExported, of_operator(json!({ "user": ada, "count": true, "detail": "operator" }))),
        (AuditEvent::PersonListed, of_operator(json!({ "user": ben, "detail": "operator" }))),
        (
            AuditEvent::PersonTokenEnded,
            of_operator(with(
                json!({ "bot": "demo", "channel": "directline", "user": ben }),
                "connection",
                "graph".into(),
            )),
        ),
        (AuditEvent::PinForgotten, of_operator(json!({ "bot": "demo", "channel": "directline", "user": ben }))),
        (AuditEvent::OfferEnded, of_operator(json!({ "bot": "demo", "connection": "graph", "user": ben }))),
        (AuditEvent::PersonErased, of_operator(json!({ "user": ada, "count": true, "detail": "operator" }))),
        (AuditEvent::AccountPinned, json!({ "bot": "demo", "channel": "directline", "user": ben })),
        (AuditEvent::IdentityMismatch, with(teams(&ben), "detail", "oid".into())),
        (AuditEvent::CodeWithheld, teams(&ben)),
        (AuditEvent::WrongCodesExhausted, web_chat),
        (AuditEvent::TwoAccountsSpoke, json!({ "bot": "demo", "channel": "msteams", "correlation_id": true })),
        (AuditEvent::ForgedTokensResponse, json!({ "bot": "demo", "correlation_id": true })),
        (AuditEvent::SkillOverstepped, json!({ "bot": "demo", "correlation_id": true, "detail": "conversation" })),
        (AuditEvent::ForgedAgentLifecycle, json!({ "bot": "demo", "correlation_id": true })),
        (AuditEvent::UserTokenAsCaller, json!({ "correlation_id": true, "detail": true })),
        (AuditEvent::OperatorCallRefused, of_operator(json!({ "detail": "InvalidToken" }))),
        (AuditEvent::OperatorGuessesLimited, of_operator(json!({ "detail": "InvalidToken" }))),
        (AuditEvent::HostNotAllowed, of_operator(json!({ "detail": "operations", "count": 1 }))),
        (AuditEvent::ServiceTokenMisused, json!({ "correlation_id": true })),
        (
            AuditEvent::TokenReadByApp,
            json!({ "bot": "app/app1", "connection": "graph", "user": ada, "correlation_id": true }),
        ),
        (AuditEvent::AppUserLinked, of_operator(json!({ "bot": "app/app1", "user": ada }))),
        (AuditEvent::AppUserUnlinked, of_operator(json!({ "bot": "app/app1", "user": ada }))),
        (AuditEvent::Reloaded, json!({ "detail": "admin_token" })),
        (AuditEvent::Started, json!({})),
        (AuditEvent::Stopped, json!({})),
    ]
}

#[tokio::test]
async fn each_event_of_the_vocabulary_is_a_line_with_its_fields_when_it_happens() {
    let mut setting = with_everything().await;
    let mut service = setting.serve().await;
    sign_in_and_out(&setting).await;
    attack(&setting).await;
    let_two_accounts_speak(&setting).await;
    use_apps(&setting, &service).await;
    call_as_operator(&setting, &mut service).await;
    let logged = service.lines();
    service.stop().await;
    let (lines, expected) = (audited(&setting), expected_lines(&setting));
    let listed: Vec<AuditEvent> = expected.iter().map(|(event, _)| *event).collect();
    let all = AuditEvent::ALL.iter().map(|(event, _)| *event);
    let of_no_directory: Vec<_> = all.filter(|event| !event.name().starts_with("directory_")).collect();
    assert_eq!(listed, of_no_directory, "each event has its row");
    for (event, fields) in expected {
        let of_event: Vec<&Value> = lines.iter().filter(|line| line["event"] == event.name()).collect();
        assert!(of_event.iter().any(|line| has_fields(line, &fields)), "{} {fields}: {of_event:?}", event.name());
        assert!(of_event.iter().all(|line| line["security"] == event.is_security()), "{of_event:?}");
    }
    assert_one_security_flag(&lines, &logged);
    let text = std::fs::read_to_string(setting.path(FILE)).unwrap();
    for secret in ["eyJ", FIRST, SECOND, "a-guess-of-the-admin-token", "29:ada", "dl_ben", "wc-1", "evil.example"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

/// Asserts that the log has a line for each security event and for the sign-out everywhere, with the flag of its audit line.
fn assert_one_security_flag(audited: &[Value], logged: &[String]) {
    let logged: Vec<Value> = logged.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let messages = [
        ("signed_out_everywhere", "a user was signed out everywhere"),
        ("person_exported", "the records of a person were exported"),
        ("person_listed", "what is kept of a person was listed"),
        ("person_token_ended", "a token of a person was ended"),
        ("pin_forgotten", "a pin to a person was forgotten"),
        ("offer_ended", "an offer to a person was ended"),
        ("person_erased", "the records of a person were erased"),
        ("provider_logout_refused", "a logout token was refused"),
        ("identity_mismatch", "an exchange was refused"),
        ("code_withheld", "a browser sign-in got no code"),
        ("wrong_codes_exhausted", "too many wrong magic codes were tried"),
        ("two_accounts_spoke", "no token is given: two accounts spoke under one user id within fifteen minutes"),
        ("forged_tokens_response", "a tokens/response event from a caller was dropped: only the gateway sends them"),
        ("forged_agent_lifecycle", "an agentLifecycle event was dropped: only the Agent 365 platform sends them"),
        ("user_token_as_caller", "a caller was refused"),
        ("operator_call_refused", "a call of the operator's listener was refused"),
        ("host_not_allowed", "a request for another host was refused"),
    ];
    for (event, message) in messages {
        let flag = &audited.iter().find(|line| line["event"] == event).unwrap()["security"];
        let lines: Vec<&Value> = logged.iter().filter(|line| line["message"] == message).collect();
        assert!(lines.iter().any(|line| line["security"] == *flag), "{event}: {lines:?}");
    }
}
