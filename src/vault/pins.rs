use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::VaultError;
use super::changes::{Change, Changes};
use super::epochs::{Epoch, Epochs, UserEpoch};
use super::permit::Permit;
use super::slots::SlotGenerations;
use crate::domain::{Account, ElementId, RecordKey, SharedClock, Timestamp, UserKey};
use crate::observability::{AuditEntry, AuditEvent};
use crate::records::{Collection, Content, Kind, Plaintext, Records, StoredRecord, catalogue, encode_json};

/// At most this many pins are cached in memory; all others are read from the store.
const MAX_RECENT_PINS: usize = 65_536;
/// Attempts to write a pin. An attempt fails only if another caller pins or unpins the same account at the same time.
const MAX_CAS_ATTEMPTS: usize = 8;

/// A pin as the operator may see it.
#[derive(Clone, Debug)]
pub struct ListedPin {
    /// Its name.
    pub id: ElementId,
    /// The account that is pinned. `None` if an earlier version of the program has pinned it.
    pub account: Option<Account>,
    /// When it was pinned. `None` if an earlier version of the program has pinned it.
    pub pinned_at: Option<Timestamp>,
}

/// A pin as the store keeps it.
struct PinRecord {
    user: UserKey,
    epoch: Epoch,
    /// The account that is pinned. `None` in a record of an earlier version.
    account: Option<Account>,
    /// `None` in a record of an earlier version.
    pinned_at: Option<Timestamp>,
}

/// The JSON form of a [`PinRecord`] before it is sealed.
#[derive(Serialize, Deserialize)]
struct PinJson {
    issuer: String,
    subject: String,
    /// Records of the first version have no epoch; they belong to epoch 0.
    #[serde(default)]
    epoch: u64,
    /// The texts of [`Account::key_parts`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<[String; 3]>,
    /// Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pinned_at: Option<i64>,
}

impl Content for PinRecord {
    const KIND: &'static Kind = &catalogue::PIN;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(&PinJson {
            issuer: self.user.issuer().to_owned(),
            subject: self.user.subject().to_owned(),
            epoch: u64::from_be_bytes(self.epoch.to_bytes()),
            account: self.account.as_ref().map(|account| account.key_parts().map(Cow::into_owned)),
            pinned_at: self.pinned_at.map(Timestamp::unix_millis),
        })
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let pin: PinJson = plain.json(Self::KIND)?;
        let user = UserKey::from_parts(&pin.issuer, &pin.subject);
        let account = pin.account.as_ref();
        let account = account.and_then(|[holder, realm, subject]| Account::from_key_parts(holder, realm, subject));
        let pinned_at = pin.pinned_at.map(Timestamp::from_unix_millis);
        Some(Self { user, epoch: Epoch::from_bytes(pin.epoch.to_be_bytes()), account, pinned_at })
    }
}

/// The person that an account belongs to. The pin is valid only in the person's epoch in which it was written, so a
/// sign-out everywhere ends all pins to a person at once.
#[derive(Clone)]
struct Pin {
    /// The key of the pin's record.
    key: RecordKey,
    user: UserKey,
    epoch: Epoch,
    user_epoch: Arc<UserEpoch>,
}

impl Pin {
    fn is_valid(&self) -> bool {
        self.user_epoch.is_current(self.epoch)
    }
}

/// What a pin belongs to. An account has one for Entra and one for each other issuer, because one person has a key in each
/// namespace, and the keys cannot be compared.
#[derive(Clone, PartialEq, Eq, Hash)]
struct PinnedAccount {
    account: Account,
    /// [`UserKey::namespace`].
    namespace: Option<Arc<str>>,
}

impl PinnedAccount {
    fn new(account: &Account, namespace: Option<&str>) -> Self {
        Self { account: account.clone(), namespace: namespace.map(Arc::from) }
    }
}

/// The pins of all accounts. The first successful sign-in pins an account to a person; a sign-out ends the pin.
pub(super) struct Pins {
    records: Collection<PinRecord>,
    clock: SharedClock,
    epochs: Arc<Epochs>,
    generations: Arc<SlotGenerations>,
    /// Over a shared store they are copies, which serve while the other replicas' changes arrive here.
    recent: Cache<PinnedAccount, Pin>,
    /// `None` if the store is exclusive.
    changes: Option<Arc<Changes>>,
    /// The number of calls of [`Pins::unpin`], here and on other replicas. A reader that read the store before such a call must not leave the pin
    /// in memory.
    unpin_count: AtomicU64,
}

