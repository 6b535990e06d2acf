//! Operations that give a user's token while its refresh fails for an outage (docs/architecture.md §An outage is not a
//! sign-out): a token that has not ended is given; afterwards the answer is 503 or 429, and never that the user is needed.

use std::time::Duration;

use bot_sso::dev::{Fault, FaultRule, GrantKind};
use serde_json::{Value, json};

use super::{ADA, AFTER_END, UNTIL_EXPIRED, get, misconfigured, refreshable, refreshes, sign_in, token, with_ada};
use crate::harness::{Answer, Harness, Options, activities, logs};

const GRAPH: &str = "https://graph.microsoft.com/";
const MAIL: &str = "https://graph.microsoft.com/Mail.Read";
const LISTS: &str = "exchange_uris = [\"https://graph.microsoft.com/Mail.Read\"]\n\
                     aad_resources = [\"https://graph.microsoft.com/\"]";

/// The operations that give a user's token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operation {
    GetToken,
    GetTokenOrSignInResource,
    ExchangeToken,
    ExchangeUri,
    GetAadTokens,
}

const OPERATIONS: [Operation; 5] = [
    Operation::GetToken,
    Operation::GetTokenOrSignInResource,
    Operation::ExchangeToken,
    Operation::ExchangeUri,
    Operation::GetAadTokens,
];

/// A failure of the token endpoint, the status that it leads to, and the requests that one operation makes meanwhile.
struct Case {
    fault: Fault,
    status: u16,
    retry_after: Option<&'static str>,
    requests: u64,
}

fn cases() -> Vec<Case> {
    let case = |fault, status, retry_after, requests| Case { fault, status, retry_after, requests };
    let page = |status| Fault::Answer {
        status,
        content_type: "text/html".to_owned(),
        body: "<html>Welcome to our hotel</html>".to_owned(),
    };
    vec![
        case(Fault::Unavailable { retry_after: None }, 503, None, 3),
        case(Fault::Unavailable { retry_after: Some(20) }, 503, Some("20"), 1),
        case(Fault::Throttled { retry_after: Some(20) }, 429, Some("20"), 1),
        case(Fault::Throttled { retry_after: None }, 429, Some("10"), 1),
        case(Fault::Html, 503, None, 3),
        case(Fault::PlainText, 503, None, 3),
        case(Fault::Empty, 503, None, 1),
        case(Fault::InvalidJson, 503, None, 1),
        case(page(200), 503, None, 1),
        case(page(403), 503, None, 1),
        case(misconfigured(), 503, None, 1),
    ]
}

pub(super) fn with_lists() -> Options {
    Options { connection: LISTS.to_owned(), ..refreshable() }
}

fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

async fn post(harness: &Harness, path: &str, body: Value) -> Answer {
    let authorization = format!("Bearer {}", harness.bot_token("demo").await);
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let path = format!("/api/usertoken/{path}?{}", query(&ADA));
    harness.send("POST", &path, &headers, body.to_string().into_bytes()).await
}

pub(super) async fn ask(harness: &Harness, operation: Operation) -> Answer {
    match operation {
        Operation::GetToken => get(harness).await,
        Operation::GetTokenOrSignInResource => {
            let mut activity = activities::teams(harness, &harness.user("Ada"));
            activity["from"]["id"] = "29:ada".into();
            let state = activities::state_of(&activity, "graph");
            let query = query(&[ADA[0], ADA[1], ADA[2], ("state", &state)]);
            harness.token_service("demo", &format!("/api/usertoken/GetTokenOrSignInResource?{query}")).await
        }
        Operation::ExchangeToken => {
            let assertion = harness.user_token("Ada", "graph").await;
            post(harness, "exchange", json!({ "token": assertion })).await
        }
        Operation::ExchangeUri => post(harness, "exchange", json!({ "uri": MAIL })).await,
        Operation::GetAadTokens => post(harness, "GetAadTokens", json!({ "resourceUrls": [GRAPH] })).await,
    }
}

/// The token response within the answer.
fn given(operation: Operation, answer: &Answer) -> Value {
    let body = answer.json();
    match operation {
        Operation::GetTokenOrSignInResource => body["tokenResponse"].clone(),
        Operation::GetAadTokens => body[GRAPH].clone(),
        _ => body,
    }
}

