#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::Duration;

use super::Continuations;
use crate::domain::{Clock, Timestamp};
use crate::sealing::testing::throwaway_sealer;
use crate::store::testing::throwaway_store;

#[test]
fn exchange_keys_tell_parts_apart() {
    let beneath = throwaway_store();
    let continuations = Continuations::new(beneath.store.clone(), throwaway_sealer(), beneath.shared_clock.clone());
    let key = continuations.exchange_key(&["a", "bc"]);
    assert_eq!(key, continuations.exchange_key(&["a", "bc"]));
    assert_ne!(key, continuations.exchange_key(&["ab", "c"]));
    assert_ne!(key, continuations.exchange_key(&["a", "bc", ""]));
    assert_eq!(format!("{key:?}"), "ExchangeKey(..)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_callers_goes_on() {
    let beneath = throwaway_store();
    let continuations =
        Arc::new(Continuations::new(beneath.store.clone(), throwaway_sealer(), beneath.shared_clock.clone()));
    let key = continuations.exchange_key(&["a"]);
    let obtained_at = beneath.clock.now();
    let callers: Vec<_> = (0..32)
        .map(|_| {
            let continuations = continuations.clone();
            tokio::spawn(async move { continuations.claim(key, obtained_at).await.unwrap() })
        })
        .collect();
    let mut going_on = 0;
    for caller in callers {
        going_on += u32::from(caller.await.unwrap());
    }
    assert_eq!(going_on, 1);
}

#[tokio::test]
async fn a_claim_holds_for_a_restart_and_fifteen_minutes_and_one_token() {
    let beneath = throwaway_store();
    let sealer = throwaway_sealer();
    let fresh = || Continuations::new(beneath.store.clone(), sealer.clone(), beneath.shared_clock.clone());
    let key = fresh().exchange_key(&["a"]);
    let obtained_at = Timestamp::from_unix_millis(1);
    assert!(fresh().claim(key, obtained_at).await.unwrap());
    assert!(!fresh().claim(key, obtained_at).await.unwrap());
    assert!(fresh().claim(key, Timestamp::from_unix_millis(2)).await.unwrap(), "another token of the same exchange");
    assert!(fresh().claim(fresh().exchange_key(&["b"]), obtained_at).await.unwrap());
    beneath.clock.advance(Duration::from_mins(14));
    assert!(!fresh().claim(key, obtained_at).await.unwrap());
    beneath.clock.advance(Duration::from_mins(1));
    assert!(fresh().claim(key, obtained_at).await.unwrap());
}
