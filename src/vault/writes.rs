use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::l1::L1Entry;
use super::token_vault::{Permit, Shared};
use super::{KeptToken, VaultError};
use crate::domain::{ConnectionRevision, Timestamp, UserKey, UserToken};
use crate::store::{Record, RecordKey};

/// A token that can be refreshed stays for as long as Entra lets a refresh token lie unused (90 days); each refresh
/// begins the time anew.
const REFRESHABLE_FOR: Duration = Duration::from_hours(90 * 24);

/// The writes. Lock order: the user's writes, then the slot's.
impl Shared {
    /// Keeps `token` in the place of whatever is there, or of `expected` only.
    pub(super) async fn keep(
        &self,
        permit: Permit,
        revision: ConnectionRevision,
        token: UserToken,
        expected: Option<Bytes>,
    ) -> Result<Arc<UserToken>, VaultError> {
        let Permit { key, epoch, turn } = permit;
        let user_epoch = self.epochs.of(&token.user);
        let mut behind = user_epoch.writing.lock().await;
        self.epochs.current(&user_epoch).await?;
        if !user_epoch.is(epoch) {
            return Err(VaultError::SignedOut);
        }
        self.epochs.catch_up(&user_epoch, &mut behind).await?;
        let record = Record {
            value: self.slots.seal(key, epoch, &KeptToken::encode(revision, &token)?)?,
            expires_at: kept_until(&token, self.clock.now()),
            index: Some(self.slots.of_user(&token.user)),
        };
        let order = self.l1.write_order(key).await;
        if turn.is_over() {
            return Err(VaultError::SignedOut);
        }
        let written = match expected {
            None => self.store.put(key, record).await.map(|()| true),
            expected => self.store.compare_and_put(key, expected, record).await,
        };
        match written {
            Ok(true) => {}
            Ok(false) => return Err(VaultError::Overtaken),
            Err(error) => {
                // Whether it was written is not known: only the store can tell.
                self.l1.remove(key);
                return Err(error.into());
            }
        }
        let token = Arc::new(token.without_refresh_token());
        let user_epoch_in_l1 = Arc::clone(&user_epoch);
        self.l1.replace(key, L1Entry { token: Arc::clone(&token), revision, epoch, user_epoch: user_epoch_in_l1 });
        drop(order);
        Ok(token)
    }

    pub(super) async fn forget(&self, key: RecordKey) -> Result<(), VaultError> {
        let order = self.l1.write_order(key).await;
        self.turns.end(key);
        let removed = self.store.remove(vec![key]).await;
        self.l1.remove(key);
        drop(order);
        Ok(removed?)
    }

    /// Removes the record if it is still this one; says whether it was.
    pub(super) async fn remove(&self, key: RecordKey, sealed: Bytes) -> Result<bool, VaultError> {
        let order = self.l1.write_order(key).await;
        let gone = Record { value: Bytes::new(), expires_at: self.clock.now(), index: None };
        let removed = self.store.compare_and_put(key, Some(sealed), gone).await?;
        if removed {
            self.l1.remove(key);
        }
        drop(order);
        Ok(removed)
    }

    pub(super) async fn raise_epoch(&self, user: &UserKey) -> Result<usize, VaultError> {
        let user_epoch = self.epochs.of(user);
        let mut behind = user_epoch.writing.lock().await;
        self.epochs.raise(&user_epoch, &mut behind).await?;
        // From here on it is tidying: what the indexes list is dead already.
        let mut removed = 0;
        for (key, value) in self.store.members(self.slots.of_user(user)).await? {
            // Only what was listed: another user's token may have taken the slot meanwhile.
            removed += usize::from(self.remove(key, value).await?);
        }
        self.pins.remove_all_of(user).await?;
        Ok(removed)
    }
}

/// Without a refresh token there is nothing to be had of a token that has ended.
fn kept_until(token: &UserToken, now: Timestamp) -> Timestamp {
    match token.refresh_token {
        Some(_) => now.plus(REFRESHABLE_FOR).max(token.expires_at),
        None => token.expires_at,
    }
}
