#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::VaultError;
use super::token_vault_tests::{Bench, REVISION, found, slot, user};
use crate::domain::UserKey;
use crate::records::RecordError;

const WORKERS: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_out_ends_a_token_whose_keeping_was_in_flight() {
    let bench = Bench::new();
    let permit = bench.vault.permit(&slot("graph"), &user()).await.unwrap();
    let gate = bench.store.hold_next_put();
    let keeping = {
        let (vault, token) = (bench.vault.clone(), bench.token("t"));
        tokio::spawn(async move { vault.keep(permit, REVISION, token).await })
    };
    gate.reached().await;
    let signing_out = {
        let vault = bench.vault.clone();
        tokio::spawn(async move { vault.raise_epoch(&user()).await })
    };
    gate.open();
    keeping.await.unwrap().unwrap();
    signing_out.await.unwrap().unwrap();
    assert_eq!(found(&bench.vault, &slot("graph")).await, None);
    assert_eq!(found(&bench.restarted(), &slot("graph")).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeping_during_a_sign_out_is_refused_and_reading_finds_nothing() {
    let bench = Bench::new();
    bench.keep(&slot("graph"), bench.token("before")).await;
    let permit = bench.vault.permit(&slot("graph"), &user()).await.unwrap();
    let gate = bench.store.hold_next_put();
    let signing_out = {
        let vault = bench.vault.clone();
        tokio::spawn(async move { vault.raise_epoch(&user()).await })
    };
    gate.reached().await;
    assert_eq!(found(&bench.vault, &slot("graph")).await, None, "dead before the store knows");
    let keeping = {
        let (vault, token) = (bench.vault.clone(), bench.token("late"));
        tokio::spawn(async move { vault.keep(permit, REVISION, token).await })
    };
    gate.open();
    signing_out.await.unwrap().unwrap();
    assert!(matches!(keeping.await.unwrap(), Err(VaultError::SignedOut)));
    assert_eq!(found(&bench.vault, &slot("graph")).await, None);
    assert_eq!(found(&bench.restarted(), &slot("graph")).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeping_and_signing_out_at_once_never_leaves_a_token() {
    let bench = Arc::new(Bench::new());
    for round in 0..300 {
        let connection = format!("c{}", round % 3);
        let permit = bench.vault.permit(&slot(&connection), &user()).await.unwrap();
        let keepers: Vec<_> = (0..WORKERS)
            .map(|_| {
                let (vault, token, permit) = (bench.vault.clone(), bench.token("t"), permit.clone());
                tokio::spawn(async move { vault.keep(permit, REVISION, token).await })
            })
            .collect();
        let reader = {
            let (vault, slot) = (bench.vault.clone(), slot(&connection));
            tokio::spawn(async move { vault.find(&slot, REVISION).await })
        };
        bench.vault.raise_epoch(&user()).await.unwrap();
        assert_eq!(found(&bench.vault, &slot(&connection)).await, None, "round {round}");
        for keeper in keepers {
            assert!(matches!(keeper.await.unwrap(), Ok(_) | Err(VaultError::SignedOut)));
        }
        reader.await.unwrap().unwrap();
        assert_eq!(found(&bench.vault, &slot(&connection)).await, None, "round {round}");
        assert_eq!(found(&bench.restarted(), &slot(&connection)).await, None, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_was_in_flight_brings_nothing_forgotten_back_into_memory() {
    let bench = Bench::new();
    bench.keep_elsewhere(&slot("graph"), bench.token("t")).await;
    let gate = bench.store.hold_next_get();
    let reading = {
        let vault = bench.vault.clone();
        tokio::spawn(async move { found(&vault, &slot("graph")).await })
    };
    gate.reached().await;
    bench.vault.forget(&slot("graph")).await.unwrap();
    gate.open();
    assert_eq!(reading.await.unwrap().as_deref(), Some("t"), "it began before the sign-out");
    assert_eq!(found(&bench.vault, &slot("graph")).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_was_in_flight_does_not_hide_a_newer_token() {
    let bench = Bench::new();
    bench.keep_elsewhere(&slot("graph"), bench.token("old")).await;
    let gate = bench.store.hold_next_get();
    let reading = {
        let vault = bench.vault.clone();
        tokio::spawn(async move { found(&vault, &slot("graph")).await })
    };
    gate.reached().await;
    bench.keep(&slot("graph"), bench.token("new")).await;
    gate.open();
    reading.await.unwrap();
    assert_eq!(found(&bench.vault, &slot("graph")).await.as_deref(), Some("new"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_hangs_up_leaves_memory_and_store_in_agreement() {
    let bench = Bench::new();
    bench.keep(&slot("graph"), bench.token("old")).await;
    let permit = bench.vault.permit(&slot("graph"), &user()).await.unwrap();
    let gate = bench.store.hold_next_put();
    {
        let keeping = bench.vault.keep(permit, REVISION, bench.token("new"));
        tokio::select! {
            _ = keeping => panic!("the gate is shut"),
            () = gate.reached() => {}
        }
    }
    gate.open();
    // The next write of this user comes after the abandoned one.
    bench.keep(&slot("files"), bench.token("f")).await;
    assert_eq!(found(&bench.vault, &slot("graph")).await.as_deref(), Some("new"));
    assert_eq!(found(&bench.restarted(), &slot("graph")).await.as_deref(), Some("new"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_out_that_the_store_refuses_holds_in_this_process_and_is_caught_up() {
    let bench = Bench::new();
    bench.keep(&slot("graph"), bench.token("t")).await;
    bench.store.puts_fail.store(true, Ordering::SeqCst);
    assert!(matches!(bench.vault.raise_epoch(&user()).await, Err(VaultError::Record(RecordError::Store(_)))));
    assert_eq!(found(&bench.vault, &slot("graph")).await, None, "rather signed out than not");
    let permit = bench.vault.permit(&slot("files"), &user()).await.unwrap();
    assert!(bench.vault.keep(permit, REVISION, bench.token("f")).await.is_err());

    bench.store.puts_fail.store(false, Ordering::SeqCst);
    bench.keep(&slot("files"), bench.token("f")).await;
    assert_eq!(found(&bench.restarted(), &slot("graph")).await, None, "the raised epoch came first");
    assert_eq!(found(&bench.restarted(), &slot("files")).await.as_deref(), Some("f"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tidying_after_a_sign_out_spares_another_users_token_in_the_slot() {
    let bench = Bench::new();
    bench.keep(&slot("graph"), bench.token("alice")).await;
    let gate = bench.store.hold_next_members();
    let signing_out = {
        let vault = bench.vault.clone();
        tokio::spawn(async move { vault.raise_epoch(&user()).await })
    };
    gate.reached().await;
    let bob = UserKey::entra("0b0b", "7e7e");
    bench.keep(&slot("graph"), bench.token_of(&bob, "bob", Duration::from_hours(1))).await;
    gate.open();
    signing_out.await.unwrap().unwrap();
    assert_eq!(found(&bench.vault, &slot("graph")).await.as_deref(), Some("bob"));
    assert_eq!(found(&bench.restarted(), &slot("graph")).await.as_deref(), Some("bob"));
}