impl Pins {
    /// `changes` tells other replicas of pins that are removed; `None` if the store is exclusive.
    pub(super) fn new(
        records: &Records,
        epochs: Arc<Epochs>,
        generations: Arc<SlotGenerations>,
        changes: Option<Arc<Changes>>,
    ) -> Self {
        Self {
            records: Collection::new(records),
            clock: records.clock().clone(),
            epochs,
            generations,
            changes,
            recent: Cache::new(MAX_RECENT_PINS),
            unpin_count: AtomicU64::new(0),
        }
    }

    pub(super) async fn find(&self, account: &Account, namespace: Option<&str>) -> Result<Option<UserKey>, VaultError> {
        let account = &PinnedAccount::new(account, namespace);
        if let Some(pin) = self.find_recent(account) {
            return Ok(Some(pin.user));
        }
        // Boxed, so that it adds nothing to the state of a request whose pin is in memory.
        Box::pin(self.find_stored(account)).await
    }

    async fn find_stored(&self, account: &PinnedAccount) -> Result<Option<UserKey>, VaultError> {
        let (key, unpin_count) = (self.key(account), self.unpin_count.load(Ordering::SeqCst));
        let Some(record) = self.records.get(key).await? else {
            return Ok(None);
        };
        let pin = self.load_pin(key, record.content).await?;
        Ok(pin.is_valid().then(|| self.remember(account, pin, unpin_count)))
    }

    pub(super) async fn pin(&self, account: &Account, user: &UserKey, permit: &Permit) -> Result<UserKey, VaultError> {
        let account = &PinnedAccount::new(account, user.namespace());
        if let Some(pin) = self.find_recent(account) {
            return Ok(pin.user);
        }
        let (key, unpin_count) = (self.key(account), self.unpin_count.load(Ordering::SeqCst));
        let new_pin = Pin { key, user: user.clone(), epoch: permit.epoch, user_epoch: self.epochs.get_cell(user) };
        let content = PinRecord {
            user: user.clone(),
            epoch: permit.epoch,
            account: Some(account.account.clone()),
            pinned_at: Some(self.clock.now()),
        };
        let record = self.records.seal(key, &content)?.listed_by(self.user_index(user));
        for _ in 0..MAX_CAS_ATTEMPTS {
            let Some(existing) = self.records.put_if_absent(record.clone()).await? else {
                return self.confirm_pin(account, record.stored(), new_pin, permit).await;
            };
            let winner = self.load_pin(key, existing.content).await?;
            if winner.is_valid() {
                return Ok(self.remember(account, winner, unpin_count));
            }
            if self.records.compare_and_put(Some(existing.stored), record.clone()).await? {
                return self.confirm_pin(account, record.stored(), new_pin, permit).await;
            }
        }
        Err(VaultError::RecordChanged)
    }

    /// Checks, after a pin was written, that no sign-out came in between. The sign-out of a slot first supersedes the
    /// slot's generation and then ends the account's pin. If the generation is superseded, the sign-out may have looked
    /// for the pin before the pin was written, so the pin is ended here.
    async fn confirm_pin(
        &self,
        account: &PinnedAccount,
        stored: StoredRecord<PinRecord>,
        pin: Pin,
        permit: &Permit,
    ) -> Result<UserKey, VaultError> {
        let unpin_count = self.unpin_count.load(Ordering::SeqCst);
        let is_superseded = self.generations.is_superseded(&permit.generation).await;
        if !matches!(is_superseded, Ok(false)) {
            // This ends only the pin that was read: the account may have a new pin by now.
            self.records.remove_if_unchanged(stored).await?;
            return Err(is_superseded.err().unwrap_or(VaultError::SignedOut));
        }
        AuditEntry::new(AuditEvent::AccountPinned).account(&account.account).user(&pin.user).write();
        Ok(self.remember(account, pin, unpin_count))
    }

    pub(super) async fn unpin(&self, account: &Account, other_issuers: &[String]) -> Result<(), VaultError> {
        let namespaces = std::iter::once(None).chain(other_issuers.iter().map(|issuer| Some(issuer.as_str())));
        let pinned: Vec<_> = namespaces.map(|namespace| PinnedAccount::new(account, namespace)).collect();
        let keys: Vec<_> = pinned.iter().map(|account| self.key(account)).collect();
        let removed = self.records.remove(keys.clone()).await;
        self.unpin_count.fetch_add(1, Ordering::SeqCst);
        for account in &pinned {
            self.recent.remove(account);
        }
        let told = match &self.changes {
            None => Ok(()),
            Some(changes) => tell_of_unpinned(changes, &keys, removed.is_ok()).await,
        };
        removed?;
        told
    }

    /// Forgets the pin under `key`, which another replica has removed.
    pub(super) fn forget(&self, key: RecordKey) {
        self.unpin_count.fetch_add(1, Ordering::SeqCst);
        self.recent.retain(|_, pin| pin.key != key);
    }

