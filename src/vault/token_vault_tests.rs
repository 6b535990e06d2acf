#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{TokenVault, VaultError};
use crate::domain::{
    Account, BotName, ChannelId, Clock, ConnectionName, ConnectionRevision, HolderName, OffsetClock, Realm, RecordKey,
    Secret, SecurityContext, SubjectId, TokenSlot, UserKey, UserToken,
};
use crate::records::testing::{GatedStore, ThrowawayRecords, throwaway_records};
use crate::records::{RecordError, Records, SealError};

pub(super) const REVISION: ConnectionRevision = ConnectionRevision([7; 16]);
const L1_BYTES: u64 = 4 << 20;

/// A vault over a store that outlives it.
pub(super) struct Bench {
    pub(super) vault: TokenVault,
    pub(super) store: Arc<GatedStore>,
    pub(super) clock: Arc<OffsetClock>,
    beneath: ThrowawayRecords,
}

fn vault_over(records: &Records) -> TokenVault {
    TokenVault::new(records, records.single_writer().unwrap(), L1_BYTES)
}

impl Bench {
    pub(super) fn new() -> Self {
        let beneath = throwaway_records();
        let store = GatedStore::new(beneath.store.clone());
        let records = Records::new(store.clone(), beneath.sealer.clone(), beneath.shared_clock.clone());
        Self { vault: vault_over(&records), store, clock: beneath.clock.clone(), beneath }
    }

    /// The same store seen by a process that has just started.
    pub(super) fn restarted(&self) -> TokenVault {
        vault_over(&self.beneath.records)
    }

    pub(super) fn token(&self, text: &str) -> UserToken {
        self.token_of(&user(), text, Duration::from_hours(1))
    }

    pub(super) fn token_of(&self, user: &UserKey, text: &str, life: Duration) -> UserToken {
        let now = self.clock.now();
        UserToken {
            access_token: Secret::from(text),
            expires_at: now.plus(life),
            user: user.clone(),
            security_context: SecurityContext([3; 16]),
            granted_scope: Some("User.Read".to_owned()),
            obtained_at: now,
            refresh_token: None,
            refresh_at: None,
        }
    }

    pub(super) async fn keep(&self, slot: &TokenSlot, token: UserToken) {
        let permit = self.vault.permit(slot, &token.user).await.unwrap();
        self.vault.keep(permit, REVISION, token).await.unwrap();
    }

    /// Kept by another vault over the same store: this one's memory knows nothing of it.
    pub(super) async fn keep_elsewhere(&self, slot: &TokenSlot, token: UserToken) {
        let vault = self.restarted();
        let permit = vault.permit(slot, &token.user).await.unwrap();
        vault.keep(permit, REVISION, token).await.unwrap();
    }
}

pub(super) async fn found(vault: &TokenVault, slot: &TokenSlot) -> Option<String> {
    vault.find(slot, REVISION).await.unwrap().map(|token| token.access_token.expose().to_owned())
}

pub(super) fn user() -> UserKey {
    UserKey::entra("0a0a", "7e7e")
}

pub(super) fn account(user: &str) -> Account {
    Account::of_channel(&BotName::new("helper"), ChannelId::base_of("msteams"), user)
}

pub(super) fn slot(connection: &str) -> TokenSlot {
    TokenSlot { account: account("29:alice"), connection: ConnectionName::new(connection) }
}

#[tokio::test]
async fn a_kept_token_is_found_whole_from_memory_and_after_a_restart() {
    let bench = Bench::new();
    let token = bench.token_of(&user(), &"t\"ö\n".repeat(4000), Duration::from_hours(1));
    bench.keep(&slot("graph"), token.clone()).await;
    for vault in [&bench.vault, &bench.restarted()] {
        let found = vault.find(&slot("graph"), REVISION).await.unwrap().unwrap();
        assert_eq!(found.access_token.expose(), token.access_token.expose());
        assert_eq!(found.expires_at, token.expires_at);
        assert_eq!(found.obtained_at, token.obtained_at);
        assert_eq!(found.user, token.user);
        assert_eq!(found.security_context, token.security_context);
        assert_eq!(found.granted_scope, token.granted_scope);
    }
}

#[tokio::test]
async fn a_token_is_found_in_its_slot_only() {
    let bench = Bench::new();
    bench.keep(&slot("graph"), bench.token("t")).await;
    let mut others = vec![slot("Graph"), slot("files")];
    for change in 0..3 {
        let mut other = slot("graph");
        match change {
            0 => other.account.holder = HolderName::new("other"),
            1 => other.account.realm = Realm::Channel(ChannelId::base_of("webchat")),
            _ => other.account.subject = SubjectId::new("29:bob"),
        }
        others.push(other);
    }
    for other in others {
        assert_eq!(found(&bench.vault, &other).await, None, "{other:?}");
    }
}

