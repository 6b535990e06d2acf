//! The write operations of [`Shared`] over a shared store, and what it does when other replicas write.
//!
//! The store alone decides here: each write compares the record that it replaces, and a sign-out leaves a [`SlotFence`] in
//! the slot's record. So a token of a redemption that began before the sign-out is not kept, on any replica.

use std::sync::Arc;

use super::changes::Change;
use super::epochs::UserEpoch;
use super::l1::L1Entry;
use super::permit::Permit;
use super::slots::{SlotFence, SlotRecord, TokenRecord};
use super::token_vault::{FoundToken, Shared, Sharing};
use super::writes::record_expiry;
use super::{Epoch, KeptToken, VaultError};
use crate::domain::{RecordKey, UserKey, UserToken};
use crate::records::{ChangeListener, OpenedRecord, SealedRecord, StoredRecord};

/// Attempts to write a slot. An attempt fails only if another replica writes the same slot at the same time.
const MAX_CAS_ATTEMPTS: usize = 16;

/// A token that is to be written.
struct NewToken<'a> {
    content: TokenRecord,
    permit: &'a Permit,
}

impl Shared {
    /// As [`Shared::keep`].
    pub(super) async fn keep_shared(
        &self,
        sharing: &Sharing,
        permit: Permit,
        kept: KeptToken,
        expected: Option<StoredRecord<SlotRecord>>,
    ) -> Result<Arc<UserToken>, VaultError> {
        let (key, epoch, revision) = (permit.generation.key(), permit.epoch, kept.revision);
        let user_epoch = self.epochs.get_cell(&kept.token.user);
        let write_lock = self.l1.lock_writes(key).await;
        if permit.generation.is_superseded() {
            return Err(VaultError::SignedOut);
        }
        let ticket = self.l1.read_ticket(key);
        let content = TokenRecord { kept, epoch, slot: Some(permit.generation.slot().clone()), fence: None };
        let written = self.write_checked(NewToken { content, permit: &permit }, expected, &user_epoch).await;
        let token = written.inspect_err(|_| {
            // The record may or may not have been written, so the next read must come from the store.
            self.l1.remove(key);
        })?;
        self.l1.settle(key, ticket, L1Entry { token: Arc::clone(&token), revision, epoch, user_epoch });
        drop(write_lock);
        tell_of_token(sharing, key).await;
        Ok(token)
    }

    /// As [`Shared::forget`].
    pub(super) async fn forget_shared(&self, sharing: &Sharing, key: RecordKey) -> Result<(), VaultError> {
        let write_lock = self.l1.lock_writes(key).await;
        self.generations.supersede(key);
        let signed_out = self.seal_signed_out(key, self.draw_fence(sharing))?;
        let written = self.tokens.put(signed_out).await.map_err(VaultError::from);
        self.l1.remove(key);
        drop(write_lock);
        tell_of_sign_out(sharing, key, written).await
    }

    /// As [`Shared::take`]. Exactly what this removes is returned: a token that another replica keeps meanwhile is refused
    /// there, or is removed here.
    pub(super) async fn take_shared(&self, sharing: &Sharing, key: RecordKey) -> Result<Option<KeptToken>, VaultError> {
        let write_lock = self.l1.lock_writes(key).await;
        self.generations.supersede(key);
        let taken = self.replace_by_fence(sharing, key).await;
        self.l1.remove(key);
        drop(write_lock);
        tell_of_sign_out(sharing, key, taken).await
    }

    /// As [`Shared::take`], if the token at `key` is one of `user`. A token that another replica writes meanwhile is looked at
    /// again.
    pub(super) async fn take_of_user_shared(
        &self,
        sharing: &Sharing,
        user: &UserKey,
        key: RecordKey,
    ) -> Result<Option<KeptToken>, VaultError> {
        let write_lock = self.l1.lock_writes(key).await;
        let taken = self.replace_listed_by_fence(sharing, user, key).await;
        self.l1.remove(key);
        drop(write_lock);
        tell_of_sign_out(sharing, key, taken).await
    }