    /// Forgets all pins in memory.
    pub(super) fn forget_all(&self) {
        self.unpin_count.fetch_add(1, Ordering::SeqCst);
        self.recent.clear();
    }

    /// The accounts that are pinned to `user`; an earlier version's pin does not say which account it is of.
    pub(super) async fn list_accounts(&self, user: &UserKey) -> Result<Vec<Account>, VaultError> {
        Ok(self.list(user).await?.into_iter().filter_map(|pin| pin.account).collect())
    }

    /// The pins to `user`.
    pub(super) async fn list(&self, user: &UserKey) -> Result<Vec<ListedPin>, VaultError> {
        let mut pins = Vec::new();
        for stored in self.records.members(self.user_index(user)).await? {
            pins.extend(self.open_valid(&stored).await?);
        }
        Ok(pins)
    }

    /// Removes the pin under `key`, if it is one to `user`. Returns it.
    pub(super) async fn remove_one(&self, user: &UserKey, key: RecordKey) -> Result<Option<ListedPin>, VaultError> {
        let members = self.records.members(self.user_index(user)).await?;
        let Some(stored) = members.into_iter().find(|stored| stored.key() == key) else { return Ok(None) };
        let pin = self.open_valid(&stored).await?;
        // This ends only the pin that was read: the account may have a new pin by now.
        let removed = self.records.remove_if_unchanged(stored).await;
        self.forget(key);
        let told = match &self.changes {
            None => Ok(()),
            Some(changes) => tell_of_unpinned(changes, &[key], removed.is_ok()).await,
        };
        let was_removed = removed?;
        told?;
        Ok(pin.filter(|_| was_removed))
    }

    /// Opens a pin; `None` if a sign-out everywhere has ended it.
    async fn open_valid(&self, stored: &StoredRecord<PinRecord>) -> Result<Option<ListedPin>, VaultError> {
        let PinRecord { user, epoch, account, pinned_at } = self.records.open(stored)?;
        let user_epoch = self.epochs.get_cell(&user);
        self.epochs.load(&user_epoch).await?;
        let pin = ListedPin { id: ElementId::new(stored.key()), account, pinned_at };
        Ok(user_epoch.is_current(epoch).then_some(pin))
    }

    /// Removes the records of all pins to `user`. The raised epoch of the user has already ended these pins.
    pub(super) async fn remove_all(&self, user: &UserKey) -> Result<(), VaultError> {
        for stored in self.records.members(self.user_index(user)).await? {
            // This ends only the pin that was read: the account may have a new pin by now.
            self.records.remove_if_unchanged(stored).await?;
        }
        Ok(())
    }

    /// The pin in memory, if it is valid and may be used.
    fn find_recent(&self, account: &PinnedAccount) -> Option<Pin> {
        let may_be_used = self.changes.as_ref().is_none_or(|changes| changes.may_use_copies());
        self.recent.get(account).filter(|pin| may_be_used && pin.is_valid())
    }

    /// Caches `pin`, unless an account was unpinned after `unpin_count` was read, which is before the store was read.
    fn remember(&self, account: &PinnedAccount, pin: Pin, unpin_count: u64) -> UserKey {
        let user = pin.user.clone();
        self.recent.insert(account.clone(), pin);
        if self.unpin_count.load(Ordering::SeqCst) != unpin_count {
            self.recent.remove(account);
        }
        user
    }

    /// Adds the person's epoch to a pin that was read from the store.
    async fn load_pin(&self, key: RecordKey, record: PinRecord) -> Result<Pin, VaultError> {
        let PinRecord { user, epoch, .. } = record;
        let user_epoch = self.epochs.get_cell(&user);
        self.epochs.load(&user_epoch).await?;
        Ok(Pin { key, user, epoch, user_epoch })
    }

    fn key(&self, pinned: &PinnedAccount) -> RecordKey {
        let [holder, realm, subject] = pinned.account.key_parts();
        match &pinned.namespace {
            // As earlier versions wrote it.
            None => self.records.key_from_texts(&[holder, realm, subject]),
            Some(issuer) => self.records.key_from_texts(&[holder, realm, subject, Cow::Borrowed(issuer)]),
        }
    }

    /// The index of all pins to `user`.
    fn user_index(&self, user: &UserKey) -> RecordKey {
        self.records.index([user.issuer(), user.subject()])
    }
}

/// Tells the other replicas of pins that are removed, or may be: a removal that has failed is told later.
async fn tell_of_unpinned(changes: &Arc<Changes>, keys: &[RecordKey], is_removed: bool) -> Result<(), VaultError> {
    let mut told = Ok(());
    for key in keys {
        if is_removed && told.is_ok() {
            told = changes.tell_surely(*key, Change::Pin).await;
        } else {
            changes.tell_later(*key, Change::Pin);
        }
    }
    told
}
