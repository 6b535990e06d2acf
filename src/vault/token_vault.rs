use std::future::Future;
use std::sync::Arc;

use super::VaultError;
use super::changes::Changes;
use super::deferrals::Deferrals;
use super::epochs::{Epochs, SignOutMark};
use super::kept_token::{CodeMark, KeptToken};
use super::l1::L1;
use super::permit::Permit;
use super::pins::Pins;
use super::slots::{SlotGeneration, SlotGenerations, SlotKeys, SlotRecord, TokenRecord};
use crate::domain::{ConnectionRevision, SharedClock, TokenSlot, UserKey, UserToken};
use crate::records::{ChangeListener, Collection, Records, StoredRecord};

/// The tokens of all users. Clones share the same state.
#[derive(Clone)]
pub struct TokenVault {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) tokens: Collection<SlotRecord>,
    pub(super) clock: SharedClock,
    pub(super) slot_keys: SlotKeys,
    pub(super) l1: L1,
    pub(super) epochs: Arc<Epochs>,
    pub(super) generations: Arc<SlotGenerations>,
    pub(super) pins: Pins,
    deferrals: Deferrals,
    /// What is needed beside if other replicas use the store; `None` if it is exclusive.
    pub(super) sharing: Option<Sharing>,
}

/// What a vault over a shared store needs in addition.
pub(super) struct Sharing {
    pub(super) changes: Arc<Changes>,
    /// Draws the ids of fences.
    pub(super) records: Records,
}

/// A token that was read from the store.
pub(super) struct FoundToken {
    pub(super) record: TokenRecord,
    pub(super) stored: StoredRecord<SlotRecord>,
}

/// How much of its lifetime a token must have left to be handed out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NeededLifetime {
    /// More than five minutes, or more than half of it.
    Enough,
    /// Any: the token cannot be renewed at the moment.
    Any,
}

/// A kept token as it was read from the store, including its refresh token. It can be replaced by a newer token with
/// [`TokenVault::replace`]. The access token may have expired.
pub struct KeptRecord {
    /// The kept token with its refresh token.
    pub token: UserToken,
    /// The magic code that the token comes of, if it comes of one.
    pub code_mark: Option<CodeMark>,
    /// The permission to replace the token. A sign-out after the record was read revokes it.
    pub permit: Permit,
    pub(super) revision: ConnectionRevision,
    pub(super) stored: StoredRecord<SlotRecord>,
}

/// The tokens that a sign-out of a user removed.
#[derive(Debug, Default)]
pub struct RemovedTokens {
    /// How many there were.
    pub count: usize,
    /// Those that could be read, with their refresh tokens.
    pub tokens: Vec<KeptToken>,
}

impl TokenVault {
    /// Makes a vault over `records` that holds up to `l1_bytes` of tokens in memory. If other replicas use the store as well,
    /// it hears of their changes.
    #[must_use]
    pub fn new(records: &Records, l1_bytes: u64) -> Self {
        let tokens: Collection<SlotRecord> = Collection::new(records);
        let changes = Changes::new(records);
        let epochs = Arc::new(Epochs::new(records, changes.as_ref()));
        let generations = Arc::new(SlotGenerations::new(records));
        let shared = Shared {
            clock: records.clock().clone(),
            slot_keys: SlotKeys::new(tokens.clone()),
            tokens,
            l1: L1::new(l1_bytes),
            pins: Pins::new(records, Arc::clone(&epochs), Arc::clone(&generations), changes.clone()),
            generations,
            deferrals: Deferrals::default(),
            epochs,
            sharing: changes.map(|changes| Sharing { changes, records: records.clone() }),
        };
        let shared = Arc::new(shared);
        if let Some(replicas) = records.replicas() {
            let listener: Arc<dyn ChangeListener> = shared.clone();
            replicas.listen(Arc::downgrade(&listener));
        }
        Self { shared }
    }

    /// Finds the token in `slot`. A token is found only if it was kept for this `revision` of the connection and in the
    /// user's current epoch, and if more than five minutes of its lifetime are left (or half of it, if that is less).
    /// Reads the store only if the token is not in memory.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails or the record cannot be opened. A missing sealing key is an error and not a
    /// missing token.
    pub async fn find(
        &self,
        slot: &TokenSlot,
        revision: ConnectionRevision,
    ) -> Result<Option<Arc<UserToken>>, VaultError> {
        let key = self.shared.slot_keys.get(slot);
        if let Some(entry) = self.shared.find_copy(key)
            && self.shared.can_hand_out(&entry, revision, NeededLifetime::Enough)
        {
            return Ok(Some(Arc::clone(&entry.token)));
        }
        let is_deferred = self.shared.deferrals.holds(key, self.shared.clock.now());
        let needed = if is_deferred { NeededLifetime::Any } else { NeededLifetime::Enough };
        // Boxed, so that it adds nothing to the state of a request whose token is in memory.
        Box::pin(self.shared.find_with(key, revision, needed)).await
    }

