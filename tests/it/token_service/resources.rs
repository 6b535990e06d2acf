//! `exchange` with `{"uri"}` and `GetAadTokens` (docs/protocols/token-service-api.md §3.2, §3.5): tokens for other
//! resources, from the operator's lists.

use std::time::Duration;

use bot_sso::dev::{Fault, FaultRule, GrantKind};
use serde_json::{Value, json};

use super::{assert_nothing, error_of, names_of, sign_in};
use crate::harness::tokens::claims_of;
use crate::harness::{Answer, Harness, Options, activities, write_private};

const LISTS: &str = "exchange_uris = [\"https://graph.microsoft.com/Mail.Read\", \"api://1b7f3c52-8a0e-4d61-9c2b-5e4f6a7b8c01\"]\n\
                     aad_resources = [\"https://graph.microsoft.com/\", \"api://1b7f3c52-8a0e-4d61-9c2b-5e4f6a7b8c01\"]";
const GRAPH: &str = "https://graph.microsoft.com/";
const OWN_APP: &str = "api://1b7f3c52-8a0e-4d61-9c2b-5e4f6a7b8c01";
const MAIL: &str = "https://graph.microsoft.com/Mail.Read";
const ADA: &str = "userId=29:ada&connectionName=graph&channelId=msteams";

fn options() -> Options {
    Options { offline_access: true, connection: LISTS.to_owned(), operations: true, ..Options::default() }
}

async fn post(harness: &Harness, path: &str, body: Value) -> Answer {
    let authorization = format!("Bearer {}", harness.bot_token("demo").await);
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    harness.send("POST", path, &headers, body).await
}

async fn exchange_for_uri(harness: &Harness, query: &str, uri: &str) -> Answer {
    post(harness, &format!("/api/usertoken/exchange?{query}"), json!({ "uri": uri })).await
}

async fn get_aad_tokens(harness: &Harness, resources: &[&str]) -> Answer {
    post(harness, &format!("/api/usertoken/GetAadTokens?{ADA}"), json!({ "resourceUrls": resources })).await
}

fn refreshes(harness: &Harness) -> u64 {
    harness.stage.calls().count(GrantKind::RefreshToken)
}

#[tokio::test]
async fn get_aad_tokens_gives_the_same_answer_to_every_form_of_the_request() {
    let harness = Harness::with(options()).await;
    sign_in(&harness, "msteams", "29:ada").await;
    let encoded: String = url::form_urlencoded::byte_serialize(GRAPH.as_bytes()).collect();
    let body =
        json!({ "userId": "29:ada", "connectionName": "graph", "channelId": "msteams", "resourceUrls": [GRAPH] });
    let all_in_query = format!("/api/usertoken/GetAadTokens?{ADA}&resourceUrls={encoded}");
    let mut answers = vec![get_aad_tokens(&harness, &[GRAPH]).await];
    for (path, body) in [
        (format!("/api/usertoken/getaadtokens?{ADA}&resourceUrls[0]={encoded}"), body.clone()),
        (format!("/api/usertoken/GetAadTokens?{ADA}&resourceUrls%5B0%5D={encoded}"), json!({})),
        (format!("{all_in_query}&resourceUrls={encoded}"), Value::Null),
        ("/api/usertoken/GetAadTokens".to_owned(), body),
    ] {
        answers.push(post(&harness, &path, body).await);
    }
    for answer in &answers {
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        assert_eq!(answer.json(), answers[0].json());
    }
    let tokens = answers[0].json();
    assert_eq!(names_of(&tokens), [GRAPH]);
    assert_eq!(names_of(&tokens[GRAPH]), ["channelId", "connectionName", "expiration", "token"]);
    assert_eq!(refreshes(&harness), 1, "what is kept is given again");
}

#[tokio::test]
async fn get_aad_tokens_answers_under_the_resource_names_that_the_bot_sent() {
    let harness = Harness::with(options()).await;
    sign_in(&harness, "msteams", "29:ada").await;
    let asked = ["https://graph.microsoft.com", GRAPH, OWN_APP];
    let tokens = get_aad_tokens(&harness, &asked).await.json();
    assert_eq!(names_of(&tokens), [OWN_APP, asked[0], GRAPH]);
    let token = |resource: &str| tokens[resource]["token"].as_str().unwrap().to_owned();
    assert_eq!(token(asked[0]), token(GRAPH));
    assert_eq!(claims_of(&token(GRAPH))["aud"], "https://graph.microsoft.com");
    assert_eq!(claims_of(&token(OWN_APP))["aud"], "1b7f3c52-8a0e-4d61-9c2b-5e4f6a7b8c01");
    assert_eq!(refreshes(&harness), 2);
}

