//! Unmodified validators check the `OpenAPI` documents, and real answers against the documents.

use bot_sso::endpoints::web_chat::RELEASES;
use serde_json::{Value, json};

use crate::harness::api_documents::document_of;
use crate::harness::peers::{Peer, Program};
use crate::harness::{ADMIN_TOKEN, Answer, Harness, Options, activities};

const GRAPH: &str = "https://graph.microsoft.com/";
const LISTS: &str = "aad_resources = [\"https://graph.microsoft.com/\"]";
const ADA: &str = "userId=29:ada&connectionName=graph&channelId=msteams";
const USER_WITHOUT_CARD: &str = "userId=29:nobody&connectionName=graph&channelId=msteams";

/// Answers, each with the operation and the document that describes it.
#[derive(Default)]
struct Answers(Vec<Value>);

impl Answers {
    fn add(&mut self, document: &str, operation: Operation, answer: &Answer) {
        self.0.push(json!({
            "document": document,
            "method": operation.method,
            "path": operation.path,
            "status": answer.status,
            "content_type": answer.header("content-type"),
            "body": String::from_utf8(answer.body.clone()).unwrap(),
        }));
    }

    /// Sends a request to the public listener, asserts the answer's status and adds the answer.
    async fn send_and_add(&mut self, harness: &Harness, operation: Operation, parts: RequestParts<'_>, status: u16) {
        let Operation { method, path } = operation;
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(parts.accept.map(|accept| ("accept", accept)));
        let authorization = parts.bearer.map(|bearer| format!("Bearer {bearer}"));
        headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
        let url = format!("{path}?{}", parts.query);
        let body = parts.body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let answer = harness.send(method, &url, &headers, body).await;
        // The message leaves the body out, because it may hold a token.
        assert_eq!(answer.status, status, "{method} {path}");
        self.add("public", operation, &answer);
    }
}

/// An operation as the documents name it.
#[derive(Clone, Copy)]
struct Operation {
    method: &'static str,
    path: &'static str,
}

const fn get(path: &'static str) -> Operation {
    Operation { method: "GET", path }
}

const fn post(path: &'static str) -> Operation {
    Operation { method: "POST", path }
}

const fn delete(path: &'static str) -> Operation {
    Operation { method: "DELETE", path }
}

#[derive(Clone, Copy, Default)]
struct RequestParts<'a> {
    query: &'a str,
    bearer: Option<&'a str>,
    accept: Option<&'a str>,
    body: Option<&'a Value>,
}

