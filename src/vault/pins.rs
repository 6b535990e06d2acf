use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

use super::epochs::{Epoch, Epochs, UserEpoch};
use super::token_vault::Permit;
use super::{FOR_EVER, VaultError};
use crate::domain::{Account, SharedClock, UserKey};
use crate::sealing::Sealer;
use crate::store::{PutIfAbsent, Record, RecordKey, Store};

const PURPOSE: &str = "vault.pin";
/// Pins held in memory.
const RECENT_PINS: usize = 65_536;
/// Every lost race for a pin means that somebody else has pinned or unpinned, so few are ever lost.
const RACES: usize = 8;

#[derive(Serialize, Deserialize)]
struct PlainPin {
    issuer: String,
    subject: String,
    /// Absent in what the first version wrote: nobody had been signed out everywhere then.
    #[serde(default)]
    epoch: u64,
}

/// Whom an account belongs to, as long as that person's epoch lasts: sign-out everywhere ends all of their pins at once.
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
    store: Arc<dyn Store>,
    sealer: Arc<Sealer>,
    clock: SharedClock,
    epochs: Arc<Epochs>,
    recent: Cache<Account, Pin>,
    /// How many pins were ended one by one: who read the store before one of them must not leave it in memory.
    ended: AtomicU64,
}

impl Pins {
    pub(super) fn new(store: Arc<dyn Store>, sealer: Arc<Sealer>, clock: SharedClock, epochs: Arc<Epochs>) -> Self {
        Self { store, sealer, clock, epochs, recent: Cache::new(RECENT_PINS), ended: AtomicU64::new(0) }
    }

    pub(super) async fn find(&self, account: &Account) -> Result<Option<UserKey>, VaultError> {
        if let Some(pin) = self.recent.get(account).filter(Pin::holds) {
            return Ok(Some(pin.user));
        }
        let (key, ended) = (self.key(account), self.ended.load(Ordering::SeqCst));
        let Some(sealed) = self.store.get(key).await? else {
            return Ok(None);
        };
        let pin = self.open(key, &sealed).await?;
        Ok(pin.holds().then(|| self.remember(account, pin, ended)))
    }

    pub(super) async fn pin(&self, account: &Account, user: &UserKey, permit: &Permit) -> Result<UserKey, VaultError> {
        if let Some(pin) = self.recent.get(account).filter(Pin::holds) {
            return Ok(pin.user);
        }
        let (key, ended) = (self.key(account), self.ended.load(Ordering::SeqCst));
        let ours = Pin { user: user.clone(), epoch: permit.epoch, user_epoch: self.epochs.of(user) };
        let record = self.seal(key, &ours)?;
        for _ in 0..RACES {
            let sealed = match self.store.put_if_absent(key, record.clone()).await? {
                PutIfAbsent::Written => return self.pinned(account, (key, record.value), ours, permit).await,
                PutIfAbsent::Existing(sealed) => sealed,
            };
            let winner = self.open(key, &sealed).await?;
            if winner.holds() {
                return Ok(self.remember(account, winner, ended));
            }
            if self.store.compare_and_put(key, Some(sealed), record.clone()).await? {
                return self.pinned(account, (key, record.value), ours, permit).await;
            }
        }
        Err(VaultError::Overtaken)
    }

    /// A pin was written. The sign-out of the slot ends its turn first and the account's pin then: if the turn is over,
    /// that may have been before this pin was there to be ended.
    async fn pinned(
        &self,
        account: &Account,
        (key, sealed): (RecordKey, Bytes),
        pin: Pin,
        permit: &Permit,
    ) -> Result<UserKey, VaultError> {
        let ended = self.ended.load(Ordering::SeqCst);
        if permit.turn.is_over() {
            self.remove(key, sealed).await?;
            return Err(VaultError::SignedOut);
        }
        Ok(self.remember(account, pin, ended))
    }

    pub(super) async fn unpin(&self, account: &Account) -> Result<(), VaultError> {
        let removed = self.store.remove(vec![self.key(account)]).await;
        self.ended.fetch_add(1, Ordering::SeqCst);
        self.recent.remove(account);
        Ok(removed?)
    }

    /// Tidies after the user's epoch was raised, which has ended these pins.
    pub(super) async fn remove_all_of(&self, user: &UserKey) -> Result<(), VaultError> {
        for (key, sealed) in self.store.members(self.of_user(user)).await? {
            self.remove(key, sealed).await?;
        }
        Ok(())
    }

    /// Only this very pin: the account may have been pinned anew meanwhile.
    async fn remove(&self, key: RecordKey, sealed: Bytes) -> Result<(), VaultError> {
        let gone = Record { value: Bytes::new(), expires_at: self.clock.now(), index: None };
        self.store.compare_and_put(key, Some(sealed), gone).await?;
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

    fn seal(&self, key: RecordKey, pin: &Pin) -> Result<Record, VaultError> {
        let plain = PlainPin {
            issuer: pin.user.issuer().to_owned(),
            subject: pin.user.subject().to_owned(),
            epoch: u64::from_be_bytes(pin.epoch.to_bytes()),
        };
        let plain = serde_json::to_vec(&plain).map_err(|_| VaultError::Unreadable)?;
        let value = self.sealer.seal(&[PURPOSE.as_bytes(), &key.0], &plain)?.into();
        Ok(Record { value, expires_at: FOR_EVER, index: Some(self.of_user(&pin.user)) })
    }

    async fn open(&self, key: RecordKey, sealed: &[u8]) -> Result<Pin, VaultError> {
        let plain = self.sealer.open(&[PURPOSE.as_bytes(), &key.0], sealed)?;
        let pin: PlainPin = serde_json::from_slice(&plain).map_err(|_| VaultError::Unreadable)?;
        let user = UserKey::from_parts(&pin.issuer, &pin.subject);
        let user_epoch = self.epochs.of(&user);
        self.epochs.current(&user_epoch).await?;
        Ok(Pin { user, epoch: Epoch::from_bytes(pin.epoch.to_be_bytes()), user_epoch })
    }

    fn key(&self, account: &Account) -> RecordKey {
        RecordKey(self.sealer.mac(PURPOSE, &account.key_parts().each_ref().map(|part| part.as_bytes())))
    }

    /// The index of all pins to `user`.
    fn of_user(&self, user: &UserKey) -> RecordKey {
        RecordKey(self.sealer.mac("vault.pins", &[user.issuer().as_bytes(), user.subject().as_bytes()]))
    }
}
