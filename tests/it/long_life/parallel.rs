//! Refreshes of one token that meet each other, or a sign-in, at a provider that takes each refresh token only once.

use bot_sso::dev::{Fault, FaultRule, GrantKind};

use super::{ADA, AFTER_END, get, refreshable, refreshes, sign_in, token, with_ada};
use crate::harness::Harness;
use crate::harness::waiting::wait_until;

const CHALLENGE: &str = r#"{"access_token":{"nbf":{"essential":true, "value":"1735689600"}}}"#;

/// The next refresh is answered late.
fn delay_refresh(harness: &Harness) {
    let slow = FaultRule::new(Fault::Slow { millis: 700 });
    harness.stage.faults().add(slow.for_grant(Some(GrantKind::RefreshToken)).times(1));
}

#[tokio::test]
async fn a_challenged_refresh_and_a_plain_one_run_one_after_the_other() {
    let harness = with_ada(refreshable()).await;
    harness.stage.sessions().set_single_use_refresh_tokens(true);
    for _ in 0..2 {
        harness.clock.advance(AFTER_END);
        delay_refresh(&harness);
        let before = refreshes(&harness);
        let challenged = [ADA[0], ADA[1], ADA[2], ("claims", CHALLENGE)];
        let (plain, challenged) = tokio::join!(get(&harness), harness.get_token_as("demo", &challenged));
        assert_eq!((plain.status, challenged.status), (200, 200));
        assert!(refreshes(&harness) - before <= 2);
        let kept = token(&harness).await;
        assert_eq!(challenged.json()["token"], kept.as_str(), "the token that satisfies the challenge stays");
    }
}

#[tokio::test]
async fn a_refused_refresh_gives_the_token_of_a_sign_in_that_came_meanwhile() {
    let harness = with_ada(refreshable()).await;
    harness.clock.advance(AFTER_END);
    harness.stage.revoke_refresh_tokens(harness.user("Ada").oid);
    delay_refresh(&harness);
    let (answer, ()) = tokio::join!(get(&harness), async {
        wait_until("a refresh", async || refreshes(&harness) == 1).await;
        assert_eq!(sign_in(&harness, "Ada", "graph", "second").await.status, 200);
    });
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["token"], token(&harness).await.as_str());
    assert_eq!(refreshes(&harness), 1);
}
