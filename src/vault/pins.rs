use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::VaultError;
use super::epoch::{Epoch, UserEpoch};
use super::epochs::Epochs;
use super::permit::Permit;
use crate::domain::{Account, RecordKey, UserKey};
use crate::observability::{AuditEntry, AuditEvent};
use crate::records::{
    Collection, Content, Kind, Plaintext, Records, SingleWriter, StoredRecord, catalogue, encode_json,
};

/// At most this many pins are cached in memory; all others are read from the store.
const MAX_RECENT_PINS: usize = 65_536;
/// Attempts to write a pin. An attempt fails only if another caller pins or unpins the same account at the same time.
const MAX_CAS_ATTEMPTS: usize = 8;

/// A pin as the store keeps it.
struct PinRecord {
    user: UserKey,
    epoch: Epoch,
    /// The account that is pinned. `None` in a record of an earlier version.
    account: Option<Account>,
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
}

impl Content for PinRecord {
    const KIND: &'static Kind = &catalogue::PIN;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(&PinJson {
            issuer: self.user.issuer().to_owned(),
            subject: self.user.subject().to_owned(),
            epoch: u64::from_be_bytes(self.epoch.to_bytes()),
            account: self.account.as_ref().map(|account| account.key_parts().map(Cow::into_owned)),
        })
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let pin: PinJson = plain.json(Self::KIND)?;
        let user = UserKey::from_parts(&pin.issuer, &pin.subject);
        let account = pin.account.as_ref();
        let account = account.and_then(|[holder, realm, subject]| Account::from_key_parts(holder, realm, subject));
        Some(Self { user, epoch: Epoch::from_bytes(pin.epoch.to_be_bytes()), account })
    }
}

/// The person that an account belongs to. The pin is valid only in the person's epoch in which it was written, so a
/// sign-out everywhere ends all pins to a person at once.
#[derive(Clone)]
struct Pin {
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
    epochs: Arc<Epochs>,
    recent: Cache<PinnedAccount, Pin>,
    /// The number of calls of [`Pins::unpin`]. A reader that read the store before such a call must not leave the pin
    /// in memory.
    unpin_count: AtomicU64,
}

impl Pins {
    /// Takes the proof that only this process writes pins: otherwise the pins in memory could be outdated.
    pub(super) fn new(records: &Records, _: SingleWriter, epochs: Arc<Epochs>) -> Self {
        Self {
            records: Collection::new(records),
            epochs,
            recent: Cache::new(MAX_RECENT_PINS),
            unpin_count: AtomicU64::new(0),
        }
    }

    pub(super) async fn find(&self, account: &Account, namespace: Option<&str>) -> Result<Option<UserKey>, VaultError> {
        let account = &PinnedAccount::new(account, namespace);
        if let Some(pin) = self.recent.get(account).filter(Pin::is_valid) {
            return Ok(Some(pin.user));
        }
        let (key, unpin_count) = (self.key(account), self.unpin_count.load(Ordering::SeqCst));
        let Some(record) = self.records.get(key).await? else {
            return Ok(None);
        };
        let pin = self.load_pin(record.content).await?;
        Ok(pin.is_valid().then(|| self.remember(account, pin, unpin_count)))
    }

    pub(super) async fn pin(&self, account: &Account, user: &UserKey, permit: &Permit) -> Result<UserKey, VaultError> {
        let account = &PinnedAccount::new(account, user.namespace());
        if let Some(pin) = self.recent.get(account).filter(Pin::is_valid) {
            return Ok(pin.user);
        }
        let (key, unpin_count) = (self.key(account), self.unpin_count.load(Ordering::SeqCst));
        let new_pin = Pin { user: user.clone(), epoch: permit.epoch, user_epoch: self.epochs.get_cell(user) };
        let content = PinRecord { user: user.clone(), epoch: permit.epoch, account: Some(account.account.clone()) };
        let record = self.records.seal(key, &content)?.listed_by(self.user_index(user));
        for _ in 0..MAX_CAS_ATTEMPTS {
            let Some(existing) = self.records.put_if_absent(record.clone()).await? else {
                return self.confirm_pin(account, record.stored(), new_pin, permit).await;
            };
            let winner = self.load_pin(existing.content).await?;
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
        if permit.generation.is_superseded() {
            // This ends only the pin that was read: the account may have a new pin by now.
            self.records.remove_if_unchanged(stored).await?;
            return Err(VaultError::SignedOut);
        }
        AuditEntry::new(AuditEvent::AccountPinned).account(&account.account).user(&pin.user).write();
        Ok(self.remember(account, pin, unpin_count))
    }

    pub(super) async fn unpin(&self, account: &Account, other_issuers: &[String]) -> Result<(), VaultError> {
        let namespaces = std::iter::once(None).chain(other_issuers.iter().map(|issuer| Some(issuer.as_str())));
        let pinned: Vec<_> = namespaces.map(|namespace| PinnedAccount::new(account, namespace)).collect();
        let removed = self.records.remove(pinned.iter().map(|account| self.key(account)).collect()).await;
        self.unpin_count.fetch_add(1, Ordering::SeqCst);
        for account in &pinned {
            self.recent.remove(account);
        }
        Ok(removed?)
    }

    /// The accounts that are pinned to `user`; an earlier version's pin does not say which account it is of.
    pub(super) async fn list_accounts(&self, user: &UserKey) -> Result<Vec<Account>, VaultError> {
        let mut accounts = Vec::new();
        for stored in self.records.members(self.user_index(user)).await? {
            let PinRecord { user, epoch, account } = self.records.open(&stored)?;
            let user_epoch = self.epochs.get_cell(&user);
            self.epochs.load(&user_epoch).await?;
            accounts.extend(account.filter(|_| user_epoch.is_current(epoch)));
        }
        Ok(accounts)
    }

    /// Removes the records of all pins to `user`. The raised epoch of the user has already ended these pins.
    pub(super) async fn remove_all(&self, user: &UserKey) -> Result<(), VaultError> {
        for stored in self.records.members(self.user_index(user)).await? {
            // This ends only the pin that was read: the account may have a new pin by now.
            self.records.remove_if_unchanged(stored).await?;
        }
        Ok(())
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
    async fn load_pin(&self, record: PinRecord) -> Result<Pin, VaultError> {
        let PinRecord { user, epoch, .. } = record;
        let user_epoch = self.epochs.get_cell(&user);
        self.epochs.load(&user_epoch).await?;
        Ok(Pin { user, epoch, user_epoch })
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