    /// Finds the token in `slot` as [`TokenVault::find`] does, however little of its lifetime is left. It serves where it
    /// cannot be renewed (docs/architecture.md §An outage is not a sign-out).
    ///
    /// # Errors
    /// As [`TokenVault::find`]. A token in memory is found even if the store fails.
    pub async fn find_unended(
        &self,
        slot: &TokenSlot,
        revision: ConnectionRevision,
    ) -> Result<Option<Arc<UserToken>>, VaultError> {
        self.shared.find_with(self.shared.slot_keys.get(slot), revision, NeededLifetime::Any).await
    }

    /// Notes that the token in `slot` cannot be renewed at the moment. For a minute [`TokenVault::find`] finds it however
    /// little of its lifetime is left, so that all who ask get the same answer.
    pub fn defer_renewal(&self, slot: &TokenSlot) {
        self.shared.deferrals.add(self.shared.slot_keys.get(slot), self.shared.clock.now());
    }

    /// Reads the token in `slot` from the store, even if its lifetime has ended. The token must have been kept for this
    /// `revision` of the connection and in the user's current epoch.
    ///
    /// # Errors
    /// As [`TokenVault::find`].
    pub async fn read(&self, slot: &TokenSlot, revision: ConnectionRevision) -> Result<Option<KeptRecord>, VaultError> {
        self.shared.read(slot, revision).await
    }

    /// Whether enough of the lifetime of `token` is left to hand it out.
    #[must_use]
    pub fn is_usable(&self, token: &UserToken) -> bool {
        self.shared.has_enough_lifetime(token)
    }

    /// Issues the permission to keep a token of `user` in `slot`. Call this *before* requesting the token.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails.
    pub async fn permit(&self, slot: &TokenSlot, user: &UserKey) -> Result<Permit, VaultError> {
        self.permit_in_generation(self.generation(slot).await?, user).await
    }

    /// The current generation of `slot`.
    ///
    /// # Errors
    /// [`VaultError`] if the store is shared and fails.
    pub async fn generation(&self, slot: &TokenSlot) -> Result<SlotGeneration, VaultError> {
        self.shared.generations.current(self.shared.slot_keys.get(slot), slot).await
    }

    /// Whether the slot of `generation` was not signed out since the caller got the generation.
    ///
    /// # Errors
    /// [`VaultError`] if the store is shared and fails.
    pub async fn is_current(&self, generation: &SlotGeneration) -> Result<bool, VaultError> {
        Ok(!self.shared.generations.is_superseded(generation).await?)
    }

    /// Issues the permission to keep a token of `user` in the slot of `generation`. A sign-out of the slot after the
    /// caller got the generation revokes the permission.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails.
    pub async fn permit_in_generation(&self, generation: SlotGeneration, user: &UserKey) -> Result<Permit, VaultError> {
        let epoch = self.shared.epochs.load(&self.shared.epochs.get_cell(user)).await?;
        Ok(Permit { epoch, generation })
    }

    /// Whether `permit`, which was issued for `user`, is still valid: no sign-out has revoked it.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails.
    pub async fn is_permitted(&self, permit: &Permit, user: &UserKey) -> Result<bool, VaultError> {
        let cell = self.shared.epochs.get_cell(user);
        self.shared.epochs.load(&cell).await?;
        Ok(cell.is_current(permit.epoch) && self.is_current(&permit.generation).await?)
    }

    /// Keeps `token` in the slot of `permit`. When this returns, the token is stored with the store's configured
    /// durability. Returns the token without its refresh token.
    ///
    /// # Errors
    /// [`VaultError::SignedOut`] if the user was signed out after the permit was issued, everywhere or of this
    /// connection. The token is then not kept and must not be used. Otherwise [`VaultError`] if the store fails.
    pub async fn keep(
        &self,
        permit: Permit,
        revision: ConnectionRevision,
        token: UserToken,
    ) -> Result<Arc<UserToken>, VaultError> {
        self.keep_as_new(permit, KeptToken { revision, token, code_mark: None }).await
    }

    /// As [`TokenVault::keep`], without a task of its own: the caller must not cancel this, because memory and store might hold
    /// different tokens afterwards.
    ///
    /// # Errors
    /// As [`TokenVault::keep`].
    pub async fn keep_uncancelled(
        &self,
        permit: Permit,
        revision: ConnectionRevision,
        token: UserToken,
    ) -> Result<Arc<UserToken>, VaultError> {
        self.shared.keep(permit, KeptToken { revision, token, code_mark: None }, None).await
    }

