//! The words of a token endpoint that refuses a refresh: they decide whatever their spelling, and also with a status that
//! says success (docs/troubleshooting.md §What the identity provider says).

use bot_sso::dev::Fault;

use super::{AFTER_END, assert_nothing, fail_refreshes_with, get, refreshable, refreshes, sign_in, with_ada};
use crate::harness::logs;

fn answer(status: u16, body: &str) -> Fault {
    Fault::Answer { status, content_type: "application/json".to_owned(), body: body.to_owned() }
}

#[tokio::test]
async fn a_refusal_that_comes_with_success_or_in_another_spelling_needs_the_user() {
    let harness = with_ada(refreshable()).await;
    for (number, (status, word)) in (1..).zip([
        (200, "invalid_grant"),
        (200, "bad_refresh_token"),
        (302, "invalid_grant"),
        (400, "InvalidGrant"),
        (400, "expired-token"),
        (401, "TOKEN_EXPIRED"),
        (400, "Expired Token"),
    ]) {
        harness.clock.advance(AFTER_END);
        fail_refreshes_with(&harness, answer(status, &format!("{{\"error\":\"{word}\"}}")));
        let before = logs::length();
        for _ in 0..2 {
            assert_nothing(&get(&harness).await);
        }
        assert_eq!(refreshes(&harness), number, "{status} {word}: a refused refresh token is not sent again");
        let said = logs::since(before)
            .lines()
            .any(|line| line.contains("a token was not refreshed") && line.contains(&format!("\"error\":\"{word}\"")));
        assert!(said, "{status} {word}");
        harness.stage.faults().clear();
        assert_eq!(sign_in(&harness, "Ada", "graph", &format!("{status} {word}")).await.status, 200);
    }
}

#[tokio::test]
async fn a_response_that_may_be_a_proxys_signs_no_user_out() {
    let harness = with_ada(refreshable()).await;
    harness.clock.advance(AFTER_END);
    for (status, body) in [
        (200, r#"{"error":"Forbidden"}"#),
        (200, r#"{"error":{"code":"invalid_grant"}}"#),
        (200, r#"{"error":""}"#),
        (302, r#"{"error":"moved_elsewhere"}"#),
        (403, r#"{"error":"Not Found"}"#),
        (400, r#"{"error":"You have to accept the terms of our hotel"}"#),
    ] {
        fail_refreshes_with(&harness, answer(status, body));
        assert_eq!(get(&harness).await.status, 503, "{status} {body}");
        harness.stage.faults().clear();
    }
    assert_eq!(get(&harness).await.status, 200);
}
