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

/// A vault and its store. The store outlives the vault, so that a test can open another vault over it.
pub(super) struct Fixture {
    pub(super) vault: TokenVault,
    pub(super) store: Arc<GatedStore>,
    pub(super) clock: Arc<OffsetClock>,
    storage: ThrowawayRecords,
}

fn open_vault(records: &Records) -> TokenVault {
    TokenVault::new(records, L1_BYTES)
}

impl Fixture {
    pub(super) fn new() -> Self {
        let storage = throwaway_records();
        let store = GatedStore::new(storage.store.clone());
        let records = Records::new(store.clone(), storage.sealer.clone(), storage.shared_clock.clone());
        Self { vault: open_vault(&records), store, clock: storage.clock.clone(), storage }
    }

    /// A vault over the same store, as a process that has just started has it.
    pub(super) fn restarted(&self) -> TokenVault {
        open_vault(&self.storage.records)
    }

    pub(super) fn token(&self, text: &str) -> UserToken {
        self.token_for(&user(), text, Duration::from_hours(1))
    }

    pub(super) fn token_for(&self, user: &UserKey, text: &str, life: Duration) -> UserToken {
        let now = self.clock.now();
        UserToken {
            access_token: Secret::from(text),
            expires_at: now.plus(life),
            user: user.clone(),
            security_context: SecurityContext([3; 16]),
            granted_scope: Some("User.Read".to_owned()),
            obtained_at: now,
            signed_in_at: now,
            refresh_token: None,
            refresh_at: None,
            id_token: None,
        }
    }

    pub(super) async fn keep(&self, slot: &TokenSlot, token: UserToken) {
        let permit = self.vault.permit(slot, &token.user).await.unwrap();
        self.vault.keep(permit, REVISION, token).await.unwrap();
    }

