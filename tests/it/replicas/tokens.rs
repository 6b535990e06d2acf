//! A token that several replicas hand out is refreshed by one of them at a time.

use std::time::Duration;

use bot_sso::dev::{Fault, FaultRule, GrantKind};
use futures_util::future::join_all;

use super::sign_ada_in;
use crate::harness::Options;
use crate::harness::replicas::Replicas;

/// After this time a token of an hour is no longer returned.
const UNTIL_EXPIRED: Duration = Duration::from_mins(56);

#[tokio::test]
async fn ten_requests_at_three_replicas_cause_one_refresh_where_each_refresh_token_serves_once() {
    let replicas = Replicas::start(3, Options { offline_access: true, ..Options::default() }).await;
    let stage = &replicas.harness.stage;
    stage.sessions().set_single_use_refresh_tokens(true);
    sign_ada_in(&replicas, 0).await;
    let slow = Fault::Slow { millis: 300 };
    stage.faults().add(FaultRule::new(slow).for_grant(Some(GrantKind::RefreshToken)));
    for round in 1..=3 {
        replicas.harness.clock.advance(UNTIL_EXPIRED);
        let answers = join_all((0..10).map(|caller| replicas.get_token(caller % 3, "29:ada"))).await;
        for answer in &answers {
            assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
            assert_eq!(answer.json()["token"], answers[0].json()["token"]);
        }
        assert_eq!(stage.calls().count(GrantKind::RefreshToken), round);
    }
}
