use super::conversation::{
    ConversationName, ConversationPlace, PlaceRule, SkillConversation, SkillConversationOpening, WrittenConversation,
};
use crate::domain::{Account, BotName, ConversationId, RecordKey, SkillName, Timestamp};
use crate::records::{Collection, OpenedRecord, RecordError, Records, SealedRecord};

/// The most conversations of one user with one skill that are looked at: those that were written last. A dialog of an SDK uses
/// one.
const MAX_LISTED: usize = 64;
/// The same where only the exact place counts: other people may open conversations under a user id that a client chooses.
const MAX_LISTED_FOR_EXACT_PLACE: usize = 1024;

/// The records of the conversations and of their names.
#[derive(Clone)]
pub(super) struct ConversationRecords {
    records: Records,
    pub(super) conversations: Collection<WrittenConversation>,
    pub(super) names: Collection<ConversationName>,
}

/// The conversation in which a user speaks to the parent, and how exactly a conversation with a skill has to fit it.
#[derive(Clone, Copy)]
pub(super) struct SoughtPlace<'p> {
    pub(super) conversation: &'p ConversationId,
    pub(super) rule: PlaceRule,
}

impl SoughtPlace<'_> {
    pub(super) fn compare(self, known: &SkillConversation) -> Option<ConversationPlace> {
        known.place_for(self.conversation, self.rule)
    }
}

impl ConversationRecords {
    pub(super) fn new(records: &Records) -> Self {
        Self { records: records.clone(), conversations: Collection::new(records), names: Collection::new(records) }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.records.clock().now()
    }

    /// The record of `conversation`, written at `now` under `key`.
    pub(super) fn seal(
        &self,
        key: RecordKey,
        conversation: &SkillConversation,
        now: Timestamp,
    ) -> Result<SealedRecord<WrittenConversation>, RecordError> {
        let index = conversation.account.as_ref().map(|account| self.index(account, &conversation.skill));
        let content = WrittenConversation { conversation: conversation.clone(), written_at: now };
        let record = self.conversations.seal(key, &content)?;
        Ok(match index {
            Some(index) => record.listed_by(index),
            None => record,
        })
    }

    /// Writes the name of the conversation `id` again, unless it leads to another conversation. Returns whether it was written.
    pub(super) async fn renew_name(&self, key: RecordKey, id: &str) -> Result<bool, RecordError> {
        let name = ConversationName { id: id.to_owned() };
        let record = self.names.seal(key, &name)?;
        match self.names.put_if_absent(record.clone()).await? {
            None => Ok(true),
            Some(existing) if existing.content.id == name.id => {
                self.names.compare_and_put(Some(existing.stored), record).await
            }
            Some(_) => Ok(false),
        }
    }

    /// Lists the conversations of `account` with `skill` that were written last.
    pub(super) async fn list_of_user(
        &self,
        skill: &SkillName,
        account: &Account,
        place: SoughtPlace<'_>,
    ) -> Result<Vec<OpenedRecord<WrittenConversation>>, RecordError> {
        let limit = match place.rule {
            PlaceRule::Exact => MAX_LISTED_FOR_EXACT_PLACE,
            PlaceRule::Any => MAX_LISTED,
        };
        let members = self.conversations.last_members(self.index(account, skill), limit).await?;
        let open = |stored| Ok(OpenedRecord { content: self.conversations.open(&stored)?, stored });
        members.into_iter().map(open).collect()
    }

    pub(super) fn name_key(&self, conversation: &SkillConversation) -> RecordKey {
        self.key_of_name(&conversation.parent, &conversation.skill, &conversation.parent_conversation_id)
    }

    pub(super) fn name_key_of_opening(&self, opening: &SkillConversationOpening) -> RecordKey {
        self.key_of_name(&opening.parent, &opening.skill, &opening.parent_conversation_id)
    }

    fn key_of_name(&self, parent: &BotName, skill: &SkillName, parent_conversation_id: &str) -> RecordKey {
        let parts = [parent.as_str(), skill.as_str(), parent_conversation_id];
        self.names.key(&parts.map(str::as_bytes))
    }

    pub(super) fn index(&self, account: &Account, skill: &SkillName) -> RecordKey {
        let [holder, realm, subject] = account.key_parts();
        self.conversations.index([&holder, &realm, &subject, skill.as_str()])
    }
}
