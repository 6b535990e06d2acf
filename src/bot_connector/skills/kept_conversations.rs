use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::conversation::{ConversationName, SkillConversation, SkillConversationOpening, WrittenConversation};
use super::conversation_cell::{ConversationCell, DueWrite};
use super::conversation_error::SkillConversationError;
use super::conversation_records::{ConversationRecords, SoughtPlace};
use crate::domain::{Account, RecordKey, SharedEntropy, SkillName, Timestamp};
use crate::records::{OpenedRecord, RecordError};
use crate::single_flight::{Flight, Registered, SingleFlight, WeakRegistry};

/// The bytes of the conversations that stay in memory; others are read from the store. A typical one takes 2 KiB.
const MAX_RECENT_BYTES: u64 = 32 * 1024 * 1024;
/// Estimated size of a conversation. It determines only the initial size of the cache's tables.
const TYPICAL_BYTES: u64 = 2048;
/// The bytes of a conversation in memory beside its texts: the structs and the bookkeeping of cache and registry.
const OVERHEAD_BYTES: usize = 768;
/// The names of conversations that stay in memory.
const MAX_RECENT_NAMES: usize = 65_536;
/// The record of a name that was written less than this ago is not written again with its conversation.
const FRESH_NAME: Duration = Duration::from_mins(1);

type RegisteredCell = Registered<RecordKey, ConversationCell>;

/// The records of the conversations and of their names, and those that are in use, in memory. Only a process
/// that uses its store alone has them: `SharedConversations` is the form for replicas.
pub(super) struct KeptConversations {
    records: ConversationRecords,
    entropy: SharedEntropy,
    registry: WeakRegistry<RecordKey, ConversationCell>,
    /// Keeps recently used cells alive, by the id of the conversation.
    recent: Cache<String, RecentCell, ConversationBytes>,
    /// By the key of the name's record.
    recent_names: Cache<RecordKey, KnownName>,
    /// The writes that are under way.
    writes: SingleFlight<RecordKey, Result<(), SkillConversationError>>,
}

/// The id by which a skill knows a conversation of its parent.
#[derive(Clone)]
struct KnownName {
    id: Arc<str>,
    /// When this process wrote the record; `None` if it has read it only.
    written_at: Option<Timestamp>,
}

/// A cell that is kept alive.
#[derive(Clone)]
struct RecentCell {
    cell: Arc<RegisteredCell>,
    /// The bytes of the conversation's texts when the cell was put here. The weight of an entry must not change.
    text_bytes: usize,
}

/// Weighs the conversations in memory by the bytes that they occupy.
#[derive(Clone)]
struct ConversationBytes;

impl Weighter<String, RecentCell> for ConversationBytes {
    fn weight(&self, _id: &String, recent: &RecentCell) -> u64 {
        (OVERHEAD_BYTES + recent.text_bytes) as u64
    }
}

impl KeptConversations {
    /// Keeps the conversations in `records`, and draws their ids from `entropy`.
    pub(super) fn new(records: ConversationRecords, entropy: SharedEntropy) -> Self {
        let typical = usize::try_from(MAX_RECENT_BYTES / TYPICAL_BYTES).unwrap_or(usize::MAX);
        Self {
            records,
            entropy,
            registry: WeakRegistry::default(),
            recent: Cache::with_weighter(typical, MAX_RECENT_BYTES, ConversationBytes),
            recent_names: Cache::new(MAX_RECENT_NAMES),
            writes: SingleFlight::default(),
        }
    }

    /// As [`SkillConversations::open`](super::SkillConversations::open).
    pub(super) async fn open(
        self: &Arc<Self>,
        opening: &SkillConversationOpening,
    ) -> Result<Arc<SkillConversation>, SkillConversationError> {
        let id = self.get_id(opening).await?;
        let cell = self.get_cell(&id);
        self.load(&cell).await?;
        let opened = cell.note(&id, opening, self.now());
        self.write_if_due(&cell).await?;
        self.keep_in_memory(&id, &cell);
        Ok(opened)
    }