    /// As [`TokenVault::keep`], for a token that was redeemed with the magic code of `code_mark`.
    ///
    /// # Errors
    /// As [`TokenVault::keep`].
    pub async fn keep_with_code(
        &self,
        permit: Permit,
        revision: ConnectionRevision,
        token: UserToken,
        code_mark: CodeMark,
    ) -> Result<Arc<UserToken>, VaultError> {
        self.keep_as_new(permit, KeptToken { revision, token, code_mark: Some(code_mark) }).await
    }

    async fn keep_as_new(&self, permit: Permit, kept: KeptToken) -> Result<Arc<UserToken>, VaultError> {
        let shared = Arc::clone(&self.shared);
        run_to_completion(async move { shared.keep(permit, kept, None).await }).await
    }

    /// Replaces `record` by `token`, if the store still holds `record`.
    ///
    /// # Errors
    /// As [`TokenVault::keep`]; [`VaultError::RecordChanged`] if another write replaced `record` first.
    pub async fn replace(&self, record: KeptRecord, token: UserToken) -> Result<Arc<UserToken>, VaultError> {
        let shared = Arc::clone(&self.shared);
        let KeptRecord { permit, revision, stored, code_mark, .. } = record;
        let kept = KeptToken { revision, token, code_mark };
        run_to_completion(async move { shared.keep(permit, kept, Some(stored)).await }).await
    }

    /// Removes `record`, if the store still holds it. A newer record in the same slot stays. Returns whether `record` was
    /// removed.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails. The token may then still be stored.
    pub async fn remove(&self, record: KeptRecord) -> Result<bool, VaultError> {
        let shared = Arc::clone(&self.shared);
        run_to_completion(async move { shared.remove_kept(record.stored, &record.permit).await }).await
    }

    /// Signs the account of `slot` out of its connection: removes the token and revokes every [`Permit`] for the slot.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails. The token may then still be stored.
    pub async fn forget(&self, slot: &TokenSlot) -> Result<(), VaultError> {
        let (shared, key) = (Arc::clone(&self.shared), self.shared.slot_keys.get(slot));
        run_to_completion(async move { shared.forget(key).await }).await
    }

    /// Signs the account of `slot` out of its connection, as [`TokenVault::forget`] does, and returns the token that was
    /// removed, of any revision and with its refresh token. `None` also if the stored token cannot be read.
    ///
    /// # Errors
    /// As [`TokenVault::forget`].
    pub async fn take(&self, slot: &TokenSlot) -> Result<Option<KeptToken>, VaultError> {
        let (shared, key) = (Arc::clone(&self.shared), self.shared.slot_keys.get(slot));
        run_to_completion(async move { shared.take(key).await }).await
    }

    /// Signs `user` out everywhere. No earlier token of the user is handed out again, not even one that is being
    /// written at the same time. All tokens of the user and all pins to the user are removed. Returns what
    /// was removed.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails. This process still treats the user as signed out, and writes the new epoch
    /// again until the store holds it.
    pub async fn raise_epoch(&self, user: &UserKey) -> Result<RemovedTokens, VaultError> {
        let (shared, user) = (Arc::clone(&self.shared), user.clone());
        run_to_completion(async move { shared.raise_epoch(&user).await }).await
    }

    /// Writes the epochs of sign-outs that could not be stored. Call this before the process ends. Returns how many
    /// sign-outs are still not stored, so that a restart undoes them.
    pub async fn store_epochs(&self) -> usize {
        self.shared.epochs.store_unstored().await
    }

    /// The present moment between sign-outs everywhere.
    ///
    /// # Errors
    /// [`VaultError`] if the store is shared and fails.
    pub async fn sign_out_mark(&self) -> Result<SignOutMark, VaultError> {
        self.shared.epochs.sign_out_mark().await
    }

    /// Whether `user` may have been signed out everywhere after `mark`. Read the user's epoch first: then this finds every
    /// sign-out that the epoch counts already.
    ///
    /// # Errors
    /// [`VaultError`] if the store is shared and fails.
    pub async fn may_be_signed_out_since(&self, mark: SignOutMark, user: &UserKey) -> Result<bool, VaultError> {
        self.shared.epochs.may_be_signed_out_since(mark, user).await
    }
}

/// Runs a write in its own task. If the caller hangs up, the write still completes, so that memory and store stay
/// equal.
pub(super) async fn run_to_completion<T: Send + 'static>(
    write: impl Future<Output = Result<T, VaultError>> + Send + 'static,
) -> Result<T, VaultError> {
    tokio::spawn(write).await.map_err(|_| VaultError::Interrupted)?
}
