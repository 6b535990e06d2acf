use std::cmp::Reverse;
use std::sync::atomic::{AtomicU64, Ordering};

use super::HELD_FOR;
use super::known_cards::KnownCards;
use super::pending_sign_in::{CardRecord, Ended, PendingSignIn, SignInOffer};
use crate::domain::{Account, ConnectionName, HolderName, RecordKey, Secret, SharedEntropy, Timestamp, TokenSlot};
use crate::records::catalogue::{self, CARD_LIFETIME};
use crate::records::{Collection, OpenedRecord, RecordError, Records, SealedRecord};

/// A bot that offers more cards than this to one user in fifteen minutes has the oldest forgotten.
const MAX_PER_ACCOUNT: usize = 32;
/// Longest failure code that is kept, in characters; clients send short words.
const MAX_CODE: usize = 64;
/// Records looked at when the process starts, among them whatever else ends so soon; more would delay the start.
const MOST_RECALLED: usize = 20_000;
/// How often a change is tried again when another caller has changed the record meanwhile.
const TRIES: usize = 4;

/// All pending sign-ins.
pub struct PendingSignIns {
    records: Records,
    cards: Collection<CardRecord>,
    entropy: SharedEntropy,
    /// Orders those begun in the same millisecond.
    begun: AtomicU64,
    known: KnownCards,
}

impl PendingSignIns {
    /// Pending sign-ins kept in `records`, their links drawn from `entropy`.
    #[must_use]
    pub fn new(records: &Records, entropy: SharedEntropy) -> Self {
        let known = KnownCards::new(records.single_writer(), records.clock().now());
        let cards = Collection::new(records);
        Self { records: records.clone(), cards, entropy, begun: AtomicU64::new(0), known }
    }