fn form(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The query with which a bot requests a card for Ada on `channel`.
fn state_of_ada(harness: &Harness, channel: &str) -> String {
    let mut activity = activities::teams(harness, &harness.user("Ada"));
    activity["from"]["id"] = "29:ada".into();
    activity["channelId"] = channel.into();
    form(&[("state", &activities::state_of(&activity, "graph"))])
}

/// The problems that the validators find, by the name of the document or answer.
async fn problems(harness: &Harness, label: &str, cases: Value) -> Vec<(String, Vec<String>)> {
    let path = harness.directory.path().join("cases.json");
    std::fs::write(&path, cases.to_string()).unwrap();
    let program = Program { peer: "openapi", script: "check.py" };
    let printed = Peer::start(&program, label, &[("CASES", path.display().to_string())]);
    let lines = printed.finish().await;
    let title = |line: &Value| line["answer"].as_str().or(line["document"].as_str()).unwrap().to_owned();
    let found = |line: &Value| serde_json::from_value(line["problems"].clone()).unwrap();
    lines.iter().map(|line| (title(line), found(line))).collect()
}

/// Adds the answers that bots get when they request a card.
async fn request_cards(harness: &Harness, answers: &mut Answers, bearer: &str) {
    for channel in ["msteams", "skype"] {
        let query = state_of_ada(harness, channel);
        let parts = RequestParts { query: &query, bearer: Some(bearer), ..RequestParts::default() };
        answers.send_and_add(harness, get("/api/botsignin/GetSignInResource"), parts, 200).await;
        answers.send_and_add(harness, get("/api/botsignin/GetOAuthCard"), parts, 200).await;
        answers.send_and_add(harness, get("/api/agentsignin/getSignInUrl"), parts, 200).await;
        answers.send_and_add(harness, get("/api/botsignin/GetSignInUrl"), parts, 200).await;
        let as_json = RequestParts { accept: Some("application/json"), ..parts };
        answers.send_and_add(harness, get("/api/botsignin/GetSignInUrl"), as_json, 200).await;
        let broken = RequestParts { query: "state=x", ..parts };
        answers.send_and_add(harness, get("/api/botsignin/GetOAuthCard"), broken, 400).await;
    }
    let query = format!("{ADA}&{}", state_of_ada(harness, "msteams"));
    let parts = RequestParts { query: &query, bearer: Some(bearer), ..RequestParts::default() };
    answers.send_and_add(harness, get("/api/usertoken/GetTokenOrSignInResource"), parts, 200).await;
}

/// Adds the answers that bots get when they request tokens, before and after Ada has one.
async fn request_tokens(harness: &Harness, answers: &mut Answers, bearer: &str) {
    let parts = |query| RequestParts { query, bearer: Some(bearer), ..RequestParts::default() };
    let resources = json!({ "resourceUrls": [GRAPH] });
    answers.send_and_add(harness, get("/api/usertoken/GetToken"), parts(ADA), 404).await;
    let aad = RequestParts { body: Some(&resources), ..parts(ADA) };
    answers.send_and_add(harness, post("/api/usertoken/GetAadTokens"), aad, 404).await;
    let token = json!({ "token": harness.user_token("Ada", "graph").await });
    let exchange = RequestParts { body: Some(&token), ..parts(ADA) };
    answers.send_and_add(harness, post("/api/usertoken/exchange"), exchange, 200).await;
    answers.send_and_add(harness, get("/api/usertoken/GetToken"), parts(ADA), 200).await;
    answers
        .send_and_add(harness, get("/api/usertoken/GetToken"), parts("userId=29:ada&connectionName=graph"), 200)
        .await;
    answers.send_and_add(harness, get("/api/usertoken/GetTokenStatus"), parts(ADA), 200).await;
    answers.send_and_add(harness, get("/api/usertoken/GetTokenStatus"), parts("userId=29:ada"), 200).await;
    answers.send_and_add(harness, get("/api/usertoken/GetTokenOrSignInResource"), parts(ADA), 200).await;
    answers.send_and_add(harness, post("/api/usertoken/GetAadTokens"), aad, 200).await;
    answers.send_and_add(harness, delete("/api/usertoken/SignOut"), parts(ADA), 200).await;
}

/// Adds the answers to requests of bots that are refused.
async fn send_refused_requests(harness: &Harness, answers: &mut Answers, bearer: &str) {
    let delegated = harness.user_token("Ada", "graph").await;
    let token = json!({ "token": harness.user_token("Ada", "graph").await });
    for door in bot_sso::endpoints::token_service::DOOR.operations {
        let operation = Operation { method: door.method.as_str(), path: door.path };
        answers.send_and_add(harness, operation, RequestParts::default(), 401).await;
        answers
            .send_and_add(harness, operation, RequestParts { bearer: Some(&delegated), ..RequestParts::default() }, 403)
            .await;
        answers
            .send_and_add(harness, operation, RequestParts { bearer: Some(bearer), ..RequestParts::default() }, 400)
            .await;
    }
    let refused =
        RequestParts { query: USER_WITHOUT_CARD, bearer: Some(bearer), body: Some(&token), ..RequestParts::default() };
    answers.send_and_add(harness, post("/api/usertoken/exchange"), refused, 400).await;
}

/// Adds the answers that channels and browsers get.
async fn send_channel_and_browser_requests(harness: &Harness, answers: &mut Answers) {
    let gateway = post("/bots/{bot}/api/messages");
    for (user, status) in [("Ada", 200), ("Cleo", 412)] {
        let token = harness.user_token(user, "graph").await;
        let answer = harness.post(&activities::exchange(harness, &harness.user(user), "card", &token)).await;
        assert_eq!(answer.status, status, "{user}");
        answers.add("public", gateway, &answer);
    }
    let nonsense = activities::exchange(harness, &harness.user("Ada"), "other", "nonsense");
    for (activity, status) in [(nonsense, 400), (json!({ "type": "message" }), 400)] {
        let answer = harness.post(&activity).await;
        assert_eq!(answer.status, status);
        answers.add("public", gateway, &answer);
    }
    answers.send_and_add(harness, post("/api/messages"), RequestParts::default(), 401).await;
    answers
        .send_and_add(
            harness,
            get("/api/oauth/signin"),
            RequestParts { query: "signin=x", ..RequestParts::default() },
            410,
        )
        .await;
    answers
        .send_and_add(
            harness,
            get("/.auth/web/redirect"),
            RequestParts { query: "state=x", ..RequestParts::default() },
            410,
        )
        .await;
    answers.send_and_add(harness, get("/openapi.json"), RequestParts::default(), 200).await;
}

/// Adds the answers that the operator gets.
async fn send_operator_requests(harness: &Harness, answers: &mut Answers) {
    let base = &harness.operations;
    let alive = harness.send("GET", &format!("{base}/healthz"), &[], Vec::new()).await;
    answers.add("operations", get("/healthz"), &alive);
    for path in ["/readyz", "/metrics"] {
        let answer = harness.send("GET", &format!("{base}{path}"), &[], Vec::new()).await;
        assert_eq!(answer.status, 200, "{path}");
        answers.add("operations", get(path), &answer);
    }
    let sign_out = post("/admin/users/{user_key}/sign-out");
    let ada = harness.user("Ada");
    let key = format!("{}@{}", ada.oid, ada.tid);
    let (right, wrong) = (format!("Bearer {ADMIN_TOKEN}"), "Bearer x".to_owned());
    let headers = [("authorization", right.as_str())];
    let end = Operation { method: "DELETE", path: "/admin/users/{user_key}/tokens/{id}" };
    for (operation, path, status) in [
        (get("/admin/users/{user_key}"), format!("/admin/users/{key}"), 200),
        (get("/admin/accounts/{channel}/{account_id}"), "/admin/accounts/msteams/29%3Aada".to_owned(), 200),
        (get("/admin/counts"), "/admin/counts".to_owned(), 200),
        (post("/admin/reload"), "/admin/reload".to_owned(), 200),
        (end, format!("/admin/users/{key}/tokens/none"), 404),
    ] {
        let answer = harness.send(operation.method, &format!("{base}{path}"), &headers, Vec::new()).await;
        assert_eq!(answer.status, status, "{path}");
        answers.add("operations", operation, &answer);
    }
    for (key, authorization, status) in [(key.as_str(), &right, 200), ("nobody", &right, 400), (&key, &wrong, 401)] {
        let url = format!("{base}/admin/users/{key}/sign-out");
        let answer = harness.send("POST", &url, &[("authorization", authorization)], Vec::new()).await;
        assert_eq!(answer.status, status, "{key}");
        answers.add("operations", sign_out, &answer);
    }
}

/// Adds the answers that pages with Web Chat get.
async fn load_the_module(harness: &Harness, answers: &mut Answers) {
    const RELEASED_MODULE: &str = "/web-chat/{hash}/single-sign-on.js";
    const RELEASED_DECLARATIONS: &str = "/web-chat/{hash}/single-sign-on.d.ts";
    let released = |path: &str| path.replace("{hash}", &RELEASES.newest().unwrap().hash());
    for (path, url, status) in [
        ("/web-chat/single-sign-on.js", "/web-chat/single-sign-on.js".to_owned(), 200),
        ("/web-chat/single-sign-on.d.ts", "/web-chat/single-sign-on.d.ts".to_owned(), 200),
        (RELEASED_MODULE, released(RELEASED_MODULE), 200),
        (RELEASED_DECLARATIONS, released(RELEASED_DECLARATIONS), 200),
        (RELEASED_MODULE, RELEASED_MODULE.replace("{hash}", "0000"), 404),
        (RELEASED_DECLARATIONS, RELEASED_DECLARATIONS.replace("{hash}", "0000"), 404),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = harness.send(method, &url, &[], Vec::new()).await;
            assert_eq!(answer.status, status, "{method} {url}");
            answers.add("public", Operation { method, path }, &answer);
        }
    }
}

