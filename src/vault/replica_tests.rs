//! Tests of two vaults over one shared store.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::Duration;

use super::token_vault_tests::{REVISION, account, found, pin, slot, user};
use super::{SignOutMark, TokenVault, VaultError};
use crate::domain::{Clock as _, OffsetClock, Secret, SecurityContext, TokenSlot, UserKey, UserToken};
use crate::records::Records;
use crate::records::testing::{GatedStore, ThrowawayRecords, throwaway_records, throwaway_replicas};

/// Longer than a message takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Two replicas.
struct Pair {
    a: TokenVault,
    b: TokenVault,
    records: Vec<Records>,
    clock: Arc<OffsetClock>,
}

impl Pair {
    async fn new() -> Self {
        let beneath = throwaway_replicas(2).await;
        let (a, b) = (open(&beneath.replicas[0]), open(&beneath.replicas[1]));
        Self { a, b, records: beneath.replicas, clock: beneath.clock }
    }

    fn token(&self, text: &str) -> UserToken {
        token_for(&user(), text, &self.clock)
    }

    async fn keep(&self, vault: &TokenVault, slot: &TokenSlot, text: &str) {
        keep(vault, slot, self.token(text)).await;
    }

    /// A replica that starts now, with nothing in memory.
    fn restarted(&self) -> TokenVault {
        open(&self.records[1])
    }
}

fn open(records: &Records) -> TokenVault {
    TokenVault::new(records, 4 << 20)
}

fn token_for(user: &UserKey, text: &str, clock: &OffsetClock) -> UserToken {
    let now = clock.now();
    UserToken {
        access_token: Secret::from(text),
        expires_at: now.plus(Duration::from_hours(1)),
        user: user.clone(),
        security_context: SecurityContext([3; 16]),
        granted_scope: None,
        obtained_at: now,
        signed_in_at: now,
        refresh_token: Some(Secret::from("r")),
        refresh_at: None,
        id_token: None,
    }
}

async fn keep(vault: &TokenVault, slot: &TokenSlot, token: UserToken) {
    let permit = vault.permit(slot, &token.user).await.unwrap();
    vault.keep(permit, REVISION, token).await.unwrap();
}

