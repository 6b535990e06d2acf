//! A refreshed token that the store did not take serves from memory, although its refresh token works once
//! (docs/architecture.md §An outage is not a sign-out).

use bot_sso::dev::{Fault, FaultRule, GrantKind};

use super::operations::key_of;
use super::outages::{Operation, ask, with_lists};
use super::{ADA, AFTER_END, assert_nothing, get, refreshable, refreshes, token, with_ada};
use crate::harness::waiting::wait_for;
use crate::harness::{Answer, Harness};

/// The store's file while it is away.
struct AwayStore(std::path::PathBuf);

impl AwayStore {
    /// Asks for Ada's token, whose refresh the store does not take: its file is away as soon as the refresh arrives.
    async fn take_during_refresh(harness: &Harness) -> (Self, Answer) {
        let slow = Fault::Slow { millis: 700 };
        harness.stage.faults().add(FaultRule::new(slow).for_grant(Some(GrantKind::RefreshToken)).times(1));
        let away = harness.store_path().with_extension("away");
        let (answer, ()) = tokio::join!(get(harness), async {
            wait_for("the refresh", async || (refreshes(harness) == 1).then_some(())).await;
            std::fs::rename(harness.store_path(), &away).unwrap();
        });
        (Self(away), answer)
    }

    fn bring_back(self, harness: &Harness) {
        std::fs::rename(&self.0, harness.store_path()).unwrap();
    }
}

#[tokio::test]
async fn a_token_that_was_refreshed_while_the_store_was_away_is_given_at_once_and_kept_as_soon_as_the_store_works() {
    let harness = with_ada(refreshable()).await;
    harness.stage.sessions().set_single_use_refresh_tokens(true);
    let first = token(&harness).await;
    harness.clock.advance(AFTER_END);
    let (away, answer) = AwayStore::take_during_refresh(&harness).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let second = answer.json()["token"].as_str().unwrap().to_owned();
    assert_ne!(second, first);
    assert_eq!(token(&harness).await, second, "the store is away still");
    away.bring_back(&harness);
    assert_eq!((token(&harness).await, refreshes(&harness)), (second.clone(), 1), "the refresh token was sent once");
    harness.clock.advance(AFTER_END);
    assert_ne!(token(&harness).await, second, "the newer refresh token is kept");
    assert_eq!(refreshes(&harness), 2);
}

#[tokio::test]
async fn a_user_who_signs_out_gets_no_token_that_the_store_did_not_take() {
    let harness = with_ada(refreshable()).await;
    harness.clock.advance(AFTER_END);
    let (away, answer) = AwayStore::take_during_refresh(&harness).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    // The sign-out cannot be stored, and ends the token in memory even so.
    assert_eq!(harness.sign_out_everywhere(&key_of(&harness, "Ada")).await.status, 503);
    let answer = get(&harness).await;
    assert_ne!(answer.status, 200, "{}", answer.text());
    away.bring_back(&harness);
    assert_nothing(&get(&harness).await);
}

#[tokio::test]
async fn no_operation_says_that_the_user_is_needed_while_only_memory_holds_the_users_token() {
    let harness = with_ada(with_lists()).await;
    harness.clock.advance(AFTER_END);
    let (away, answer) = AwayStore::take_during_refresh(&harness).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(ask(&harness, Operation::GetTokenOrSignInResource).await.json()["tokenResponse"], answer.json());
    // A token for another resource is obtained with the one in memory, and cannot be kept.
    assert_eq!(ask(&harness, Operation::GetAadTokens).await.status, 503);
    away.bring_back(&harness);
    assert_eq!(ask(&harness, Operation::GetAadTokens).await.status, 200);
}

#[tokio::test]
async fn the_status_of_a_token_that_only_memory_holds_is_that_there_is_one() {
    let harness = with_ada(refreshable()).await;
    harness.clock.advance(AFTER_END);
    let (away, answer) = AwayStore::take_during_refresh(&harness).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let [user, _, channel] = ADA;
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs([user, channel]).finish();
    let status = harness.token_service("demo", &format!("/api/usertoken/GetTokenStatus?{query}&include=graph")).await;
    assert_eq!((status.status, &status.json()[0]["hasToken"]), (200, &true.into()), "{}", status.text());
    away.bring_back(&harness);
}