#[tokio::test]
async fn the_documents_are_valid_and_real_answers_conform_to_them() {
    let connection = LISTS.to_owned();
    let options = Options { operations: true, offline_access: true, connection, ..Options::default() };
    let harness = Harness::with(options).await;
    let bearer = harness.bot_token("demo").await;
    let mut answers = Answers::default();
    request_cards(&harness, &mut answers, &bearer).await;
    request_tokens(&harness, &mut answers, &bearer).await;
    send_refused_requests(&harness, &mut answers, &bearer).await;
    send_channel_and_browser_requests(&harness, &mut answers).await;
    send_operator_requests(&harness, &mut answers).await;
    load_the_module(&harness, &mut answers).await;
    let documents = json!({
        "public": document_of(&harness, &harness.base).await,
        "operations": document_of(&harness, &harness.operations).await,
    });
    let count = answers.0.len();
    let cases = json!({ "documents": documents, "answers": answers.0 });
    let found = problems(&harness, "openapi", cases).await;
    assert_eq!(found.len(), count + 2);
    let problems: Vec<_> = found.iter().filter(|(_, problems)| !problems.is_empty()).collect();
    assert!(problems.is_empty(), "{problems:#?}");
}

#[tokio::test]
async fn the_documents_describe_refusals_in_every_refusal_style() {
    for (style, status) in [("refusal_style = \"text400\"", 400), ("refusal_style = \"ok_without_token\"", 200)] {
        let harness = Harness::with(Options { bot: style, ..Options::default() }).await;
        let bearer = harness.bot_token("demo").await;
        let token = json!({ "token": harness.user_token("Ada", "graph").await });
        let refused = RequestParts {
            query: USER_WITHOUT_CARD,
            bearer: Some(&bearer),
            body: Some(&token),
            ..RequestParts::default()
        };
        let mut answers = Answers::default();
        answers.send_and_add(&harness, post("/api/usertoken/exchange"), refused, status).await;
        let documents = json!({ "public": document_of(&harness, &harness.base).await });
        let cases = json!({ "documents": documents, "answers": answers.0 });
        for (title, problems) in problems(&harness, "openapi-styles", cases).await {
            assert!(problems.is_empty(), "{style}: {title}: {problems:?}");
        }
    }
}

