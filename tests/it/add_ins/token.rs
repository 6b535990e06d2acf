use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bot_sso::dev::{Fault, FaultRule, Signer};

use super::fixture::{CALLER, CALLER_SECRET, Fixture};
use crate::harness::tokens::claims_of;
use crate::harness::{Answer, logs};

const TOKEN: &str = "/api/add-ins/files/token";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

fn basic(client: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{client}:{secret}")))
}

async fn post(fixture: &Fixture, path: &str, authorization: Option<&str>, form: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let mut headers = vec![FORM];
    headers.extend(authorization.map(|value| ("authorization", value)));
    fixture.send("POST", path, &headers, body.into_bytes()).await
}

async fn post_as_caller(fixture: &Fixture, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![("grant_type", GRANT), ("requested_token_use", "on_behalf_of"), ("assertion", assertion)];
    form.extend_from_slice(more);
    post(fixture, TOKEN, Some(&basic(CALLER, CALLER_SECRET)), &form).await
}

#[tokio::test]
async fn a_listed_server_gets_the_users_token_and_the_pane_shares_it() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    let answer = post_as_caller(&fixture, &token, &[]).await;
    let body = answer.json();
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    assert_eq!(body["token_type"], "Bearer");
    assert!(body["expires_in"].as_u64().unwrap() > 60 && body["scope"].as_str().is_some_and(|scope| !scope.is_empty()));
    assert_eq!(claims_of(body["access_token"].as_str().unwrap())["oid"], fixture.user("Ada").oid);
    let scope = body["scope"].as_str().unwrap().split(' ').next().unwrap();
    let form = [
        ("grant_type", GRANT),
        ("requested_token_use", "on_behalf_of"),
        ("assertion", &token),
        ("client_id", CALLER),
        ("client_secret", CALLER_SECRET),
        ("scope", &format!("{scope} openid profile offline_access")),
    ];
    let by_form = post(&fixture, TOKEN, None, &form).await;
    let expected = if by_form.status == 200 { body["access_token"].clone() } else { serde_json::Value::Null };
    assert_eq!((by_form.status, by_form.json()["access_token"].clone()), (200, expected));
    assert_eq!(fixture.get_as(&token, super::fixture::ME).await.status, 200);
    assert_eq!(fixture.api.calls()[0].bearer(), body["access_token"].as_str().unwrap());
    assert_eq!(fixture.exchanges(), 1);
}

