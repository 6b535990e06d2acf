//! Private-key assertions (RFC 7523): the checks of each, and that none serves twice.

use serde_json::{Value, json};

use super::fixture::{ASSERTION_TYPE, AssertionKey, BackEnds, assert_error, exchange_form};
use crate::harness::{Answer, logs};

fn claims(back_ends: &BackEnds, token_id: &str) -> Value {
    let (issuer, now) = (&back_ends.harness.base, back_ends.harness.now());
    json!({"iss": "ledger", "sub": "ledger", "aud": issuer, "iat": now, "nbf": now, "exp": now + 60, "jti": token_id})
}

async fn introspect(back_ends: &BackEnds, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let form = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion), ("token", "x")];
    back_ends.post("/oauth2/introspect", None, &[&form[..], more].concat()).await
}

#[tokio::test]
async fn an_assertion_serves_once_also_after_a_restart() {
    let mut back_ends = BackEnds::start().await;
    let subject = back_ends.subject("Ada").await;
    let assertion = back_ends.key.sign(&claims(&back_ends, "1"));
    let form = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion.as_str())];
    let form = [&form[..], &exchange_form(&subject)].concat();
    let answer = back_ends.post("/oauth2/token", None, &form).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_error(&back_ends.post("/oauth2/token", None, &form).await, 401, "invalid_client");
    let answer = introspect(&back_ends, &assertion, &[]).await;
    assert_error(&answer, 401, "invalid_client");
    back_ends.restart().await;
    assert_error(&introspect(&back_ends, &assertion, &[]).await, 401, "invalid_client");
    let next = back_ends.key.sign(&claims(&back_ends, "2"));
    assert_eq!(introspect(&back_ends, &next, &[("client_id", "ledger")]).await.status, 200);
    assert!(!logs::text().contains(&assertion));
}

#[tokio::test]
async fn an_assertion_that_fails_a_check_is_a_constant_401() {
    let back_ends = BackEnds::start().await;
    let (issuer, now) = (back_ends.harness.base.clone(), back_ends.harness.now());
    let changes = [
        json!({"aud": format!("{issuer}/oauth2/token")}),
        json!({"aud": [issuer, "https://other.example.com"]}),
        json!({"aud": null}),
        json!({"iss": "orders-app"}),
        json!({"sub": "orders-app", "iss": "orders-app"}),
        json!({"exp": null}),
        json!({"exp": now - 120}),
        json!({"exp": now + 3600}),
        json!({"iat": now + 600}),
        json!({"jti": null}),
    ];
    let mut bodies = Vec::new();
    for (number, change) in changes.iter().enumerate() {
        let mut claims = claims(&back_ends, &number.to_string());
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let answer = introspect(&back_ends, &back_ends.key.sign(&claims), &[]).await;
        assert_error(&answer, 401, "invalid_client");
        assert_eq!(answer.header("www-authenticate"), None);
        bodies.push(answer.body);
    }
    let stranger = AssertionKey::new().sign(&claims(&back_ends, "s"));
    let by_name = back_ends.key.sign(&claims(&back_ends, "n"));
    for (assertion, more) in [(stranger.as_str(), &[][..]), ("x.y.z", &[]), (&by_name, &[("client_id", "orders-app")])]
    {
        let answer = introspect(&back_ends, assertion, more).await;
        assert_error(&answer, 401, "invalid_client");
        bodies.push(answer.body);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    assert_eq!(introspect(&back_ends, &by_name, &[]).await.status, 200, "a refused use does not use it up");
}

#[tokio::test]
async fn the_log_names_the_check_of_an_assertion() {
    let back_ends = BackEnds::start().await;
    let begun = logs::length();
    let mut wrong = claims(&back_ends, "1");
    wrong["aud"] = json!("https://other.example.com");
    assert_error(&introspect(&back_ends, &back_ends.key.sign(&wrong), &[]).await, 401, "invalid_client");
    let lines = logs::complaints_of(&back_ends.harness.tag, begun);
    let line = lines.iter().find(|line| line["message"] == "a caller was refused").unwrap();
    assert_eq!(line["check"], "client_assertion_aud", "{line}");
    assert!(line["hint"].as_str().unwrap().contains("server.public_url"), "{line}");
}
