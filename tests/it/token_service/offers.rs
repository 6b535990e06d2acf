//! `GetSignInUrl` in both spellings, `GetTokenOrSignInResource`, `GetOAuthCard` and `finalRedirect`
//! (docs/protocols/token-service-api.md §3.6, §3.7, §3.8; docs/protocols/invoke-protocol.md §1.6).

use serde_json::{Value, json};

use super::{error_of, names_of, sign_in};
use crate::harness::{Answer, Harness, Options, activities};

const LINK: &str = "http://127.0.0.1:1/api/oauth/signin?signin=";

fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn state_of_ada(harness: &Harness) -> String {
    activities::state_of(&activities::teams(harness, &harness.user("Ada")), "graph")
}

async fn get(harness: &Harness, path: &str, pairs: &[(&str, &str)], accept: &str) -> Answer {
    let authorization = format!("Bearer {}", harness.bot_token("demo").await);
    let mut headers = vec![("authorization", authorization.as_str())];
    if !accept.is_empty() {
        headers.push(("accept", accept));
    }
    harness.send("GET", &format!("{path}?{}", query(pairs)), &headers, Vec::new()).await
}

fn assert_link(case: &str, link: &str) {
    let handle = link.strip_prefix(LINK).unwrap_or_else(|| panic!("{case}: {link}"));
    assert!(handle.len() == 32 && handle.bytes().all(|byte| byte.is_ascii_hexdigit()), "{case}: {link}");
}

#[tokio::test]
async fn a_sign_in_link_is_text_unless_the_bot_accepts_only_json() {
    let harness = Harness::start().await;
    let state = state_of_ada(&harness);
    let pairs = [("state", state.as_str()), ("code_challenge", ""), ("emulatorUrl", "x"), ("finalRedirect", "")];
    for (path, accept, as_json) in [
        ("/api/botsignin/GetSignInUrl", "", false),
        ("/api/botsignin/GetSignInUrl", "*/*", false),
        ("/api/botsignin/getsigninurl", "text/plain", false),
        ("/api/botsignin/GetSignInUrl", "application/json, text/plain, */*", false),
        ("/api/botsignin/GetSignInUrl", "application/json, */*;q=0.1", false),
        ("/api/botsignin/GetSignInUrl", "application/json", true),
        ("/api/botsignin/GetSignInUrl", "Application/JSON; charset=utf-8", true),
        ("/api/botsignin/GetSignInUrl", "text/html", false),
        ("/api/agentsignin/getSignInUrl", "application/json", false),
        ("/api/agentsignin/GetSignInUrl", "", false),
    ] {
        let answer = get(&harness, path, &pairs, accept).await;
        let content_type = if as_json { "application/json" } else { "text/plain; charset=utf-8" };
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(content_type)), "{path} {accept}");
        let text = String::from_utf8(answer.body.clone()).unwrap();
        assert_link(accept, &if as_json { answer.json().as_str().unwrap().to_owned() } else { text });
    }
    let unknown = state_of_ada(&harness).replace('=', "");
    let answer = get(&harness, "/api/botsignin/GetSignInUrl", &[("state", &unknown[..40])], "text/plain").await;
    error_of("broken", &answer, 400);
}

const BOTH: &str = "/api/usertoken/GetTokenOrSignInResource";

fn ada<'a>(state: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let own = [("userId", "29:ada"), ("connectionName", "graph"), ("channelId", "msteams"), ("state", state)];
    own.into_iter().chain(more.iter().copied()).collect()
}

#[tokio::test]
async fn get_token_or_sign_in_resource_returns_the_token_or_else_a_sign_in_resource() {
    let harness = Harness::start().await;
    let state = state_of_ada(&harness);
    let before = get(&harness, BOTH, &ada(&state, &[("fwdUrl", ""), ("code", "")]), "").await;
    assert_eq!((before.status, before.header("content-type")), (200, Some("application/json")));
    let body = before.json();
    assert_eq!(names_of(&body), ["signInResource"]);
    assert_eq!(names_of(&body["signInResource"]), ["signInLink", "tokenExchangeResource", "tokenPostResource"]);
    assert_link("resource", body["signInResource"]["signInLink"].as_str().unwrap());
    sign_in(&harness, "msteams", "29:ada").await;
    let after = get(&harness, BOTH, &ada(&state, &[]), "").await.json();
    assert_eq!(names_of(&after), ["tokenResponse"]);
    assert_eq!(after["tokenResponse"], harness.get_token("msteams", "29:ada", "graph").await.json());
}