/// Waits until `vault` finds `expected` in the slot.
async fn until_found(vault: &TokenVault, slot: &TokenSlot, expected: Option<&str>) {
    let waiting = async {
        while found(vault, slot).await.as_deref() != expected {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the change of the other replica must arrive");
}

#[tokio::test]
async fn what_one_replica_keeps_replaces_and_removes_the_other_one_finds() {
    let pair = Pair::new().await;
    let slot = slot("graph");
    pair.keep(&pair.a, &slot, "first").await;
    assert_eq!(found(&pair.b, &slot).await.as_deref(), Some("first"));
    pair.keep(&pair.a, &slot, "second").await;
    until_found(&pair.b, &slot, Some("second")).await;
    let record = pair.b.read(&slot, REVISION).await.unwrap().unwrap();
    pair.b.replace(record, pair.token("third")).await.unwrap();
    until_found(&pair.a, &slot, Some("third")).await;
    let record = pair.a.read(&slot, REVISION).await.unwrap().unwrap();
    assert!(pair.a.remove(record).await.unwrap());
    until_found(&pair.b, &slot, None).await;
}

#[tokio::test]
async fn a_token_in_the_memory_of_its_own_replica_stays_there() {
    let pair = Pair::new().await;
    let slot = slot("graph");
    pair.keep(&pair.a, &slot, "t").await;
    until_found(&pair.b, &slot, Some("t")).await;
    // A message of `b` that arrives here shows that the message of this vault has arrived before it.
    pair.keep(&pair.b, &super::token_vault_tests::slot("files"), "f").await;
    let key = pair.a.shared.slot_keys.get(&slot);
    assert!(pair.a.shared.l1.get(key).is_some());
}

#[tokio::test]
async fn a_sign_out_on_one_replica_ends_the_token_in_the_memory_of_the_other() {
    let pair = Pair::new().await;
    for is_everywhere in [false, true] {
        let slot = slot("graph");
        pair.keep(&pair.a, &slot, "t").await;
        assert_eq!(found(&pair.b, &slot).await.as_deref(), Some("t"));
        if is_everywhere {
            let removed = pair.a.raise_epoch(&user()).await.unwrap();
            assert_eq!((removed.count, removed.tokens.len()), (1, 1));
        } else {
            let taken = pair.a.take(&slot).await.unwrap().unwrap();
            assert_eq!(taken.token.refresh_token.unwrap().expose(), "r");
        }
        assert_eq!(found(&pair.a, &slot).await, None);
        until_found(&pair.b, &slot, None).await;
        assert_eq!(found(&pair.restarted(), &slot).await, None);
        assert!(pair.b.list_of_user(&user()).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_token_that_is_obtained_during_a_sign_out_on_another_replica_is_not_kept() {
    let pair = Pair::new().await;
    let slot = slot("graph");
    for is_everywhere in [false, true] {
        let sign_out = async || {
            if is_everywhere {
                pair.a.raise_epoch(&user()).await.unwrap();
            } else {
                pair.a.forget(&slot).await.unwrap();
            }
        };
        let permit = pair.b.permit(&slot, &user()).await.unwrap();
        sign_out().await;
        assert!(!pair.b.is_permitted(&permit, &user()).await.unwrap());
        let kept = pair.b.keep(permit.clone(), REVISION, pair.token("late")).await;
        assert!(matches!(kept, Err(VaultError::SignedOut)), "everywhere: {is_everywhere}");

        pair.keep(&pair.a, &slot, "again").await;
        let kept = pair.b.keep(permit, REVISION, pair.token("later")).await;
        assert!(matches!(kept, Err(VaultError::SignedOut)), "after a new sign-in; everywhere: {is_everywhere}");
        assert_eq!(found(&pair.restarted(), &slot).await.as_deref(), Some("again"));

        let record = pair.b.read(&slot, REVISION).await.unwrap().unwrap();
        sign_out().await;
        let replaced = pair.b.replace(record, pair.token("refreshed")).await;
        assert!(matches!(replaced, Err(VaultError::SignedOut)), "a refresh; everywhere: {is_everywhere}");
        assert_eq!(found(&pair.restarted(), &slot).await, None);
    }
}

#[tokio::test]
async fn a_sign_out_is_remembered_in_a_slot_whose_next_token_is_removed() {
    let pair = Pair::new().await;
    let slot = slot("graph");
    let permit = pair.b.permit(&slot, &user()).await.unwrap();
    pair.a.forget(&slot).await.unwrap();
    let other = UserKey::entra("0b0b", "7e7e");
    for is_everywhere in [false, true] {
        keep(&pair.a, &slot, token_for(&other, "of another", &pair.clock)).await;
        if is_everywhere {
            assert_eq!(pair.a.raise_epoch(&other).await.unwrap().count, 1);
        } else {
            let record = pair.a.read(&slot, REVISION).await.unwrap().unwrap();
            assert!(pair.a.remove(record).await.unwrap());
        }
        assert!(pair.a.read(&slot, REVISION).await.unwrap().is_none());
        let kept = pair.b.keep(permit.clone(), REVISION, pair.token("late")).await;
        assert!(matches!(kept, Err(VaultError::SignedOut)));
    }
    let short = UserToken {
        expires_at: pair.clock.now().plus(Duration::from_mins(1)),
        refresh_token: None,
        ..pair.token("short")
    };
    keep(&pair.a, &slot, short).await;
    pair.clock.advance(Duration::from_mins(2));
    assert!(pair.a.read(&slot, REVISION).await.unwrap().is_none(), "it has ended");
    assert!(pair.a.list_of_user(&user()).await.unwrap().is_empty());
    assert!(matches!(pair.b.keep(permit, REVISION, pair.token("late")).await, Err(VaultError::SignedOut)));
}

#[tokio::test]
async fn the_mark_of_a_sign_out_ends_after_an_hour() {
    let pair = Pair::new().await;
    let slot = slot("graph");
    pair.a.forget(&slot).await.unwrap();
    let key = pair.a.shared.slot_keys.get(&slot);
    assert!(pair.a.shared.tokens.contains(key).await.unwrap());
    let permit = pair.b.permit(&slot, &user()).await.unwrap();
    pair.clock.advance(Duration::from_mins(61));
    assert!(!pair.a.shared.tokens.contains(key).await.unwrap());
    pair.b.keep(permit, REVISION, pair.token("t")).await.unwrap();
    assert_eq!(found(&pair.a, &slot).await.as_deref(), Some("t"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_and_sign_outs_on_two_replicas_at_once_never_leave_a_token() {
    let pair = Pair::new().await;
    let slot = slot("graph");
    for round in 0..40 {
        let permit = pair.b.permit(&slot, &user()).await.unwrap();
        let keeping = {
            let (vault, token) = (pair.b.clone(), pair.token("t"));
            tokio::spawn(async move { vault.keep(permit, REVISION, token).await })
        };
        if round % 2 == 0 {
            pair.a.forget(&slot).await.unwrap();
        } else {
            pair.a.raise_epoch(&user()).await.unwrap();
        }
        assert!(matches!(keeping.await.unwrap(), Ok(_) | Err(VaultError::SignedOut)));
        assert_eq!(found(&pair.restarted(), &slot).await, None, "round {round}");
        until_found(&pair.b, &slot, None).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_that_sign_a_user_out_at_once_never_lower_the_epoch() {
    let pair = Pair::new().await;
    for _ in 0..10 {
        let before = pair.a.permit(&slot("graph"), &user()).await.unwrap().epoch();
        let (a, b) = (pair.a.clone(), pair.b.clone());
        let raising = [a, b].map(|vault| tokio::spawn(async move { vault.raise_epoch(&user()).await }));
        for raised in raising {
            raised.await.unwrap().unwrap();
        }
        let after = pair.restarted().permit(&slot("graph"), &user()).await.unwrap().epoch();
        assert!(after > before);
        for vault in [&pair.a, &pair.b] {
            assert_eq!(vault.permit(&slot("graph"), &user()).await.unwrap().epoch(), after);
        }
    }
}

#[tokio::test]
async fn a_sign_out_that_the_store_has_lost_is_written_again() {
    let pair = Pair::new().await;
    pair.a.raise_epoch(&user()).await.unwrap();
    let epoch = pair.a.permit(&slot("graph"), &user()).await.unwrap().epoch();
    let cell = pair.a.shared.epochs.get_cell(&user());
    pair.a.shared.tokens.remove(vec![*cell.key()]).await.unwrap();
    assert!(pair.restarted().permit(&slot("graph"), &user()).await.unwrap().epoch() < epoch);
    assert_eq!(pair.a.permit(&slot("graph"), &user()).await.unwrap().epoch(), epoch);
    assert_eq!(pair.restarted().permit(&slot("graph"), &user()).await.unwrap().epoch(), epoch);
}

#[tokio::test]
async fn a_mark_of_one_replica_precedes_the_later_sign_outs_of_every_replica() {
    let pair = Pair::new().await;
    let other = UserKey::entra("0b0b", "7e7e");
    pair.b.raise_epoch(&user()).await.unwrap();
    let mark = pair.a.sign_out_mark().await.unwrap().stored().map(SignOutMark::from_stored).unwrap();
    for vault in [&pair.a, &pair.b] {
        assert!(!vault.may_be_signed_out_since(mark, &user()).await.unwrap());
    }
    pair.b.raise_epoch(&user()).await.unwrap();
    for vault in [&pair.a, &pair.b, &pair.restarted()] {
        assert!(vault.may_be_signed_out_since(mark, &user()).await.unwrap());
        assert!(!vault.may_be_signed_out_since(mark, &other).await.unwrap());
        let now = vault.sign_out_mark().await.unwrap();
        assert!(!vault.may_be_signed_out_since(now, &user()).await.unwrap());
    }
}

#[tokio::test]
async fn a_pin_that_one_replica_removes_is_gone_on_the_other() {
    let pair = Pair::new().await;
    let (alice, bob) = (user(), UserKey::entra("0b0b", "7e7e"));
    pin(&pair.a, "dl_1", &alice).await;
    pin(&pair.a, "dl_2", &alice).await;
    for name in ["dl_1", "dl_2"] {
        assert_eq!(pair.b.find_pin(&account(name)).await.unwrap(), Some(alice.clone()));
    }
    pair.a.unpin(&account("dl_1"), &[]).await.unwrap();
    let unpinned = async {
        while pair.b.find_pin(&account("dl_1")).await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, unpinned).await.expect("the other replica must hear of it");
    assert_eq!(pair.b.find_pin(&account("dl_2")).await.unwrap(), Some(alice));
    assert_eq!(pin(&pair.b, "dl_1", &bob).await, bob);
    assert_eq!(pair.a.find_pin(&account("dl_1")).await.unwrap(), Some(bob));
}

#[tokio::test]
async fn a_pin_that_is_written_after_a_sign_out_on_another_replica_is_removed() {
    let pair = Pair::new().await;
    let slot = slot("graph");
    let permit = pair.b.permit(&slot, &user()).await.unwrap();
    pair.a.forget(&slot).await.unwrap();
    pair.a.unpin(&slot.account, &[]).await.unwrap();
    let pinned = pair.b.pin(&slot.account, &user(), &permit).await;
    assert!(matches!(pinned, Err(VaultError::SignedOut)));
    assert_eq!(pair.a.find_pin(&slot.account).await.unwrap(), None);
}

/// A store that says that other processes write, and from which no word of them comes.
struct CutOff {
    vault: TokenVault,
    store: Arc<GatedStore>,
    beneath: ThrowawayRecords,
}

impl CutOff {
    fn new() -> Self {
        let beneath = throwaway_records();
        let store = GatedStore::shared_with_others(beneath.store.clone());
        let records = Records::new(store.clone(), beneath.sealer.clone(), beneath.shared_clock.clone());
        Self { vault: open(&records), store, beneath }
    }
}

#[tokio::test]
async fn a_replica_that_is_cut_off_hands_out_what_it_has_in_memory_until_the_grace_is_over() {
    let CutOff { vault, store, beneath } = CutOff::new();
    let slot = slot("graph");
    pin(&vault, "dl_1", &user()).await;
    keep(&vault, &slot, token_for(&user(), "t", &beneath.clock)).await;
    store.set_failing(true);
    beneath.clock.advance(Duration::from_secs(20));
    assert_eq!(found(&vault, &slot).await.as_deref(), Some("t"));
    assert_eq!(vault.find_pin(&account("dl_1")).await.unwrap(), Some(user()));
    beneath.clock.advance(Duration::from_secs(12));
    assert!(vault.find(&slot, REVISION).await.is_err());
    assert!(vault.find_pin(&account("dl_1")).await.is_err());
    store.set_failing(false);
    assert_eq!(found(&vault, &slot).await.as_deref(), Some("t"), "the store serves as soon as it answers");
}

#[tokio::test]
async fn a_sign_out_that_a_shared_store_does_not_take_holds_here_and_is_written_later() {
    let CutOff { vault, store, beneath } = CutOff::new();
    let slot = slot("graph");
    keep(&vault, &slot, token_for(&user(), "t", &beneath.clock)).await;
    store.set_failing(true);
    vault.raise_epoch(&user()).await.unwrap_err();
    assert!(vault.find(&slot, REVISION).await.is_err(), "no token is handed out");
    assert_eq!(vault.store_epochs().await, 1);
    store.set_failing(false);
    assert_eq!(found(&vault, &slot).await, None);
    assert_eq!(vault.store_epochs().await, 0);
    let other = GatedStore::shared_with_others(beneath.store.clone());
    let other = Records::new(other, beneath.sealer.clone(), beneath.shared_clock.clone());
    assert_eq!(found(&open(&other), &slot).await, None);
}

#[tokio::test]
async fn a_token_that_another_replica_keeps_while_one_is_ended_is_ended_too_unless_it_is_another_users() {
    for other in [user(), UserKey::entra("eve", "tenant")] {
        let CutOff { vault, store, beneath } = CutOff::new();
        let slot = slot("graph");
        keep(&vault, &slot, token_for(&user(), "named", &beneath.clock)).await;
        let [named] = vault.list_of_user(&user()).await.unwrap().try_into().unwrap();
        let gate = store.hold_next_members();
        let ending = {
            let vault = vault.clone();
            tokio::spawn(async move { vault.take_of_user(&user(), named.id).await })
        };
        gate.reached().await;
        let elsewhere = GatedStore::shared_with_others(beneath.store.clone());
        let elsewhere = Records::new(elsewhere, beneath.sealer.clone(), beneath.shared_clock.clone());
        keep(&open(&elsewhere), &slot, token_for(&other, "newer", &beneath.clock)).await;
        gate.open();
        let taken = ending.await.unwrap().unwrap().map(|kept| kept.token.access_token.expose().to_owned());
        let is_same = other == user();
        assert_eq!(taken.as_deref(), is_same.then_some("newer"));
        assert_eq!(found(&open(&elsewhere), &slot).await.as_deref(), (!is_same).then_some("newer"));
    }
}