    /// Removes `stored`, which was read with `permit`, if the store still holds it. Returns whether it was removed.
    pub(super) async fn remove_kept(
        &self,
        stored: StoredRecord<SlotRecord>,
        permit: &Permit,
    ) -> Result<bool, VaultError> {
        let key = stored.key();
        let removed = self.remove(stored, permit.generation.fence(self.clock.now())).await?;
        if let Some(sharing) = self.sharing.as_ref().filter(|_| removed) {
            tell_of_token(sharing, key).await;
        }
        Ok(removed)
    }

    /// Removes `stored` if the store still holds it; its `fence` stays. Returns whether it was removed.
    pub(super) async fn remove_stored(
        &self,
        stored: StoredRecord<SlotRecord>,
        fence: Option<SlotFence>,
    ) -> Result<bool, VaultError> {
        let Some(fence) = fence else { return Ok(self.tokens.remove_if_unchanged(stored).await?) };
        let signed_out = self.seal_signed_out(stored.key(), fence)?;
        Ok(self.tokens.compare_and_put(Some(stored), signed_out).await?)
    }

    /// The record of a slot that was signed out.
    fn seal_signed_out(&self, key: RecordKey, fence: SlotFence) -> Result<SealedRecord<SlotRecord>, VaultError> {
        Ok(self.tokens.seal_until(key, &SlotRecord::SignedOut(fence), fence.ends_at())?)
    }

    fn draw_fence(&self, sharing: &Sharing) -> SlotFence {
        SlotFence::new(sharing.records.draw_id(), self.clock.now())
    }

    /// # Errors
    /// [`VaultError::SignedOut`] unless the store holds `epoch` as the user's.
    async fn check_epoch(&self, user_epoch: &UserEpoch, epoch: Epoch) -> Result<(), VaultError> {
        if self.epochs.load(user_epoch).await? == epoch { Ok(()) } else { Err(VaultError::SignedOut) }
    }

    /// Writes a token if the user's epoch is that of its permit, before the write and after it. Returns the token without its
    /// refresh token.
    async fn write_checked(
        &self,
        new: NewToken<'_>,
        expected: Option<StoredRecord<SlotRecord>>,
        user_epoch: &UserEpoch,
    ) -> Result<Arc<UserToken>, VaultError> {
        let epoch = new.permit.epoch;
        self.check_epoch(user_epoch, epoch).await?;
        let FoundToken { record, stored } = self.write_token(new, expected).await?;
        let checked = self.check_epoch(user_epoch, epoch).await;
        if matches!(checked, Err(VaultError::SignedOut)) {
            // The sign-out everywhere may have listed the user's tokens before this one was written.
            self.remove_stored(stored, record.fence).await?;
        }
        checked?;
        Ok(Arc::new(record.kept.token.without_refresh_token()))
    }

    /// Writes a token in place of what the slot holds, or of `expected` alone. Returns what was written.
    async fn write_token(
        &self,
        new: NewToken<'_>,
        expected: Option<StoredRecord<SlotRecord>>,
    ) -> Result<FoundToken, VaultError> {
        let (generation, key) = (&new.permit.generation, new.permit.generation.key());
        let mut content = Arc::new(new.content);
        if let Some(expected) = expected {
            Arc::make_mut(&mut content).fence = generation.fence(self.clock.now());
            if let Some(stored) = self.replace_record(key, Some(expected), &content).await? {
                return Ok(FoundToken { record: Arc::unwrap_or_clone(content), stored });
            }
            let present = self.find_present_fence(self.tokens.get(key).await?.as_ref());
            return Err(if generation.passes(present) { VaultError::RecordChanged } else { VaultError::SignedOut });
        }
        for _ in 0..MAX_CAS_ATTEMPTS {
            let present = self.tokens.get(key).await?;
            let fence = self.find_present_fence(present.as_ref());
            if !generation.passes(fence) {
                return Err(VaultError::SignedOut);
            }
            Arc::make_mut(&mut content).fence = fence;
            let present = present.map(|present| present.stored);
            if let Some(stored) = self.replace_record(key, present, &content).await? {
                return Ok(FoundToken { record: Arc::unwrap_or_clone(content), stored });
            }
        }
        Err(VaultError::RecordChanged)
    }

