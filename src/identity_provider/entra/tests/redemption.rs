//! Redemption of assertions and refresh tokens: requests, retries, throttling, credentials.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

#[actix_web::test]
async fn redeem_sends_the_documented_request_and_returns_the_token() {
    let stand = Stand::new([]);
    let token = stand.redeem("u1").await.unwrap();
    assert_eq!(token.access_token.expose(), "B");
    assert_eq!(token.granted_scope.as_deref(), Some("User.Read"));
    let life = stand.clock.now().until(token.expires_at);
    assert!(life <= Duration::from_hours(1) && life > Duration::from_secs(3590));
    let seen = stand.peer.seen.lock().unwrap()[0].clone();
    assert_eq!(seen.path, format!("/{TENANT_ID}/oauth2/v2.0/token"));
    let form: HashMap<&str, &str> = seen.form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let expected = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("client_id", "client-1"),
        ("client_secret", "s3cret"),
        ("assertion", "the.user's.assertion"),
        ("requested_token_use", "on_behalf_of"),
        ("scope", "User.Read Mail.Read"),
    ];
    assert_eq!(form, HashMap::from(expected));
    for (name, value) in [
        ("client-request-id", "c-1"),
        ("return-client-request-id", "true"),
        ("x-ms-lib-capability", "retry-after, h429"),
        ("x-anchormailbox", &format!("oid:u1@{TENANT_ID}")),
    ] {
        assert_eq!(seen.headers[name], value);
    }
}

#[actix_web::test]
async fn error_response_is_classified_and_not_retried() {
    let stand = Stand::new([Scripted(400, None, CONSENT)]);
    let error = stand.redeem("u1").await.unwrap_err();
    assert_eq!(error.failure, RedeemFailure::ConsentRequired);
    assert_eq!(error.diagnostics.http_status, Some(400));
    assert_eq!(error.diagnostics.aadsts, Some(65001));
    assert_eq!(error.diagnostics.trace_id.as_deref(), Some("t-1"));
    assert_eq!(stand.calls(), 1);
}

#[actix_web::test]
async fn redeem_succeeds_after_temporary_faults() {
    let passing = r#"{"error":"invalid_grant","error_codes":[90033]}"#;
    let stand = Stand::new([Scripted(503, None, "<html>"), Scripted(400, None, passing)]);
    assert!(stand.redeem("u1").await.is_ok());
    assert_eq!(stand.calls(), 3);
}

#[actix_web::test]
async fn redeem_gives_up_after_two_retries() {
    let stand = Stand::new((0..9).map(|_| Scripted(500, None, "")));
    assert_eq!(failure(stand.redeem("u1").await), RedeemFailure::Transient);
    assert_eq!(stand.calls(), 3);
    assert!(stand.redeem("u1").await.is_err(), "an outage blocks no user");
    assert_eq!(stand.calls(), 6);
}

#[actix_web::test]
async fn retry_is_not_started_when_too_little_time_is_left() {
    let stand = Stand::new((0..9).map(|_| Scripted(500, None, "")));
    // The shortest pause and the least time for a retry.
    let budget = Duration::from_millis(100 + 300);
    assert_eq!(failure(stand.redeem_within("u1", budget).await), RedeemFailure::Transient);
    assert_eq!(stand.calls(), 1);
}

#[actix_web::test]
async fn redeem_ends_at_the_deadline_when_the_endpoint_does_not_respond() {
    let stand = Stand::new([]);
    stand.peer.hangs.store(true, Ordering::SeqCst);
    assert_eq!(failure(stand.redeem_within("u1", Duration::from_millis(400)).await), RedeemFailure::Transient);
    assert_eq!(stand.calls(), 1);
}

