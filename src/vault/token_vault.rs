use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};

use super::epochs::{Epoch, Epochs};
use super::l1::{L1, L1Entry};
use super::pins::Pins;
use super::slot_names::SlotNames;
use super::{KeptToken, VaultError};
use crate::domain::{ChannelAccount, ConnectionRevision, SharedClock, Timestamp, TokenSlot, UserKey, UserToken};
use crate::sealing::Sealer;
use crate::store::{Record, RecordKey, Store};

/// A token is handed out while more than this is left (token-service-api §1.13), or half of a shorter life.
const MARGIN: Duration = Duration::from_mins(5);

/// The users' tokens. Clones share everything.
#[derive(Clone)]
pub struct TokenVault {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Store>,
    sealer: Arc<Sealer>,
    clock: SharedClock,
    l1: L1,
    epochs: Epochs,
    pins: Pins,
    slot_names: SlotNames,
}

impl TokenVault {
    /// A vault over `store` that holds up to `l1_bytes` of tokens in memory.
    pub fn new(store: Arc<dyn Store>, sealer: Arc<Sealer>, clock: SharedClock, l1_bytes: u64) -> Self {
        let epochs = Epochs::new(Arc::clone(&store), Arc::clone(&sealer));
        let pins = Pins::new(Arc::clone(&store), Arc::clone(&sealer));
        let slot_names = SlotNames::new(Arc::clone(&sealer));
        Self { shared: Arc::new(Shared { store, sealer, clock, l1: L1::new(l1_bytes), epochs, pins, slot_names }) }
    }

    /// The token in `slot`, if it is usable: kept for this revision of the connection, in the user's present epoch, and
    /// with more than five minutes (or half its life, if that is less) left. From memory if possible, without disk.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails, or holds what cannot be opened: a missing key is not a missing token.
    pub async fn find(
        &self,
        slot: &TokenSlot,
        revision: ConnectionRevision,
    ) -> Result<Option<Arc<UserToken>>, VaultError> {
        let key = self.shared.slot_key(slot);
        if let Some(entry) = self.shared.l1.get(key)
            && self.shared.serves(&entry, revision)
        {
            return Ok(Some(Arc::clone(&entry.token)));
        }
        self.shared.find_in_store(key, revision).await
    }

    /// The user's epoch; to be read *before* redeeming, and given to [`TokenVault::keep`] with the result.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails.
    pub async fn epoch(&self, user: &UserKey) -> Result<Epoch, VaultError> {
        self.shared.epochs.current(&self.shared.epochs.of(user)).await
    }

    /// Keeps `token` in `slot`; when this returns, it is as durable as the store makes it.
    ///
    /// # Errors
    /// [`VaultError::SignedOut`] when the user was signed out everywhere since `epoch` was read: nothing is kept, and
    /// the token must not be used. Otherwise [`VaultError`] if the store fails.
    pub async fn keep(
        &self,
        slot: &TokenSlot,
        revision: ConnectionRevision,
        token: UserToken,
        epoch: Epoch,
    ) -> Result<Arc<UserToken>, VaultError> {
        let (shared, key) = (Arc::clone(&self.shared), self.shared.slot_key(slot));
        to_the_end(async move { shared.keep(key, revision, token, epoch).await }).await
    }

    /// Removes the token in `slot`: sign-out of one connection.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails; the token may then still be there.
    pub async fn forget(&self, slot: &TokenSlot) -> Result<(), VaultError> {
        let (shared, key) = (Arc::clone(&self.shared), self.shared.slot_key(slot));
        to_the_end(async move { shared.forget(key).await }).await
    }

    /// Signs `user` out everywhere: no token kept before is handed out again, not even one that is being kept now, and
    /// all are removed.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails; this process then treats the user as signed out all the same.
    pub async fn raise_epoch(&self, user: &UserKey) -> Result<(), VaultError> {
        let (shared, user) = (Arc::clone(&self.shared), user.clone());
        to_the_end(async move { shared.raise_epoch(&user).await }).await
    }

    /// The person that `account` is pinned to.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails.
    pub async fn find_pin(&self, account: &ChannelAccount) -> Result<Option<UserKey>, VaultError> {
        self.shared.pins.find(account).await
    }

    /// Pins `account` to `user` unless it is pinned already; returns whom it is pinned to.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails.
    pub async fn pin(&self, account: &ChannelAccount, user: &UserKey) -> Result<UserKey, VaultError> {
        self.shared.pins.pin(account, user).await
    }
}

impl Shared {
    async fn find_in_store(
        &self,
        key: RecordKey,
        revision: ConnectionRevision,
    ) -> Result<Option<Arc<UserToken>>, VaultError> {
        let ticket = self.l1.read_ticket(key);
        let Some(record) = self.store.get(key).await? else {
            return Ok(None);
        };
        let (kept, epoch) = self.open(key, &record)?;
        let user_epoch = self.epochs.of(&kept.token.user);
        self.epochs.current(&user_epoch).await?;
        let entry = L1Entry { token: Arc::new(kept.token), revision: kept.revision, epoch, user_epoch };
        if !self.serves(&entry, revision) {
            return Ok(None);
        }
        let token = Arc::clone(&entry.token);
        self.l1.fill(key, ticket, entry);
        Ok(Some(token))
    }