    /// As [`SkillConversations::find`](super::SkillConversations::find), for an id that has the right form.
    pub(super) async fn find(
        self: &Arc<Self>,
        id: &str,
    ) -> Result<Option<Arc<SkillConversation>>, SkillConversationError> {
        let cell = self.get_cell(id);
        self.load(&cell).await?;
        let found = cell.find(self.now());
        if found.is_some() {
            self.keep_in_memory(id, &cell);
        }
        Ok(found)
    }

    /// As [`SkillConversations::find_of_user`](super::SkillConversations::find_of_user), for a channel's account.
    pub(super) async fn find_of_user(
        self: &Arc<Self>,
        skill: &SkillName,
        account: &Account,
        place: SoughtPlace<'_>,
    ) -> Result<Option<Arc<SkillConversation>>, SkillConversationError> {
        let members = self.records.list_of_user(skill, account, place).await?;
        let mut candidates = Vec::with_capacity(members.len());
        for OpenedRecord { content: WrittenConversation { conversation: stored, written_at }, .. } in members {
            let cell = self.get_cell(&stored.id);
            if let Some(fit) = place.compare(&stored) {
                candidates.push((fit, cell.used_at().unwrap_or(written_at), cell));
            }
        }
        candidates.sort_unstable_by_key(|(fit, used_at, _)| (*fit, Reverse(*used_at)));
        for (_, _, cell) in candidates {
            self.load(&cell).await?;
            // What the cell knows may be newer than the record that was listed.
            let fits =
                |known: &SkillConversation| known.account.as_ref() == Some(account) && place.compare(known).is_some();
            if cell.find(self.now()).is_some_and(|known| fits(&known)) {
                return Ok(self.use_cell(&cell));
            }
        }
        Ok(None)
    }

    /// Notes that the conversation of `cell` is used, and returns it. A renewal that fails is tried again at the next use.
    fn use_cell(self: &Arc<Self>, cell: &Arc<RegisteredCell>) -> Option<Arc<SkillConversation>> {
        let used = cell.use_at(self.now())?;
        self.keep_in_memory(&used.id, cell);
        if cell.find_due_write(self.now()).is_some() {
            drop(self.start_or_join_write(cell));
        }
        Some(used)
    }

    /// The id of the conversation in which `opening` is sent; draws one if there is none. One of several concurrent callers
    /// draws it.
    async fn get_id(&self, opening: &SkillConversationOpening) -> Result<Arc<str>, SkillConversationError> {
        let (key, now) = (self.records.name_key_of_opening(opening), self.now());
        // The cell says when the conversation has expired, and its name with it.
        if let Some(known) = self.recent_names.get(&key)
            && self.recent.get(&*known.id).is_some_and(|recent| recent.cell.find(now).is_some())
        {
            return Ok(known.id);
        }
        let drawn = ConversationName { id: self.entropy.hex_id() };
        let names = &self.records.names;
        let existing = names.put_if_absent(names.seal(key, &drawn)?).await?;
        let written_at = existing.is_none().then_some(now);
        let id = Arc::from(existing.map_or(drawn.id, |existing| existing.content.id));
        let known = KnownName { id, written_at };
        self.recent_names.insert(key, known.clone());
        Ok(known.id)
    }

    /// The cell of the conversation `id`, which may not be loaded yet. While a write is under way, its cell is the registered
    /// one, so no other cell reads the store before the write has ended.
    fn get_cell(&self, id: &str) -> Arc<RegisteredCell> {
        if let Some(recent) = self.recent.get(id) {
            return recent.cell;
        }
        let key = self.records.conversations.key(&[id.as_bytes()]);
        self.registry.get_or_register(key, |key| ConversationCell::new(*key))
    }

    /// Keeps the cell of a conversation that exists.
    fn keep_in_memory(&self, id: &str, cell: &Arc<RegisteredCell>) {
        let text_bytes = cell.text_bytes();
        if self.recent.get(id).is_none_or(|recent| recent.text_bytes != text_bytes) {
            self.recent.insert(id.to_owned(), RecentCell { cell: Arc::clone(cell), text_bytes });
        }
    }

