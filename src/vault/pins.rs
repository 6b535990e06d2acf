use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::VaultError;
use super::epochs::{Epoch, Epochs, UserEpoch};
use super::permit::Permit;
use crate::domain::{Account, RecordKey, UserKey};
use crate::records::{
    Collection, Content, Kind, Plaintext, Records, SingleWriter, StoredRecord, catalogue, encode_json,
};

/// Pins held in memory.
const RECENT_PINS: usize = 65_536;
/// Every lost race for a pin means that another caller has pinned or unpinned, so few are ever lost.
const RACES: usize = 8;

/// A pin as it is kept.
struct PinRecord {
    user: UserKey,
    epoch: Epoch,
}

/// Plaintext form.
#[derive(Serialize, Deserialize)]
struct PlainPin {
    issuer: String,
    subject: String,
    /// Absent in what the first version wrote: no user had been signed out everywhere then.
    #[serde(default)]
    epoch: u64,
}

impl Content for PinRecord {
    const KIND: &'static Kind = &catalogue::PIN;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(&PlainPin {
            issuer: self.user.issuer().to_owned(),
            subject: self.user.subject().to_owned(),
            epoch: u64::from_be_bytes(self.epoch.to_bytes()),
        })
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let pin: PlainPin = plain.json(Self::KIND)?;
        let user = UserKey::from_parts(&pin.issuer, &pin.subject);
        Some(Self { user, epoch: Epoch::from_bytes(pin.epoch.to_be_bytes()) })
    }
}

/// The person that an account belongs to, as long as that person's epoch lasts: a sign-out everywhere ends all pins to a
/// person at once.
#[derive(Clone)]
struct Pin {
    user: UserKey,
    epoch: Epoch,
    user_epoch: Arc<UserEpoch>,
}

impl Pin {
    fn holds(&self) -> bool {
        self.user_epoch.is(self.epoch)
    }
}

/// Which person a channel's account belongs to, by first success and until sign-out.
pub(super) struct Pins {
    records: Collection<PinRecord>,
    epochs: Arc<Epochs>,
    recent: Cache<Account, Pin>,
    /// How many pins were ended one by one: a reader that read the store before one of them must not leave
    /// it in memory.
    ended: AtomicU64,
}

impl Pins {
    /// The pins in memory are right only while this process alone writes pins.
    pub(super) fn new(records: &Records, _: SingleWriter, epochs: Arc<Epochs>) -> Self {
        Self { records: Collection::new(records), epochs, recent: Cache::new(RECENT_PINS), ended: AtomicU64::new(0) }
    }

    pub(super) async fn find(&self, account: &Account) -> Result<Option<UserKey>, VaultError> {
        if let Some(pin) = self.recent.get(account).filter(Pin::holds) {
            return Ok(Some(pin.user));
        }
        let (key, ended) = (self.key(account), self.ended.load(Ordering::SeqCst));
        let Some(record) = self.records.get(key).await? else {
            return Ok(None);
        };
        let pin = self.live(record.content).await?;
        Ok(pin.holds().then(|| self.remember(account, pin, ended)))
    }

    pub(super) async fn pin(&self, account: &Account, user: &UserKey, permit: &Permit) -> Result<UserKey, VaultError> {
        if let Some(pin) = self.recent.get(account).filter(Pin::holds) {
            return Ok(pin.user);
        }
        let (key, ended) = (self.key(account), self.ended.load(Ordering::SeqCst));
        let ours = Pin { user: user.clone(), epoch: permit.epoch, user_epoch: self.epochs.of(user) };
        let content = PinRecord { user: user.clone(), epoch: permit.epoch };
        let record = self.records.seal(key, &content)?.listed_by(self.of_user(user));
        for _ in 0..RACES {
            let Some(existing) = self.records.put_if_absent(record.clone()).await? else {
                return self.pinned(account, record.stored(), ours, permit).await;
            };
            let winner = self.live(existing.content).await?;
            if winner.holds() {
                return Ok(self.remember(account, winner, ended));
            }
            if self.records.compare_and_put(Some(existing.stored), record.clone()).await? {
                return self.pinned(account, record.stored(), ours, permit).await;
            }
        }
        Err(VaultError::Overtaken)
    }

    /// A pin was written. The sign-out of the slot supersedes its generation first and ends the account's pin then: if
    /// the generation is superseded, that may have been before this pin was there to be ended.
    async fn pinned(
        &self,
        account: &Account,
        stored: StoredRecord<PinRecord>,
        pin: Pin,
        permit: &Permit,
    ) -> Result<UserKey, VaultError> {
        let ended = self.ended.load(Ordering::SeqCst);
        if permit.generation.is_superseded() {
            // Only this very pin: the account may have been pinned anew meanwhile.
            self.records.end(stored).await?;
            return Err(VaultError::SignedOut);
        }
        Ok(self.remember(account, pin, ended))
    }

    pub(super) async fn unpin(&self, account: &Account) -> Result<(), VaultError> {
        let removed = self.records.remove(vec![self.key(account)]).await;
        self.ended.fetch_add(1, Ordering::SeqCst);
        self.recent.remove(account);
        Ok(removed?)
    }

    /// Tidies after the user's epoch was raised, which has ended these pins.
    pub(super) async fn remove_all_of(&self, user: &UserKey) -> Result<(), VaultError> {
        for stored in self.records.members(self.of_user(user)).await? {
            // Only this very pin: the account may have been pinned anew meanwhile.
            self.records.end(stored).await?;
        }
        Ok(())
    }

    /// `ended` was read before the store was.
    fn remember(&self, account: &Account, pin: Pin, ended: u64) -> UserKey {
        let user = pin.user.clone();
        self.recent.insert(account.clone(), pin);
        if self.ended.load(Ordering::SeqCst) != ended {
            self.recent.remove(account);
        }
        user
    }

    /// A pin that was read, with its person's epoch.
    async fn live(&self, record: PinRecord) -> Result<Pin, VaultError> {
        let PinRecord { user, epoch } = record;
        let user_epoch = self.epochs.of(&user);
        self.epochs.current(&user_epoch).await?;
        Ok(Pin { user, epoch, user_epoch })
    }

    fn key(&self, account: &Account) -> RecordKey {
        self.records.key_of(&account.key_parts())
    }

    /// The index of all pins to `user`.
    fn of_user(&self, user: &UserKey) -> RecordKey {
        self.records.index([user.issuer(), user.subject()])
    }
}
