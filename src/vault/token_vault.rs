use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::VaultError;
use super::epochs::Epochs;
use super::kept_token::TokenRecord;
use super::l1::{L1, L1Entry};
use super::permit::Permit;
use super::pins::Pins;
use super::slot_generations::{SlotGeneration, SlotGenerations};
use super::slot_names::SlotNames;
use crate::domain::{Account, ConnectionRevision, RecordKey, SharedClock, Timestamp, TokenSlot, UserKey, UserToken};
use crate::records::{Collection, Records, SingleWriter, StoredRecord};

/// A token is handed out while more than this is left (token-service-api §1.13), or half of a shorter life.
const MARGIN: Duration = Duration::from_mins(5);

/// The users' tokens. Clones share everything.
#[derive(Clone)]
pub struct TokenVault {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) tokens: Collection<TokenRecord>,
    pub(super) clock: SharedClock,
    names: SlotNames,
    pub(super) l1: L1,
    pub(super) epochs: Arc<Epochs>,
    pub(super) generations: SlotGenerations,
    pub(super) pins: Pins,
}

/// A kept token as it lies in the store, with all it takes to put another in its place. It may be one that is not handed
/// out any more, and it holds what it can be refreshed with.
pub struct KeptRecord {
    /// The token.
    pub token: UserToken,
    permit: Permit,
    revision: ConnectionRevision,
    stored: StoredRecord<TokenRecord>,
}

impl TokenVault {
    /// A vault over `records` that holds up to `l1_bytes` of tokens in memory. What it holds there is right only while
    /// this process alone writes: `writer` proves it.
    #[must_use]
    pub fn new(records: &Records, writer: SingleWriter, l1_bytes: u64) -> Self {
        let tokens: Collection<TokenRecord> = Collection::new(records);
        let epochs = Arc::new(Epochs::new(records, writer));
        let shared = Shared {
            clock: records.clock().clone(),
            names: SlotNames::new(tokens.clone()),
            tokens,
            l1: L1::new(l1_bytes, writer),
            generations: SlotGenerations::new(writer),
            pins: Pins::new(records, writer, Arc::clone(&epochs)),
            epochs,
        };
        Self { shared: Arc::new(shared) }
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
        let key = self.shared.names.of(slot);
        if let Some(entry) = self.shared.l1.get(key)
            && self.shared.serves(&entry, revision)
        {
            return Ok(Some(Arc::clone(&entry.token)));
        }
        self.shared.find_in_store(key, revision).await
    }

    /// What lies in `slot` for this revision of the connection and in the user's present epoch, whether or not it is
    /// still handed out. Always from the store.
    ///
    /// # Errors
    /// As [`TokenVault::find`].
    pub async fn read(&self, slot: &TokenSlot, revision: ConnectionRevision) -> Result<Option<KeptRecord>, VaultError> {
        self.shared.read(self.shared.names.of(slot), revision).await
    }

    /// Whether `token` has enough life left to be handed out.
    #[must_use]
    pub fn is_usable(&self, token: &UserToken) -> bool {
        has_margin(token, self.shared.clock.now())
    }

    /// The right to keep a token of `user` in `slot`; to be drawn *before* redeeming.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails.
    pub async fn permit(&self, slot: &TokenSlot, user: &UserKey) -> Result<Permit, VaultError> {
        self.permit_in(self.generation(slot), user).await
    }

    /// The present generation of `slot`.
    #[must_use]
    pub fn generation(&self, slot: &TokenSlot) -> SlotGeneration {
        self.shared.generations.current(self.shared.names.of(slot))
    }

    /// The right to keep a token of `user` in the slot of `generation`, counted from when the generation was drawn.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails.
    pub async fn permit_in(&self, generation: SlotGeneration, user: &UserKey) -> Result<Permit, VaultError> {
        let epoch = self.shared.epochs.current(&self.shared.epochs.of(user)).await?;
        Ok(Permit { epoch, generation })
    }

    /// Whether `permit`, drawn for `user`, still holds: no sign-out has taken it back.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails.
    pub async fn holds(&self, permit: &Permit, user: &UserKey) -> Result<bool, VaultError> {
        let cell = self.shared.epochs.of(user);
        self.shared.epochs.current(&cell).await?;
        Ok(cell.is(permit.epoch) && !permit.generation.is_superseded())
    }

    /// Keeps `token` in the slot that `permit` is for; when this returns, it is as durable as the store makes it. Hands
    /// the token back without what it is refreshed with.
    ///
    /// # Errors
    /// [`VaultError::SignedOut`] when the user was signed out since the permit was drawn, everywhere or of this
    /// connection: nothing is kept, and the token must not be used. Otherwise [`VaultError`] if the store fails.
    pub async fn keep(
        &self,
        permit: Permit,
        revision: ConnectionRevision,
        token: UserToken,
    ) -> Result<Arc<UserToken>, VaultError> {
        let shared = Arc::clone(&self.shared);
        to_the_end(async move { shared.keep(permit, revision, token, None).await }).await
    }