    /// Reads the record of `cell`, unless it was read before.
    async fn load(&self, cell: &RegisteredCell) -> Result<(), RecordError> {
        if !cell.is_loaded() {
            cell.set_loaded(self.records.conversations.get(cell.key).await?.map(|record| record.content));
        }
        Ok(())
    }

    /// Writes the record of `cell` and waits until the store holds what the conversation has become. A renewal is not waited
    /// for; one that fails is tried again at the next use.
    async fn write_if_due(self: &Arc<Self>, cell: &Arc<RegisteredCell>) -> Result<(), SkillConversationError> {
        while let Some(due) = cell.find_due_write(self.now()) {
            let flight = self.start_or_join_write(cell);
            if due == DueWrite::Renewal {
                break;
            }
            flight.outcome().await.unwrap_or(Err(SkillConversationError::Interrupted))?;
        }
        Ok(())
    }

    /// Writes of one record follow each other, and go on if the caller hangs up.
    fn start_or_join_write(self: &Arc<Self>, cell: &Arc<RegisteredCell>) -> Flight<Result<(), SkillConversationError>> {
        self.writes.join(cell.key, || {
            let (shared, cell) = (Arc::clone(self), Arc::clone(cell));
            async move {
                let written = shared.write(&cell).await;
                if let Err(error) = &written {
                    tracing::warn!(%error, "a skill conversation is not stored: the store failed");
                }
                written
            }
        })
    }

    async fn write(&self, cell: &RegisteredCell) -> Result<(), SkillConversationError> {
        let now = self.now();
        let Some(conversation) = cell.find(now) else { return Ok(()) };
        // The name is as old as its conversation, so that a conversation that is found is found by both.
        self.renew_name(&conversation, now).await?;
        let record = self.records.seal(cell.key, &conversation, now)?;
        self.records.conversations.put(record).await?;
        cell.set_written(conversation, now);
        Ok(())
    }

    /// Writes the name of `conversation` again, unless it has been written just now, or leads to another conversation.
    async fn renew_name(&self, conversation: &SkillConversation, now: Timestamp) -> Result<(), RecordError> {
        let key = self.records.name_key(conversation);
        let written_at = self.recent_names.get(&key).and_then(|known| known.written_at);
        if written_at.is_some_and(|at| at <= now && now < at.plus(FRESH_NAME)) {
            return Ok(());
        }
        if self.records.renew_name(key, &conversation.id).await? {
            let id = Arc::from(conversation.id.as_str());
            self.recent_names.insert(key, KnownName { id, written_at: Some(now) });
        }
        Ok(())
    }

    /// Removes a conversation and its name. `remove_others` removes what else is kept of it: the conversation goes last, so after
    /// a crash in between a repetition finds the rest.
    pub(super) async fn remove(
        &self,
        conversation: &SkillConversation,
        remove_others: impl Future<Output = Result<(), RecordError>>,
    ) -> Result<(), SkillConversationError> {
        let (cell, name) = (self.get_cell(&conversation.id), self.records.name_key(conversation));
        cell.clear();
        // A write that began before must have ended, or it would bring the record back.
        if let Some(Err(error)) = self.writes.join(cell.key, || async { Ok(()) }).outcome().await {
            tracing::warn!(%error, "a skill conversation that is removed was not stored before");
        }
        cell.clear();
        self.recent.remove(conversation.id.as_str());
        self.recent_names.remove(&name);
        self.records.names.remove(vec![name]).await?;
        remove_others.await?;
        Ok(self.records.conversations.remove(vec![cell.key]).await?)
    }

    fn now(&self) -> Timestamp {
        self.records.now()
    }

    /// Waits until the store holds what is known of the conversation `id`, and its record is young.
    #[cfg(test)]
    pub(super) async fn finish_writes(self: &Arc<Self>, id: &str) {
        let cell = self.get_cell(id);
        while cell.find_due_write(self.now()).is_some() {
            self.start_or_join_write(&cell).outcome().await;
        }
    }
}
