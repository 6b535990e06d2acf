#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::VaultError;
use super::token_vault_tests::{Fixture, REVISION, found, slot, user};
use crate::domain::UserKey;
use crate::records::RecordError;

const WORKERS: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_out_ends_a_token_that_is_being_written() {
    let fixture = Fixture::new();
    let permit = fixture.vault.permit(&slot("graph"), &user()).await.unwrap();
    let gate = fixture.store.hold_next_put();
    let keeping = {
        let (vault, token) = (fixture.vault.clone(), fixture.token("t"));
        tokio::spawn(async move { vault.keep(permit, REVISION, token).await })
    };
    gate.reached().await;
    let signing_out = {
        let vault = fixture.vault.clone();
        tokio::spawn(async move { vault.raise_epoch(&user()).await })
    };
    gate.open();
    keeping.await.unwrap().unwrap();
    signing_out.await.unwrap().unwrap();
    assert_eq!(found(&fixture.vault, &slot("graph")).await, None);
    assert_eq!(found(&fixture.restarted(), &slot("graph")).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keep_is_refused_and_find_returns_nothing_during_a_sign_out() {
    let fixture = Fixture::new();
    fixture.keep(&slot("graph"), fixture.token("before")).await;
    let permit = fixture.vault.permit(&slot("graph"), &user()).await.unwrap();
    let gate = fixture.store.hold_next_put();
    let signing_out = {
        let vault = fixture.vault.clone();
        tokio::spawn(async move { vault.raise_epoch(&user()).await })
    };
    gate.reached().await;
    assert_eq!(
        found(&fixture.vault, &slot("graph")).await,
        None,
        "the epoch in memory is raised before the store is written"
    );
    let keeping = {
        let (vault, token) = (fixture.vault.clone(), fixture.token("late"));
        tokio::spawn(async move { vault.keep(permit, REVISION, token).await })
    };
    gate.open();
    signing_out.await.unwrap().unwrap();
    assert!(matches!(keeping.await.unwrap(), Err(VaultError::SignedOut)));
    assert_eq!(found(&fixture.vault, &slot("graph")).await, None);
    assert_eq!(found(&fixture.restarted(), &slot("graph")).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keep_and_a_concurrent_sign_out_everywhere_never_leave_a_token() {
    let fixture = Arc::new(Fixture::new());
    for round in 0..300 {
        let connection = format!("c{}", round % 3);
        let permit = fixture.vault.permit(&slot(&connection), &user()).await.unwrap();
        let keepers: Vec<_> = (0..WORKERS)
            .map(|_| {
                let (vault, token, permit) = (fixture.vault.clone(), fixture.token("t"), permit.clone());
                tokio::spawn(async move { vault.keep(permit, REVISION, token).await })
            })
            .collect();
        let reader = {
            let (vault, slot) = (fixture.vault.clone(), slot(&connection));
            tokio::spawn(async move { vault.find(&slot, REVISION).await })
        };
        fixture.vault.raise_epoch(&user()).await.unwrap();
        assert_eq!(found(&fixture.vault, &slot(&connection)).await, None, "round {round}");
        for keeper in keepers {
            assert!(matches!(keeper.await.unwrap(), Ok(_) | Err(VaultError::SignedOut)));
        }
        reader.await.unwrap().unwrap();
        assert_eq!(found(&fixture.vault, &slot(&connection)).await, None, "round {round}");
        assert_eq!(found(&fixture.restarted(), &slot(&connection)).await, None, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_began_before_forget_does_not_return_the_token_to_memory() {
    let fixture = Fixture::new();
    fixture.keep_in_store_only(&slot("graph"), fixture.token("t")).await;
    let gate = fixture.store.hold_next_get();
    let reading = {
        let vault = fixture.vault.clone();
        tokio::spawn(async move { found(&vault, &slot("graph")).await })
    };
    gate.reached().await;
    fixture.vault.forget(&slot("graph")).await.unwrap();
    gate.open();
    assert_eq!(reading.await.unwrap().as_deref(), Some("t"), "the read began before the sign-out");
    assert_eq!(found(&fixture.vault, &slot("graph")).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_began_before_a_write_does_not_hide_the_newer_token() {
    let fixture = Fixture::new();
    fixture.keep_in_store_only(&slot("graph"), fixture.token("old")).await;
    let gate = fixture.store.hold_next_get();
    let reading = {
        let vault = fixture.vault.clone();
        tokio::spawn(async move { found(&vault, &slot("graph")).await })
    };
    gate.reached().await;
    fixture.keep(&slot("graph"), fixture.token("new")).await;
    gate.open();
    reading.await.unwrap();
    assert_eq!(found(&fixture.vault, &slot("graph")).await.as_deref(), Some("new"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_hangs_up_leaves_memory_and_store_in_agreement() {
    let fixture = Fixture::new();
    fixture.keep(&slot("graph"), fixture.token("old")).await;
    let permit = fixture.vault.permit(&slot("graph"), &user()).await.unwrap();
    let gate = fixture.store.hold_next_put();
    {
        let keeping = fixture.vault.keep(permit, REVISION, fixture.token("new"));
        tokio::select! {
            _ = keeping => panic!("the gate is closed"),
            () = gate.reached() => {}
        }
    }
    gate.open();
    // This write waits for the lock of the user, so it completes after the abandoned write.
    fixture.keep(&slot("files"), fixture.token("f")).await;
    assert_eq!(found(&fixture.vault, &slot("graph")).await.as_deref(), Some("new"));
    assert_eq!(found(&fixture.restarted(), &slot("graph")).await.as_deref(), Some("new"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_out_that_the_store_cannot_write_takes_effect_in_memory_and_is_stored_later() {
    let fixture = Fixture::new();
    fixture.keep(&slot("graph"), fixture.token("t")).await;
    fixture.store.puts_fail.store(true, Ordering::SeqCst);
    assert!(matches!(fixture.vault.raise_epoch(&user()).await, Err(VaultError::Record(RecordError::Store(_)))));
    assert_eq!(found(&fixture.vault, &slot("graph")).await, None, "the user counts as signed out");
    let permit = fixture.vault.permit(&slot("files"), &user()).await.unwrap();
    assert!(fixture.vault.keep(permit, REVISION, fixture.token("f")).await.is_err());

    fixture.store.puts_fail.store(false, Ordering::SeqCst);
    fixture.keep(&slot("files"), fixture.token("f")).await;
    assert_eq!(found(&fixture.restarted(), &slot("graph")).await, None, "the raised epoch was written first");
    assert_eq!(found(&fixture.restarted(), &slot("files")).await.as_deref(), Some("f"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_out_does_not_remove_the_token_of_another_user_in_the_same_slot() {
    let fixture = Fixture::new();
    fixture.keep(&slot("graph"), fixture.token("alice")).await;
    let gate = fixture.store.hold_next_members();
    let signing_out = {
        let vault = fixture.vault.clone();
        tokio::spawn(async move { vault.raise_epoch(&user()).await })
    };
    gate.reached().await;
    let bob = UserKey::entra("0b0b", "7e7e");
    fixture.keep(&slot("graph"), fixture.token_for(&bob, "bob", Duration::from_hours(1))).await;
    gate.open();
    signing_out.await.unwrap().unwrap();
    assert_eq!(found(&fixture.vault, &slot("graph")).await.as_deref(), Some("bob"));
    assert_eq!(found(&fixture.restarted(), &slot("graph")).await.as_deref(), Some("bob"));
}
