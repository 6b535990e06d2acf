//! A new key is let in soon, a made-up name is refused, and no flood of names changes either.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::json;

use super::unknown_keys::{MAX_WAITING_REQUESTS, PUBLICATION_DELAY, REFETCH_PAUSE, REMEMBERED_NAMES};
use super::*;
use crate::token_validation::testing::{TestIssuer, key};

const NOT_YET: Result<bool, KeyLookupError> = Err(KeyLookupError::NotKnownYet);

fn plain(key_id: &str) -> serde_json::Value {
    key(0).jwk(key_id, &json!({}))
}

/// Whether the key of a user's token is found; `Ok(false)` says that its name is made up.
async fn finds(set: &Arc<KeySet>, key_id: &str) -> Result<bool, KeyLookupError> {
    let found = set.find_key(Some(key_id), Algorithm::RS256, AbsenceProof::FetchAfterPublication).await;
    found.map(|found| matches!(found, KeyLookup::Found(_)))
}

async fn finds_for_caller(set: &Arc<KeySet>, key_id: &str) -> Result<bool, KeyLookupError> {
    let found = set.find_key(Some(key_id), Algorithm::RS256, AbsenceProof::NextFetch).await;
    found.map(|found| matches!(found, KeyLookup::Found(_)))
}

/// An issuer that publishes the key `old`, and its fetched set.
async fn fetched() -> (TestIssuer, Arc<KeySet>) {
    let issuer = TestIssuer::start();
    issuer.published.set_keys(&[plain("old")]);
    let set = issuer.key_set();
    assert!(set.warm().await);
    (issuer, set)
}

#[actix_web::test]
async fn a_new_key_that_the_first_refetch_misses_is_found_ten_seconds_later_and_never_called_forged() {
    let (issuer, set) = fetched().await;
    assert_eq!(finds(&set, "new").await, NOT_YET, "another replica, or a cache, still has the old set");
    issuer.published.set_keys(&[plain("old"), plain("new")]);
    issuer.clock.advance(Duration::from_secs(2));
    assert_eq!(finds(&set, "new").await, NOT_YET);
    assert_eq!(issuer.published.fetches(), 2, "not again within the pause");
    issuer.clock.advance(REFETCH_PAUSE);
    assert_eq!(finds(&set, "new").await, Ok(true));
    assert_eq!(issuer.published.fetches(), 3);
}

#[actix_web::test]
async fn a_thousand_made_up_names_a_second_cause_one_refetch_in_ten_seconds_and_keep_no_new_key_out_for_longer() {
    let (issuer, set) = fetched().await;
    let mut waited = 0;
    for second in 0..30 {
        for n in 0..1000 {
            assert_eq!(finds(&set, &format!("made-up-{second}-{n}")).await, NOT_YET);
            assert_ne!(finds_for_caller(&set, &format!("made-up-{second}-{n}")).await, Ok(true));
        }
        if second == 11 {
            issuer.published.set_keys(&[plain("old"), plain("new")]);
        }
        if second > 11 {
            match finds(&set, "new").await {
                Ok(true) => {}
                refused => {
                    assert_eq!(refused, NOT_YET, "the new key is not called forged");
                    waited += 1;
                }
            }
        }
        issuer.clock.advance(Duration::from_secs(1));
    }
    assert!(waited <= 10, "{waited}");
    let refetches = issuer.published.fetches() - 1;
    assert!((3..=4).contains(&refetches), "{refetches}");
    assert!(set.unknown.remembered() <= REMEMBERED_NAMES);
}

#[actix_web::test]
async fn a_made_up_name_in_a_users_token_is_called_forged_once_a_late_enough_fetch_lacks_it() {
    let (issuer, set) = fetched().await;
    assert_eq!(finds(&set, "made-up").await, NOT_YET);
    issuer.clock.advance(PUBLICATION_DELAY);
    assert_eq!(finds(&set, "made-up").await, Ok(false));
    assert_eq!(finds(&set, "made-up").await, Ok(false), "the last fetch proves it still");
    assert_eq!(issuer.published.fetches(), 3);
    issuer.clock.advance(REFETCH_PAUSE);
    issuer.published.set_keys(&[plain("old"), plain("made-up")]);
    assert_eq!(finds(&set, "made-up").await, Ok(true), "a name that was called made up can still become a key");
}

