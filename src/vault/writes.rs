//! The write operations of [`Shared`], the state that all clones of a [`TokenVault`](super::TokenVault) share.

use std::sync::Arc;
use std::time::Duration;

use super::l1::L1Entry;
use super::permit::Permit;
use super::slots::{SlotFence, SlotRecord, TokenRecord};
use super::token_vault::{RemovedTokens, Shared};
use super::{KeptToken, VaultError};
use crate::domain::{RecordKey, Timestamp, UserKey, UserToken};
use crate::records::StoredRecord;

/// How long a token with a refresh token is stored after it was obtained: Entra accepts a refresh token that has not
/// been used for up to 90 days. Each refresh restarts this time.
const REFRESHABLE_TOKEN_LIFETIME: Duration = Duration::from_hours(90 * 24);

/// Lock order: the write lock of the user's epoch first, then the write lock of the slot. Over a shared store the writes of
/// `shared_writes.rs` take their place.
impl Shared {
    /// Writes `kept` to its slot. With `expected`, writes it only if the store still holds `expected`.
    pub(super) async fn keep(
        &self,
        permit: Permit,
        kept: KeptToken,
        expected: Option<StoredRecord<SlotRecord>>,
    ) -> Result<Arc<UserToken>, VaultError> {
        if let Some(sharing) = &self.sharing {
            return self.keep_shared(sharing, permit, kept, expected).await;
        }
        let Permit { epoch, generation } = permit;
        let key = generation.key();
        let (user_epoch, revision) = (self.epochs.get_cell(&kept.token.user), kept.revision);
        let mut behind = user_epoch.write_lock.lock().await;
        self.epochs.load(&user_epoch).await?;
        if !user_epoch.is_current(epoch) {
            return Err(VaultError::SignedOut);
        }
        self.epochs.store_if_behind(&user_epoch, &mut behind).await?;
        let (expires_at, index) = (record_expiry(&kept.token, self.clock.now()), self.user_index(&kept.token.user));
        let content = Arc::new(TokenRecord { kept, epoch, slot: Some(generation.slot().clone()), fence: None });
        let sealed = SlotRecord::Token(Arc::clone(&content));
        let record = self.tokens.seal_until(key, &sealed, expires_at)?.listed_by(index);
        drop(sealed);
        let write_lock = self.l1.lock_writes(key).await;
        if generation.is_superseded() {
            return Err(VaultError::SignedOut);
        }
        let written = match expected {
            None => self.tokens.put(record).await.map(|()| true),
            expected => self.tokens.compare_and_put(expected, record).await,
        };
        match written {
            Ok(true) => {}
            Ok(false) => return Err(VaultError::RecordChanged),
            Err(error) => {
                // The record may or may not have been written, so the next read must come from the store.
                self.l1.remove(key);
                return Err(error.into());
            }
        }
        let token = Arc::new(Arc::unwrap_or_clone(content).kept.token.without_refresh_token());
        let user_epoch_in_l1 = Arc::clone(&user_epoch);
        self.l1.replace(key, L1Entry { token: Arc::clone(&token), revision, epoch, user_epoch: user_epoch_in_l1 });
        drop(write_lock);
        Ok(token)
    }

    pub(super) async fn forget(&self, key: RecordKey) -> Result<(), VaultError> {
        if let Some(sharing) = &self.sharing {
            return self.forget_shared(sharing, key).await;
        }
        let write_lock = self.l1.lock_writes(key).await;
        self.generations.supersede(key);
        let removed = self.tokens.remove(vec![key]).await;
        self.l1.remove(key);
        drop(write_lock);
        Ok(removed?)
    }

    /// Removes the token at `key` and returns it. A token that cannot be read is removed, too.
    pub(super) async fn take(&self, key: RecordKey) -> Result<Option<KeptToken>, VaultError> {
        if let Some(sharing) = &self.sharing {
            return self.take_shared(sharing, key).await;
        }
        let write_lock = self.l1.lock_writes(key).await;
        self.generations.supersede(key);
        // Removing the token does not depend on reading it.
        let found = self.find_stored(key).await.ok().flatten();
        let removed = self.tokens.remove(vec![key]).await;
        self.l1.remove(key);
        drop(write_lock);
        removed?;
        Ok(found.map(|found| found.record.kept))
    }

    /// Removes `stored` if the store still holds it; `fence` is that of the record, which stays in a shared store. Returns
    /// whether it was removed.
    pub(super) async fn remove(
        &self,
        stored: StoredRecord<SlotRecord>,
        fence: Option<SlotFence>,
    ) -> Result<bool, VaultError> {
        let key = stored.key();
        let write_lock = self.l1.lock_writes(key).await;
        let removed = self.remove_stored(stored, fence.filter(|_| self.sharing.is_some())).await?;
        if removed {
            self.l1.remove(key);
        }
        drop(write_lock);
        Ok(removed)
    }

    pub(super) async fn raise_epoch(&self, user: &UserKey) -> Result<RemovedTokens, VaultError> {
        let user_epoch = self.epochs.get_cell(user);
        let mut behind = user_epoch.write_lock.lock().await;
        self.epochs.raise(&user_epoch, &mut behind).await?;
        // The raised epoch has ended all tokens and pins of the user. The rest only removes their records.
        let mut removed = RemovedTokens::default();
        for stored in self.tokens.members(self.user_index(user)).await? {
            let content = self.tokens.open(&stored);
            let fence = content.as_ref().ok().and_then(|record| record.fence(self.clock.now()));
            // This removes only the listed record: the slot may hold another user's token by now.
            if !self.remove(stored, fence).await? {
                continue;
            }
            // A record that cannot be read counts as well.
            let token = content.map(|record| record.into_token(self.clock.now()));
            removed.count += usize::from(!matches!(token, Ok(None)));
            removed.tokens.extend(token.ok().flatten().map(|record| record.kept));
        }
        self.pins.remove_all(user).await?;
        Ok(removed)
    }
}

/// The time until which the record of `token` is stored. An expired token without a refresh token is useless.
pub(super) fn record_expiry(token: &UserToken, now: Timestamp) -> Timestamp {
    match token.refresh_token {
        Some(_) => now.plus(REFRESHABLE_TOKEN_LIFETIME).max(token.expires_at),
        None => token.expires_at,
    }
}
