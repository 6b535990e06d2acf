//! Refreshing and signing out: what is kept of a token, what takes its place, and what a sign-out in between prevents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use super::VaultError;
use super::token_vault_tests::{Bench, REVISION, account, found, pin, slot, user};
use crate::domain::{ConnectionRevision, Secret, UserKey, UserToken};

const LONG_AFTER: Duration = Duration::from_hours(24 * 89);

fn refreshable(bench: &Bench, text: &str) -> UserToken {
    let token = bench.token(text);
    let refresh_at = Some(token.obtained_at.plus(Duration::from_mins(30)));
    UserToken { refresh_token: Some(Secret::new(format!("refresh-{text}"))), refresh_at, ..token }
}

#[tokio::test]
async fn what_a_token_is_refreshed_with_stays_in_the_store() {
    let bench = Bench::new();
    let permit = bench.vault.permit(&slot("graph"), &user()).await.unwrap();
    let kept = bench.vault.keep(permit, REVISION, refreshable(&bench, "t")).await.unwrap();
    let restarted = bench.restarted();
    let from_memory = bench.vault.find(&slot("graph"), REVISION).await.unwrap().unwrap();
    let from_store = restarted.find(&slot("graph"), REVISION).await.unwrap().unwrap();
    for token in [kept, from_memory, from_store] {
        assert!(token.refresh_token.is_none(), "no door and no memory holds it");
        assert!(token.refresh_at.is_some());
    }
    let record = restarted.read(&slot("graph"), REVISION).await.unwrap().unwrap();
    assert_eq!(record.token.refresh_token.unwrap().expose(), "refresh-t");
    assert!(bench.vault.read(&slot("graph"), ConnectionRevision([9; 16])).await.unwrap().is_none());
}

#[tokio::test]
async fn a_refreshable_token_outlives_its_end_and_another_does_not() {
    let bench = Bench::new();
    bench.keep(&slot("graph"), refreshable(&bench, "t")).await;
    bench.keep(&slot("files"), bench.token("t")).await;
    bench.clock.advance(LONG_AFTER);
    assert_eq!(found(&bench.vault, &slot("graph")).await, None, "it is not handed out");
    assert!(bench.vault.read(&slot("graph"), REVISION).await.unwrap().is_some());
    assert!(bench.vault.read(&slot("files"), REVISION).await.unwrap().is_none());
    bench.clock.advance(Duration::from_hours(48));
    assert!(bench.vault.read(&slot("graph"), REVISION).await.unwrap().is_none(), "no refresh token lasts that long");
}

#[tokio::test]
async fn a_token_takes_the_place_of_the_one_it_was_made_from_and_of_no_other() {
    let bench = Bench::new();
    bench.keep(&slot("graph"), refreshable(&bench, "first")).await;
    let first = bench.vault.read(&slot("graph"), REVISION).await.unwrap().unwrap();
    let stale = bench.vault.read(&slot("graph"), REVISION).await.unwrap().unwrap();
    bench.vault.replace(first, refreshable(&bench, "second")).await.unwrap();
    assert_eq!(found(&bench.vault, &slot("graph")).await.as_deref(), Some("second"));
    let overtaken = bench.vault.replace(stale, refreshable(&bench, "third")).await;
    assert!(matches!(overtaken, Err(VaultError::Overtaken)));
    assert_eq!(found(&bench.restarted(), &slot("graph")).await.as_deref(), Some("second"));
}

#[tokio::test]
async fn a_removed_record_is_gone_and_its_successor_is_spared() {
    let bench = Bench::new();
    bench.keep(&slot("graph"), refreshable(&bench, "first")).await;
    let stale = bench.vault.read(&slot("graph"), REVISION).await.unwrap().unwrap();
    bench.keep(&slot("graph"), refreshable(&bench, "second")).await;
    bench.vault.remove(stale).await.unwrap();
    assert_eq!(found(&bench.vault, &slot("graph")).await.as_deref(), Some("second"));
    let present = bench.vault.read(&slot("graph"), REVISION).await.unwrap().unwrap();
    bench.vault.remove(present).await.unwrap();
    assert_eq!(found(&bench.vault, &slot("graph")).await, None);
    assert_eq!(found(&bench.restarted(), &slot("graph")).await, None);
}

#[tokio::test]
async fn what_began_before_a_sign_out_of_the_connection_is_not_kept_after_it() {
    let bench = Bench::new();
    let before = bench.vault.permit(&slot("graph"), &user()).await.unwrap();
    let elsewhere = bench.vault.permit(&slot("files"), &user()).await.unwrap();
    bench.vault.forget(&slot("graph")).await.unwrap();
    let kept = bench.vault.keep(before, REVISION, bench.token("late")).await;
    assert!(matches!(kept, Err(VaultError::SignedOut)));
    assert_eq!(found(&bench.vault, &slot("graph")).await, None);
    assert_eq!(found(&bench.restarted(), &slot("graph")).await, None);
    bench.vault.keep(elsewhere, REVISION, bench.token("other")).await.unwrap();
    bench.keep(&slot("graph"), bench.token("again")).await;
    assert_eq!(found(&bench.vault, &slot("graph")).await.as_deref(), Some("again"));
}