#[tokio::test]
async fn a_resource_that_the_operator_has_not_listed_is_named_without_a_call() {
    let harness = Harness::with(options()).await;
    sign_in(&harness, "msteams", "29:ada").await;
    let before = (harness.exchanges(), refreshes(&harness));
    for resource in ["https://management.azure.com/", "https://graph.microsoft.com/x", "graph", MAIL] {
        let (code, message) = error_of(resource, &get_aad_tokens(&harness, &[GRAPH, resource]).await, 400);
        assert_eq!(code, "BadArgument");
        assert!(message.contains(resource) && message.contains("aad_resources"), "{message}");
    }
    for uri in [GRAPH, "https://graph.microsoft.com/Mail.ReadWrite", "https://graph.microsoft.com/mail.read"] {
        let (code, message) = error_of(uri, &exchange_for_uri(&harness, ADA, uri).await, 400);
        assert_eq!(code, "BadArgument");
        assert!(message.contains(uri) && message.contains("exchange_uris"), "{message}");
    }
    let none = Harness::with(Options { offline_access: true, ..Options::default() }).await;
    sign_in(&none, "msteams", "29:ada").await;
    error_of("no lists", &exchange_for_uri(&none, ADA, MAIL).await, 400);
    error_of("no lists", &get_aad_tokens(&none, &[GRAPH]).await, 400);
    assert_eq!((harness.exchanges(), refreshes(&harness)), before);
}

#[tokio::test]
async fn get_aad_tokens_names_a_missing_or_excessive_parameter() {
    let harness = Harness::with(options()).await;
    let many: Vec<String> = (0..40).map(|number| format!("https://x.example/{number}")).collect();
    for (path, body, names) in [
        ("?connectionName=graph", json!({ "resourceUrls": [GRAPH] }), "'userId'"),
        ("?userId=29:ada", json!({ "resourceUrls": [GRAPH] }), "'connectionName'"),
        ("?userId=29:ada&connectionName=graph", json!({}), "'resourceUrls'"),
        ("?userId=29:ada&connectionName=graph", Value::Null, "'resourceUrls'"),
        ("?userId=29:ada&connectionName=graph", json!({ "resourceUrls": [] }), "'resourceUrls'"),
        ("?userId=29:ada&connectionName=graph", json!({ "resourceUrls": many }), "'resourceUrls'"),
        ("?userId=29:ada&connectionName=graf", json!({ "resourceUrls": [GRAPH] }), "'graf'"),
        ("", json!({ "userId": "x".repeat(600) }), "'userId'"),
    ] {
        let answer = post(&harness, &format!("/api/usertoken/GetAadTokens{path}"), body).await;
        let (code, message) = error_of(path, &answer, 400);
        assert_eq!(code, "BadArgument");
        assert!(message.contains(names), "{path}: {message}");
    }
}

#[tokio::test]
async fn a_user_who_is_not_signed_in_gets_no_token_for_a_resource() {
    let harness = Harness::with(options()).await;
    assert_nothing("nobody", &get_aad_tokens(&harness, &[GRAPH]).await);
    assert_nothing("nobody", &exchange_for_uri(&harness, ADA, MAIL).await);
    sign_in(&harness, "msteams", "29:ada").await;
    for query in [
        "userId=29:ben&connectionName=graph&channelId=msteams",
        "userId=29:ada&connectionName=mail&channelId=msteams",
        "userId=29:ada&connectionName=graph&channelId=directline",
    ] {
        assert_nothing(query, &exchange_for_uri(&harness, query, MAIL).await);
    }
    assert_eq!(refreshes(&harness), 0);
    assert_eq!(exchange_for_uri(&harness, ADA, MAIL).await.status, 200);
}

#[tokio::test]
async fn no_token_for_a_resource_is_returned_without_a_refresh_token() {
    let lists = format!("exchange_uris = [\"{MAIL}\"]");
    let harness = Harness::with(Options { connection: lists, ..Options::default() }).await;
    sign_in(&harness, "msteams", "29:ada").await;
    assert_nothing("uri", &exchange_for_uri(&harness, ADA, MAIL).await);
}