    /// Keeps `token` in the place of `record`, and of nothing else.
    ///
    /// # Errors
    /// As [`TokenVault::keep`]; [`VaultError::Overtaken`] if something else lies there meanwhile.
    pub async fn replace(&self, record: KeptRecord, token: UserToken) -> Result<Arc<UserToken>, VaultError> {
        let shared = Arc::clone(&self.shared);
        let KeptRecord { permit, revision, stored, .. } = record;
        to_the_end(async move { shared.keep(permit, revision, token, Some(stored)).await }).await
    }

    /// Removes `record`, and nothing else that may lie there meanwhile.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails; the token may then still be there.
    pub async fn remove(&self, record: KeptRecord) -> Result<(), VaultError> {
        let shared = Arc::clone(&self.shared);
        to_the_end(async move { shared.remove(record.stored).await.map(drop) }).await
    }

    /// Removes the token in `slot` and takes back every [`Permit`] for it: sign-out of one connection.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails; the token may then still be there.
    pub async fn forget(&self, slot: &TokenSlot) -> Result<(), VaultError> {
        let (shared, key) = (Arc::clone(&self.shared), self.shared.names.of(slot));
        to_the_end(async move { shared.forget(key).await }).await
    }

    /// Signs `user` out everywhere: no token kept before is handed out again, not even one that is being kept now, and
    /// all are removed, with the pins of the user's accounts. Returns how many tokens were removed.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails; this process then treats the user as signed out all the same.
    pub async fn raise_epoch(&self, user: &UserKey) -> Result<usize, VaultError> {
        let (shared, user) = (Arc::clone(&self.shared), user.clone());
        to_the_end(async move { shared.raise_epoch(&user).await }).await
    }

    /// The person that `account` is pinned to.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails.
    pub async fn find_pin(&self, account: &Account) -> Result<Option<UserKey>, VaultError> {
        self.shared.pins.find(account).await
    }

    /// Pins `account` to `user`, for whom `permit` was drawn, unless it is pinned already; returns whom it is pinned to.
    ///
    /// # Errors
    /// [`VaultError::SignedOut`] if the slot was signed out since the permit was drawn: the account is not pinned then.
    /// Otherwise [`VaultError`] if the store fails.
    pub async fn pin(&self, account: &Account, user: &UserKey, permit: &Permit) -> Result<UserKey, VaultError> {
        let (shared, account, user, permit) = (Arc::clone(&self.shared), account.clone(), user.clone(), permit.clone());
        to_the_end(async move { shared.pins.pin(&account, &user, &permit).await }).await
    }

    /// Ends the pin of `account`: the next person who succeeds is pinned.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails; the pin may then still be there.
    pub async fn unpin(&self, account: &Account) -> Result<(), VaultError> {
        let (shared, account) = (Arc::clone(&self.shared), account.clone());
        to_the_end(async move { shared.pins.unpin(&account).await }).await
    }
}

impl Shared {
    async fn find_in_store(
        &self,
        key: RecordKey,
        revision: ConnectionRevision,
    ) -> Result<Option<Arc<UserToken>>, VaultError> {
        let ticket = self.l1.read_ticket(key);
        let Some(record) = self.tokens.get(key).await? else {
            return Ok(None);
        };
        let TokenRecord { kept, epoch } = record.content;
        let user_epoch = self.epochs.of(&kept.token.user);
        self.epochs.current(&user_epoch).await?;
        let token = Arc::new(kept.token.without_refresh_token());
        let entry = L1Entry { token: Arc::clone(&token), revision: kept.revision, epoch, user_epoch };
        if !self.serves(&entry, revision) {
            return Ok(None);
        }
        self.l1.fill(key, ticket, entry);
        Ok(Some(token))
    }

    async fn read(&self, key: RecordKey, revision: ConnectionRevision) -> Result<Option<KeptRecord>, VaultError> {
        // Before the store is read: a sign-out that comes after the reading must end what is read.
        let generation = self.generations.current(key);
        let Some(record) = self.tokens.get(key).await? else {
            return Ok(None);
        };
        let TokenRecord { kept, epoch } = record.content;
        let user_epoch = self.epochs.of(&kept.token.user);
        self.epochs.current(&user_epoch).await?;
        if kept.revision != revision || !user_epoch.is(epoch) {
            return Ok(None);
        }
        let permit = Permit { epoch, generation };
        Ok(Some(KeptRecord { token: kept.token, permit, revision, stored: record.stored }))
    }

    /// The index of all tokens of `user`.
    pub(super) fn of_user(&self, user: &UserKey) -> RecordKey {
        self.tokens.index([user.issuer(), user.subject()])
    }

    /// The one rule for what is handed out, for memory and store alike.
    fn serves(&self, entry: &L1Entry, revision: ConnectionRevision) -> bool {
        entry.revision == revision && entry.user_epoch.is(entry.epoch) && has_margin(&entry.token, self.clock.now())
    }
}

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