async fn all_given(harness: &Harness) -> Vec<Value> {
    let mut tokens = Vec::new();
    for operation in OPERATIONS {
        let answer = ask(harness, operation).await;
        assert_eq!(answer.status, 200, "{operation:?}: {}", String::from_utf8_lossy(&answer.body));
        tokens.push(given(operation, &answer));
    }
    tokens
}

async fn has_token(harness: &Harness) -> bool {
    let query = query(&[ADA[0], ADA[2], ("include", "graph")]);
    let answer = harness.token_service("demo", &format!("/api/usertoken/GetTokenStatus?{query}")).await;
    answer.json()[0]["hasToken"].as_bool().unwrap()
}

/// All grants meet `fault` from now on.
fn break_issuer(harness: &Harness, fault: &Fault) {
    for grant in [GrantKind::RefreshToken, GrantKind::OnBehalfOf] {
        harness.stage.faults().add(FaultRule::new(fault.clone()).for_grant(Some(grant)));
    }
}

fn mend_issuer(harness: &Harness) {
    harness.stage.faults().clear();
    harness.clock.advance(Duration::from_secs(61));
}

#[tokio::test]
async fn every_operation_says_when_to_ask_again_while_the_refresh_of_an_ended_token_fails() {
    let harness = Harness::with(with_lists()).await;
    assert_eq!(sign_in(&harness, "Ada", "graph", "first").await.status, 200);
    all_given(&harness).await;
    harness.clock.advance(AFTER_END);
    for Case { fault, status, retry_after, requests } in cases() {
        for operation in OPERATIONS {
            break_issuer(&harness, &fault);
            let (before, exchanges) = (refreshes(&harness), harness.exchanges());
            let answer = ask(&harness, operation).await;
            let case = format!("{operation:?} {fault:?}: {}", String::from_utf8_lossy(&answer.body));
            assert_eq!(answer.status, status, "{case}");
            assert_eq!(answer.header("retry-after"), Some(retry_after.unwrap_or("5")), "{case}");
            assert_eq!((refreshes(&harness) - before, harness.exchanges() - exchanges), (requests, 0), "{case}");
            assert!(has_token(&harness).await, "{case}");
            assert_eq!(refreshes(&harness) - before, requests, "GetTokenStatus asks no provider: {case}");
            mend_issuer(&harness);
        }
    }
    all_given(&harness).await;
}

#[tokio::test]
async fn every_operation_gives_a_token_that_has_not_ended_while_its_refresh_fails() {
    let harness = Harness::with(with_lists()).await;
    assert_eq!(sign_in(&harness, "Ada", "graph", "first").await.status, 200);
    let before = all_given(&harness).await;
    harness.clock.advance(UNTIL_EXPIRED);
    for Case { fault, .. } in cases() {
        break_issuer(&harness, &fault);
        assert_eq!(all_given(&harness).await, before, "the same tokens, with their true ends: {fault:?}");
        assert!(has_token(&harness).await, "{fault:?}");
        harness.stage.faults().clear();
        harness.clock.advance(Duration::from_secs(1));
    }
    mend_issuer(&harness);
    for (old, new) in before.iter().zip(all_given(&harness).await) {
        assert_ne!(old["token"], new["token"], "a new one when the outage is over");
    }
}