#[tokio::test]
async fn a_wrong_code_returns_a_sign_in_resource_and_the_valid_code_returns_the_token() {
    let options = Options::default();
    let mut harness = Harness::start().await;
    let state = state_of_ada(&harness);
    let code = harness.issue_code(&options, &harness.user("Ada"), "graph", "token-of-ada").await;
    let wrong = if code == "123456" { "654321" } else { "123456" };
    let answer = get(&harness, BOTH, &ada(&state, &[("code", wrong)]), "").await;
    assert_eq!((answer.status, names_of(&answer.json())), (200, vec!["signInResource"]));
    let answer = get(&harness, BOTH, &ada(&state, &[("code", &code)]), "").await;
    assert_eq!(names_of(&answer.json()), ["tokenResponse"]);
    assert_eq!(answer.json()["tokenResponse"]["token"], "token-of-ada");
}

#[tokio::test]
async fn a_state_of_another_user_connection_or_channel_than_the_query_is_refused() {
    let harness = Harness::start().await;
    let bens = activities::state_of(&activities::teams(&harness, &harness.user("Ben")), "graph");
    let mail = activities::state_of(&activities::teams(&harness, &harness.user("Ada")), "mail");
    let elsewhere = activities::on_channel(activities::teams(&harness, &harness.user("Ada")), "directline", "29:ada");
    let elsewhere = activities::state_of(&elsewhere, "graph");
    for state in [bens, mail, elsewhere, String::new()] {
        let (code, message) = error_of(&state, &get(&harness, BOTH, &ada(&state, &[]), "").await, 400);
        assert_eq!(code, "BadArgument");
        assert!(message.contains("'state'"), "{message}");
    }
}

const CARD: &str = "/api/botsignin/GetOAuthCard";

async fn card_for(harness: &Harness, activity: &Value) -> Value {
    let state = activities::state_of(activity, "graph");
    let answer = get(harness, CARD, &[("state", &state), ("text", "Bitte anmelden"), ("title", "Los")], "").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    answer.json()
}

#[tokio::test]
async fn get_oauth_card_returns_a_complete_card_whose_id_an_invoke_may_use() {
    let harness = Harness::start().await;
    let ada = harness.user("Ada");
    let personal = activities::teams(&harness, &ada);
    let card = card_for(&harness, &personal).await;
    assert_eq!(names_of(&card), ["content", "contentType"]);
    assert_eq!(card["contentType"], "application/vnd.microsoft.card.oauth");
    let content = &card["content"];
    assert_eq!(names_of(content), ["buttons", "connectionName", "text", "tokenExchangeResource"]);
    assert_eq!((&content["text"], &content["connectionName"]), (&json!("Bitte anmelden"), &json!("graph")));
    assert_eq!((&content["buttons"][0]["type"], &content["buttons"][0]["title"]), (&json!("signin"), &json!("Los")));
    assert_link("card", content["buttons"][0]["value"].as_str().unwrap());
    let id = content["tokenExchangeResource"]["id"].as_str().unwrap();
    let token = harness.user_token("Ada", "graph").await;
    let answer = harness.post(&activities::exchange(&harness, &ada, id, &token)).await;
    assert_eq!(answer.status, 200, "the card's id is one that an invoke may bring");
    let plain = get(&harness, CARD, &[("state", &state_of_ada(&harness))], "").await.json();
    assert!(plain["content"]["text"].is_string() && plain["content"]["buttons"][0]["title"].is_string());
}

