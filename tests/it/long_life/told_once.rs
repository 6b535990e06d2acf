//! A bot is told of a sign-in at most once, also across a crash (docs/architecture.md §Life of a silent sign-in).

use std::time::Duration;

use bot_sso::dev::{Fault, FaultRule, GrantKind};

use super::{get, refreshable, refreshes, sign_in, token};
use crate::harness::Harness;

/// The next answers to `grant` have a token of ten minutes, which is refreshed after five.
fn give_short_tokens(harness: &Harness, grant: GrantKind, name: &str) {
    let body = format!(
        r#"{{"token_type":"Bearer","access_token":"{name}","expires_in":600,"refresh_token":"refresh-of-{name}"}}"#
    );
    let answer = Fault::Answer { status: 200, content_type: "application/json".to_owned(), body };
    harness.stage.faults().add(FaultRule::new(answer).for_grant(Some(grant)).times(1));
}

async fn events(harness: &Harness) -> usize {
    let received = harness.received_once_settled().await;
    received.iter().filter(|received| received.json()["name"] == "tokens/response").count()
}

#[tokio::test]
async fn a_duplicate_that_comes_after_a_restart_and_a_refresh_does_not_tell_the_bot_again() {
    let mut harness = Harness::with(refreshable()).await;
    give_short_tokens(&harness, GrantKind::OnBehalfOf, "first");
    assert_eq!(sign_in(&harness, "Ada", "graph", "card").await.status, 200);
    assert_eq!(events(&harness).await, 1);
    harness.clock.advance(Duration::from_mins(6));
    give_short_tokens(&harness, GrantKind::RefreshToken, "second");
    assert_eq!(token(&harness).await, "second");
    assert_eq!(refreshes(&harness), 1);
    harness.restart(&refreshable()).await;
    assert_eq!(sign_in(&harness, "Ada", "graph", "card").await.status, 200, "the client sends its exchange again");
    assert_eq!(events(&harness).await, 1);
}

#[tokio::test]
async fn after_a_sign_out_the_same_exchange_is_a_sign_in_of_its_own_also_after_a_restart() {
    let mut harness = Harness::with(refreshable()).await;
    assert_eq!(sign_in(&harness, "Ada", "graph", "card").await.status, 200);
    assert_eq!(events(&harness).await, 1);
    assert!(harness.sign_out(&super::ADA).await.status < 300);
    harness.clock.advance(Duration::from_secs(1));
    harness.restart(&refreshable()).await;
    assert_eq!(get(&harness).await.status, 404);
    assert_eq!(sign_in(&harness, "Ada", "graph", "card").await.status, 200);
    assert_eq!(events(&harness).await, 2, "the bot waits for the token of the sign-in that followed");
}
