//! A refreshed token that the store did not take is not lost, although its refresh token works once
//! (docs/architecture.md §An outage is not a sign-out).

use bot_sso::dev::{Fault, FaultRule, GrantKind};

use super::{AFTER_END, get, refreshable, refreshes, token, with_ada};
use crate::harness::waiting::wait_for;

#[tokio::test]
async fn a_token_that_was_refreshed_while_the_store_was_away_is_given_as_soon_as_the_store_works() {
    let harness = with_ada(refreshable()).await;
    harness.stage.sessions().set_single_use_refresh_tokens(true);
    let first = token(&harness).await;
    harness.clock.advance(AFTER_END);
    let slow = Fault::Slow { millis: 700 };
    harness.stage.faults().add(FaultRule::new(slow).for_grant(Some(GrantKind::RefreshToken)).times(1));
    let away = harness.store_path().with_extension("away");
    let (answer, ()) = tokio::join!(get(&harness), async {
        wait_for("the refresh", async || (refreshes(&harness) == 1).then_some(())).await;
        std::fs::rename(harness.store_path(), &away).unwrap();
    });
    assert_eq!(answer.status, 503, "{}", String::from_utf8_lossy(&answer.body));
    std::fs::rename(&away, harness.store_path()).unwrap();
    let second = token(&harness).await;
    assert!(second != first && refreshes(&harness) == 1, "the refresh token was sent once");
    harness.clock.advance(AFTER_END);
    assert_ne!(token(&harness).await, second, "the newer refresh token is kept");
    assert_eq!(refreshes(&harness), 2);
}