    /// Keeps `token` through another vault over the same store, so that it is not in the memory of this vault.
    pub(super) async fn keep_in_store_only(&self, slot: &TokenSlot, token: UserToken) {
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
    Account::of_channel(&BotName::new("helper"), ChannelId::new("msteams"), user)
}

pub(super) fn slot(connection: &str) -> TokenSlot {
    TokenSlot { account: account("29:alice"), connection: ConnectionName::new(connection) }
}

#[tokio::test]
async fn a_kept_token_is_found_unchanged_in_memory_and_after_a_restart() {
    let fixture = Fixture::new();
    let token = fixture.token_for(&user(), &"t\"ö\n".repeat(4000), Duration::from_hours(1));
    fixture.keep(&slot("graph"), token.clone()).await;
    for vault in [&fixture.vault, &fixture.restarted()] {
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
    let fixture = Fixture::new();
    fixture.keep(&slot("graph"), fixture.token("t")).await;
    let mut others = vec![slot("Graph"), slot("files")];
    for change in 0..3 {
        let mut other = slot("graph");
        match change {
            0 => other.account.holder = HolderName::new("other"),
            1 => other.account.realm = Realm::Channel(ChannelId::new("webchat")),
            _ => other.account.subject = SubjectId::new("29:bob"),
        }
        others.push(other);
    }
    for other in others {
        assert_eq!(found(&fixture.vault, &other).await, None, "{other:?}");
    }
}

#[tokio::test]
async fn a_hit_in_memory_reads_nothing_from_the_store() {
    let fixture = Fixture::new();
    fixture.keep(&slot("graph"), fixture.token("t")).await;
    let before = fixture.store.reads.load(Ordering::SeqCst);
    for _ in 0..100 {
        assert_eq!(found(&fixture.vault, &slot("graph")).await.as_deref(), Some("t"));
    }
    assert_eq!(fixture.store.reads.load(Ordering::SeqCst), before);
}

#[tokio::test]
async fn a_token_that_was_read_from_the_store_is_found_in_memory_afterwards() {
    let fixture = Fixture::new();
    fixture.keep_in_store_only(&slot("graph"), fixture.token("t")).await;
    assert_eq!(found(&fixture.vault, &slot("graph")).await.as_deref(), Some("t"));
    let before = fixture.store.reads.load(Ordering::SeqCst);
    assert_eq!(found(&fixture.vault, &slot("graph")).await.as_deref(), Some("t"));
    assert_eq!(fixture.store.reads.load(Ordering::SeqCst), before);
}

#[tokio::test]
async fn find_returns_nothing_for_another_revision_of_the_connection() {
    let fixture = Fixture::new();
    fixture.keep(&slot("graph"), fixture.token("t")).await;
    for vault in [&fixture.vault, &fixture.restarted()] {
        assert!(vault.find(&slot("graph"), ConnectionRevision([8; 16])).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_token_is_handed_out_until_five_minutes_before_its_end() {
    let fixture = Fixture::new();
    fixture.keep(&slot("graph"), fixture.token("t")).await;
    fixture.clock.advance(Duration::from_secs(55 * 60 - 5));
    assert!(found(&fixture.vault, &slot("graph")).await.is_some());
    assert!(found(&fixture.restarted(), &slot("graph")).await.is_some());
    fixture.clock.advance(Duration::from_secs(6));
    assert!(found(&fixture.vault, &slot("graph")).await.is_none());
    assert!(found(&fixture.restarted(), &slot("graph")).await.is_none());
}

#[tokio::test]
async fn a_short_lived_token_is_handed_out_for_half_its_lifetime() {
    let fixture = Fixture::new();
    fixture.keep(&slot("graph"), fixture.token_for(&user(), "t", Duration::from_mins(4))).await;
    fixture.clock.advance(Duration::from_secs(110));
    assert!(found(&fixture.vault, &slot("graph")).await.is_some());
    fixture.clock.advance(Duration::from_secs(11));
    assert!(found(&fixture.vault, &slot("graph")).await.is_none());
}

#[tokio::test]
async fn forget_removes_the_token_of_one_slot() {
    let fixture = Fixture::new();
    fixture.keep(&slot("graph"), fixture.token("g")).await;
    fixture.keep(&slot("files"), fixture.token("f")).await;
    fixture.vault.forget(&slot("graph")).await.unwrap();
    fixture.vault.forget(&slot("never")).await.unwrap();
    for vault in [&fixture.vault, &fixture.restarted()] {
        assert_eq!(found(vault, &slot("graph")).await, None);
        assert_eq!(found(vault, &slot("files")).await.as_deref(), Some("f"));
    }
}

#[tokio::test]
async fn raise_epoch_ends_every_token_of_that_user_and_no_other() {
    let fixture = Fixture::new();
    let bob = UserKey::entra("0b0b", "7e7e");
    let bobs = TokenSlot { account: account("29:bob"), connection: ConnectionName::new("graph") };
    fixture.keep(&slot("graph"), fixture.token("g")).await;
    fixture.keep(&slot("files"), fixture.token("f")).await;
    fixture.keep(&bobs, fixture.token_for(&bob, "b", Duration::from_hours(1))).await;
    assert_eq!(fixture.vault.raise_epoch(&user()).await.unwrap().count, 2);
    assert_eq!(fixture.vault.raise_epoch(&user()).await.unwrap().count, 0, "the user has no token any more");
    for vault in [&fixture.vault, &fixture.restarted()] {
        assert_eq!(found(vault, &slot("graph")).await, None);
        assert_eq!(found(vault, &slot("files")).await, None);
        assert_eq!(found(vault, &bobs).await.as_deref(), Some("b"));
    }
    fixture.keep(&slot("graph"), fixture.token("again")).await;
    assert_eq!(found(&fixture.vault, &slot("graph")).await.as_deref(), Some("again"));
    assert_eq!(found(&fixture.restarted(), &slot("graph")).await.as_deref(), Some("again"));
}

#[tokio::test]
async fn a_token_redeemed_before_sign_out_is_not_kept_after_it() {
    let fixture = Fixture::new();
    let permit = fixture.vault.permit(&slot("graph"), &user()).await.unwrap();
    fixture.vault.raise_epoch(&user()).await.unwrap();
    let kept = fixture.vault.keep(permit, REVISION, fixture.token("t")).await;
    assert!(matches!(kept, Err(VaultError::SignedOut)));
    assert_eq!(found(&fixture.vault, &slot("graph")).await, None);
}

#[tokio::test]
async fn a_raised_epoch_ends_an_old_record_that_was_put_back_also_after_a_restart() {
    let fixture = Fixture::new();
    fixture.keep(&slot("graph"), fixture.token("t")).await;
    let copy = fixture.storage.store.members(user_index(&fixture), usize::MAX).await.unwrap();
    fixture.vault.raise_epoch(&user()).await.unwrap();
    // The test writes the old bytes back under their old key.
    fixture.storage.overwrite(copy[0].0, copy[0].1.clone()).await;
    assert_eq!(found(&fixture.vault, &slot("graph")).await, None);
    assert_eq!(found(&fixture.restarted(), &slot("graph")).await, None);
}

fn user_index(fixture: &Fixture) -> RecordKey {
    let user = user();
    RecordKey(fixture.storage.sealer.mac("vault.user", &[user.issuer().as_bytes(), user.subject().as_bytes()]))
}

#[tokio::test]
async fn a_record_moved_to_another_slot_or_epoch_does_not_open() {
    let fixture = Fixture::new();
    fixture.keep(&slot("graph"), fixture.token("t")).await;
    fixture.keep(&slot("files"), fixture.token("f")).await;
    let members = fixture.storage.store.members(user_index(&fixture), usize::MAX).await.unwrap();
    fixture.storage.overwrite(members[0].0, members[1].1.clone()).await;
    let mut forged = members[1].1.to_vec();
    forged[7] ^= 1;
    fixture.storage.overwrite(members[1].0, forged.into()).await;
    for connection in ["graph", "files"] {
        let outcome = fixture.restarted().find(&slot(connection), REVISION).await;
        assert!(matches!(outcome, Err(VaultError::Record(RecordError::Seal(SealError::NotAuthentic)))));
    }
}

#[tokio::test]
async fn old_tokens_stay_readable_after_a_rotation_and_the_error_names_a_missing_key() {
    let fixture = Fixture::new();
    let before_rotation = fixture.storage.reopened();
    fixture.keep(&slot("graph"), fixture.token("old")).await;
    fixture.storage.rotate_keys();
    fixture.keep(&slot("files"), fixture.token("new")).await;

    let vault = open_vault(&fixture.storage.reopened());
    assert_eq!(found(&vault, &slot("graph")).await.as_deref(), Some("old"));
    assert_eq!(found(&vault, &slot("files")).await.as_deref(), Some("new"));

    let vault = open_vault(&before_rotation);
    assert_eq!(found(&vault, &slot("graph")).await.as_deref(), Some("old"));
    let error = vault.find(&slot("files"), REVISION).await.unwrap_err();
    assert!(matches!(error, VaultError::Record(RecordError::Seal(SealError::UnknownKey { key_id: 2 }))), "{error}");
}

#[tokio::test]
async fn the_store_contains_neither_names_nor_tokens_in_plain_text() {
    let fixture = Fixture::new();
    fixture.keep(&slot("graph"), fixture.token("the-token-itself")).await;
    let members = fixture.storage.store.members(user_index(&fixture), usize::MAX).await.unwrap();
    let stored = String::from_utf8_lossy(&members[0].1).into_owned();
    for text in ["the-token-itself", "0a0a", "29:alice", "graph", "User.Read"] {
        assert!(!stored.contains(text), "{text}");
    }
}

pub(super) async fn pin(vault: &TokenVault, id: &str, user: &UserKey) -> UserKey {
    let slot = TokenSlot { account: account(id), connection: ConnectionName::new("graph") };
    let permit = vault.permit(&slot, user).await.unwrap();
    vault.pin(&account(id), user, &permit).await.unwrap()
}

#[tokio::test]
async fn the_first_pin_of_an_account_stays() {
    let fixture = Fixture::new();
    let (alice, bob) = (user(), UserKey::entra("b", "t"));
    assert_eq!(fixture.vault.find_pin(&account("dl_1")).await.unwrap(), None);
    assert_eq!(pin(&fixture.vault, "dl_1", &alice).await, alice);
    fixture.clock.advance(Duration::from_hours(24 * 400));
    for vault in [&fixture.vault, &fixture.restarted()] {
        assert_eq!(pin(vault, "dl_1", &bob).await, alice);
        assert_eq!(vault.find_pin(&account("dl_1")).await.unwrap(), Some(alice.clone()));
    }
    assert_eq!(pin(&fixture.vault, "dl_2", &bob).await, bob);
    let before = fixture.store.reads.load(Ordering::SeqCst);
    assert_eq!(fixture.vault.find_pin(&account("dl_2")).await.unwrap(), Some(bob));
    assert_eq!(fixture.store.reads.load(Ordering::SeqCst), before, "pins are in memory");
}

#[tokio::test]
async fn an_account_has_one_pin_in_each_namespace_and_an_unpinned_one_has_none() {
    let fixture = Fixture::new();
    let issuer = "https://issuer.example";
    let (alice, elsewhere) = (user(), UserKey::from_parts(issuer, "alice"));
    let stranger = UserKey::from_parts(issuer, "stranger");
    assert_eq!(pin(&fixture.vault, "dl_1", &alice).await, alice);
    assert_eq!(pin(&fixture.vault, "dl_1", &elsewhere).await, elsewhere);
    for vault in [&fixture.vault, &fixture.restarted()] {
        assert_eq!(pin(vault, "dl_1", &stranger).await, elsewhere);
        assert_eq!(vault.find_pin(&account("dl_1")).await.unwrap(), Some(alice.clone()));
        assert_eq!(vault.find_pin_beside(&account("dl_1"), &stranger).await.unwrap(), Some(elsewhere.clone()));
        let other = UserKey::from_parts("https://other.example", "alice");
        assert_eq!(vault.find_pin_beside(&account("dl_1"), &other).await.unwrap(), None);
    }
    fixture.vault.raise_epoch(&elsewhere).await.unwrap();
    assert_eq!(fixture.vault.find_pin(&account("dl_1")).await.unwrap(), Some(alice.clone()));
    assert_eq!(pin(&fixture.vault, "dl_1", &stranger).await, stranger);
    fixture.vault.unpin(&account("dl_1"), &[issuer.to_owned()]).await.unwrap();
    assert_eq!(fixture.vault.find_pin(&account("dl_1")).await.unwrap(), None);
    assert_eq!(fixture.vault.find_pin_beside(&account("dl_1"), &stranger).await.unwrap(), None);
}

#[tokio::test]
async fn tokens_that_no_longer_fit_into_memory_are_found_in_the_store() {
    let storage = throwaway_records();
    let vault = TokenVault::new(&storage.records, 64 << 10);
    let now = storage.clock.now();
    for number in 0..60 {
        let token = UserToken {
            access_token: Secret::new(format!("{number:04}").repeat(1000)),
            expires_at: now.plus(Duration::from_hours(1)),
            user: user(),
            security_context: SecurityContext([0; 16]),
            granted_scope: None,
            obtained_at: now,
            signed_in_at: now,
            refresh_token: None,
            refresh_at: None,
            id_token: None,
        };
        let permit = vault.permit(&slot(&number.to_string()), &user()).await.unwrap();
        vault.keep(permit, REVISION, token).await.unwrap();
    }
    for number in 0..60 {
        assert_eq!(found(&vault, &slot(&number.to_string())).await, Some(format!("{number:04}").repeat(1000)));
    }
}