#[tokio::test]
async fn another_caller_is_an_invalid_client_and_the_log_says_so() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    let grant = [("grant_type", GRANT), ("requested_token_use", "on_behalf_of"), ("assertion", token.as_str())];
    let log = logs::length();
    for authorization in [
        None,
        Some(basic(CALLER, "wrong")),
        Some(basic(CALLER, "")),
        Some(basic("unknown", CALLER_SECRET)),
        Some(basic("other-tier", CALLER_SECRET)),
        Some(format!("Bearer {token}")),
        Some("Basic *".to_owned()),
    ] {
        let answer = post(&fixture, TOKEN, authorization.as_deref(), &grant).await;
        assert_eq!(
            (answer.status, answer.json()["error"].as_str()),
            (401, Some("invalid_client")),
            "{authorization:?}"
        );
        assert!(answer.header("www-authenticate").unwrap().starts_with("Basic"), "{authorization:?}");
    }
    let lines = logs::complaints_of(&fixture.tag, log);
    let checks: Vec<_> =
        lines.iter().filter(|line| line["bot"] == "add-in/files").map(|line| line["check"].as_str()).collect();
    let (secret, header) = (Some("add_in_caller"), Some("client_header"));
    assert_eq!(checks, [Some("client_absent"), secret, secret, secret, secret, header, header]);

    let other = post(&fixture, "/api/add-ins/other/token", Some(&basic(CALLER, CALLER_SECRET)), &grant).await;
    assert_eq!((other.status, fixture.exchanges()), (401, 0), "a caller of one add-in is none of another");
    let unknown = post(&fixture, "/api/add-ins/unknown/token", Some(&basic(CALLER, CALLER_SECRET)), &grant).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn a_request_that_is_no_on_behalf_of_grant_is_refused_in_the_words_of_oauth() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    let (grant, on_behalf, assertion) =
        (("grant_type", GRANT), ("requested_token_use", "on_behalf_of"), ("assertion", token.as_str()));
    for (form, error) in [
        (vec![("grant_type", "client_credentials"), on_behalf, assertion], "unsupported_grant_type"),
        (vec![on_behalf, assertion], "unsupported_grant_type"),
        (vec![grant, assertion], "invalid_request"),
        (vec![grant, on_behalf], "invalid_request"),
        (vec![grant, on_behalf, assertion, assertion], "invalid_request"),
        (vec![grant, on_behalf, assertion, ("scope", "https://graph.microsoft.com/Mail.Send")], "invalid_scope"),
        (vec![grant, on_behalf, assertion, ("client_secret", CALLER_SECRET)], "invalid_request"),
        (vec![grant, on_behalf, ("assertion", "abc")], "invalid_grant"),
    ] {
        let answer = post(&fixture, TOKEN, Some(&basic(CALLER, CALLER_SECRET)), &form).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some(error)), "{error}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{error}");
    }
    let authorization = basic(CALLER, CALLER_SECRET);
    let utf_16 = format!("{}; charset=utf-16", FORM.1);
    let no_forms: [&[(&str, &str)]; 4] = [
        &[("content-type", "application/json")],
        &[("content-type", &utf_16)],
        &[FORM, FORM],
        &[FORM, ("content-encoding", "gzip")],
    ];
    let body =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs([grant, on_behalf, assertion]).finish();
    for headers in no_forms {
        let headers = [&[("authorization", authorization.as_str())], headers].concat();
        let answer = fixture.send("POST", TOKEN, &headers, body.clone().into_bytes()).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some("invalid_request")), "{headers:?}");
    }
    assert_eq!(fixture.send("GET", TOKEN, &[], Vec::new()).await.status, 405);
    assert_eq!(fixture.exchanges(), 0);
}

#[tokio::test]
async fn refusals_of_the_users_token_come_as_entra_words_them() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    for (number, status, error, suberror) in [
        ("65001", 400, "invalid_grant", Some("consent_required")),
        ("500133", 400, "invalid_grant", None),
        ("53003_with_claims", 400, "interaction_required", None),
        ("7000215", 500, "server_error", None),
    ] {
        fixture.refuse_next(number);
        let answer = post_as_caller(&fixture, &token, &[]).await;
        let body = answer.json();
        assert_eq!((answer.status, body["error"].as_str()), (status, Some(error)), "{number}");
        if suberror.is_some() {
            assert_eq!(body["suberror"].as_str(), suberror, "{number}");
        }
        assert_eq!(body["claims"].is_string(), number.ends_with("claims"), "{number}");
    }
    fixture.stage.faults().add(FaultRule::new(Fault::Throttled { retry_after: Some(5) }));
    let answer = post_as_caller(&fixture, &token, &[]).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")));
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
}

#[tokio::test]
async fn a_server_with_a_token_for_graph_or_without_the_scope_is_told_the_scope_to_ask_for() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    for (claim, value) in [("aud", "https://graph.microsoft.com"), ("scp", "profile")] {
        let other = fixture.forge(Signer::Tenant, &token, |claims| claims[claim] = value.into());
        let answer = post_as_caller(&fixture, &other, &[]).await;
        let body = answer.json();
        assert_eq!((answer.status, body["error"].as_str()), (400, Some("invalid_grant")), "{claim}: {body}");
        let scope = body["scope"].as_str().unwrap();
        assert!(scope.starts_with("api://") && scope.ends_with("/access_as_user"), "{claim}: {body}");
    }
    let invalid = post_as_caller(&fixture, "abc", &[]).await;
    assert!(invalid.status == 400 && invalid.json()["scope"].is_null());
}
