//! How back ends prove who they are by a secret, and what others get who try.

use super::fixture::{ASSERTION_TYPE, BILLING_SECRET, BackEnds, ORDERS_SECRET, assert_error, basic, encode_all};
use crate::harness::{Answer, logs};

const INTROSPECT: &str = "/oauth2/introspect";

#[tokio::test]
async fn a_secret_is_accepted_percent_encoded_raw_and_in_the_body() {
    let back_ends = BackEnds::start().await;
    let token = [("token", "x")];
    for authorization in [
        basic(&encode_all("orders-app"), &encode_all(ORDERS_SECRET)),
        basic("orders-app", &encode_all(ORDERS_SECRET)),
        basic("orders-app", ORDERS_SECRET),
        basic("orders-app", "an-older-secret"),
        basic("billing", BILLING_SECRET).replace("Basic", "basic"),
        basic("billing", BILLING_SECRET).trim_end_matches('=').to_owned(),
    ] {
        let answer = back_ends.post(INTROSPECT, Some(&authorization), &token).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let body = [("client_id", "orders-app"), ("client_secret", ORDERS_SECRET), ("token", "x")];
    assert_eq!(back_ends.post(INTROSPECT, None, &body).await.status, 200);
    let repeated_id = [("client_id", "billing"), ("token", "x")];
    let authorization = basic("billing", BILLING_SECRET);
    assert_eq!(back_ends.post(INTROSPECT, Some(&authorization), &repeated_id).await.status, 200);
}

/// What an answer shows apart from its date and its id.
fn shown(answer: &Answer) -> (u16, String, Option<String>) {
    let challenge = answer.header("www-authenticate").map(str::to_owned);
    (answer.status, String::from_utf8(answer.body.clone()).unwrap(), challenge)
}

#[tokio::test]
async fn an_unknown_client_and_a_wrong_secret_get_the_same_answer() {
    let back_ends = BackEnds::start().await;
    let mut answers = Vec::new();
    for authorization in [
        basic("nobody", BILLING_SECRET),
        basic("billing", "wrong"),
        basic("billing", ""),
        basic("billing", ORDERS_SECRET),
        basic("ledger", BILLING_SECRET),
        "Basic !".to_owned(),
        "Bearer abc".to_owned(),
    ] {
        let answer = back_ends.post(INTROSPECT, Some(&authorization), &[("token", "x")]).await;
        assert_error(&answer, 401, "invalid_client");
        answers.push(shown(&answer));
    }
    assert_eq!(answers[0].2.as_deref(), Some("Basic realm=\"bot-sso\""));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let mut answers = Vec::new();
    for (client_id, secret) in [("nobody", BILLING_SECRET), ("billing", "wrong"), ("billing", ""), ("", "")] {
        let form = [("client_id", client_id), ("client_secret", secret), ("token", "x")];
        let answer = back_ends.post(INTROSPECT, None, &form).await;
        assert_error(&answer, 401, "invalid_client");
        answers.push(shown(&answer));
    }
    assert_eq!(answers[0].2, None, "a client that used no header gets no challenge");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert!(!logs::text().contains(ORDERS_SECRET) && !logs::text().contains(BILLING_SECRET));
}

#[tokio::test]
async fn credentials_in_two_places_or_stated_twice_are_400_although_each_is_right() {
    let back_ends = BackEnds::start().await;
    let authorization = basic("billing", BILLING_SECRET);
    let header = Some(authorization.as_str());
    let (id, secret, token) = (("client_id", "billing"), ("client_secret", BILLING_SECRET), ("token", "x"));
    let assertion = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", "x.y.z")];
    for (authorization, form) in [
        (header, vec![id, secret, token]),
        (header, vec![secret, token]),
        (header, vec![("client_id", "orders-app"), token]),
        (header, [&assertion[..], &[token]].concat()),
        (None, vec![id, id, secret, token]),
        (None, vec![id, secret, secret, token]),
        (None, [&[id, secret, token], &assertion[..]].concat()),
        (None, vec![assertion[0], token]),
        (None, vec![assertion[1], token]),
    ] {
        assert_error(&back_ends.post(INTROSPECT, authorization, &form).await, 400, "invalid_request");
    }
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("authorization", authorization.as_str()),
        ("authorization", authorization.as_str()),
    ];
    let twice = back_ends.harness.send("POST", INTROSPECT, &headers, b"token=x".to_vec()).await;
    assert_error(&twice, 400, "invalid_request");
}

#[tokio::test]
async fn an_address_that_tries_many_secrets_is_answered_429_and_the_right_secret_still_serves() {
    let back_ends = BackEnds::start().await;
    let wrong = basic("billing", "wrong");
    let mut statuses = Vec::new();
    for _ in 0..40 {
        statuses.push(back_ends.post(INTROSPECT, Some(&wrong), &[("token", "x")]).await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 30, "{statuses:?}");
    let limited = back_ends.post(INTROSPECT, Some(&wrong), &[("token", "x")]).await;
    assert_error(&limited, 429, "temporarily_unavailable");
    assert!(limited.header("retry-after").unwrap().parse::<u64>().unwrap() <= 60);
    assert_eq!(back_ends.post_as_billing(INTROSPECT, &[("token", "x")]).await.status, 200);
    back_ends.harness.clock.advance(std::time::Duration::from_secs(61));
    assert_eq!(back_ends.post(INTROSPECT, Some(&wrong), &[("token", "x")]).await.status, 401);
}
