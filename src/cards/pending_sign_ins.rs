use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::BROWSER_CARD_LIFETIME;
use super::client_failures::ClientFailures;
use super::known_cards::KnownCards;
use super::pending_sign_in::{CardRecord, FinishedCard, PendingSignIn, SignInOffer};
use crate::domain::{
    Account, ConnectionName, ConversationId, HolderName, RecordKey, Secret, SharedEntropy, Timestamp, TokenSlot,
};
use crate::records::catalogue::{self, CARD_LIFETIME};
use crate::records::{Collection, OpenedRecord, RecordError, Records, SealedRecord};

/// Pending sign-ins per account. When a bot offers more, the oldest is removed.
const MAX_PER_ACCOUNT: usize = 32;
/// Records that are listed when the process starts. The list contains records of every kind that expire as soon as
/// cards do; a longer list would delay the start.
const MAX_RECALLED_RECORDS: usize = 20_000;
/// A browser that has been away for longer than this is not a second click of the same user.
const MAX_SECOND_CLICK_DELAY: Duration = Duration::from_mins(1);
/// Attempts to change a record by compare-and-put while other callers change the same record.
const MAX_CAS_ATTEMPTS: usize = 4;

/// The pending sign-ins of all accounts.
pub struct PendingSignIns {
    records: Records,
    cards: Collection<CardRecord>,
    entropy: SharedEntropy,
    /// The sequence number of the next sign-in: it orders sign-ins that began at this process in the same millisecond. Those
    /// that began at two replicas in the same millisecond have an order, too, but neither is the later one.
    next_sequence: AtomicU64,
    known: Arc<KnownCards>,
    failures: ClientFailures,
}

impl PendingSignIns {
    /// Keeps pending sign-ins in `records` and draws the secrets of their links from `entropy`.
    #[must_use]
    pub fn new(records: &Records, entropy: SharedEntropy) -> Self {
        let known = Arc::new(KnownCards::new(records.replicas().is_none(), records.clock().now()));
        let failures = ClientFailures::new(records, known.clone());
        let cards = Collection::new(records);
        Self { records: records.clone(), cards, entropy, next_sequence: AtomicU64::new(0), known, failures }
    }