#[tokio::test]
async fn a_resources_token_that_has_not_ended_is_given_although_the_users_own_token_has_ended() {
    const OF_RESOURCES: [Operation; 2] = [Operation::ExchangeUri, Operation::GetAadTokens];
    let harness = Harness::with(with_lists()).await;
    assert_eq!(sign_in(&harness, "Ada", "graph", "first").await.status, 200);
    harness.clock.advance(Duration::from_mins(20));
    let mut kept = Vec::new();
    for operation in OF_RESOURCES {
        kept.push(given(operation, &ask(&harness, operation).await)["token"].clone());
    }
    break_issuer(&harness, &Fault::Unavailable { retry_after: None });
    harness.clock.advance(Duration::from_mins(42));
    for (operation, kept) in OF_RESOURCES.into_iter().zip(&kept) {
        let answer = ask(&harness, operation).await;
        assert_eq!((answer.status, &given(operation, &answer)["token"]), (200, kept), "{operation:?}");
    }
    assert_eq!(get(&harness).await.status, 503, "the user's own token has ended");
    harness.clock.advance(Duration::from_mins(20));
    for operation in OF_RESOURCES {
        assert_eq!(ask(&harness, operation).await.status, 503, "{operation:?}: both have ended");
    }
    harness.sign_out(&[ADA[0], ADA[2]]).await;
    for operation in OF_RESOURCES {
        assert_ne!(ask(&harness, operation).await.status, 503, "{operation:?}: nothing is left of a signed-out user");
    }
}

#[tokio::test]
async fn a_bot_gets_a_token_that_has_not_ended_from_an_issuer_that_hangs() {
    let harness = with_ada(refreshable()).await;
    let first = token(&harness).await;
    harness.clock.advance(UNTIL_EXPIRED);
    break_issuer(&harness, &Fault::Hang);
    assert_eq!(token(&harness).await, first);
    harness.clock.advance(Duration::from_mins(5));
    assert_eq!(get(&harness).await.status, 503);
}

#[tokio::test]
async fn a_client_that_signs_in_silently_during_an_outage_gets_what_is_kept_until_it_ends() {
    for options in [refreshable(), Options { operations: true, ..Options::default() }] {
        let harness = with_ada(options).await;
        let first = get(&harness).await;
        harness.clock.advance(UNTIL_EXPIRED);
        break_issuer(&harness, &Fault::Throttled { retry_after: Some(300) });
        let from = logs::length();
        for id in ["second", "second", "third"] {
            assert_eq!(sign_in(&harness, "Ada", "graph", id).await.status, 200, "{id}");
        }
        assert_eq!(harness.exchanges(), 2, "the duplicate and the next one ask nobody");
        let lines = logs::since(from);
        let line = lines.lines().find(|line| line.contains("the kept one serves until it ends")).unwrap();
        assert!(line.contains("temporarily_unavailable") && line.contains("429"), "{line}");
        let then = get(&harness).await;
        assert_eq!((then.status, &then.body), (200, &first.body), "and the bot gets the same");
        assert!(has_token(&harness).await);
        harness.clock.advance(Duration::from_mins(5));
        let refused = sign_in(&harness, "Ada", "graph", "fourth").await;
        assert_eq!(refused.status, 500, "{}", refused.detail());
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=300).contains(&wait), "{wait}");
    }
}

#[tokio::test]
async fn a_silent_sign_in_gets_what_is_kept_while_the_client_secret_is_refused() {
    let harness = with_ada(Options { operations: true, ..Options::default() }).await;
    harness.clock.advance(UNTIL_EXPIRED);
    break_issuer(&harness, &misconfigured());
    assert_eq!(sign_in(&harness, "Ada", "graph", "second").await.status, 200);
    harness.clock.advance(Duration::from_mins(5));
    assert_eq!(sign_in(&harness, "Ada", "graph", "third").await.status, 400, "the operator's fault, as ever");
}

#[tokio::test]
async fn another_persons_sign_in_during_an_outage_does_not_get_what_is_kept() {
    let harness = with_ada(Options { operations: true, ..Options::default() }).await;
    harness.clock.advance(UNTIL_EXPIRED);
    break_issuer(&harness, &Fault::Html);
    let token = harness.user_token("Ben", "graph").await;
    let mut activity = activities::exchange(&harness, &harness.user("Ben"), "second", &token);
    activity["from"]["id"] = "29:ada".into();
    let refused = harness.post(&activity).await;
    assert_ne!(refused.status, 200, "{}", refused.detail());
}

