use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::known_cards::KnownCards;
use super::pending_sign_in::{Ended, NewPendingSignIn, PendingSignIn, Plain};
use super::{HELD_FOR, LIFE, PendingError};
use crate::domain::{Account, ConnectionName, HolderName, Secret, SharedClock, SharedEntropy, Timestamp, TokenSlot};
use crate::sealing::Sealer;
use crate::store::{Record, RecordKey, Store};

/// A bot that offers more cards than this to one user in fifteen minutes has the oldest forgotten.
const MAX_PER_ACCOUNT: usize = 32;
/// Longest failure code that is kept, in characters; clients send short words.
const MAX_CODE: usize = 64;
/// Records looked at when the process starts, among them whatever else ends so soon; more would delay the start.
const MOST_RECALLED: usize = 20_000;
/// How often a record that somebody else changes meanwhile is tried again.
const TRIES: usize = 4;

/// All pending sign-ins.
pub struct PendingSignIns {
    store: Arc<dyn Store>,
    sealer: Arc<Sealer>,
    clock: SharedClock,
    entropy: SharedEntropy,
    /// Orders those begun in the same millisecond.
    begun: AtomicU64,
    known: KnownCards,
}

struct Found {
    key: RecordKey,
    sequence: u64,
    sign_in: PendingSignIn,
}

impl PendingSignIns {
    /// Pending sign-ins kept in `store`.
    pub fn new(store: Arc<dyn Store>, sealer: Arc<Sealer>, clock: SharedClock, entropy: SharedEntropy) -> Self {
        let known = KnownCards::new(store.is_exclusive(), clock.now());
        Self { store, sealer, clock, entropy, begun: AtomicU64::new(0), known }
    }