#[actix_web::test]
async fn retry_after_blocks_the_throttled_user_only() {
    let stand = Stand::new([Scripted(429, Some("120"), "Too many requests")]);
    let wait = Some(Duration::from_mins(2));
    assert_eq!(failure(stand.redeem("u1").await), RedeemFailure::Throttled { retry_after: wait });
    let RedeemFailure::Throttled { retry_after: Some(left) } = failure(stand.redeem("u1").await) else {
        panic!("still throttled")
    };
    assert!(left > Duration::from_secs(100) && left <= Duration::from_mins(2));
    assert_eq!(stand.calls(), 1, "the issuer received no second request");
    assert!(stand.redeem("u2").await.is_ok());
    stand.clock.advance(Duration::from_mins(2));
    assert!(stand.redeem("u1").await.is_ok());
}

#[actix_web::test]
async fn throttled_users_block_only_themselves_and_a_tenant_code_blocks_the_tenant_until_a_test_succeeds() {
    let stand = Stand::new((0..6).map(|_| Scripted(429, Some("60"), "")));
    for user in ["u1", "u2", "u3", "u4", "u5", "u6"] {
        assert!(stand.redeem(user).await.is_err());
    }
    assert!(stand.redeem("u7").await.is_ok());
    assert_eq!(stand.calls(), 7);

    let tenant = r#"{"error":"invalid_request","error_codes":[90055]}"#;
    let stand = Stand::new([Scripted(429, Some("3600"), tenant)]);
    let hour = Some(Duration::from_hours(1));
    assert_eq!(failure(stand.redeem("u1").await), RedeemFailure::Throttled { retry_after: hour });
    assert!(matches!(failure(stand.redeem("u2").await), RedeemFailure::Throttled { retry_after: Some(_) }));
    assert_eq!(stand.calls(), 1);
    stand.clock.advance(Duration::from_secs(11));
    for user in ["u3", "u1", "u2"] {
        assert!(stand.redeem(user).await.is_ok(), "{user}: the first request was the test");
    }
}

#[actix_web::test]
async fn next_credential_is_tried_after_a_refused_one_and_then_preferred() {
    let expired = r#"{"error":"invalid_client","error_codes":[7000222]}"#;
    let stand = Stand::with_secrets([Scripted(401, None, expired)], &["old", "new"]);
    assert!(stand.redeem("u1").await.is_ok());
    assert!(stand.redeem("u2").await.is_ok());
    let secrets: Vec<String> =
        stand.peer.seen.lock().unwrap().iter().map(|seen| seen.form["client_secret"].clone()).collect();
    assert_eq!(secrets, ["old", "new", "new"]);

    let stand = Stand::with_secrets((0..9).map(|_| Scripted(401, None, expired)), &["old", "older"]);
    assert_eq!(failure(stand.redeem("u1").await), RedeemFailure::Misconfigured);
    assert_eq!(stand.calls(), 2, "each credential once");
}

#[actix_web::test]
async fn missing_credentials_or_an_invalid_endpoint_are_misconfigured() {
    let stand = Stand::with_secrets([], &[]);
    assert_eq!(failure(stand.redeem("u1").await), RedeemFailure::Misconfigured);
    assert_eq!(stand.calls(), 0);
    for (endpoint, case) in
        [("not a url {tenant}", "no URL"), ("https://10.0.0.1/{tenant}", "a private address that is not permitted")]
    {
        let mut stand = Stand::with_secrets([], &["s"]);
        stand.entra.settings.token_endpoint = endpoint.into();
        assert_eq!(failure(stand.redeem("u1").await), RedeemFailure::Misconfigured, "{case}");
        assert_eq!(stand.calls(), 0, "{case}");
    }
}

#[actix_web::test]
async fn tenant_that_is_not_a_guid_is_rejected() {
    let stand = Stand::new([]);
    for tenant in ["", "common", "../evil", "11111111222243338444555555555555", "{11111111-2222-4333-8444-55555555555}"]
    {
        let attempt =
            Attempt { correlation_id: "c".into(), deadline: Instant::now() + Duration::from_secs(1), claims: None };
        let outcome = stand.entra.redeem(&connection(), Grant::OnBehalfOf(&assertion("u", tenant)), attempt).await;
        assert_eq!(failure(outcome), RedeemFailure::AssertionRejected, "{tenant}");
    }
    assert_eq!(stand.calls(), 0);
}