#[tokio::test]
async fn a_signed_in_user_gets_a_token_for_a_listed_scope_and_it_is_stored() {
    let harness = Harness::with(options()).await;
    sign_in(&harness, "msteams", "29:ada").await;
    let first = exchange_for_uri(&harness, ADA, MAIL).await;
    assert_eq!((first.status, first.header("content-type")), (200, Some("application/json")));
    let body = first.json();
    assert_eq!(names_of(&body), ["channelId", "connectionName", "expiration", "token"]);
    let claims = claims_of(body["token"].as_str().unwrap());
    assert_eq!((&claims["scp"], &claims["oid"]), (&json!("Mail.Read"), &json!(harness.user("Ada").oid)));
    assert_eq!(exchange_for_uri(&harness, ADA, MAIL).await.body, first.body);
    assert_eq!(refreshes(&harness), 1);
    let own = harness.get_token("msteams", "29:ada", "graph").await.json();
    assert_ne!(own["token"], body["token"], "the connection's own token stays what it was");
    harness.clock.advance(Duration::from_secs(3600 - 299));
    let later = exchange_for_uri(&harness, ADA, MAIL).await;
    assert_eq!(later.status, 200);
    assert_ne!(later.json()["token"], body["token"], "never one that is about to end");
}

/// Options for a connection whose tokens are for the app itself, so that the app can exchange them for other scopes.
fn with_own_app_connection(directory: &std::path::Path) -> Options {
    let secret = directory.join("secret");
    write_private(&secret, "demo-app-secret-of-the-local-stage");
    let appended = format!(
        "[connections.demo-own]\nname = \"own\"\nbot = \"demo\"\nclient_secret = {{ file = \"{}\" }}\n\
         scopes = [\"{OWN_APP}/access_as_user\"]\ntenants = \"any_organization\"\n\
         token_exchange_uri = \"api://botid-1b7f3c52-8a0e-4d61-9c2b-5e4f6a7b8c01\"\nexchange_uris = [\"{MAIL}\"]\n",
        secret.display()
    );
    Options { appended, ..Options::default() }
}

#[tokio::test]
async fn a_token_for_the_app_itself_is_exchanged_for_a_listed_scope_on_behalf_of_its_user() {
    let directory = tempfile::tempdir().unwrap();
    let harness = Harness::with(with_own_app_connection(directory.path())).await;
    let token = harness.user_token("Ada", "graph").await;
    let value = json!({ "id": "x", "connectionName": "own", "token": token });
    let invoke = activities::invoke(&harness, &harness.user("Ada"), "signin/tokenExchange", value);
    assert_eq!(harness.post(&invoke).await.status, 200);
    let calls = harness.exchanges();
    let query = "userId=29:ada&connectionName=own&channelId=msteams";
    for _ in 0..2 {
        let answer = exchange_for_uri(&harness, query, MAIL).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        assert_eq!(claims_of(answer.json()["token"].as_str().unwrap())["scp"], "Mail.Read");
    }
    assert_eq!((harness.exchanges(), refreshes(&harness)), (calls + 1, 0));
}

#[tokio::test]
async fn every_kind_of_sign_out_ends_the_tokens_for_resources() {
    let harness = Harness::with(options()).await;
    let account = [("userId", "29:ada"), ("channelId", "msteams")];
    for way in ["connection", "all", "everywhere"] {
        sign_in(&harness, "msteams", "29:ada").await;
        let before = get_aad_tokens(&harness, &[GRAPH]).await.json();
        assert_eq!(exchange_for_uri(&harness, ADA, MAIL).await.status, 200, "{way}");
        let answer = match way {
            "connection" => harness.sign_out(&[account[0], account[1], ("connectionName", "graph")]).await,
            "all" => harness.sign_out(&account).await,
            _ => {
                let ada = harness.user("Ada");
                harness.sign_out_everywhere(&format!("{}@{}", ada.oid, ada.tid)).await
            }
        };
        assert_eq!(answer.status, 200, "{way}");
        assert_nothing(way, &get_aad_tokens(&harness, &[GRAPH]).await);
        assert_nothing(way, &exchange_for_uri(&harness, ADA, MAIL).await);
        // After the next sign-in the bot gets new tokens.
        harness.clock.advance(Duration::from_mins(16));
        sign_in(&harness, "msteams", "29:ada").await;
        let after = get_aad_tokens(&harness, &[GRAPH]).await.json();
        assert_ne!(before[GRAPH]["token"], after[GRAPH]["token"], "{way}");
    }
}

#[tokio::test]
async fn a_rotated_refresh_token_is_used_for_the_next_resource() {
    let harness = Harness::with(options()).await;
    harness.stage.sessions().set_single_use_refresh_tokens(true);
    sign_in(&harness, "msteams", "29:ada").await;
    for _ in 0..2 {
        assert_eq!(exchange_for_uri(&harness, ADA, MAIL).await.status, 200);
        assert_eq!(get_aad_tokens(&harness, &[OWN_APP]).await.status, 200);
        harness.clock.advance(Duration::from_hours(2));
        assert_eq!(harness.get_token("msteams", "29:ada", "graph").await.status, 200);
    }
}

