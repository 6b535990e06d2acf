#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::dev::test_client::{Fixture, GRAPH_SCOPE, OBO_GRANT_TYPE, Reply, decode_claims};
use crate::domain::PERSONAL_ACCOUNTS_TENANT;

/// The token that Office gives the pane of the stage's add-in.
async fn bootstrap_token(fixture: &Fixture, user: &str) -> String {
    let directory = fixture.stage.directory();
    let user = directory.find_user(user).unwrap();
    let scope = directory.add_ins[0].scope();
    let fields = [
        ("grant_type", "password"),
        ("client_id", directory.office_client_id()),
        ("username", user.name),
        ("password", user.password),
        ("scope", &scope),
    ];
    fixture.form(&fixture.token_url(user.tid), &fields).await.text_member("access_token").to_owned()
}

async fn exchange(fixture: &Fixture, tenant: &str, assertion: &str) -> Reply {
    let add_in = &fixture.stage.directory().add_ins[0];
    let fields = [
        ("grant_type", OBO_GRANT_TYPE),
        ("requested_token_use", "on_behalf_of"),
        ("client_id", add_in.client_id),
        ("client_secret", add_in.client_secret),
        ("assertion", assertion),
        ("scope", GRAPH_SCOPE),
    ];
    fixture.form(&fixture.token_url(tenant), &fields).await
}

/// A token of ada for the protected resource, obtained by the add-in.
async fn graph_token(fixture: &Fixture) -> String {
    let assertion = bootstrap_token(fixture, "ada").await;
    exchange(fixture, fixture.tenant(), &assertion).await.text_member("access_token").to_owned()
}

async fn call_graph(fixture: &Fixture, method: &str, path: &str, token: &str) -> Reply {
    let url = format!("{}/graph/v1.0{path}", fixture.stage.http_base());
    fixture.call(method, &url, &[("authorization", &format!("Bearer {token}"))], "").await
}

#[tokio::test]
async fn office_gets_a_token_for_the_add_in_and_the_add_in_exchanges_it() {
    let fixture = Fixture::start().await;
    let add_in = &fixture.stage.directory().add_ins[0];
    let token = bootstrap_token(&fixture, "ada").await;
    let claims = decode_claims(&token);
    assert_eq!((claims["aud"].as_str(), claims["scp"].as_str()), (Some(add_in.client_id), Some("access_as_user")));
    assert_eq!(claims["azp"], fixture.stage.directory().office_client_id());
    assert_eq!(exchange(&fixture, fixture.tenant(), &token).await.status, 200);
    let unconsented = bootstrap_token(&fixture, "cleo").await;
    assert_eq!(exchange(&fixture, fixture.tenant(), &unconsented).await.aadsts_number(), 65_001);
    let needs_mfa = bootstrap_token(&fixture, "dan").await;
    assert!(exchange(&fixture, fixture.tenant(), &needs_mfa).await.text_member("claims").contains("capolids"));
}

#[tokio::test]
async fn a_personal_account_is_a_user_of_the_tenant_of_personal_accounts_alone() {
    let fixture = Fixture::start().await;
    let token = bootstrap_token(&fixture, "pia").await;
    let claims = decode_claims(&token);
    assert_eq!(claims["tid"], PERSONAL_ACCOUNTS_TENANT);
    assert_eq!(claims["iss"], fixture.stage.v2_issuer(PERSONAL_ACCOUNTS_TENANT));
    let exchanged = exchange(&fixture, PERSONAL_ACCOUNTS_TENANT, &token).await;
    let me = call_graph(&fixture, "GET", "/me", exchanged.text_member("access_token")).await;
    assert_eq!(me.text_member("displayName"), "Pia Privat");
    assert_eq!(exchange(&fixture, "organizations", &token).await.aadsts_number(), 50_013);
    assert_eq!(exchange(&fixture, "consumers", &token).await.aadsts_number(), 9_001_023);
}

#[tokio::test]
async fn the_protected_resource_has_more_than_the_add_in_may_call() {
    let fixture = Fixture::start().await;
    let token = graph_token(&fixture).await;
    let expected = [
        ("GET", "/me", 200),
        ("GET", "/me/drive/root/children", 200),
        ("GET", "/me/messages", 200),
        ("GET", "/users", 200),
        ("POST", "/me/messages", 201),
        ("POST", "/me/sendMail", 202),
        ("PATCH", "/me", 204),
        ("DELETE", "/users", 405),
        ("GET", "/groups", 404),
    ];
    for (method, path, status) in expected {
        let answer = call_graph(&fixture, method, path, &token).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        assert!(!answer.text.contains(&token), "{method} {path}");
        assert_eq!(call_graph(&fixture, method, path, "no-token").await.status, 401, "{method} {path}");
    }
    assert_eq!(fixture.stage.calls().snapshot().graph, 7);
}

#[tokio::test]
async fn a_fault_at_the_protected_resource_challenges_as_often_as_it_was_told_and_leaves_the_token_endpoint_alone() {
    let fixture = Fixture::start().await;
    let token = graph_token(&fixture).await;
    let control = format!("{}/dev/faults", fixture.stage.http_base());
    let fields = [("fault", "challenge"), ("grant", "graph"), ("user", "ada"), ("times", "1")];
    assert_eq!(fixture.form(&control, &fields).await.status, 204);
    assert_eq!(exchange(&fixture, fixture.tenant(), &bootstrap_token(&fixture, "ada").await).await.status, 200);
    let challenged = call_graph(&fixture, "GET", "/me", &token).await;
    assert_eq!(challenged.status, 401);
    let header = challenged.header("www-authenticate").unwrap();
    let (_, claims) = header.split_once("claims=\"").unwrap();
    let claims: Value = serde_json::from_slice(&STANDARD.decode(claims.trim_end_matches('"')).unwrap()).unwrap();
    assert!(claims["access_token"]["nbf"].is_object() && header.contains("error=\"insufficient_claims\""));
    assert_eq!(call_graph(&fixture, "GET", "/me", &token).await.status, 200);
    let throttled = [("fault", "throttled"), ("grant", "graph"), ("retry_after", "7")];
    assert_eq!(fixture.form(&control, &throttled).await.status, 204);
    let answer = call_graph(&fixture, "GET", "/me", &token).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("7")));
    let at_tokens = [("fault", "challenge"), ("times", "1")];
    assert_eq!(fixture.form(&control, &at_tokens).await.status, 204);
    let refused = exchange(&fixture, fixture.tenant(), &bootstrap_token(&fixture, "ada").await).await;
    assert_eq!((refused.status, refused.text_member("error")), (400, "interaction_required"));
}
