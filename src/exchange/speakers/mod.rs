//! Which accounts speak under a user id: the channel's, and those of the parent bots that state the same id.
//!
//! Owns the record of who spoke last, and the decision under which account a bot finds a user's tokens
//! (docs/security.md §Parent bots). A bot names the user by the channel's user id alone, so the request does not say
//! which account the bot means. It deliberately knows neither tokens nor activities.

mod cell;
mod history;
mod marked_bots;
mod of_replicas;
mod of_single_writer;
mod personal_data;
#[cfg(test)]
mod replica_tests;
mod senders;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;

use self::cell::SpeakersCell;
use self::history::{Speaker, SpeakerHistory};
use self::marked_bots::MarkedBots;
use self::senders::Senders;
use crate::domain::{Account, Bot, HolderName, RecordKey, Timestamp};
use crate::observability::{AuditEntry, AuditEvent};
use crate::records::{Collection, RecordError, Records};
use crate::single_flight::{Registered, SingleFlight, WeakRegistry};

/// User ids whose accounts stay in memory; those of others are read from the store.
const MAX_RECENT_USERS: usize = 65_536;
/// While one account goes on speaking, its record is written this often at most.
const WRITE_INTERVAL: Duration = Duration::from_mins(1);
/// A record that a bot uses is written again after this time. The record thus outlives every token under its user id: a
/// token can be refreshed only by way of this record, and is then kept for two days less than the record
/// ([`crate::records::catalogue::SPEAKERS`]).
const RENEWAL_INTERVAL: Duration = Duration::from_hours(24);

/// The accounts that spoke under each user id of the bots that keep parents apart, or did so as long as a record names a
/// parent. For other bots there is one account only, and nothing is read or written. Clones share the same state.
#[derive(Clone)]
pub struct Speakers {
    shared: Arc<SharedSpeakers>,
}

struct SharedSpeakers {
    records: Records,
    histories: Collection<SpeakerHistory>,
    marked_bots: MarkedBots,
    senders: Senders,
    registry: WeakRegistry<Account, SpeakersCell>,
    /// Keeps recently used cells alive.
    recent: Cache<Account, Arc<Registered<Account, SpeakersCell>>>,
    /// The writes that are under way; each says whether it succeeded.
    writes: SingleFlight<RecordKey, bool>,
}

/// Whose history is meant.
#[derive(Clone, Copy)]
struct HistoryPlace<'a> {
    bot: &'a Bot,
    cell: &'a Arc<Registered<Account, SpeakersCell>>,
}

impl HistoryPlace<'_> {
    /// `stored`, in which the accounts of parents that the operator trusts count as the channel's.
    fn read(self, stored: SpeakerHistory) -> SpeakerHistory {
        let channel = self.cell.key().realm.channel();
        stored.merge_trusted(|parent| channel.is_some_and(|channel| self.bot.trusts_parent(parent, channel)))
    }
}

/// Who spoke under a user id, as of one moment.
struct Judgement {
    /// The account that spoke last; `None` if none has spoken.
    last: Option<Speaker>,
    is_disputed: bool,
    unreported: Vec<Speaker>,
}

