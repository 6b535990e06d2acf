//! Tests of refresh tokens, of replacing and removing records, and of sign-outs that happen at the same time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use super::VaultError;
use super::token_vault_tests::{Fixture, REVISION, account, found, pin, slot, user};
use crate::domain::{ConnectionRevision, Secret, UserKey, UserToken};

const LONG_AFTER: Duration = Duration::from_hours(24 * 89);

fn refreshable(fixture: &Fixture, text: &str) -> UserToken {
    let token = fixture.token(text);
    let refresh_at = Some(token.obtained_at.plus(Duration::from_mins(30)));
    UserToken { refresh_token: Some(Secret::new(format!("refresh-{text}"))), refresh_at, ..token }
}

#[tokio::test]
async fn a_refresh_token_is_kept_in_the_store_only() {
    let fixture = Fixture::new();
    let permit = fixture.vault.permit(&slot("graph"), &user()).await.unwrap();
    let kept = fixture.vault.keep(permit, REVISION, refreshable(&fixture, "t")).await.unwrap();
    let restarted = fixture.restarted();
    let from_memory = fixture.vault.find(&slot("graph"), REVISION).await.unwrap().unwrap();
    let from_store = restarted.find(&slot("graph"), REVISION).await.unwrap().unwrap();
    for token in [kept, from_memory, from_store] {
        assert!(token.refresh_token.is_none(), "a refresh token is neither handed out nor kept in memory");
        assert!(token.refresh_at.is_some());
    }
    let record = restarted.read(&slot("graph"), REVISION).await.unwrap().unwrap();
    assert_eq!(record.token.refresh_token.unwrap().expose(), "refresh-t");
    assert!(fixture.vault.read(&slot("graph"), ConnectionRevision([9; 16])).await.unwrap().is_none());
}

#[tokio::test]
async fn a_token_with_a_refresh_token_is_stored_for_90_days_and_another_until_it_expires() {
    let fixture = Fixture::new();
    fixture.keep(&slot("graph"), refreshable(&fixture, "t")).await;
    fixture.keep(&slot("files"), fixture.token("t")).await;
    fixture.clock.advance(LONG_AFTER);
    assert_eq!(found(&fixture.vault, &slot("graph")).await, None, "an expired token is not handed out");
    assert!(fixture.vault.read(&slot("graph"), REVISION).await.unwrap().is_some());
    assert!(fixture.vault.read(&slot("files"), REVISION).await.unwrap().is_none());
    fixture.clock.advance(Duration::from_hours(48));
    assert!(fixture.vault.read(&slot("graph"), REVISION).await.unwrap().is_none(), "the record has expired");
}

#[tokio::test]
async fn replace_replaces_only_the_record_that_was_read() {
    let fixture = Fixture::new();
    fixture.keep(&slot("graph"), refreshable(&fixture, "first")).await;
    let first = fixture.vault.read(&slot("graph"), REVISION).await.unwrap().unwrap();
    let stale = fixture.vault.read(&slot("graph"), REVISION).await.unwrap().unwrap();
    fixture.vault.replace(first, refreshable(&fixture, "second")).await.unwrap();
    assert_eq!(found(&fixture.vault, &slot("graph")).await.as_deref(), Some("second"));
    let outdated = fixture.vault.replace(stale, refreshable(&fixture, "third")).await;
    assert!(matches!(outdated, Err(VaultError::RecordChanged)));
    assert_eq!(found(&fixture.restarted(), &slot("graph")).await.as_deref(), Some("second"));
}

#[tokio::test]
async fn remove_removes_only_the_record_that_was_read() {
    let fixture = Fixture::new();
    fixture.keep(&slot("graph"), refreshable(&fixture, "first")).await;
    let stale = fixture.vault.read(&slot("graph"), REVISION).await.unwrap().unwrap();
    fixture.keep(&slot("graph"), refreshable(&fixture, "second")).await;
    assert!(!fixture.vault.remove(stale).await.unwrap());
    assert_eq!(found(&fixture.vault, &slot("graph")).await.as_deref(), Some("second"));
    let present = fixture.vault.read(&slot("graph"), REVISION).await.unwrap().unwrap();
    assert!(fixture.vault.remove(present).await.unwrap());
    assert_eq!(found(&fixture.vault, &slot("graph")).await, None);
    assert_eq!(found(&fixture.restarted(), &slot("graph")).await, None);
}

#[tokio::test]
async fn a_token_whose_permit_was_issued_before_a_sign_out_is_not_kept() {
    let fixture = Fixture::new();
    let before = fixture.vault.permit(&slot("graph"), &user()).await.unwrap();
    let elsewhere = fixture.vault.permit(&slot("files"), &user()).await.unwrap();
    fixture.vault.forget(&slot("graph")).await.unwrap();
    let kept = fixture.vault.keep(before, REVISION, fixture.token("late")).await;
    assert!(matches!(kept, Err(VaultError::SignedOut)));
    assert_eq!(found(&fixture.vault, &slot("graph")).await, None);
    assert_eq!(found(&fixture.restarted(), &slot("graph")).await, None);
    fixture.vault.keep(elsewhere, REVISION, fixture.token("other")).await.unwrap();
    fixture.keep(&slot("graph"), fixture.token("again")).await;
    assert_eq!(found(&fixture.vault, &slot("graph")).await.as_deref(), Some("again"));
}