    /// Learns what an earlier process has left, so that the disk need not be asked for everything else until that is
    /// over. To be called at start-up, before anything is begun; without it everything works, more slowly.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn recall(&self) -> Result<(), PendingError> {
        if !self.store.is_exclusive() {
            return Ok(());
        }
        let left = self.store.list_ending_by(self.clock.now().plus(HELD_FOR), MOST_RECALLED + 1).await?;
        if left.len() <= MOST_RECALLED {
            self.known.inherit(left.into_iter().flat_map(|(key, index)| std::iter::once(key).chain(index)));
        }
        Ok(())
    }

    /// Notes a sign-in and draws what its card's link is known by: 128 random bits as hexadecimal digits. The card's id
    /// follows from them and not they from it, since clients and bots write such ids into their logs.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails: the card must then not be sent.
    pub async fn begin(&self, new: NewPendingSignIn) -> Result<(PendingSignIn, Secret), PendingError> {
        let NewPendingSignIn { account, conversation, connection, offered_sso, stated, final_redirect } = new;
        let others = self.found(&account).await?;
        let surplus: Vec<_> = others.iter().skip(MAX_PER_ACCOUNT - 1).map(|other| other.key).collect();
        if !surplus.is_empty() {
            self.store.remove(surplus).await?;
        }
        let link = Secret::new(self.entropy.uuid().replace('-', ""));
        let sign_in = PendingSignIn {
            card_id: self.card_id_of(&link),
            account,
            conversation,
            connection,
            offered_sso,
            stated,
            final_redirect,
            begun_at: self.clock.now(),
            client_failure: None,
        };
        let key = self.card_key(&sign_in.card_id);
        let record = self.seal(key, &sign_in, self.begun.fetch_add(1, Ordering::SeqCst))?;
        self.note(&sign_in, record.expires_at);
        self.store.put(key, record).await?;
        Ok((sign_in, link))
    }

    /// The pending sign-in behind a card of `holder`. Other bots do not find it.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn find_by_card(
        &self,
        holder: &HolderName,
        card_id: &str,
    ) -> Result<Option<PendingSignIn>, PendingError> {
        if !self.known.may_hold(self.known.card(card_id), || self.card_key(card_id), self.clock.now()) {
            return Ok(None);
        }
        let found = self.find(card_id).await?.map(|(found, _)| found.sign_in);
        Ok(found.filter(|sign_in| sign_in.account.holder == *holder && self.is_good(sign_in)))
    }

    /// The pending sign-in that a sign-in link leads to. To know the link is to hold it, whoever one is: what may be done
    /// with it is not decided here.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn find_by_link(&self, link: &Secret) -> Result<Option<PendingSignIn>, PendingError> {
        let found = self.find(&self.card_id_of(link)).await?.map(|(found, _)| found.sign_in);
        Ok(found.filter(|sign_in| self.is_good(sign_in)))
    }

    /// Keeps the record of a card whose link a browser has followed until that browser must be back. Nobody can begin
    /// anything with it for longer than before. False if it has ended meanwhile.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn hold(&self, card_id: &str) -> Result<bool, PendingError> {
        for _ in 0..TRIES {
            let Some((Found { key, sequence, sign_in }, sealed)) = self.find(card_id).await? else {
                return Ok(false);
            };
            let expires_at = sign_in.begun_at.plus(HELD_FOR);
            let record = Record { expires_at, ..self.seal(key, &sign_in, sequence)? };
            self.note(&sign_in, expires_at);
            if self.store.compare_and_put(key, Some(sealed), record).await? {
                return Ok(true);
            }
        }
        // Whoever changes it that often holds it as well.
        Ok(true)
    }

    /// The card of a sign-in that a browser has begun, unless it has ended: answered, signed out, or too long ago.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn find_held(&self, card_id: &str) -> Result<Option<PendingSignIn>, PendingError> {
        Ok(self.find(card_id).await?.map(|(found, _)| found.sign_in))
    }

    /// The user's pending sign-ins, most recent first.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn list(&self, account: &Account) -> Result<Vec<PendingSignIn>, PendingError> {
        let found = self.found(account).await?.into_iter().map(|found| found.sign_in);
        Ok(found.filter(|sign_in| self.is_good(sign_in)).collect())
    }

    /// The same with those that are held for a browser: a code may come from them after nobody can begin them any more.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn list_held(&self, account: &Account) -> Result<Vec<PendingSignIn>, PendingError> {
        Ok(self.found(account).await?.into_iter().map(|found| found.sign_in).collect())
    }

    /// Ends the user's pending sign-ins for `connection` in one conversation, and those begun without naming one. A card
    /// in another conversation, or one that was offered later, stays good: the bot still waits for it.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn finish(
        &self,
        account: &Account,
        connection: &ConnectionName,
        ended: Ended<'_>,
    ) -> Result<(), PendingError> {
        let ends = |sign_in: &PendingSignIn| {
            let begun_in = sign_in.conversation.as_deref();
            sign_in.connection == *connection
                && sign_in.begun_at <= ended.begun_by
                && (begun_in.is_none() || begun_in == ended.conversation)
        };
        let found = self.found(account).await?;
        let finished: Vec<_> = found.into_iter().filter(|found| ends(&found.sign_in)).map(|found| found.key).collect();
        if finished.is_empty() {
            return Ok(());
        }
        Ok(self.store.remove(finished).await?)
    }

    /// Ends the sign-in behind a card, and with it those that [`PendingSignIns::finish`] ends with it.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn finish_card(&self, card_id: &str) -> Result<(), PendingError> {
        let Some(card) = self.find_held(card_id).await? else { return Ok(()) };
        let ended = Ended { conversation: card.conversation.as_deref(), begun_by: card.begun_at };
        self.finish(&card.account, &card.connection, ended).await
    }

    /// Ends whatever was offered for these slots, which are of one account: it has signed out.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn end(&self, slots: &[TokenSlot]) -> Result<(), PendingError> {
        let Some(TokenSlot { account, .. }) = slots.first() else { return Ok(()) };
        let of_slots = |sign_in: &PendingSignIn| slots.iter().any(|slot| slot.connection == sign_in.connection);
        let found = self.found(account).await?;
        let ended: Vec<_> = found.into_iter().filter(|found| of_slots(&found.sign_in)).map(|found| found.key).collect();
        if ended.is_empty() {
            return Ok(());
        }
        Ok(self.store.remove(ended).await?)
    }

    /// Notes the code of a `signin/failure`, printable ASCII up to 64 characters of it. No error if the sign-in is over.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn record_client_failure(&self, pending: &PendingSignIn, code: &str) -> Result<(), PendingError> {
        let code: String = code.chars().filter(char::is_ascii_graphic).take(MAX_CODE).collect();
        for _ in 0..TRIES {
            let Some((Found { key, sequence, mut sign_in }, sealed)) = self.find(&pending.card_id).await? else {
                return Ok(());
            };
            sign_in.client_failure = Some(code.clone());
            // A browser may be on its way: the record stays as long as one could be.
            let record = Record { expires_at: sign_in.begun_at.plus(HELD_FOR), ..self.seal(key, &sign_in, sequence)? };
            self.note(&sign_in, record.expires_at);
            // By comparison, so that a sign-in that is finished meanwhile does not come back.
            if self.store.compare_and_put(key, Some(sealed), record).await? {
                return Ok(());
            }
        }
        // Others noted theirs meanwhile, each as good as this one.
        Ok(())
    }

    async fn find(&self, card_id: &str) -> Result<Option<(Found, Bytes)>, PendingError> {
        let key = self.card_key(card_id);
        let Some(sealed) = self.store.get(key).await? else { return Ok(None) };
        Ok(Some((self.open(key, &sealed)?, sealed)))
    }

    /// Whether a card may still be answered. Its record may lie there for longer ([`PendingSignIns::hold`]).
    fn is_good(&self, sign_in: &PendingSignIn) -> bool {
        self.clock.now() < sign_in.begun_at.plus(LIFE)
    }

    fn note(&self, sign_in: &PendingSignIn, over: Timestamp) {
        let marks = [self.known.card(&sign_in.card_id), self.known.account(&sign_in.account)];
        self.known.note(marks, over, self.clock.now());
    }

    async fn found(&self, account: &Account) -> Result<Vec<Found>, PendingError> {
        if !self.known.may_hold(self.known.account(account), || self.account_index(account), self.clock.now()) {
            return Ok(Vec::new());
        }
        let members = self.store.members(self.account_index(account)).await?;
        let mut found = members.iter().map(|(key, sealed)| self.open(*key, sealed)).collect::<Result<Vec<_>, _>>()?;
        found.sort_by_cached_key(|found| {
            Reverse((found.sign_in.begun_at, found.sequence, found.sign_in.card_id.clone()))
        });
        Ok(found)
    }

    fn seal(&self, key: RecordKey, sign_in: &PendingSignIn, sequence: u64) -> Result<Record, PendingError> {
        let plain = serde_json::to_vec(&Plain::of(sign_in, sequence)).map_err(|_| PendingError::Unreadable)?;
        Ok(Record {
            value: Bytes::from(self.sealer.seal(&[PURPOSE.as_bytes(), &key.0], &plain)?),
            expires_at: sign_in.begun_at.plus(LIFE),
            index: Some(self.account_index(&sign_in.account)),
        })
    }

    fn open(&self, key: RecordKey, sealed: &[u8]) -> Result<Found, PendingError> {
        let plain = self.sealer.open(&[PURPOSE.as_bytes(), &key.0], sealed)?;
        let plain: Plain = serde_json::from_slice(&plain).map_err(|_| PendingError::Unreadable)?;
        Ok(Found { key, sequence: plain.sequence, sign_in: plain.into_sign_in() })
    }

    fn card_id_of(&self, link: &Secret) -> String {
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(self.sealer.mac("pending.link", &[link.expose().as_bytes()])) {
            *to = from;
        }
        uuid::Builder::from_random_bytes(bytes).into_uuid().hyphenated().to_string()
    }

    fn card_key(&self, card_id: &str) -> RecordKey {
        RecordKey(self.sealer.mac(PURPOSE, &[card_id.as_bytes()]))
    }

    fn account_index(&self, account: &Account) -> RecordKey {
        let parts = account.key_parts();
        RecordKey(self.sealer.mac("pending.account", &parts.each_ref().map(|part| part.as_bytes())))
    }
}

const PURPOSE: &str = "pending.card";