#[tokio::test]
async fn a_refresh_that_began_before_a_sign_out_keeps_nothing() {
    for everywhere in [false, true] {
        let bench = Bench::new();
        bench.keep(&slot("graph"), refreshable(&bench, "first")).await;
        let record = bench.vault.read(&slot("graph"), REVISION).await.unwrap().unwrap();
        if everywhere {
            assert_eq!(bench.vault.raise_epoch(&user()).await.unwrap(), 1);
        } else {
            bench.vault.forget(&slot("graph")).await.unwrap();
        }
        let replaced = bench.vault.replace(record, refreshable(&bench, "second")).await;
        assert!(matches!(replaced, Err(VaultError::SignedOut)), "everywhere: {everywhere}");
        assert_eq!(found(&bench.restarted(), &slot("graph")).await, None);
        assert!(bench.restarted().read(&slot("graph"), REVISION).await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeping_and_signing_out_of_a_connection_at_once_never_leaves_a_token() {
    let bench = Bench::new();
    for round in 0..300 {
        let permit = bench.vault.permit(&slot("graph"), &user()).await.unwrap();
        let keeping = {
            let (vault, token) = (bench.vault.clone(), bench.token("t"));
            tokio::spawn(async move { vault.keep(permit, REVISION, token).await })
        };
        bench.vault.forget(&slot("graph")).await.unwrap();
        assert!(matches!(keeping.await.unwrap(), Ok(_) | Err(VaultError::SignedOut)));
        assert_eq!(found(&bench.vault, &slot("graph")).await, None, "round {round}");
        assert_eq!(found(&bench.restarted(), &slot("graph")).await, None, "round {round}");
    }
}

#[tokio::test]
async fn an_unpinned_account_is_pinned_to_whoever_comes_next() {
    let bench = Bench::new();
    let (alice, bob) = (user(), UserKey::entra("0b0b", "7e7e"));
    pin(&bench.vault, "dl_1", &alice).await;
    bench.vault.unpin(&account("dl_1")).await.unwrap();
    bench.vault.unpin(&account("never")).await.unwrap();
    for vault in [&bench.vault, &bench.restarted()] {
        assert_eq!(vault.find_pin(&account("dl_1")).await.unwrap(), None);
    }
    assert_eq!(pin(&bench.vault, "dl_1", &bob).await, bob);
    assert_eq!(bench.restarted().find_pin(&account("dl_1")).await.unwrap(), Some(bob));
}

#[tokio::test]
async fn sign_out_everywhere_ends_the_pins_of_that_user_and_of_no_other() {
    let bench = Bench::new();
    let (alice, bob) = (user(), UserKey::entra("0b0b", "7e7e"));
    pin(&bench.vault, "dl_1", &alice).await;
    pin(&bench.vault, "dl_2", &alice).await;
    pin(&bench.vault, "dl_3", &bob).await;
    bench.vault.raise_epoch(&alice).await.unwrap();
    for vault in [&bench.vault, &bench.restarted()] {
        assert_eq!(vault.find_pin(&account("dl_1")).await.unwrap(), None);
        assert_eq!(vault.find_pin(&account("dl_3")).await.unwrap(), Some(bob.clone()));
    }
    assert_eq!(pin(&bench.vault, "dl_1", &bob).await, bob, "the account is free");
    assert_eq!(pin(&bench.vault, "dl_2", &alice).await, alice, "or the same person's again");
    assert_eq!(bench.restarted().find_pin(&account("dl_2")).await.unwrap(), Some(alice));
}

#[tokio::test]
async fn a_pin_made_too_late_for_a_sign_out_does_not_last() {
    for everywhere in [false, true] {
        let bench = Bench::new();
        let graph = slot("graph");
        let permit = bench.vault.permit(&graph, &user()).await.unwrap();
        if everywhere {
            bench.vault.raise_epoch(&user()).await.unwrap();
            // It is written in an epoch that is over.
            bench.vault.pin(&graph.account, &user(), &permit).await.unwrap();
        } else {
            bench.vault.forget(&graph).await.unwrap();
            bench.vault.unpin(&graph.account).await.unwrap();
            let pinned = bench.vault.pin(&graph.account, &user(), &permit).await;
            assert!(matches!(pinned, Err(VaultError::SignedOut)));
        }
        for vault in [&bench.vault, &bench.restarted()] {
            assert_eq!(vault.find_pin(&graph.account).await.unwrap(), None, "everywhere: {everywhere}");
        }
        let bob = UserKey::entra("0b0b", "7e7e");
        assert_eq!(pin(&bench.vault, "29:alice", &bob).await, bob);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_was_in_flight_brings_no_ended_pin_back_into_memory() {
    let bench = Bench::new();
    pin(&bench.restarted(), "dl_1", &user()).await;
    let gate = bench.store.hold_next_get();
    let reading = {
        let vault = bench.vault.clone();
        tokio::spawn(async move { vault.find_pin(&account("dl_1")).await.unwrap() })
    };
    gate.reached().await;
    bench.vault.unpin(&account("dl_1")).await.unwrap();
    gate.open();
    assert_eq!(reading.await.unwrap(), Some(user()), "it began before");
    assert_eq!(bench.vault.find_pin(&account("dl_1")).await.unwrap(), None);
}