#[tokio::test]
async fn a_hit_in_memory_reads_nothing_from_the_store() {
    let bench = Bench::new();
    bench.keep(&slot("graph"), bench.token("t")).await;
    let before = bench.store.reads.load(Ordering::SeqCst);
    for _ in 0..100 {
        assert_eq!(found(&bench.vault, &slot("graph")).await.as_deref(), Some("t"));
    }
    assert_eq!(bench.store.reads.load(Ordering::SeqCst), before);
}

#[tokio::test]
async fn what_was_read_from_the_store_is_in_memory_afterwards() {
    let bench = Bench::new();
    bench.keep_elsewhere(&slot("graph"), bench.token("t")).await;
    assert_eq!(found(&bench.vault, &slot("graph")).await.as_deref(), Some("t"));
    let before = bench.store.reads.load(Ordering::SeqCst);
    assert_eq!(found(&bench.vault, &slot("graph")).await.as_deref(), Some("t"));
    assert_eq!(bench.store.reads.load(Ordering::SeqCst), before);
}

#[tokio::test]
async fn another_revision_of_the_connection_finds_nothing() {
    let bench = Bench::new();
    bench.keep(&slot("graph"), bench.token("t")).await;
    for vault in [&bench.vault, &bench.restarted()] {
        assert!(vault.find(&slot("graph"), ConnectionRevision([8; 16])).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_token_is_handed_out_until_five_minutes_before_its_end() {
    let bench = Bench::new();
    bench.keep(&slot("graph"), bench.token("t")).await;
    bench.clock.advance(Duration::from_secs(55 * 60 - 5));
    assert!(found(&bench.vault, &slot("graph")).await.is_some());
    assert!(found(&bench.restarted(), &slot("graph")).await.is_some());
    bench.clock.advance(Duration::from_secs(6));
    assert!(found(&bench.vault, &slot("graph")).await.is_none());
    assert!(found(&bench.restarted(), &slot("graph")).await.is_none());
}

#[tokio::test]
async fn a_short_lived_token_is_handed_out_for_half_its_life() {
    let bench = Bench::new();
    bench.keep(&slot("graph"), bench.token_of(&user(), "t", Duration::from_mins(4))).await;
    bench.clock.advance(Duration::from_secs(110));
    assert!(found(&bench.vault, &slot("graph")).await.is_some());
    bench.clock.advance(Duration::from_secs(11));
    assert!(found(&bench.vault, &slot("graph")).await.is_none());
}

#[tokio::test]
async fn forgetting_ends_one_slot() {
    let bench = Bench::new();
    bench.keep(&slot("graph"), bench.token("g")).await;
    bench.keep(&slot("files"), bench.token("f")).await;
    bench.vault.forget(&slot("graph")).await.unwrap();
    bench.vault.forget(&slot("never")).await.unwrap();
    for vault in [&bench.vault, &bench.restarted()] {
        assert_eq!(found(vault, &slot("graph")).await, None);
        assert_eq!(found(vault, &slot("files")).await.as_deref(), Some("f"));
    }
}

#[tokio::test]
async fn raising_the_epoch_ends_every_slot_of_that_user_and_no_other() {
    let bench = Bench::new();
    let bob = UserKey::entra("0b0b", "7e7e");
    let bobs = TokenSlot { account: account("29:bob"), connection: ConnectionName::new("graph") };
    bench.keep(&slot("graph"), bench.token("g")).await;
    bench.keep(&slot("files"), bench.token("f")).await;
    bench.keep(&bobs, bench.token_of(&bob, "b", Duration::from_hours(1))).await;
    assert_eq!(bench.vault.raise_epoch(&user()).await.unwrap(), 2);
    assert_eq!(bench.vault.raise_epoch(&user()).await.unwrap(), 0, "there is nothing left");
    for vault in [&bench.vault, &bench.restarted()] {
        assert_eq!(found(vault, &slot("graph")).await, None);
        assert_eq!(found(vault, &slot("files")).await, None);
        assert_eq!(found(vault, &bobs).await.as_deref(), Some("b"));
    }
    bench.keep(&slot("graph"), bench.token("again")).await;
    assert_eq!(found(&bench.vault, &slot("graph")).await.as_deref(), Some("again"));
    assert_eq!(found(&bench.restarted(), &slot("graph")).await.as_deref(), Some("again"));
}

#[tokio::test]
async fn a_token_redeemed_before_sign_out_is_not_kept_after_it() {
    let bench = Bench::new();
    let permit = bench.vault.permit(&slot("graph"), &user()).await.unwrap();
    bench.vault.raise_epoch(&user()).await.unwrap();
    let kept = bench.vault.keep(permit, REVISION, bench.token("t")).await;
    assert!(matches!(kept, Err(VaultError::SignedOut)));
    assert_eq!(found(&bench.vault, &slot("graph")).await, None);
}

#[tokio::test]
async fn the_epoch_survives_a_restart_against_a_token_that_did_too() {
    let bench = Bench::new();
    bench.keep(&slot("graph"), bench.token("t")).await;
    let copy = bench.beneath.store.members(bench_index(&bench)).await.unwrap();
    bench.vault.raise_epoch(&user()).await.unwrap();
    // Somebody puts the old bytes back where they were.
    bench.beneath.overwrite(copy[0].0, copy[0].1.clone()).await;
    assert_eq!(found(&bench.vault, &slot("graph")).await, None);
    assert_eq!(found(&bench.restarted(), &slot("graph")).await, None);
}

fn bench_index(bench: &Bench) -> RecordKey {
    let user = user();
    RecordKey(bench.beneath.sealer.mac("vault.user", &[user.issuer().as_bytes(), user.subject().as_bytes()]))
}

#[tokio::test]
async fn a_record_moved_to_another_slot_or_epoch_does_not_open() {
    let bench = Bench::new();
    bench.keep(&slot("graph"), bench.token("t")).await;
    bench.keep(&slot("files"), bench.token("f")).await;
    let members = bench.beneath.store.members(bench_index(&bench)).await.unwrap();
    bench.beneath.overwrite(members[0].0, members[1].1.clone()).await;
    let mut forged = members[1].1.to_vec();
    forged[7] ^= 1;
    bench.beneath.overwrite(members[1].0, forged.into()).await;
    for connection in ["graph", "files"] {
        let outcome = bench.restarted().find(&slot(connection), REVISION).await;
        assert!(matches!(outcome, Err(VaultError::Record(RecordError::Seal(SealError::NotAuthentic)))));
    }
}

#[tokio::test]
async fn rotation_keeps_old_tokens_readable_and_a_lost_key_is_named() {
    let bench = Bench::new();
    let behind = bench.beneath.reopened();
    bench.keep(&slot("graph"), bench.token("old")).await;
    bench.beneath.rotate_keys();
    bench.keep(&slot("files"), bench.token("new")).await;

    let vault = vault_over(&bench.beneath.reopened());
    assert_eq!(found(&vault, &slot("graph")).await.as_deref(), Some("old"));
    assert_eq!(found(&vault, &slot("files")).await.as_deref(), Some("new"));

    let vault = vault_over(&behind);
    assert_eq!(found(&vault, &slot("graph")).await.as_deref(), Some("old"));
    let error = vault.find(&slot("files"), REVISION).await.unwrap_err();
    assert!(matches!(error, VaultError::Record(RecordError::Seal(SealError::UnknownKey { key_id: 2 }))), "{error}");
}

#[tokio::test]
async fn the_store_sees_neither_names_nor_tokens() {
    let bench = Bench::new();
    bench.keep(&slot("graph"), bench.token("the-token-itself")).await;
    let members = bench.beneath.store.members(bench_index(&bench)).await.unwrap();
    let stored = String::from_utf8_lossy(&members[0].1).into_owned();
    for text in ["the-token-itself", "0a0a", "29:alice", "graph", "User.Read"] {
        assert!(!stored.contains(text), "{text}");
    }
}

pub(super) async fn pin(vault: &TokenVault, id: &str, user: &UserKey) -> UserKey {
    let of_account = TokenSlot { account: account(id), connection: ConnectionName::new("graph") };
    let permit = vault.permit(&of_account, user).await.unwrap();
    vault.pin(&account(id), user, &permit).await.unwrap()
}

#[tokio::test]
async fn the_first_pin_wins_and_stays() {
    let bench = Bench::new();
    let (alice, bob) = (user(), UserKey::from_parts("https://issuer.example", "bob"));
    assert_eq!(bench.vault.find_pin(&account("dl_1")).await.unwrap(), None);
    assert_eq!(pin(&bench.vault, "dl_1", &alice).await, alice);
    bench.clock.advance(Duration::from_hours(24 * 400));
    for vault in [&bench.vault, &bench.restarted()] {
        assert_eq!(pin(vault, "dl_1", &bob).await, alice);
        assert_eq!(vault.find_pin(&account("dl_1")).await.unwrap(), Some(alice.clone()));
    }
    assert_eq!(pin(&bench.vault, "dl_2", &bob).await, bob);
    let before = bench.store.reads.load(Ordering::SeqCst);
    assert_eq!(bench.vault.find_pin(&account("dl_2")).await.unwrap(), Some(bob));
    assert_eq!(bench.store.reads.load(Ordering::SeqCst), before, "pins are in memory");
}

#[tokio::test]
async fn memory_is_bounded_and_nothing_is_lost_by_it() {
    let beneath = throwaway_records();
    let vault = TokenVault::new(&beneath.records, beneath.records.single_writer().unwrap(), 64 << 10);
    let now = beneath.clock.now();
    for number in 0..60 {
        let token = UserToken {
            access_token: Secret::new(format!("{number:04}").repeat(1000)),
            expires_at: now.plus(Duration::from_hours(1)),
            user: user(),
            security_context: SecurityContext([0; 16]),
            granted_scope: None,
            obtained_at: now,
            refresh_token: None,
            refresh_at: None,
        };
        let permit = vault.permit(&slot(&number.to_string()), &user()).await.unwrap();
        vault.keep(permit, REVISION, token).await.unwrap();
    }
    for number in 0..60 {
        assert_eq!(found(&vault, &slot(&number.to_string())).await, Some(format!("{number:04}").repeat(1000)));
    }
}