    /// Lists the records that an earlier process left, so that a lookup of any other card needs no disk read. Call this
    /// at start-up, before the first [`PendingSignIns::begin`]. Without this call, lookups read the disk until the
    /// records of the earlier process have expired.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn recall(&self) -> Result<(), RecordError> {
        if self.records.replicas().is_some() {
            return Ok(());
        }
        if let Some(inherited) =
            self.records.list_keys_expiring_by(self.now().plus(BROWSER_CARD_LIFETIME), MAX_RECALLED_RECORDS).await?
        {
            self.known.set_inherited(inherited);
        }
        Ok(())
    }

    /// Stores a new pending sign-in and returns it with the secret of its link: 128 random bits as hexadecimal digits.
    /// The card id is derived from the secret by a MAC. Clients and bots write card ids into their logs, so the secret
    /// must not be computable from the card id.
    ///
    /// The returned sign-in offers no silent sign-in where a client has reported that it could not
    /// ([`PendingSignIns::record_client_failure`]); every card has to be built from it.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails: the card must then not be sent.
    pub async fn begin(&self, mut offer: SignInOffer) -> Result<(PendingSignIn, Secret), RecordError> {
        if offer.offered_sso && self.failures.has_failed(&offer).await? {
            offer.offered_sso = false;
            tracing::info!(
                bot = offer.account.holder.as_str(),
                connection = offer.connection.as_str(),
                "a card offers no silent sign-in, because a client has reported that it failed"
            );
        }
        let others = self.load_all(&offer.account).await?;
        let surplus: Vec<_> = others.iter().skip(MAX_PER_ACCOUNT - 1).map(|other| other.stored.key()).collect();
        if !surplus.is_empty() {
            self.cards.remove(surplus).await?;
        }
        let link = Secret::new(self.entropy.uuid().replace('-', ""));
        let (card_id, begun_at) = (self.derive_card_id(&link), self.now());
        let sign_in = PendingSignIn { card_id, offer, begun_at, browser_away_since: None };
        let card = CardRecord { sign_in, sequence: self.next_sequence.fetch_add(1, Ordering::SeqCst) };
        let record = self.seal(&card, begun_at.plus(CARD_LIFETIME))?;
        self.add_to_known(&card.sign_in, record.expires_at());
        self.cards.put(record).await?;
        Ok((card.sign_in, link))
    }

    /// Whether the card may have a pending sign-in. Reads memory only.
    #[must_use]
    pub fn may_have_card(&self, card_id: &str) -> bool {
        self.known.may_be_stored(|| self.known.mark_card(card_id), || self.card_key(card_id), || self.now())
    }

    /// Finds the pending sign-in of a card that can still be answered. A card of another bot than `holder` is not
    /// found.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find_by_card(&self, holder: &HolderName, card_id: &str) -> Result<Option<PendingSignIn>, RecordError> {
        if !self.may_have_card(card_id) {
            return Ok(None);
        }
        let found = self.find(card_id).await?.map(|card| card.content.sign_in);
        Ok(found.filter(|sign_in| sign_in.account.holder == *holder && self.can_be_answered(sign_in)))
    }

    /// Finds the pending sign-in of a link whose card can still be answered. The link proves nothing about the person
    /// who opens it; the caller decides what that person may do.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find_by_link(&self, link: &Secret) -> Result<Option<PendingSignIn>, RecordError> {
        let found = self.find(&self.derive_card_id(link)).await?.map(|card| card.content.sign_in);
        Ok(found.filter(|sign_in| self.can_be_answered(sign_in)))
    }

    /// Whether the browser that followed the card's link has been away for so long that it will not come back: a second
    /// click follows within a moment.
    #[must_use]
    pub fn has_lost_browser(&self, sign_in: &PendingSignIn) -> bool {
        sign_in.browser_away_since.is_some_and(|since| since.plus(MAX_SECOND_CLICK_DELAY) <= self.now())
    }

    /// Keeps the record of a card long enough for the browser that has followed the card's link to finish, and stores
    /// whether that browser is away at the stated tenant ([`PendingSignIn::browser_away_since`]). The time in which the
    /// card can be answered does not change. Returns false if the card has no record any more.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn extend_for_browser(&self, card_id: &str, is_browser_away: bool) -> Result<bool, RecordError> {
        for _ in 0..MAX_CAS_ATTEMPTS {
            let Some(OpenedRecord { content: mut card, stored }) = self.find(card_id).await? else {
                return Ok(false);
            };
            let away_since = card.sign_in.browser_away_since.unwrap_or_else(|| self.now());
            card.sign_in.browser_away_since = is_browser_away.then_some(away_since);
            let record = self.seal(&card, card.sign_in.begun_at.plus(BROWSER_CARD_LIFETIME))?;
            self.add_to_known(&card.sign_in, record.expires_at());
            if self.cards.compare_and_put(Some(stored), record).await? {
                return Ok(true);
            }
        }
        // Every lost attempt means that another caller wrote this record, and each of those callers also extends it.
        Ok(true)
    }

    /// Finds the pending sign-in of a card whose link a browser has followed. Returns `None` if the card was answered,
    /// its account signed out, or the record expired.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find_for_browser(&self, card_id: &str) -> Result<Option<PendingSignIn>, RecordError> {
        Ok(self.find(card_id).await?.map(|card| card.content.sign_in))
    }

    /// Lists the pending sign-ins of `account` that can still be answered, most recent first.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn list_answerable(&self, account: &Account) -> Result<Vec<PendingSignIn>, RecordError> {
        let found = self.load_all(account).await?.into_iter().map(|card| card.content.sign_in);
        Ok(found.filter(|sign_in| self.can_be_answered(sign_in)).collect())
    }

    /// Lists all pending sign-ins of `account`, most recent first, including cards that can no longer be answered but
    /// whose link a browser has followed: that browser can still produce a magic code.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn list_unfinished(&self, account: &Account) -> Result<Vec<PendingSignIn>, RecordError> {
        Ok(self.load_all(account).await?.into_iter().map(|card| card.content.sign_in).collect())
    }

    /// Whether `account` may have pending sign-ins. Reads memory only.
    #[must_use]
    pub fn may_have_any(&self, account: &Account) -> bool {
        self.known.may_be_stored(|| self.known.mark_account(account), || self.account_index(account), || self.now())
    }

    /// Removes the pending sign-ins of `account` for `connection` that `finished` covers: those of the same
    /// conversation or of no named conversation, offered at or before `finished.begun_by`. A card in another
    /// conversation and a card that was offered later stay, because the bot still waits for them.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn finish(
        &self,
        account: &Account,
        connection: &ConnectionName,
        finished: FinishedCard<'_>,
    ) -> Result<(), RecordError> {
        let is_finished = |sign_in: &PendingSignIn| {
            let conversation = sign_in.conversation.as_ref();
            sign_in.connection == *connection
                && sign_in.begun_at <= finished.begun_by
                && (conversation.is_none() || conversation == finished.conversation)
        };
        let cards = self.load_all(account).await?;
        let removed = cards.iter().filter(|card| is_finished(&card.content.sign_in));
        self.remove(removed.map(|card| card.stored.key()).collect()).await
    }

    /// Removes the pending sign-in of a card that has succeeded, together with the older ones that
    /// [`PendingSignIns::finish`] removes, and with what clients have reported there.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn finish_card(&self, card_id: &str) -> Result<(), RecordError> {
        let Some(card) = self.find_for_browser(card_id).await? else { return Ok(()) };
        let conversation = card.conversation.as_ref();
        self.end_client_failures(&card.account, &card.connection, conversation).await?;
        let finished = FinishedCard { conversation, begun_by: card.begun_at };
        self.finish(&card.account, &card.connection, finished).await
    }

    /// Removes all pending sign-ins for `slots`, because their account has signed out. All slots belong to one account.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn end(&self, slots: &[TokenSlot]) -> Result<(), RecordError> {
        let Some(TokenSlot { account, .. }) = slots.first() else { return Ok(()) };
        let is_signed_out = |sign_in: &PendingSignIn| slots.iter().any(|slot| slot.connection == sign_in.connection);
        let cards = self.load_all(account).await?;
        let removed = cards.iter().filter(|card| is_signed_out(&card.content.sign_in));
        self.remove(removed.map(|card| card.stored.key()).collect()).await
    }

    /// Records that a client of `account` in `conversation` could not sign in silently. The failure counts against the
    /// most recent card of this conversation that offers silent sign-in and can still be answered, and this card is
    /// returned. A card that names no conversation may be of this one.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn record_client_failure(
        &self,
        account: &Account,
        conversation: &ConversationId,
    ) -> Result<Option<PendingSignIn>, RecordError> {
        let is_of_this = |sign_in: &PendingSignIn| sign_in.conversation.as_ref().is_none_or(|of| of == conversation);
        let mut cards = self.list_answerable(account).await?.into_iter();
        let Some(failed) = cards.find(|sign_in| sign_in.offered_sso && is_of_this(sign_in)) else { return Ok(None) };
        self.failures.add(&failed, conversation).await?;
        Ok(Some(failed))
    }

    /// Ends what clients of `account` have reported for `connection` in `conversation`, because a sign-in there has
    /// succeeded: the next card may offer silent sign-in again.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn end_client_failures(
        &self,
        account: &Account,
        connection: &ConnectionName,
        conversation: Option<&ConversationId>,
    ) -> Result<(), RecordError> {
        self.failures.end(account, connection, conversation).await
    }

    async fn find(&self, card_id: &str) -> Result<Option<OpenedRecord<CardRecord>>, RecordError> {
        self.cards.get(self.card_key(card_id)).await
    }

    pub(super) async fn remove(&self, keys: Vec<RecordKey>) -> Result<(), RecordError> {
        if keys.is_empty() {
            return Ok(());
        }
        self.cards.remove(keys).await
    }

    /// Whether the card may still be answered. Its record may be kept for longer ([`PendingSignIns::extend_for_browser`]).
    fn can_be_answered(&self, sign_in: &PendingSignIn) -> bool {
        self.now() < sign_in.answerable_until()
    }

    fn add_to_known(&self, sign_in: &PendingSignIn, expires_at: Timestamp) {
        let marks = [self.known.mark_card(&sign_in.card_id), self.known.mark_account(&sign_in.account)];
        self.known.add(marks, expires_at, self.now());
    }

    /// Loads all pending sign-ins of `account`, most recent first, including those that are kept for a browser only.
    pub(super) async fn load_all(&self, account: &Account) -> Result<Vec<OpenedRecord<CardRecord>>, RecordError> {
        if !self.may_have_any(account) {
            return Ok(Vec::new());
        }
        let members = self.cards.members(self.account_index(account)).await?.into_iter();
        let opened = members.map(|stored| Ok(OpenedRecord { content: self.cards.open(&stored)?, stored }));
        let mut cards = opened.collect::<Result<Vec<_>, RecordError>>()?;
        cards.sort_by_cached_key(|card| {
            let CardRecord { sign_in, sequence } = &card.content;
            Reverse((sign_in.begun_at, *sequence, sign_in.card_id.clone()))
        });
        Ok(cards)
    }

    fn seal(&self, card: &CardRecord, expires_at: Timestamp) -> Result<SealedRecord<CardRecord>, RecordError> {
        let sealed = self.cards.seal_until(self.card_key(&card.sign_in.card_id), card, expires_at)?;
        Ok(sealed.listed_by(self.account_index(&card.sign_in.account)))
    }

    fn derive_card_id(&self, link: &Secret) -> String {
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(self.records.mac(&catalogue::CARD_ID, &[link.expose().as_bytes()])) {
            *to = from;
        }
        uuid::Builder::from_random_bytes(bytes).into_uuid().hyphenated().to_string()
    }

    fn card_key(&self, card_id: &str) -> RecordKey {
        self.cards.key(&[card_id.as_bytes()])
    }

    fn account_index(&self, account: &Account) -> RecordKey {
        let parts = account.key_parts();
        self.cards.index(parts.each_ref().map(|part| &**part))
    }

    fn now(&self) -> Timestamp {
        self.records.clock().now()
    }
}
