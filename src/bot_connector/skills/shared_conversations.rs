use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use super::conversation::{ConversationName, SkillConversation, SkillConversationOpening, WrittenConversation};
use super::conversation_error::SkillConversationError;
use super::conversation_records::{ConversationRecords, SoughtPlace};
use crate::domain::{Account, RecordKey, SharedEntropy, SkillName};
use crate::records::{OpenedRecord, RecordError, StoredRecord};
use crate::single_flight::{Flight, SingleFlight};

/// A conversation in use is written again when its record is this old. So the record says, this exactly, when the conversation
/// was last used: the replica that looks for a user's last conversation knows nothing else of what others do.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(10);
/// How often an activity is applied again because another replica has changed the conversation meanwhile.
const MAX_TRIES: u32 = 16;

/// The conversations over a store that other replicas write to as well: the record is the truth, and is read for every activity.
/// No copy stays in memory, because an answer of a skill may get a token: what another replica has just written decides on it. A
/// change replaces the record that it was derived from and no other.
pub(super) struct SharedConversations {
    records: ConversationRecords,
    entropy: SharedEntropy,
    /// The renewals that are under way.
    renewals: SingleFlight<RecordKey, Result<bool, Arc<RecordError>>>,
}

impl SharedConversations {
    pub(super) fn new(records: ConversationRecords, entropy: SharedEntropy) -> Self {
        Self { records, entropy, renewals: SingleFlight::default() }
    }

    /// As [`SkillConversations::open`](super::SkillConversations::open).
    pub(super) async fn open(
        self: &Arc<Self>,
        opening: &SkillConversationOpening,
    ) -> Result<Arc<SkillConversation>, SkillConversationError> {
        for _ in 0..MAX_TRIES {
            if let Some(opened) = self.try_open(opening).await? {
                return Ok(Arc::new(opened));
            }
        }
        Err(SkillConversationError::Contended)
    }

    /// As [`SkillConversations::find`](super::SkillConversations::find), for an id that has the right form.
    pub(super) async fn find(&self, id: &str) -> Result<Option<Arc<SkillConversation>>, SkillConversationError> {
        let conversations = &self.records.conversations;
        let found = conversations.get(conversations.key(&[id.as_bytes()])).await?;
        Ok(found.map(|found| Arc::new(found.content.conversation)))
    }

    /// As [`SkillConversations::find_of_user`](super::SkillConversations::find_of_user), for a channel's account.
    pub(super) async fn find_of_user(
        self: &Arc<Self>,
        skill: &SkillName,
        account: &Account,
        place: SoughtPlace<'_>,
    ) -> Result<Option<Arc<SkillConversation>>, SkillConversationError> {
        let members = self.records.list_of_user(skill, account, place).await?;
        let candidates = members.into_iter().filter_map(|member| {
            let known = &member.content.conversation;
            let fit = place.compare(known).filter(|_| known.account.as_ref() == Some(account))?;
            Some(((fit, Reverse(member.content.written_at)), member))
        });
        let found = candidates.min_by_key(|(rank, _)| *rank).map(|(_, found)| found);
        Ok(found.map(|found| Arc::new(self.use_record(found))))
    }

    /// Removes a conversation and its name. `remove_others` removes what else is kept of it: the conversation goes last, so after
    /// a crash in between a repetition finds the rest. A change that is being written finds no record to replace, but may have
    /// written the name once more.
    pub(super) async fn remove(
        &self,
        conversation: &SkillConversation,
        remove_others: impl Future<Output = Result<(), RecordError>>,
    ) -> Result<(), SkillConversationError> {
        let (name, conversations) = (self.records.name_key(conversation), &self.records.conversations);
        self.records.names.remove(vec![name]).await?;
        remove_others.await?;
        conversations.remove(vec![conversations.key(&[conversation.id.as_bytes()])]).await?;
        Ok(self.records.names.remove(vec![name]).await?)
    }

    /// Applies `opening` to what the store holds. `None` if another replica has changed that meanwhile.
    async fn try_open(
        self: &Arc<Self>,
        opening: &SkillConversationOpening,
    ) -> Result<Option<SkillConversation>, SkillConversationError> {
        let id = self.get_id(opening).await?;
        let key = self.records.conversations.key(&[id.as_bytes()]);
        let Some(known) = self.records.conversations.get(key).await? else {
            let opened = SkillConversation::opened(&id, opening.clone());
            return Ok(self.write(key, &opened, None).await?.then_some(opened));
        };
        let Some(next) = known.content.conversation.after(opening) else {
            return Ok(Some(self.use_record(known)));
        };
        Ok(self.write(key, &next, Some(known.stored)).await?.then_some(next))
    }

    /// The id of the conversation in which `opening` is sent; draws one if there is none. One of several concurrent callers, on
    /// whatever replica, draws it.
    async fn get_id(&self, opening: &SkillConversationOpening) -> Result<String, RecordError> {
        let (key, names) = (self.records.name_key_of_opening(opening), &self.records.names);
        if let Some(known) = names.get(key).await? {
            return Ok(known.content.id);
        }
        let drawn = ConversationName { id: self.entropy.hex_id() };
        let existing = names.put_if_absent(names.seal(key, &drawn)?).await?;
        Ok(existing.map_or(drawn.id, |existing| existing.content.id))
    }

    /// Returns the conversation of a record that is used now. A renewal that fails is tried again at the next use.
    fn use_record(self: &Arc<Self>, record: OpenedRecord<WrittenConversation>) -> SkillConversation {
        let OpenedRecord { content: WrittenConversation { conversation, written_at }, stored } = record;
        let now = self.records.now();
        // A clock that was ahead and was set back has written the record of a later time.
        if written_at > now || written_at.plus(RENEWAL_INTERVAL) <= now {
            drop(self.start_renewal(conversation.clone(), stored));
        }
        conversation
    }

    fn start_renewal(
        self: &Arc<Self>,
        conversation: SkillConversation,
        stored: StoredRecord<WrittenConversation>,
    ) -> Flight<Result<bool, Arc<RecordError>>> {
        let shared = Arc::clone(self);
        self.renewals.join(stored.key(), || async move {
            let renewed = shared.write(stored.key(), &conversation, Some(stored)).await;
            renewed.map_err(|error| {
                tracing::warn!(%error, "the use of a skill conversation is not stored: the store failed");
                Arc::new(error)
            })
        })
    }

    /// Writes `conversation` in the place of `stored`, and its name before it: so a conversation that is found is found by both.
    /// Returns whether it was written.
    async fn write(
        &self,
        key: RecordKey,
        conversation: &SkillConversation,
        stored: Option<StoredRecord<WrittenConversation>>,
    ) -> Result<bool, RecordError> {
        self.records.renew_name(self.records.name_key(conversation), &conversation.id).await?;
        let record = self.records.seal(key, conversation, self.records.now())?;
        self.records.conversations.compare_and_put(stored, record).await
    }

    /// Waits until the renewal of the conversation `id` that is under way has ended.
    #[cfg(test)]
    pub(super) async fn finish_renewal(&self, id: &str) {
        let key = self.records.conversations.key(&[id.as_bytes()]);
        self.renewals.join(key, || async { Ok(false) }).outcome().await;
    }
}