    /// Learns what an earlier process has left, so that the disk need not be asked for everything else until that is
    /// over. To be called at start-up, before anything is begun; without it everything works, more slowly.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn recall(&self) -> Result<(), RecordError> {
        if self.records.single_writer().is_none() {
            return Ok(());
        }
        if let Some(left) = self.records.names_ending_by(self.now().plus(HELD_FOR), MOST_RECALLED).await? {
            self.known.inherit(left);
        }
        Ok(())
    }

    /// Notes a sign-in and draws what its card's link is known by: 128 random bits as hexadecimal digits. The card's id
    /// follows from them and not they from it, since clients and bots write such ids into their logs.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails: the card must then not be sent.
    pub async fn begin(&self, offer: SignInOffer) -> Result<(PendingSignIn, Secret), RecordError> {
        let others = self.found(&offer.account).await?;
        let surplus: Vec<_> = others.iter().skip(MAX_PER_ACCOUNT - 1).map(|other| other.stored.key()).collect();
        if !surplus.is_empty() {
            self.cards.remove(surplus).await?;
        }
        let link = Secret::new(self.entropy.uuid().replace('-', ""));
        let (card_id, begun_at) = (self.card_id_of(&link), self.now());
        let sign_in = PendingSignIn { card_id, offer, begun_at, client_failure: None };
        let card = CardRecord { sign_in, sequence: self.begun.fetch_add(1, Ordering::SeqCst) };
        let record = self.seal(&card, begun_at.plus(CARD_LIFETIME))?;
        self.note(&card.sign_in, record.expires_at());
        self.cards.put(record).await?;
        Ok((card.sign_in, link))
    }

    /// The pending sign-in behind a card of `holder`. Other bots do not find it.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find_by_card(&self, holder: &HolderName, card_id: &str) -> Result<Option<PendingSignIn>, RecordError> {
        if !self.known.may_hold(self.known.card(card_id), || self.card_key(card_id), self.now()) {
            return Ok(None);
        }
        let found = self.find(card_id).await?.map(|card| card.content.sign_in);
        Ok(found.filter(|sign_in| sign_in.account.holder == *holder && self.is_good(sign_in)))
    }

    /// The pending sign-in that a sign-in link leads to. To know the link is to hold it: what may be done
    /// with it is not decided here.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find_by_link(&self, link: &Secret) -> Result<Option<PendingSignIn>, RecordError> {
        let found = self.find(&self.card_id_of(link)).await?.map(|card| card.content.sign_in);
        Ok(found.filter(|sign_in| self.is_good(sign_in)))
    }

    /// Keeps the record of a card whose link a browser has followed until that browser must be back. The card
    /// can be answered no longer than before. False if it has ended meanwhile.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn hold(&self, card_id: &str) -> Result<bool, RecordError> {
        for _ in 0..TRIES {
            let Some(OpenedRecord { content: card, stored }) = self.find(card_id).await? else {
                return Ok(false);
            };
            let record = self.seal(&card, card.sign_in.begun_at.plus(HELD_FOR))?;
            self.note(&card.sign_in, record.expires_at());
            if self.cards.compare_and_put(Some(stored), record).await? {
                return Ok(true);
            }
        }
        // A caller that changes it that often holds it as well.
        Ok(true)
    }

    /// The card of a sign-in that a browser has begun, unless it has ended: answered, signed out, or too long ago.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find_held(&self, card_id: &str) -> Result<Option<PendingSignIn>, RecordError> {
        Ok(self.find(card_id).await?.map(|card| card.content.sign_in))
    }

    /// The user's pending sign-ins, most recent first.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn list(&self, account: &Account) -> Result<Vec<PendingSignIn>, RecordError> {
        let found = self.found(account).await?.into_iter().map(|card| card.content.sign_in);
        Ok(found.filter(|sign_in| self.is_good(sign_in)).collect())
    }

    /// The same with those that are held for a browser: a code may come from them after they can no longer be begun.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn list_held(&self, account: &Account) -> Result<Vec<PendingSignIn>, RecordError> {
        Ok(self.found(account).await?.into_iter().map(|card| card.content.sign_in).collect())
    }

    /// Ends the user's pending sign-ins for `connection` in one conversation, and those begun without naming one. A card
    /// in another conversation, or one that was offered later, stays good: the bot still waits for it.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn finish(
        &self,
        account: &Account,
        connection: &ConnectionName,
        ended: Ended<'_>,
    ) -> Result<(), RecordError> {
        let ends = |sign_in: &PendingSignIn| {
            let begun_in = sign_in.conversation.as_deref();
            sign_in.connection == *connection
                && sign_in.begun_at <= ended.begun_by
                && (begun_in.is_none() || begun_in == ended.conversation)
        };
        let found = self.found(account).await?;
        let finished = found.iter().filter(|card| ends(&card.content.sign_in));
        self.remove(finished.map(|card| card.stored.key()).collect()).await
    }

    /// Ends the sign-in behind a card, and with it those that [`PendingSignIns::finish`] ends with it.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn finish_card(&self, card_id: &str) -> Result<(), RecordError> {
        let Some(card) = self.find_held(card_id).await? else { return Ok(()) };
        let ended = Ended { conversation: card.conversation.as_deref(), begun_by: card.begun_at };
        self.finish(&card.account, &card.connection, ended).await
    }

    /// Ends whatever was offered for these slots, which are of one account: it has signed out.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn end(&self, slots: &[TokenSlot]) -> Result<(), RecordError> {
        let Some(TokenSlot { account, .. }) = slots.first() else { return Ok(()) };
        let of_slots = |sign_in: &PendingSignIn| slots.iter().any(|slot| slot.connection == sign_in.connection);
        let found = self.found(account).await?;
        let ended = found.iter().filter(|card| of_slots(&card.content.sign_in));
        self.remove(ended.map(|card| card.stored.key()).collect()).await
    }

    /// Notes the code of a `signin/failure`, printable ASCII up to 64 characters of it. No error if the sign-in is over.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn record_client_failure(&self, pending: &PendingSignIn, code: &str) -> Result<(), RecordError> {
        let code: String = code.chars().filter(char::is_ascii_graphic).take(MAX_CODE).collect();
        for _ in 0..TRIES {
            let Some(OpenedRecord { content: mut card, stored }) = self.find(&pending.card_id).await? else {
                return Ok(());
            };
            card.sign_in.client_failure = Some(code.clone());
            // A browser may be on its way: the record stays as long as one could be.
            let record = self.seal(&card, card.sign_in.begun_at.plus(HELD_FOR))?;
            self.note(&card.sign_in, record.expires_at());
            // By comparison, so that a sign-in that is finished meanwhile does not come back.
            if self.cards.compare_and_put(Some(stored), record).await? {
                return Ok(());
            }
        }
        // Others noted theirs meanwhile, each as good as this one.
        Ok(())
    }

    async fn find(&self, card_id: &str) -> Result<Option<OpenedRecord<CardRecord>>, RecordError> {
        self.cards.get(self.card_key(card_id)).await
    }

    async fn remove(&self, keys: Vec<RecordKey>) -> Result<(), RecordError> {
        if keys.is_empty() {
            return Ok(());
        }
        self.cards.remove(keys).await
    }

    /// Whether a card may still be answered. Its record may lie there for longer ([`PendingSignIns::hold`]).
    fn is_good(&self, sign_in: &PendingSignIn) -> bool {
        self.now() < sign_in.begun_at.plus(CARD_LIFETIME)
    }

    fn note(&self, sign_in: &PendingSignIn, over: Timestamp) {
        let marks = [self.known.card(&sign_in.card_id), self.known.account(&sign_in.account)];
        self.known.note(marks, over, self.now());
    }

    /// All of the account's, the most recent first.
    async fn found(&self, account: &Account) -> Result<Vec<OpenedRecord<CardRecord>>, RecordError> {
        if !self.known.may_hold(self.known.account(account), || self.account_index(account), self.now()) {
            return Ok(Vec::new());
        }
        let members = self.cards.members(self.account_index(account)).await?.into_iter();
        let opened = members.map(|stored| Ok(OpenedRecord { content: self.cards.open(&stored)?, stored }));
        let mut found = opened.collect::<Result<Vec<_>, RecordError>>()?;
        found.sort_by_cached_key(|card| {
            let CardRecord { sign_in, sequence } = &card.content;
            Reverse((sign_in.begun_at, *sequence, sign_in.card_id.clone()))
        });
        Ok(found)
    }

    fn seal(&self, card: &CardRecord, expires_at: Timestamp) -> Result<SealedRecord<CardRecord>, RecordError> {
        let sealed = self.cards.seal_until(self.card_key(&card.sign_in.card_id), card, expires_at)?;
        Ok(sealed.listed_by(self.account_index(&card.sign_in.account)))
    }

    fn card_id_of(&self, link: &Secret) -> String {
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