#[actix_web::test]
async fn unreachable_endpoint_is_transient() {
    let mut stand = Stand::new([]);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    stand.entra.settings.token_endpoint = format!("http://127.0.0.1:{free}/{{tenant}}/token");
    assert_eq!(failure(stand.redeem("u1").await), RedeemFailure::Transient);
}

#[actix_web::test]
async fn errors_hold_neither_assertion_nor_secret_nor_token() {
    let stand = Stand::new([Scripted(200, None, r#"{"access_token":"tok en"}"#)]);
    let error = stand.redeem("u1").await.unwrap_err();
    let printed = format!("{error} {error:?} {:?}", json!({"hint": error.diagnostics.hint}));
    for secret in ["assertion'", "s3cret", "tok en"] {
        assert!(!printed.contains(secret));
    }
    assert!(error.diagnostics.hint.contains("access_token"));
}

#[actix_web::test]
async fn refresh_is_sent_to_the_users_tenant_with_the_connections_scopes_and_claims() {
    const ANSWER: &str =
        r#"{"token_type":"Bearer","access_token":"B2","expires_in":3600,"refresh_in":"1800","refresh_token":"r2"}"#;
    let stand = Stand::new([Scripted(200, None, ANSWER)]);
    let connection = Connection { continuous_access: true, ..connection() };
    let (refresh_token, user) = (Secret::from("r1"), UserKey::entra("user-1", TENANT_ID));
    let claims = crate::domain::ClaimsChallenge::parse(r#"{"access_token":{"nbf":{"value":"1"}}}"#);
    let attempt = Attempt { correlation_id: "c-1".into(), deadline: Instant::now() + Duration::from_secs(8), claims };
    let grant = Grant::RefreshToken { refresh_token: &refresh_token, user: &user };
    let redeemed = stand.entra.redeem(&connection, grant, attempt).await.unwrap();
    assert_eq!(redeemed.refresh_token.unwrap().expose(), "r2");
    let life = redeemed.refresh_at.unwrap().until(redeemed.expires_at);
    assert_eq!(life, Duration::from_mins(30));
    let seen = stand.peer.seen.lock().unwrap()[0].clone();
    assert_eq!(seen.path, format!("/{TENANT_ID}/oauth2/v2.0/token"));
    assert_eq!(seen.headers["x-anchormailbox"], format!("oid:user-1@{TENANT_ID}"));
    let claims: serde_json::Value = serde_json::from_str(&seen.form["claims"]).unwrap();
    assert_eq!(claims, json!({"access_token": {"xms_cc": {"values": ["cp1"]}, "nbf": {"value": "1"}}}));
    let mut names: Vec<_> = seen.form.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["claims", "client_id", "client_secret", "grant_type", "refresh_token", "scope"]);
    assert_eq!((seen.form["grant_type"].as_str(), seen.form["refresh_token"].as_str()), ("refresh_token", "r1"));
    assert_eq!(seen.form["scope"], "User.Read Mail.Read");
}

#[actix_web::test]
async fn refresh_token_of_another_issuers_user_is_not_sent() {
    let stand = Stand::new([]);
    for issuer in ["https://issuer.example", "entra:common", "entra:"] {
        let (refresh_token, user) = (Secret::from("r1"), UserKey::from_parts(issuer, "someone"));
        let deadline = Instant::now() + Duration::from_secs(8);
        let attempt = Attempt { correlation_id: "c-1".into(), deadline, claims: None };
        let grant = Grant::RefreshToken { refresh_token: &refresh_token, user: &user };
        let outcome = stand.entra.redeem(&connection(), grant, attempt).await;
        assert_eq!(failure(outcome), RedeemFailure::AssertionRejected, "{issuer}");
    }
    assert_eq!(stand.calls(), 0);
}
