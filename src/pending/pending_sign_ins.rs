use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::known_cards::KnownCards;
use super::{LIFE, PendingError};
use crate::domain::{
    BotName, ChannelAccount, ChannelId, ChannelUserId, ConnectionName, SharedClock, SharedEntropy, Timestamp,
};
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

/// What the bot says of a user's identity where it asks for a card, copied from what its channel told it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedIdentity {
    /// The Entra object id.
    pub object_id: Option<String>,
    /// The tenants named for user and conversation.
    pub tenant_ids: Vec<String>,
}

/// A sign-in that a card has offered to a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingSignIn {
    /// The card's `tokenExchangeResource.id`, a GUID.
    pub card_id: String,
    /// To whom it was offered.
    pub account: ChannelAccount,
    /// Where, if the bot said so.
    pub conversation: Option<String>,
    /// For which connection.
    pub connection: ConnectionName,
    /// Whether the card let the client vouch for the user.
    pub offered_sso: bool,
    /// Who the user is, if the bot said so.
    pub stated: StatedIdentity,
    /// Where the browser goes at the end in the place of the plain page; allowed by configuration.
    pub final_redirect: Option<String>,
    /// When it was offered; it is gone fifteen minutes later.
    pub begun_at: Timestamp,
    /// The code of a `signin/failure` that the client sent.
    pub client_failure: Option<String>,
}

/// A sign-in about to be offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPendingSignIn {
    /// To whom.
    pub account: ChannelAccount,
    /// Where, if the bot said so.
    pub conversation: Option<String>,
    /// For which connection.
    pub connection: ConnectionName,
    /// Whether the card lets the client vouch for the user.
    pub offered_sso: bool,
    /// Who the user is, if the bot said so.
    pub stated: StatedIdentity,
    /// Where the browser goes at the end; allowed by configuration.
    pub final_redirect: Option<String>,
}

/// Which of a user's sign-ins have come to their end.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// Those in this conversation.
    pub conversation: Option<&'a str>,
    /// Those that had begun by then.
    pub begun_by: Timestamp,
}

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