#[tokio::test]
async fn a_signed_out_user_is_needed_even_during_an_outage() {
    let harness = Harness::with(with_lists()).await;
    assert_eq!(sign_in(&harness, "Ada", "graph", "first").await.status, 200);
    all_given(&harness).await;
    harness.clock.advance(UNTIL_EXPIRED);
    break_issuer(&harness, &Fault::Html);
    all_given(&harness).await;
    assert_eq!(harness.sign_out(&[ADA[0], ADA[2]]).await.status, 200);
    // The exchange finds the card that the call before it asked for, so it asks the issuer.
    for (operation, status) in OPERATIONS.into_iter().zip([404, 200, 503, 404, 404]) {
        let answer = ask(&harness, operation).await;
        assert_eq!(answer.status, status, "{operation:?}: {}", String::from_utf8_lossy(&answer.body));
        assert!(!String::from_utf8_lossy(&answer.body).contains("expiration"), "{operation:?}");
    }
    assert!(!has_token(&harness).await);
}

#[tokio::test]
async fn a_store_that_fails_is_an_outage_and_no_sign_out() {
    let mut harness = with_ada(with_lists()).await;
    harness.restart(&with_lists()).await;
    let spoiled = rusqlite::Connection::open(harness.store_path()).unwrap();
    assert!(spoiled.execute("UPDATE records SET value = zeroblob(100)", []).unwrap() > 0);
    for operation in OPERATIONS {
        let answer = ask(&harness, operation).await;
        assert_eq!(answer.status, 503, "{operation:?}: {}", String::from_utf8_lossy(&answer.body));
        assert!(answer.header("retry-after").is_some(), "{operation:?}");
    }
}

#[tokio::test]
async fn a_token_in_memory_serves_to_its_end_while_the_store_fails() {
    let harness = with_ada(refreshable()).await;
    let first = token(&harness).await;
    let spoiled = rusqlite::Connection::open(harness.store_path()).unwrap();
    assert!(spoiled.execute("UPDATE records SET value = zeroblob(100)", []).unwrap() > 0);
    harness.clock.advance(UNTIL_EXPIRED);
    assert_eq!(token(&harness).await, first);
    assert!(has_token(&harness).await);
    harness.clock.advance(Duration::from_mins(5));
    assert_eq!(get(&harness).await.status, 503);
}

#[tokio::test]
async fn fewer_scopes_than_asked_for_are_named_in_one_line_of_the_log() {
    let harness = Harness::with(refreshable()).await;
    let body =
        r#"{"token_type":"Bearer","access_token":"opaque","expires_in":3600,"scope":"openid","refresh_token":"r"}"#;
    let answer = Fault::Answer { status: 200, content_type: "application/json".to_owned(), body: body.to_owned() };
    break_issuer(&harness, &answer);
    let from = logs::length();
    assert_eq!(sign_in(&harness, "Ada", "graph", "first").await.status, 200);
    harness.clock.advance(AFTER_END);
    assert_eq!(token(&harness).await, "opaque");
    let ada = harness.user("Ada");
    let lines = logs::since(from);
    let told = |line: &&str| line.contains("fewer scopes than the connection asks for") && line.contains(ada.oid);
    let told: Vec<_> = lines.lines().filter(told).collect();
    assert_eq!(told.len(), 1, "not again when the same is granted by a refresh: {told:?}");
    assert!(told[0].contains("User.Read"), "{}", told[0]);
}

#[tokio::test]
async fn an_assertion_file_that_is_away_does_not_end_what_was_read_from_it() {
    let mut harness = Harness::start().await;
    let file = harness.directory.path().join("assertion.jwt");
    let claims = harness.stage.workload_claims();
    harness.stage.write_assertion(&file, &claims).await.unwrap();
    let credentials = format!("{{ assertion_file = \"{}\" }}", file.display());
    harness.restart(&Options { credentials, ..Options::default() }).await;
    assert_eq!(sign_in(&harness, "Ada", "graph", "first").await.status, 200);
    let from = logs::length();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(sign_in(&harness, "Ben", "graph", "second").await.status, 200);
    std::fs::write(&file, "eyJhbGciOiJSUzI1NiJ9.eyJzdWIi").unwrap();
    assert_eq!(sign_in(&harness, "Gus", "graph", "third").await.status, 200);
    let lines = logs::since(from);
    let path = file.display().to_string();
    let warned = lines.lines().filter(|line| line.contains(&path) && line.contains("the last assertion serves"));
    assert_eq!(warned.count(), 2);
}
