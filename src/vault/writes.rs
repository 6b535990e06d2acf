//! The writes of [`Shared`], which is what all clones of a [`TokenVault`](super::TokenVault) share.

use std::sync::Arc;
use std::time::Duration;

use super::kept_token::TokenRecord;
use super::l1::L1Entry;
use super::permit::Permit;
use super::token_vault::Shared;
use super::{KeptToken, VaultError};
use crate::domain::{ConnectionRevision, RecordKey, Timestamp, UserKey, UserToken};
use crate::records::StoredRecord;

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
        expected: Option<StoredRecord<TokenRecord>>,
    ) -> Result<Arc<UserToken>, VaultError> {
        let Permit { epoch, generation } = permit;
        let key = generation.key();
        let user_epoch = self.epochs.of(&token.user);
        let mut behind = user_epoch.writing.lock().await;
        self.epochs.current(&user_epoch).await?;
        if !user_epoch.is(epoch) {
            return Err(VaultError::SignedOut);
        }
        self.epochs.catch_up(&user_epoch, &mut behind).await?;
        let (expires_at, index) = (kept_until(&token, self.clock.now()), self.of_user(&token.user));
        let content = TokenRecord { kept: KeptToken { revision, token }, epoch };
        let record = self.tokens.seal_until(key, &content, expires_at)?.listed_by(index);
        let order = self.l1.write_order(key).await;
        if generation.is_superseded() {
            return Err(VaultError::SignedOut);
        }
        let written = match expected {
            None => self.tokens.put(record).await.map(|()| true),
            expected => self.tokens.compare_and_put(expected, record).await,
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
        let token = Arc::new(content.kept.token.without_refresh_token());
        let user_epoch_in_l1 = Arc::clone(&user_epoch);
        self.l1.replace(key, L1Entry { token: Arc::clone(&token), revision, epoch, user_epoch: user_epoch_in_l1 });
        drop(order);
        Ok(token)
    }

    pub(super) async fn forget(&self, key: RecordKey) -> Result<(), VaultError> {
        let order = self.l1.write_order(key).await;
        self.generations.supersede(key);
        let removed = self.tokens.remove(vec![key]).await;
        self.l1.remove(key);
        drop(order);
        Ok(removed?)
    }

    /// Removes the record if it is still this one; says whether it was.
    pub(super) async fn remove(&self, stored: StoredRecord<TokenRecord>) -> Result<bool, VaultError> {
        let key = stored.key();
        let order = self.l1.write_order(key).await;
        let removed = self.tokens.end(stored).await?;
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
        for stored in self.tokens.members(self.of_user(user)).await? {
            // Only what was listed: another user's token may have taken the slot meanwhile.
            removed += usize::from(self.remove(stored).await?);
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