/// Plaintext form.
#[derive(Serialize, Deserialize)]
struct Plain {
    card_id: String,
    bot: String,
    channel: String,
    user: String,
    conversation: Option<String>,
    connection: String,
    offered_sso: bool,
    #[serde(default)]
    stated: StatedIdentity,
    #[serde(default)]
    final_redirect: Option<String>,
    begun_at: i64,
    sequence: u64,
    client_failure: Option<String>,
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
        let left = self.store.list_ending_by(self.clock.now().plus(LIFE), MOST_RECALLED + 1).await?;
        if left.len() <= MOST_RECALLED {
            self.known.inherit(left.into_iter().flat_map(|(key, index)| std::iter::once(key).chain(index)));
        }
        Ok(())
    }

    /// Notes a sign-in and draws its card id.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails: the card must then not be sent.
    pub async fn begin(&self, new: NewPendingSignIn) -> Result<PendingSignIn, PendingError> {
        let NewPendingSignIn { account, conversation, connection, offered_sso, stated, final_redirect } = new;
        let others = self.found(&account).await?;
        let surplus: Vec<_> = others.iter().skip(MAX_PER_ACCOUNT - 1).map(|other| other.key).collect();
        if !surplus.is_empty() {
            self.store.remove(surplus).await?;
        }
        let sign_in = PendingSignIn {
            card_id: self.entropy.uuid(),
            account,
            conversation,
            connection,
            offered_sso,
            stated,
            final_redirect,
            begun_at: self.clock.now(),
            client_failure: None,
        };
        let key = self.card_key(&sign_in.account.bot, &sign_in.card_id);
        let record = self.seal(key, &sign_in, self.begun.fetch_add(1, Ordering::SeqCst))?;
        let marks = [self.known.card(&sign_in.account.bot, &sign_in.card_id), self.known.account(&sign_in.account)];
        self.known.note(marks, record.expires_at, self.clock.now());
        self.store.put(key, record).await?;
        Ok(sign_in)
    }

    /// The pending sign-in behind a card of `bot`. Other bots do not find it.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn find_by_card(&self, bot: &BotName, card_id: &str) -> Result<Option<PendingSignIn>, PendingError> {
        if !self.known.may_hold(self.known.card(bot, card_id), || self.card_key(bot, card_id), self.clock.now()) {
            return Ok(None);
        }
        let key = self.card_key(bot, card_id);
        match self.store.get(key).await? {
            Some(sealed) => Ok(Some(self.open(key, &sealed)?.sign_in)),
            None => Ok(None),
        }
    }

    /// The user's pending sign-ins, most recent first.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn list(&self, account: &ChannelAccount) -> Result<Vec<PendingSignIn>, PendingError> {
        Ok(self.found(account).await?.into_iter().map(|found| found.sign_in).collect())
    }

    /// Ends the user's pending sign-ins for `connection` in one conversation, and those begun without naming one. A card
    /// in another conversation, or one that was offered later, stays good: the bot still waits for it.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn finish(
        &self,
        account: &ChannelAccount,
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

    /// Notes the code of a `signin/failure`, printable ASCII up to 64 characters of it. No error if the sign-in is over.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn record_client_failure(&self, pending: &PendingSignIn, code: &str) -> Result<(), PendingError> {
        let code: String = code.chars().filter(char::is_ascii_graphic).take(MAX_CODE).collect();
        let key = self.card_key(&pending.account.bot, &pending.card_id);
        for _ in 0..TRIES {
            let Some(sealed) = self.store.get(key).await? else {
                return Ok(());
            };
            let mut found = self.open(key, &sealed)?;
            found.sign_in.client_failure = Some(code.clone());
            let record = self.seal(key, &found.sign_in, found.sequence)?;
            // By comparison, so that a sign-in that is finished meanwhile does not come back.
            if self.store.compare_and_put(key, Some(sealed), record).await? {
                return Ok(());
            }
        }
        // Others noted theirs meanwhile, each as good as this one.
        Ok(())
    }

    async fn found(&self, account: &ChannelAccount) -> Result<Vec<Found>, PendingError> {
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

    fn card_key(&self, bot: &BotName, card_id: &str) -> RecordKey {
        RecordKey(self.sealer.mac(PURPOSE, &[bot.as_str().as_bytes(), card_id.as_bytes()]))
    }

    fn account_index(&self, account: &ChannelAccount) -> RecordKey {
        let ChannelAccount { bot, channel, user } = account;
        let parts = [bot.as_str().as_bytes(), channel.as_str().as_bytes(), user.as_str().as_bytes()];
        RecordKey(self.sealer.mac("pending.account", &parts))
    }
}

const PURPOSE: &str = "pending.card";

impl Plain {
    fn of(sign_in: &PendingSignIn, sequence: u64) -> Self {
        let PendingSignIn { card_id, account, conversation, connection, .. } = sign_in;
        Self {
            card_id: card_id.clone(),
            bot: account.bot.to_string(),
            channel: account.channel.to_string(),
            user: account.user.to_string(),
            conversation: conversation.clone(),
            connection: connection.to_string(),
            offered_sso: sign_in.offered_sso,
            stated: sign_in.stated.clone(),
            final_redirect: sign_in.final_redirect.clone(),
            begun_at: sign_in.begun_at.unix_millis(),
            sequence,
            client_failure: sign_in.client_failure.clone(),
        }
    }

    fn into_sign_in(self) -> PendingSignIn {
        PendingSignIn {
            card_id: self.card_id,
            account: ChannelAccount {
                bot: BotName::new(&self.bot),
                channel: ChannelId::base_of(&self.channel),
                user: ChannelUserId::new(&self.user),
            },
            conversation: self.conversation,
            connection: ConnectionName::new(&self.connection),
            offered_sso: self.offered_sso,
            stated: self.stated,
            final_redirect: self.final_redirect,
            begun_at: Timestamp::from_unix_millis(self.begun_at),
            client_failure: self.client_failure,
        }
    }
}
