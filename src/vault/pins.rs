use std::sync::Arc;

use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

use super::{FOR_EVER, VaultError};
use crate::domain::{ChannelAccount, UserKey};
use crate::sealing::Sealer;
use crate::store::{PutIfAbsent, Record, RecordKey, Store};

const PURPOSE: &str = "vault.pin";
/// Pins held in memory.
const RECENT_PINS: usize = 65_536;

#[derive(Serialize, Deserialize)]
struct PlainPin {
    issuer: String,
    subject: String,
}

/// Which person a channel's account belongs to, by first success. A pin never changes, so memory needs no upkeep.
pub(super) struct Pins {
    store: Arc<dyn Store>,
    sealer: Arc<Sealer>,
    recent: Cache<ChannelAccount, UserKey>,
}

impl Pins {
    pub(super) fn new(store: Arc<dyn Store>, sealer: Arc<Sealer>) -> Self {
        Self { store, sealer, recent: Cache::new(RECENT_PINS) }
    }

    pub(super) async fn find(&self, account: &ChannelAccount) -> Result<Option<UserKey>, VaultError> {
        if let Some(user) = self.recent.get(account) {
            return Ok(Some(user));
        }
        let key = self.key(account);
        let Some(sealed) = self.store.get(key).await? else {
            return Ok(None);
        };
        self.open(key, &sealed).map(|user| Some(self.remember(account, user)))
    }

    pub(super) async fn pin(&self, account: &ChannelAccount, user: &UserKey) -> Result<UserKey, VaultError> {
        if let Some(winner) = self.recent.get(account) {
            return Ok(winner);
        }
        let key = self.key(account);
        let plain = PlainPin { issuer: user.issuer().to_owned(), subject: user.subject().to_owned() };
        let plain = serde_json::to_vec(&plain).map_err(|_| VaultError::Unreadable)?;
        let value = self.sealer.seal(&[PURPOSE.as_bytes(), &key.0], &plain)?.into();
        let winner = match self.store.put_if_absent(key, Record { value, expires_at: FOR_EVER, index: None }).await? {
            PutIfAbsent::Written => user.clone(),
            PutIfAbsent::Existing(sealed) => self.open(key, &sealed)?,
        };
        Ok(self.remember(account, winner))
    }

    fn remember(&self, account: &ChannelAccount, user: UserKey) -> UserKey {
        self.recent.insert(account.clone(), user.clone());
        user
    }

    fn open(&self, key: RecordKey, sealed: &[u8]) -> Result<UserKey, VaultError> {
        let plain = self.sealer.open(&[PURPOSE.as_bytes(), &key.0], sealed)?;
        let pin: PlainPin = serde_json::from_slice(&plain).map_err(|_| VaultError::Unreadable)?;
        Ok(UserKey::from_parts(&pin.issuer, &pin.subject))
    }

    fn key(&self, account: &ChannelAccount) -> RecordKey {
        let ChannelAccount { bot, channel, user } = account;
        let parts = [bot.as_str().as_bytes(), channel.as_str().as_bytes(), user.as_str().as_bytes()];
        RecordKey(self.sealer.mac(PURPOSE, &parts))
    }
}