    /// The one rule for what is handed out, for memory and store alike.
    fn serves(&self, entry: &L1Entry, revision: ConnectionRevision) -> bool {
        entry.revision == revision && entry.user_epoch.is(entry.epoch) && has_margin(&entry.token, self.clock.now())
    }

    // Lock order: the user's writes, then the slot's.
    async fn keep(
        &self,
        key: RecordKey,
        revision: ConnectionRevision,
        token: UserToken,
        epoch: Epoch,
    ) -> Result<Arc<UserToken>, VaultError> {
        let user_epoch = self.epochs.of(&token.user);
        let mut behind = user_epoch.writing.lock().await;
        self.epochs.current(&user_epoch).await?;
        if !user_epoch.is(epoch) {
            return Err(VaultError::SignedOut);
        }
        self.epochs.catch_up(&user_epoch, &mut behind).await?;
        let record = Record {
            value: self.seal(key, epoch, &KeptToken::encode(revision, &token)?)?,
            expires_at: token.expires_at,
            index: Some(self.user_index(&token.user)),
        };
        let order = self.l1.write_order(key).await;
        if let Err(error) = self.store.put(key, record).await {
            // Whether it was written is not known: only the store can tell.
            self.l1.remove(key);
            return Err(error.into());
        }
        let token = Arc::new(token);
        let user_epoch_in_l1 = Arc::clone(&user_epoch);
        self.l1.replace(key, L1Entry { token: Arc::clone(&token), revision, epoch, user_epoch: user_epoch_in_l1 });
        drop(order);
        Ok(token)
    }

    async fn forget(&self, key: RecordKey) -> Result<(), VaultError> {
        let order = self.l1.write_order(key).await;
        let removed = self.store.remove(vec![key]).await;
        self.l1.remove(key);
        drop(order);
        Ok(removed?)
    }

    async fn raise_epoch(&self, user: &UserKey) -> Result<(), VaultError> {
        let user_epoch = self.epochs.of(user);
        let mut behind = user_epoch.writing.lock().await;
        self.epochs.raise(&user_epoch, &mut behind).await?;
        // From here on it is tidying: what the index lists is dead already.
        for (key, value) in self.store.members(self.user_index(user)).await? {
            let order = self.l1.write_order(key).await;
            // Only what was listed: another user's token may have taken the slot meanwhile.
            let gone = Record { value: Bytes::new(), expires_at: self.clock.now(), index: None };
            if self.store.compare_and_put(key, Some(value), gone).await? {
                self.l1.remove(key);
            }
            drop(order);
        }
        Ok(())
    }

    /// The epoch stays readable before the envelope, since whose it is is known only inside; the seal binds it.
    fn seal(&self, key: RecordKey, epoch: Epoch, plain: &[u8]) -> Result<Bytes, VaultError> {
        let epoch = epoch.to_bytes();
        let envelope = self.sealer.seal(&[PURPOSE.as_bytes(), &key.0, &epoch], plain)?;
        let mut record = BytesMut::with_capacity(epoch.len() + envelope.len());
        record.put_slice(&epoch);
        record.put_slice(&envelope);
        Ok(record.freeze())
    }

    fn open(&self, key: RecordKey, record: &[u8]) -> Result<(KeptToken, Epoch), VaultError> {
        let (epoch, envelope) = record.split_first_chunk::<8>().ok_or(VaultError::Unreadable)?;
        let plain = self.sealer.open(&[PURPOSE.as_bytes(), &key.0, epoch], envelope)?;
        Ok((KeptToken::decode(&plain)?, Epoch::from_bytes(*epoch)))
    }

    fn slot_key(&self, slot: &TokenSlot) -> RecordKey {
        self.slot_names.of(PURPOSE, slot)
    }

    fn user_index(&self, user: &UserKey) -> RecordKey {
        RecordKey(self.sealer.mac("vault.user", &[user.issuer().as_bytes(), user.subject().as_bytes()]))
    }
}

const PURPOSE: &str = "vault.token";

fn has_margin(token: &UserToken, now: Timestamp) -> bool {
    let life = token.obtained_at.until(token.expires_at);
    now.until(token.expires_at) > MARGIN.min(life / 2)
}

/// Runs a write in a task of its own: a caller that hangs up must not leave memory and store apart.
async fn to_the_end<T: Send + 'static>(
    write: impl Future<Output = Result<T, VaultError>> + Send + 'static,
) -> Result<T, VaultError> {
    tokio::spawn(write).await.map_err(|_| VaultError::Interrupted)?
}