impl Speakers {
    /// Keeps the accounts in `records`. Over a shared store every decision and every note reads the record there, because the
    /// bot may ask one replica for a token while it works on what another has passed on.
    #[must_use]
    pub fn new(records: &Records) -> Self {
        let shared = SharedSpeakers {
            records: records.clone(),
            histories: Collection::new(records),
            marked_bots: MarkedBots::new(records),
            senders: Senders::new(records),
            registry: WeakRegistry::default(),
            recent: Cache::new(MAX_RECENT_USERS),
            writes: SingleFlight::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Reads which of `bots` have kept parents apart, and marks those that do. Call this at start-up. Without this call, a bot whose last parent was
    /// removed from the configuration gets the channel's token in that parent's turn.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn recall(&self, bots: impl Iterator<Item = &Bot>) -> Result<(), RecordError> {
        for bot in bots {
            self.shared.marked_bots.recall(&bot.name).await?;
            // An earlier version left records without a mark.
            if bot.keeps_parents_apart() {
                self.shared.marked_bots.mark(&HolderName::from(&bot.name), self.shared.now()).await?;
            }
        }
        Ok(())
    }

    /// Whether anything is noted of those who speak to `bot`. Of most bots nothing is, so their activities need no account here.
    #[must_use]
    pub fn takes_notes_for(&self, bot: &Bot) -> bool {
        bot.has_parents() || self.shared.has_records(bot)
    }

    /// Notes that `account`, the channel's or a parent's, speaks to `bot`. Call it before the bot learns of it, because the
    /// bot may ask for a token at once. If an exclusive store fails, the note stays in memory, and the next one writes it.
    ///
    /// # Errors
    /// [`RecordError`] if a shared store fails. The bot must not learn of the activity then: another replica would give it
    /// the token of the account that spoke before.
    pub async fn note(&self, bot: &Bot, account: &Account, correlation_id: &str) -> Result<(), RecordError> {
        if !self.shared.has_records(bot) {
            return Ok(());
        }
        // Boxed here and below, so that it adds nothing to the state of a request to a bot without parents.
        Box::pin(self.note_recorded(bot, account, correlation_id)).await
    }

    async fn note_recorded(&self, bot: &Bot, account: &Account, correlation_id: &str) -> Result<(), RecordError> {
        let cell = self.shared.get_cell(&account.as_channel_account());
        let place = HistoryPlace { bot, cell: &cell };
        if self.shared.records.replicas().is_some() {
            return self.shared.note_in_store(place, account).await;
        }
        let now = self.shared.now();
        let keeps_parents_apart = bot.keeps_parents_apart();
        if keeps_parents_apart {
            cell.with_history(|history| history.note(account.parent(), now));
        }
        if let Err(error) = self.shared.load(place).await {
            let bot = bot.name.as_str();
            tracing::warn!(correlation_id, bot, %error, "which account spoke is not stored: the store failed");
            return Ok(());
        }
        // Where no parent has an account any more, the channel's word ends the record of one that had.
        if !keeps_parents_apart {
            if !cell.with_history(|history| history.names_parent()) {
                return Ok(());
            }
            cell.with_history(|history| history.note(account.parent(), now));
        }
        self.shared.write_if_due(&cell, WRITE_INTERVAL).await;
        Ok(())
    }

    /// Notes in memory that the account `sender` has sent what `bot` gets next under its user id, and tells the other
    /// replicas. It is a parent's account also where the operator trusts the parent's user ids as the channel's.
    pub async fn note_sender(&self, bot: &Bot, sender: &Account) {
        if bot.has_parents() {
            Box::pin(self.shared.senders.note(sender)).await;
        }
    }

    /// Finds the account to whose limit a guess counts that `bot` passes on for `account`, which is in use: that of the
    /// parent who sent the last activity, also where the operator trusts its user ids as the channel's.
    #[must_use]
    pub fn find_sender(&self, bot: &Bot, account: &Account) -> Account {
        let may_be_parents = bot.has_parents() && account.parent().is_none();
        let found = may_be_parents.then(|| self.shared.senders.find(account)).flatten();
        found.unwrap_or_else(|| account.clone())
    }

    /// Finds the account whose tokens `bot` gets for the user id of the channel's `account`: the one that spoke last; the
    /// channel's, if none is known to have spoken. `None` if no token may be given: two accounts spoke within fifteen
    /// minutes, which is logged once per pair and time, or the last one is of a parent that may no longer call the bot.
    /// `correlation_id` is called for the log.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails and memory does not know who spoke.
    pub async fn find_account_in_use(
        &self,
        bot: &Bot,
        account: Account,
        correlation_id: impl FnOnce() -> String,
    ) -> Result<Option<Account>, RecordError> {
        if !self.shared.has_records(bot) {
            return Ok(Some(account));
        }
        let cell = self.shared.get_cell(&account);
        let place = HistoryPlace { bot, cell: &cell };
        let judged = self.shared.consult(place, Some(RENEWAL_INTERVAL), judge).await?;
        let Judgement { last, is_disputed, unreported } = judged;
        if !unreported.is_empty() {
            report_dispute(&account, last.as_ref(), &unreported, &correlation_id());
        }
        if is_disputed {
            return Ok(None);
        }
        let Some(parent) = last.and_then(|last| last.parent) else { return Ok(Some(account)) };
        // A parent that was removed from the list gets no token, and neither does it get the channel's.
        let is_listed = account.realm.channel().is_some_and(|channel| bot.lists_parent(&parent, channel));
        Ok(is_listed.then(|| account.as_parent_account(&parent)))
    }

    /// Finds the account that spoke last under the user id of the channel's `account`; the channel's, if none is known to
    /// have spoken.
    ///
    /// # Errors
    /// As [`Speakers::find_account_in_use`].
    pub async fn find_last<'a>(&self, bot: &Bot, account: &'a Account) -> Result<Cow<'a, Account>, RecordError> {
        if !self.shared.has_records(bot) {
            return Ok(Cow::Borrowed(account));
        }
        let cell = self.shared.get_cell(account);
        let find_parent = |history: &mut SpeakerHistory, _| history.last().and_then(|last| last.parent.clone());
        let last = self.shared.consult(HistoryPlace { bot, cell: &cell }, None, find_parent).await?;
        Ok(last.map_or(Cow::Borrowed(account), |parent| Cow::Owned(account.as_parent_account(&parent))))
    }

    /// Finds the accounts of which one has asked the bot to sign out, under the user id of the channel's `account`: the one
    /// that spoke last, and those that dispute the user id with it. The channel's, if none is known to have spoken.
    ///
    /// # Errors
    /// As [`Speakers::find_account_in_use`].
    pub async fn find_signing_out(&self, bot: &Bot, account: &Account) -> Result<Vec<Account>, RecordError> {
        if !self.shared.has_records(bot) {
            return Ok(vec![account.clone()]);
        }
        let cell = self.shared.get_cell(account);
        let list_speaking = |history: &mut SpeakerHistory, now| -> Vec<Account> {
            history.follow_clock(now);
            let speaking = history.last().into_iter().chain(history.rivals(now));
            speaking.map(|speaker| speaker.account_under(account)).collect()
        };
        let found = self.shared.consult(HistoryPlace { bot, cell: &cell }, None, list_speaking).await?;
        Ok(if found.is_empty() { vec![account.clone()] } else { found })
    }
}