#[tokio::test]
async fn the_validators_find_a_wrong_document_and_a_wrong_answer() {
    let harness = Harness::start().await;
    let document = document_of(&harness, &harness.base).await;
    let mut broken = document.clone();
    broken["paths"]["/api/usertoken/GetToken"]["get"]["responses"]["200"]["description"].take();
    let token = json!({ "connectionName": "graph", "token": "x", "expiration": "2026-11-21T22:00:00Z" });
    let with = |name: &str, value: Value| {
        let mut token = token.clone();
        token[name] = value;
        token
    };
    let answer = |status: u16, body: String| {
        json!({ "document": "public", "method": "GET", "path": "/api/usertoken/GetToken", "status": status,
                "content_type": "application/json", "body": body })
    };
    let wrong = [
        answer(200, with("channelId", Value::Null).to_string()),
        answer(200, with("expiration", "tomorrow".into()).to_string()),
        answer(200, with("refreshToken", "x".into()).to_string()),
        answer(200, json!({ "connectionName": "graph" }).to_string()),
        answer(404, "{}".to_owned()),
        answer(400, json!({ "error": "x" }).to_string()),
        answer(418, "{}".to_owned()),
    ];
    let mut answers = vec![answer(200, token.to_string())];
    answers.extend(wrong);
    let cases = json!({ "documents": { "public": document, "wrong": broken }, "answers": answers });
    let found = problems(&harness, "openapi-wrong", cases).await;
    let empty: Vec<_> = found.iter().map(|(_, problems)| problems.is_empty()).collect();
    assert_eq!(empty, [true, false, true, false, false, false, false, false, false, false], "{found:#?}");
}
