//! A token with `refresh_in` is refreshed while it is still valid, and no caller waits for the refresh.

use std::time::Duration;

use bot_sso::dev::{Fault, GrantKind};
use futures_util::future::join_all;

use super::{
    UNTIL_EXPIRED, assert_nothing, fail_refreshes_with, get, misconfigured, refreshable, refreshes, requests_with,
    sign_ben_in_anew, token, with_ada,
};
use crate::harness::Harness;
use crate::harness::waiting::wait_until;

/// `refresh_in` of the stage's answers, in seconds.
const REFRESH_IN: u64 = 1800;
/// The application refreshes up to this many seconds before or after that time, at random.
const JITTER: u64 = 300;

/// A harness in which Ada's token is to be refreshed after half an hour.
async fn with_refresh_in() -> Harness {
    let harness = Harness::with(refreshable()).await;
    harness.stage.sessions().set_refresh_in(Some(i64::try_from(REFRESH_IN).unwrap()));
    assert_eq!(super::sign_in(&harness, "Ada", "graph", "first").await.status, 200);
    harness
}

fn advance(harness: &Harness, seconds: u64) {
    harness.clock.advance(Duration::from_secs(seconds));
}

/// Waits until the stage has answered `count` refreshes.
async fn answered(harness: &Harness, count: usize) {
    wait_until("a refresh", async || requests_with(harness, GrantKind::RefreshToken).len() == count).await;
}

/// Checks that a request for the token starts no refresh.
async fn assert_quiet(harness: &Harness, expected: &str) {
    let before = refreshes(harness);
    for _ in 0..3 {
        assert_eq!(token(harness).await, expected);
    }
    sign_ben_in_anew(harness).await;
    assert_eq!(refreshes(harness), before);
}

#[tokio::test]
async fn a_background_refresh_returns_the_old_token_at_once_and_the_new_one_later() {
    let harness = with_refresh_in().await;
    let first = token(&harness).await;
    advance(&harness, REFRESH_IN - JITTER - 5);
    assert_quiet(&harness, &first).await;
    advance(&harness, 2 * JITTER + 10);
    fail_refreshes_with(&harness, Fault::Slow { millis: 300 });
    let given = join_all((0..10).map(|_| token(&harness))).await;
    assert!(given.iter().all(|token| *token == first));
    wait_until("a new token", async || token(&harness).await != first).await;
    assert_eq!(refreshes(&harness), 1, "for all of them");
    let second = token(&harness).await;
    assert_quiet(&harness, &second).await;
}

#[tokio::test]
async fn a_failed_background_refresh_is_hidden_and_tried_again_after_a_minute() {
    let harness = with_refresh_in().await;
    let first = token(&harness).await;
    advance(&harness, REFRESH_IN + JITTER + 5);
    fail_refreshes_with(&harness, misconfigured());
    assert_eq!(token(&harness).await, first);
    answered(&harness, 1).await;
    assert_quiet(&harness, &first).await;
    harness.stage.faults().clear();
    assert_quiet(&harness, &first).await;
    advance(&harness, 61);
    assert_eq!(token(&harness).await, first);
    wait_until("a new token", async || token(&harness).await != first).await;
    assert_eq!(refreshes(&harness), 2);
}

#[tokio::test]
async fn a_refused_refresh_token_leaves_the_old_token_and_is_not_tried_again() {
    let harness = with_refresh_in().await;
    let first = token(&harness).await;
    harness.stage.revoke_refresh_tokens(harness.user("Ada").oid);
    advance(&harness, REFRESH_IN + JITTER + 5);
    assert_eq!(token(&harness).await, first);
    answered(&harness, 1).await;
    advance(&harness, 120);
    assert_quiet(&harness, &first).await;
    harness.clock.advance(UNTIL_EXPIRED);
    assert_nothing(&get(&harness).await);
    assert_eq!(refreshes(&harness), 1);
}

#[tokio::test]
async fn a_valid_token_is_not_refreshed_without_refresh_in() {
    let harness = with_ada(refreshable()).await;
    let first = token(&harness).await;
    advance(&harness, 3000);
    assert_quiet(&harness, &first).await;
}