impl SharedSpeakers {
    /// Whether a record may say that a parent spoke to `bot`. The parent may have been removed from the configuration.
    fn has_records(&self, bot: &Bot) -> bool {
        bot.keeps_parents_apart() || self.marked_bots.contains(&bot.name)
    }

    /// The cell of the channel's `account`, which may not be loaded yet. While a write is under way, its cell is the
    /// registered one, so no other cell reads the store before the write has ended.
    fn get_cell(&self, account: &Account) -> Arc<Registered<Account, SpeakersCell>> {
        if let Some(known) = self.recent.get(account) {
            return known;
        }
        let new_cell = |account: &Account| SpeakersCell::new(self.histories.key_from_texts(&account.key_parts()));
        let cell = self.registry.get_or_register(account.clone(), new_cell);
        self.recent.insert(account.clone(), Arc::clone(&cell));
        cell
    }

    fn now(&self) -> Timestamp {
        self.records.clock().now()
    }

    /// Reads or changes with `work` what is known under the user id of `cell`, as of now. If `age` is given, the record is
    /// written then: if the store lacks an account or a report, or if the record is older than `age`.
    async fn consult<R>(
        self: &Arc<Self>,
        place: HistoryPlace<'_>,
        age: Option<Duration>,
        work: impl Fn(&mut SpeakerHistory, Timestamp) -> R,
    ) -> Result<R, RecordError> {
        if self.records.replicas().is_some() {
            return self.consult_store(place, age, work).await;
        }
        self.load(place).await?;
        let now = self.now();
        let result = place.cell.with_history(|history| work(history, now));
        if let Some(age) = age {
            self.write_if_due(place.cell, age).await;
        }
        Ok(result)
    }
}

fn judge(history: &mut SpeakerHistory, now: Timestamp) -> Judgement {
    history.follow_clock(now);
    let is_disputed = history.rivals(now).next().is_some();
    let unreported = if is_disputed { history.take_unreported(now) } else { Vec::new() };
    Judgement { last: history.last().cloned(), is_disputed, unreported }
}

/// Logs the security event that a token was withheld, because `last` and `rivals` spoke within fifteen minutes.
fn report_dispute(account: &Account, last: Option<&Speaker>, rivals: &[Speaker], correlation_id: &str) {
    let name = |speaker: &Speaker| speaker.parent.clone().unwrap_or_else(|| "the channel".to_owned());
    AuditEntry::new(AuditEvent::TwoAccountsSpoke).account(account).correlation_id(correlation_id).write();
    for rival in rivals {
        tracing::warn!(
            correlation_id,
            bot = account.holder.as_str(),
            channel = account.channel_name(),
            last_speaker = last.map(name),
            other_speaker = name(rival),
            hint = "a bot asks by the user id alone, so it is not known for which of the two it asks: tokens are given again \
                    fifteen minutes after one of them spoke last; if the parent's user ids can be trusted as the channel's, \
                    set vouches_for_channel_users in its entry of bots.*.callers",
            security = AuditEvent::TwoAccountsSpoke.is_security(),
            "no token is given: two accounts spoke under one user id within fifteen minutes"
        );
    }
}
