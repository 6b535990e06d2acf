//! Tests of sign-outs everywhere that the store does not take at first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::token_vault_tests::{Fixture, found, slot, user};

/// Longer than the pause between two writes takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// Waits until a process that starts now no longer finds the token.
async fn signed_out_after_a_restart(fixture: &Fixture) {
    let stored = async {
        while found(&fixture.restarted(), &slot("graph")).await.is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, stored).await.expect("the sign-out must be stored");
}

#[tokio::test]
async fn a_sign_out_that_could_not_be_stored_is_written_again_until_it_is() {
    let fixture = Fixture::new();
    fixture.keep(&slot("graph"), fixture.token("t")).await;
    fixture.store.puts_fail.store(true, Ordering::SeqCst);
    fixture.vault.raise_epoch(&user()).await.unwrap_err();
    assert_eq!(found(&fixture.restarted(), &slot("graph")).await.as_deref(), Some("t"), "a restart undoes it");
    assert_eq!(found(&fixture.vault, &slot("graph")).await, None);
    fixture.store.puts_fail.store(false, Ordering::SeqCst);
    signed_out_after_a_restart(&fixture).await;
}

#[tokio::test]
async fn a_user_whose_epoch_could_not_even_be_read_stays_signed_out_when_the_store_works_again() {
    let fixture = Fixture::new();
    fixture.keep_in_store_only(&slot("graph"), fixture.token("t")).await;
    for switch in [&fixture.store.puts_fail, &fixture.store.reads_fail] {
        switch.store(true, Ordering::SeqCst);
    }
    fixture.vault.raise_epoch(&user()).await.unwrap_err();
    fixture.store.reads_fail.store(false, Ordering::SeqCst);
    assert_eq!(found(&fixture.vault, &slot("graph")).await, None);
    fixture.store.puts_fail.store(false, Ordering::SeqCst);
    signed_out_after_a_restart(&fixture).await;
}

#[tokio::test]
async fn a_process_that_ends_writes_the_sign_outs_that_are_not_stored() {
    let fixture = Fixture::new();
    fixture.keep(&slot("graph"), fixture.token("t")).await;
    fixture.store.puts_fail.store(true, Ordering::SeqCst);
    fixture.vault.raise_epoch(&user()).await.unwrap_err();
    assert_eq!(fixture.vault.store_epochs().await, 1);
    fixture.store.puts_fail.store(false, Ordering::SeqCst);
    assert_eq!(fixture.vault.store_epochs().await, 0);
    assert_eq!(found(&fixture.restarted(), &slot("graph")).await, None);
}
