//! `exchange` answered from stored tokens (docs/protocols/token-service-api.md §3.2, §1 rules 8 to 10).

use bot_sso::dev::Signer;
use serde_json::json;

use super::{assert_nothing, error_of, sign_in};
use crate::harness::{Answer, Harness, Options};

const ADA: &str = "userId=29:ada&connectionName=graph&channelId=msteams";

async fn post_exchange(harness: &Harness, query: &str, body: impl Into<Vec<u8>>) -> Answer {
    let authorization = format!("Bearer {}", harness.bot_token("demo").await);
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json; charset=utf-8")];
    harness.send("POST", &format!("/api/usertoken/exchange?{query}"), &headers, body.into()).await
}

fn with_token(token: &str) -> String {
    json!({ "token": token }).to_string()
}

#[tokio::test]
async fn a_bot_gets_the_token_that_an_invoke_stored_without_another_call() {
    let harness = Harness::start().await;
    sign_in(&harness, "msteams", "29:ada").await;
    let kept = harness.get_token("msteams", "29:ada", "graph").await.json();
    let token = harness.user_token("Ada", "graph").await;
    for body in [with_token(&token), json!({ "token": token, "uri": null }).to_string()] {
        let answer = post_exchange(&harness, ADA, body).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        assert_eq!(answer.json(), kept);
    }
    assert_eq!(harness.exchanges(), 1);
}

#[tokio::test]
async fn an_exchange_without_a_stored_token_or_a_card_is_sign_in_required_without_a_call() {
    let harness = Harness::start().await;
    sign_in(&harness, "msteams", "29:ada").await;
    let calls = harness.exchanges();
    let token = harness.user_token("Ada", "graph").await;
    for query in [
        "userId=29:new&connectionName=graph&channelId=msteams",
        "userId=29:ada&connectionName=mail&channelId=msteams",
        "userId=29:ada&connectionName=graph&channelId=directline",
    ] {
        let (code, message) = error_of(query, &post_exchange(&harness, query, with_token(&token)).await, 400);
        assert_eq!(code, "SignInRequired", "{query}");
        assert!(message.contains("Consent Required"), "{query}: {message}");
        assert!(!message.contains("AADSTS"), "{query}: {message}");
    }
    assert_eq!(harness.exchanges(), calls);
    assert_nothing("not kept", &harness.get_token("msteams", "29:new", "graph").await);
}

#[tokio::test]
async fn another_persons_token_does_not_return_the_token_stored_for_a_user() {
    let harness = Harness::start().await;
    sign_in(&harness, "msteams", "29:ada").await;
    sign_in(&harness, "directline", "dl_ada").await;
    let calls = harness.exchanges();
    let bens = harness.user_token("Ben", "graph").await;
    for query in [ADA, "userId=dl_ada&connectionName=graph&channelId=directline"] {
        let (code, _) = error_of(query, &post_exchange(&harness, query, with_token(&bens)).await, 400);
        assert_eq!(code, "IdentityMismatch", "{query}");
    }
    assert_eq!(harness.exchanges(), calls, "Entra is not asked");
    assert_eq!(harness.get_token("msteams", "29:ada", "graph").await.status, 200, "Ada's token stays");
}

#[tokio::test]
async fn an_exchange_of_an_expired_token_is_400_and_says_consent_required() {
    let harness = Harness::start().await;
    sign_in(&harness, "msteams", "29:ada").await;
    let token = harness.user_token("Ada", "graph").await;
    let expired = harness.forge(Signer::Tenant, &token, |claims| {
        let now = claims["iat"].as_i64().unwrap();
        (claims["iat"], claims["nbf"], claims["exp"]) = ((now - 900).into(), (now - 900).into(), (now - 10).into());
    });
    let (code, message) = error_of("expired", &post_exchange(&harness, ADA, with_token(&expired)).await, 400);
    assert_eq!(code, "AssertionExpired");
    assert!(message.contains("Consent Required"), "{message}");
}

#[tokio::test]
async fn a_refusal_that_no_sign_in_resolves_does_not_mention_consent() {
    let harness = Harness::start().await;
    sign_in(&harness, "msteams", "29:ada").await;
    let calls = harness.exchanges();
    let token = harness.user_token("Ada", "graph").await;
    let mail = harness.forge(Signer::Tenant, &token, |claims| claims["aud"] = "https://graph.microsoft.com".into());
    let app = harness.bot_token("demo").await;
    for (case, token) in [("for somebody else", mail), ("an app's", app), ("nonsense", String::from("x"))] {
        let (code, message) = error_of(case, &post_exchange(&harness, ADA, with_token(&token)).await, 400);
        assert_eq!(code, "AssertionRejected", "{case}");
        assert!(!message.contains("Consent"), "{case}: {message}");
    }
    assert_eq!(harness.exchanges(), calls);
}

#[tokio::test]
async fn an_unreadable_exchange_request_is_400_and_names_the_problem() {
    let harness = Harness::start().await;
    let token = harness.user_token("Ada", "graph").await;
    for (query, names) in [
        ("connectionName=graph&channelId=msteams", "'userId'"),
        ("userId=29:ada&channelId=msteams", "'connectionName'"),
        ("userId=29:ada&connectionName=graph", "'channelId'"),
        ("userId=29:ada&connectionName=hosted&channelId=msteams", "'hosted'"),
        ("userId=29:ada&connectionName=Graph&channelId=msteams", "'Graph'"),
    ] {
        let (code, message) = error_of(query, &post_exchange(&harness, query, with_token(&token)).await, 400);
        assert_eq!(code, "BadArgument", "{query}");
        assert!(message.contains(names), "{query}: {message}");
    }
    for body in
        ["", "{}", "[]", "null", "text", "{\"token\":null}", "{\"token\":\"\"}", "{\"token\":7}", "{\"uri\":\"x\"}"]
    {
        let (code, _) = error_of(body, &post_exchange(&harness, ADA, body).await, 400);
        assert_eq!(code, "BadArgument", "{body}");
    }
    let doubled = format!("{{\"token\":\"{token}\",\"token\":\"{token}\"}}");
    error_of("a member twice", &post_exchange(&harness, ADA, doubled).await, 400);
    let large = post_exchange(&harness, ADA, with_token(&"x".repeat(600 * 1024))).await;
    assert_eq!(error_of("large", &large, 413).0, "MessageSizeTooBig");
    assert_eq!(harness.exchanges(), 0);
}

#[tokio::test]
async fn an_exchange_for_a_connection_without_an_exchange_uri_is_404() {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    crate::harness::write_private(&secret, "demo-app-secret-of-the-local-stage");
    let appended = format!(
        "[connections.demo-plain]\nname = \"plain\"\nbot = \"demo\"\nclient_secret = {{ file = \"{}\" }}\n\
         scopes = [\"https://graph.microsoft.com/User.Read\"]\ntenants = \"any_organization\"\n",
        secret.display()
    );
    let harness = Harness::with(Options { appended, ..Options::default() }).await;
    let token = harness.user_token("Ada", "graph").await;
    let query = "userId=29:ada&connectionName=plain&channelId=msteams";
    assert_nothing("no URI", &post_exchange(&harness, query, with_token(&token)).await);
    assert_eq!(harness.exchanges(), 0);
}