#[actix_web::test]
async fn a_made_up_name_of_a_caller_is_called_forged_by_a_fetch_that_began_after_its_token_arrived() {
    let (issuer, set) = fetched().await;
    assert_eq!(finds_for_caller(&set, "made-up").await, Ok(false));
    assert_eq!(finds_for_caller(&set, "other").await, NOT_YET, "the last fetch began before this token arrived");
    assert_eq!(finds_for_caller(&set, "made-up").await, NOT_YET);
    assert_eq!(issuer.published.fetches(), 2);
    issuer.clock.advance(REFETCH_PAUSE);
    assert_eq!(finds_for_caller(&set, "other").await, Ok(false));
}

#[actix_web::test]
async fn requests_beyond_the_limit_do_not_wait_for_a_slow_issuer() {
    let (issuer, set) = fetched().await;
    issuer.published.set_keys(&[plain("old"), plain("new")]);
    issuer.published.hold();
    let names = std::iter::repeat_n("new", MAX_WAITING_REQUESTS);
    let waiting = futures_util::future::join_all(names.map(|name| finds(&set, name)));
    // `join` polls its futures in order: all places are taken when the last request comes.
    let beyond = async {
        let turned_away = finds(&set, "new").await;
        issuer.published.release();
        turned_away
    };
    // Without the runtime's budget, which would interrupt the first round.
    let (waited, turned_away) = tokio::task::unconstrained(futures_util::future::join(waiting, beyond)).await;
    assert_eq!(turned_away, NOT_YET);
    assert!(waited.into_iter().all(|found| found == Ok(true)), "one fetch serves all that wait");
    assert_eq!(issuer.published.fetches(), 2);
    assert_eq!(finds(&set, "new").await, Ok(true));
}

#[actix_web::test]
async fn a_background_refresh_and_a_failed_refetch_use_up_the_pause_too() {
    let (issuer, set) = fetched().await;
    issuer.clock.advance(Duration::from_hours(24));
    assert_eq!(finds(&set, "old").await, Ok(true));
    if let Ok(refresh) = set.fetches.try_join((), || Err::<std::future::Ready<bool>, ()>(())) {
        refresh.outcome().await;
    }
    assert_eq!(finds(&set, "new").await, NOT_YET);
    assert_eq!(issuer.published.fetches(), 2);

    issuer.published.set_status(500);
    issuer.clock.advance(REFETCH_PAUSE);
    assert_eq!(finds(&set, "newer").await, Err(KeyLookupError::Unavailable));
    issuer.clock.advance(PAUSE_AFTER_FAILURE);
    assert_eq!(finds(&set, "newer").await, NOT_YET);
    assert_eq!(issuer.published.fetches(), 3);
}

#[actix_web::test]
async fn an_old_copy_from_a_cache_proves_nothing() {
    let (issuer, set) = fetched().await;
    issuer.published.set_age(60);
    assert_eq!(finds_for_caller(&set, "new").await, NOT_YET);
    assert_eq!(finds(&set, "new").await, NOT_YET);
    issuer.clock.advance(PUBLICATION_DELAY);
    assert_eq!(finds(&set, "new").await, NOT_YET, "the copy is older than the name");
    issuer.clock.advance(Duration::from_mins(1));
    assert_eq!(finds(&set, "new").await, Ok(false));
}

#[actix_web::test]
async fn a_key_that_is_published_for_another_purpose_is_no_new_key() {
    let (issuer, set) = fetched().await;
    issuer.published.set_keys(&[plain("old"), key(0).jwk("for-encryption", &json!({ "use": "enc" }))]);
    assert_eq!(finds(&set, "for-encryption").await, Ok(false));
}
