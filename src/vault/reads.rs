//! The reads of [`Shared`], the state that all clones of a [`TokenVault`](super::TokenVault) share.

use std::sync::Arc;
use std::time::Duration;

use super::VaultError;
use super::kept_token::KeptToken;
use super::l1::L1Entry;
use super::permit::Permit;
use super::slots::TokenRecord;
use super::token_vault::{FoundToken, KeptRecord, NeededLifetime, Shared};
use crate::domain::{ConnectionRevision, RecordKey, TokenSlot, UserKey, UserToken};

/// A token is handed out only if more than this is left of its lifetime
/// (docs/protocols/token-service-api.md §1 rule 13). For a token with a lifetime of less than twice this, half of its
/// lifetime is enough.
const MIN_REMAINING_LIFETIME: Duration = Duration::from_mins(5);

impl Shared {
    pub(super) async fn find_with(
        &self,
        key: RecordKey,
        revision: ConnectionRevision,
        needed: NeededLifetime,
    ) -> Result<Option<Arc<UserToken>>, VaultError> {
        if let Some(entry) = self.find_copy(key)
            && self.can_hand_out(&entry, revision, needed)
        {
            return Ok(Some(Arc::clone(&entry.token)));
        }
        let ticket = self.l1.read_ticket(key);
        let Some(FoundToken { record, .. }) = self.find_stored(key).await? else {
            return Ok(None);
        };
        let TokenRecord { kept, epoch, .. } = record;
        let user_epoch = self.epochs.get_cell(&kept.token.user);
        self.epochs.load(&user_epoch).await?;
        let token = Arc::new(kept.token.without_refresh_token());
        let entry = L1Entry { token: Arc::clone(&token), revision: kept.revision, epoch, user_epoch };
        if !self.can_hand_out(&entry, revision, needed) {
            return Ok(None);
        }
        self.l1.fill(key, ticket, entry);
        Ok(Some(token))
    }

    pub(super) async fn read(
        &self,
        slot: &TokenSlot,
        revision: ConnectionRevision,
    ) -> Result<Option<KeptRecord>, VaultError> {
        let key = self.slot_keys.get(slot);
        // Taken before the store is read, so that a sign-out after the read supersedes it.
        let generation = self.generations.begin(key, slot);
        let Some(FoundToken { record, stored }) = self.find_stored(key).await? else {
            return Ok(None);
        };
        let TokenRecord { kept, epoch, fence, .. } = record;
        let user_epoch = self.epochs.get_cell(&kept.token.user);
        self.epochs.load(&user_epoch).await?;
        if kept.revision != revision || !user_epoch.is_current(epoch) {
            return Ok(None);
        }
        let permit = Permit { epoch, generation: generation.fenced_by(fence) };
        let KeptToken { token, code_mark, .. } = kept;
        Ok(Some(KeptRecord { token, code_mark, permit, revision, stored }))
    }

    /// The token in memory, if it may be used: over a shared store the other replicas' changes must arrive here.
    pub(super) fn find_copy(&self, key: RecordKey) -> Option<Arc<L1Entry>> {
        self.l1.get(key).filter(|_| self.sharing.as_ref().is_none_or(|sharing| sharing.changes.may_use_copies()))
    }

    /// Reads the token under `key` from the store.
    pub(super) async fn find_stored(&self, key: RecordKey) -> Result<Option<FoundToken>, VaultError> {
        let Some(found) = self.tokens.get(key).await? else { return Ok(None) };
        let record = found.content.into_token(self.clock.now());
        Ok(record.map(|record| FoundToken { record, stored: found.stored }))
    }

    /// The index of all tokens of `user`.
    pub(super) fn user_index(&self, user: &UserKey) -> RecordKey {
        self.tokens.index([user.issuer(), user.subject()])
    }

    /// Whether `entry` may be handed out. This rule is the same for tokens from memory and from the store.
    pub(super) fn can_hand_out(&self, entry: &L1Entry, revision: ConnectionRevision, needed: NeededLifetime) -> bool {
        entry.revision == revision
            && entry.user_epoch.is_current(entry.epoch)
            && match needed {
                NeededLifetime::Enough => self.has_enough_lifetime(&entry.token),
                NeededLifetime::Any => !entry.token.has_ended(self.clock.now()),
            }
    }

    /// Whether enough of the lifetime of `token` is left to hand it out.
    pub(super) fn has_enough_lifetime(&self, token: &UserToken) -> bool {
        let lifetime = token.obtained_at.until(token.expires_at);
        self.clock.now().until(token.expires_at) > MIN_REMAINING_LIFETIME.min(lifetime / 2)
    }
}