    /// Puts the record of a token in place of `present`. It lasts as long as its fence at least. `None` if another replica
    /// was faster.
    async fn replace_record(
        &self,
        key: RecordKey,
        present: Option<StoredRecord<SlotRecord>>,
        content: &Arc<TokenRecord>,
    ) -> Result<Option<StoredRecord<SlotRecord>>, VaultError> {
        let token = &content.kept.token;
        let expires_at = record_expiry(token, self.clock.now());
        let expires_at = content.fence.map_or(expires_at, |fence| expires_at.max(fence.ends_at()));
        let sealed = self.tokens.seal_until(key, &SlotRecord::Token(Arc::clone(content)), expires_at)?;
        let sealed = sealed.listed_by(self.user_index(&token.user));
        let stored = sealed.stored();
        let is_written = self.tokens.compare_and_put(present, sealed).await?;
        Ok(is_written.then_some(stored))
    }

    /// The fence that stands in the record of a slot.
    fn find_present_fence(&self, found: Option<&OpenedRecord<SlotRecord>>) -> Option<SlotFence> {
        found.and_then(|found| found.content.fence(self.clock.now()))
    }

    /// Puts a new fence in place of what the slot holds, and returns the token that it held.
    async fn replace_by_fence(&self, sharing: &Sharing, key: RecordKey) -> Result<Option<KeptToken>, VaultError> {
        let signed_out = self.seal_signed_out(key, self.draw_fence(sharing))?;
        for _ in 0..MAX_CAS_ATTEMPTS {
            // Removing the token does not depend on reading it.
            let Ok(found) = self.tokens.get(key).await else { break };
            let (content, stored) = found.map(|found| (found.content, found.stored)).unzip();
            if self.tokens.compare_and_put(stored, signed_out.clone()).await? {
                let token = content.and_then(|content| content.into_token(self.clock.now()));
                return Ok(token.map(|record| record.kept));
            }
        }
        self.tokens.put(signed_out).await?;
        Ok(None)
    }

    /// As [`Shared::replace_by_fence`], while the slot holds a token of `user`.
    async fn replace_listed_by_fence(
        &self,
        sharing: &Sharing,
        user: &UserKey,
        key: RecordKey,
    ) -> Result<Option<KeptToken>, VaultError> {
        let signed_out = self.seal_signed_out(key, self.draw_fence(sharing))?;
        for _ in 0..MAX_CAS_ATTEMPTS {
            let Some(stored) = self.find_listed(user, key).await? else { return Ok(None) };
            self.generations.supersede(key);
            // Removing the token does not depend on reading it.
            let content = self.tokens.open(&stored).ok();
            if self.tokens.compare_and_put(Some(stored), signed_out.clone()).await? {
                let token = content.and_then(|content| content.into_token(self.clock.now()));
                return Ok(token.map(|record| record.kept));
            }
        }
        Err(VaultError::RecordChanged)
    }
}

/// Tells the other replicas of a token that was replaced or removed, but not by a sign-out. Until they hear of it, they may
/// hand out the earlier token a while longer.
async fn tell_of_token(sharing: &Sharing, key: RecordKey) {
    if let Err(error) = sharing.changes.tell_surely(key, Change::Slot).await {
        tracing::debug!(%error, "other replicas are told later of a token that was replaced");
    }
}

/// Tells the other replicas of a sign-out. One that has failed may have been written nevertheless, so they are told of that, too.
async fn tell_of_sign_out<T>(
    sharing: &Sharing,
    key: RecordKey,
    written: Result<T, VaultError>,
) -> Result<T, VaultError> {
    match &written {
        Ok(_) => sharing.changes.tell_surely(key, Change::Slot).await?,
        Err(_) => sharing.changes.tell_later(key, Change::Slot),
    }
    written
}

impl ChangeListener for Shared {
    fn changed(&self, key: RecordKey, note: &[u8]) {
        match self.sharing.as_ref().and_then(|sharing| sharing.changes.read(note)) {
            Some(Change::Epoch(epoch)) => self.epochs.note_told(key, epoch),
            Some(Change::Slot) => self.l1.remove(key),
            Some(Change::Pin) => self.pins.forget(key),
            None => {}
        }
    }

    /// Epochs in memory stay: over a shared store they serve copies alone, and there are none afterwards.
    fn all_may_have_changed(&self) {
        self.l1.clear();
        self.pins.forget_all();
    }
}