#[tokio::test]
async fn a_card_offers_no_exchange_where_no_client_can_sign_in_silently() {
    let harness = Harness::start().await;
    let personal = activities::teams(&harness, &harness.user("Ada"));
    let mut channel = personal.clone();
    channel["conversation"] = json!({ "id": "19:c@thread.tacv2", "conversationType": "channel", "isGroup": true });
    let in_channel = card_for(&harness, &channel).await;
    assert_eq!(names_of(&in_channel["content"]), ["buttons", "connectionName", "text"]);
    for old in ["skype", "Cortana", "skypeforbusiness"] {
        let card = card_for(&harness, &activities::on_channel(personal.clone(), old, "someone")).await;
        assert_eq!(card["contentType"], "application/vnd.microsoft.card.signin", "{old}");
        assert_eq!(names_of(&card["content"]), ["buttons", "text"], "{old}");
        assert_link(old, card["content"]["buttons"][0]["value"].as_str().unwrap());
    }
}

#[tokio::test]
async fn every_card_operation_names_an_unknown_connection() {
    let harness = Harness::start().await;
    let state = activities::state_of(&activities::teams(&harness, &harness.user("Ada")), "nothing");
    for path in
        ["/api/botsignin/GetSignInResource", "/api/botsignin/GetSignInUrl", CARD, "/api/agentsignin/getSignInUrl"]
    {
        let (code, message) = error_of(path, &get(&harness, path, &[("state", &state)], "").await, 400);
        assert!(code == "BadArgument" && message.contains("'nothing'"), "{path}: {message}");
    }
    let asked =
        [("userId", "29:ada"), ("connectionName", "nothing"), ("channelId", "msteams"), ("state", state.as_str())];
    let (_, message) = error_of("both", &get(&harness, BOTH, &asked, "").await, 400);
    assert!(message.contains("'nothing'"), "{message}");
}

#[tokio::test]
async fn a_card_text_that_is_too_long_is_refused() {
    let harness = Harness::start().await;
    let state = state_of_ada(&harness);
    let answer = get(&harness, CARD, &[("state", &state), ("text", &"x".repeat(2049))], "").await;
    assert!(error_of("long", &answer, 400).1.contains("'text'"));
}

#[tokio::test]
async fn every_card_operation_refuses_a_final_redirect_that_the_operator_has_not_listed() {
    let appended = "[sign_in]\nfinal_redirects = [\"https://www.example.com/done\"]\n".to_owned();
    let harness = Harness::with(Options { appended, ..Options::default() }).await;
    let state = state_of_ada(&harness);
    for path in
        ["/api/botsignin/GetSignInResource", "/api/botsignin/GetSignInUrl", CARD, "/api/agentsignin/getSignInUrl"]
    {
        let listed = [("state", state.as_str()), ("finalRedirect", "https://www.example.com/done/here?x=1")];
        assert_eq!(get(&harness, path, &listed, "").await.status, 200, "{path}");
        let open = [("state", state.as_str()), ("finalRedirect", "https://www.example.com.evil.example/done")];
        let (code, message) = error_of(path, &get(&harness, path, &open, "").await, 400);
        assert_eq!(code, "BadArgument");
        assert!(message.contains("sign_in.final_redirects") && !message.contains("evil"), "{message}");
    }
    let (_, message) =
        error_of("both", &get(&harness, BOTH, &ada(&state, &[("finalRedirect", "https://x.example/")]), "").await, 400);
    assert!(message.contains("sign_in.final_redirects"), "{message}");
}

#[tokio::test]
async fn redeeming_a_code_completes_the_card_that_it_came_from() {
    let options = Options { after_exchange: "none", ..Options::default() };
    let mut harness = Harness::with(Options { after_exchange: "none", ..Options::default() }).await;
    let ada = harness.user("Ada");
    harness.card(&activities::teams(&harness, &ada), "graph").await;
    let code = harness.issue_code(&options, &ada, "graph", "token-of-ada").await;
    let pairs = [("userId", "29:ada"), ("connectionName", "graph"), ("channelId", "msteams"), ("code", code.as_str())];
    assert_eq!(harness.get_token_as("demo", &pairs).await.status, 200);
    let verify = activities::invoke(&harness, &ada, "signin/verifyState", json!({ "state": "123456" }));
    harness.post(&verify).await;
    assert_eq!(harness.bot_received(1).await.len(), 1, "nothing is pending here any more: the invoke goes to the bot");
}