#[tokio::test]
async fn two_resources_asked_for_at_once_do_not_use_the_same_rotated_refresh_token() {
    let harness = Harness::with(options()).await;
    harness.stage.sessions().set_single_use_refresh_tokens(true);
    sign_in(&harness, "msteams", "29:ada").await;
    let slow = FaultRule::new(Fault::Slow { millis: 300 });
    harness.stage.faults().add(slow.for_grant(Some(GrantKind::RefreshToken)).times(1));
    let (mail, own) = tokio::join!(exchange_for_uri(&harness, ADA, MAIL), get_aad_tokens(&harness, &[OWN_APP]));
    assert_eq!((mail.status, own.status, refreshes(&harness)), (200, 200, 2));
    harness.clock.advance(Duration::from_hours(2));
    assert_eq!(harness.get_token("msteams", "29:ada", "graph").await.status, 200, "the sign-in stays");
}

#[tokio::test]
async fn a_refusal_of_the_issuer_is_400_and_an_outage_is_503() {
    let harness = Harness::with(options()).await;
    sign_in(&harness, "msteams", "29:ada").await;
    let fault = Fault::Unavailable { retry_after: None };
    harness.stage.faults().add(FaultRule::new(fault).for_grant(Some(GrantKind::RefreshToken)));
    assert_eq!(exchange_for_uri(&harness, ADA, MAIL).await.status, 503);
    harness.stage.faults().clear();
    harness.clock.advance(Duration::from_secs(61));
    harness.stage.sessions().set_demands_mfa(harness.user("Ada").oid, true);
    let (code, message) = error_of("mfa", &get_aad_tokens(&harness, &[GRAPH]).await, 400);
    assert_eq!(code, "InteractionRequired");
    assert!(message.contains("Consent Required"), "{message}");
    assert_eq!(harness.get_token("msteams", "29:ada", "graph").await.status, 200, "the user is signed in all the same");
}

#[tokio::test]
async fn the_browser_is_sent_with_the_claims_that_a_resource_demanded() {
    let harness = Harness::with(options()).await;
    sign_in(&harness, "msteams", "29:ada").await;
    harness.stage.sessions().set_demands_mfa(harness.user("Ada").oid, true);
    error_of("mfa", &get_aad_tokens(&harness, &[GRAPH]).await, 400);
    let resource = harness.sign_in_resource(&activities::teams(&harness, &harness.user("Ada")), "graph").await;
    let authorize = harness.browser().begin(&resource).await;
    let claims = authorize.query_pairs().find(|(name, _)| name == "claims").map(|(_, claims)| claims.into_owned());
    let claims: Value = serde_json::from_str(&claims.unwrap()).unwrap();
    assert!(claims["access_token"].is_object(), "{claims}");
}

#[tokio::test]
async fn a_refusal_of_get_aad_tokens_is_a_json_error_in_every_refusal_style() {
    for bot in ["refusal_style = \"ok_without_token\"", "refusal_style = \"text400\""] {
        let harness = Harness::with(Options { bot, ..options() }).await;
        sign_in(&harness, "msteams", "29:ada").await;
        harness.stage.sessions().set_demands_mfa(harness.user("Ada").oid, true);
        error_of(bot, &get_aad_tokens(&harness, &[GRAPH]).await, 400);
    }
}

#[tokio::test]
async fn one_call_gets_tokens_for_two_resources_although_refresh_tokens_are_single_use() {
    let harness = Harness::with(options()).await;
    harness.stage.sessions().set_single_use_refresh_tokens(true);
    sign_in(&harness, "msteams", "29:ada").await;
    let answer = get_aad_tokens(&harness, &[GRAPH, OWN_APP]).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.json().as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn no_connection_name_returns_a_token_for_a_resource() {
    let harness = Harness::with(options()).await;
    sign_in(&harness, "msteams", "29:ada").await;
    assert_eq!(exchange_for_uri(&harness, ADA, MAIL).await.status, 200);
    assert_eq!(get_aad_tokens(&harness, &[GRAPH]).await.status, 200);
    for scope in [MAIL, GRAPH, &format!("{GRAPH}/.default"), "https://graph.microsoft.com/.default"] {
        for between in ["\n", " ", "%0A"] {
            let name = format!("graph{between}{scope}");
            assert_nothing(&name, &harness.get_token("msteams", "29:ada", &name).await);
        }
    }
}