#[tokio::test]
async fn a_refresh_that_began_before_a_sign_out_keeps_no_token() {
    for everywhere in [false, true] {
        let fixture = Fixture::new();
        fixture.keep(&slot("graph"), refreshable(&fixture, "first")).await;
        let record = fixture.vault.read(&slot("graph"), REVISION).await.unwrap().unwrap();
        if everywhere {
            assert_eq!(fixture.vault.raise_epoch(&user()).await.unwrap().count, 1);
        } else {
            fixture.vault.forget(&slot("graph")).await.unwrap();
        }
        let replaced = fixture.vault.replace(record, refreshable(&fixture, "second")).await;
        assert!(matches!(replaced, Err(VaultError::SignedOut)), "everywhere: {everywhere}");
        assert_eq!(found(&fixture.restarted(), &slot("graph")).await, None);
        assert!(fixture.restarted().read(&slot("graph"), REVISION).await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keep_and_a_concurrent_sign_out_of_the_connection_never_leave_a_token() {
    let fixture = Fixture::new();
    for round in 0..300 {
        let permit = fixture.vault.permit(&slot("graph"), &user()).await.unwrap();
        let keeping = {
            let (vault, token) = (fixture.vault.clone(), fixture.token("t"));
            tokio::spawn(async move { vault.keep(permit, REVISION, token).await })
        };
        fixture.vault.forget(&slot("graph")).await.unwrap();
        assert!(matches!(keeping.await.unwrap(), Ok(_) | Err(VaultError::SignedOut)));
        assert_eq!(found(&fixture.vault, &slot("graph")).await, None, "round {round}");
        assert_eq!(found(&fixture.restarted(), &slot("graph")).await, None, "round {round}");
    }
}

#[tokio::test]
async fn an_unpinned_account_can_be_pinned_to_another_person() {
    let fixture = Fixture::new();
    let (alice, bob) = (user(), UserKey::entra("0b0b", "7e7e"));
    pin(&fixture.vault, "dl_1", &alice).await;
    fixture.vault.unpin(&account("dl_1"), &[]).await.unwrap();
    fixture.vault.unpin(&account("never"), &[]).await.unwrap();
    for vault in [&fixture.vault, &fixture.restarted()] {
        assert_eq!(vault.find_pin(&account("dl_1")).await.unwrap(), None);
    }
    assert_eq!(pin(&fixture.vault, "dl_1", &bob).await, bob);
    assert_eq!(fixture.restarted().find_pin(&account("dl_1")).await.unwrap(), Some(bob));
}

#[tokio::test]
async fn a_sign_out_everywhere_ends_the_pins_to_that_user_and_no_others() {
    let fixture = Fixture::new();
    let (alice, bob) = (user(), UserKey::entra("0b0b", "7e7e"));
    pin(&fixture.vault, "dl_1", &alice).await;
    pin(&fixture.vault, "dl_2", &alice).await;
    pin(&fixture.vault, "dl_3", &bob).await;
    fixture.vault.raise_epoch(&alice).await.unwrap();
    for vault in [&fixture.vault, &fixture.restarted()] {
        assert_eq!(vault.find_pin(&account("dl_1")).await.unwrap(), None);
        assert_eq!(vault.find_pin(&account("dl_3")).await.unwrap(), Some(bob.clone()));
    }
    assert_eq!(pin(&fixture.vault, "dl_1", &bob).await, bob, "the account has no pin");
    assert_eq!(pin(&fixture.vault, "dl_2", &alice).await, alice, "the same person can be pinned again");
    assert_eq!(fixture.restarted().find_pin(&account("dl_2")).await.unwrap(), Some(alice));
}

#[tokio::test]
async fn a_pin_written_after_a_sign_out_with_an_earlier_permit_is_not_valid() {
    for everywhere in [false, true] {
        let fixture = Fixture::new();
        let graph = slot("graph");
        let permit = fixture.vault.permit(&graph, &user()).await.unwrap();
        if everywhere {
            fixture.vault.raise_epoch(&user()).await.unwrap();
            // The pin is written with the epoch of the permit, which is no longer current.
            fixture.vault.pin(&graph.account, &user(), &permit).await.unwrap();
        } else {
            fixture.vault.forget(&graph).await.unwrap();
            fixture.vault.unpin(&graph.account, &[]).await.unwrap();
            let pinned = fixture.vault.pin(&graph.account, &user(), &permit).await;
            assert!(matches!(pinned, Err(VaultError::SignedOut)));
        }
        for vault in [&fixture.vault, &fixture.restarted()] {
            assert_eq!(vault.find_pin(&graph.account).await.unwrap(), None, "everywhere: {everywhere}");
        }
        let bob = UserKey::entra("0b0b", "7e7e");
        assert_eq!(pin(&fixture.vault, "29:alice", &bob).await, bob);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_began_before_unpin_does_not_return_the_pin_to_memory() {
    let fixture = Fixture::new();
    pin(&fixture.restarted(), "dl_1", &user()).await;
    let gate = fixture.store.hold_next_get();
    let reading = {
        let vault = fixture.vault.clone();
        tokio::spawn(async move { vault.find_pin(&account("dl_1")).await.unwrap() })
    };
    gate.reached().await;
    fixture.vault.unpin(&account("dl_1"), &[]).await.unwrap();
    gate.open();
    assert_eq!(reading.await.unwrap(), Some(user()), "the read began before the pin was removed");
    assert_eq!(fixture.vault.find_pin(&account("dl_1")).await.unwrap(), None);
}
