use std::sync::Arc;

use serde_json::{Value, json};

use super::SkillConversations;
use super::conversation::WrittenConversation;
use super::conversation_error::SkillConversationError;
use crate::domain::{Account, ConversationId, CountFuture, DataSubject, ExportFuture, PersonalData, Registrations};

/// The conversations with skills that are kept of a person: those that belong to an account of the person at a parent bot.
#[derive(Clone)]
pub struct SkillConversationData {
    conversations: SkillConversations,
    registrations: Arc<Registrations>,
}

impl SkillConversationData {
    /// The data of `conversations` with the skills in `registrations`.
    #[must_use]
    pub fn new(conversations: SkillConversations, registrations: Arc<Registrations>) -> Self {
        Self { conversations, registrations }
    }

    async fn list(&self, person: &DataSubject) -> Result<Vec<WrittenConversation>, SkillConversationError> {
        let records = &self.conversations.records;
        let mut listed: Vec<WrittenConversation> = Vec::new();
        for account in person.accounts.iter().map(Account::as_channel_account) {
            let Some(parent) = self.registrations.find_bot(account.holder.as_str()) else { continue };
            for skill in self.registrations.list_skills(&parent.name) {
                for member in records.conversations.members(records.index(&account, &skill.name)).await? {
                    let written = records.conversations.open(&member)?;
                    if listed.iter().all(|known| known.conversation.id != written.conversation.id) {
                        listed.push(written);
                    }
                }
            }
        }
        Ok(listed)
    }
}

impl PersonalData for SkillConversationData {
    fn name(&self) -> &'static str {
        "skillConversations"
    }

    fn export<'a>(&'a self, person: &'a DataSubject) -> ExportFuture<'a> {
        Box::pin(async move { Ok(self.list(person).await?.iter().map(to_json).collect()) })
    }

    fn erase<'a>(&'a self, person: &'a DataSubject) -> CountFuture<'a> {
        Box::pin(async move {
            let listed = self.list(person).await?;
            for WrittenConversation { conversation, .. } in &listed {
                self.conversations.remove(conversation).await?;
            }
            Ok(listed.len())
        })
    }
}

fn to_json(written: &WrittenConversation) -> Value {
    let WrittenConversation { conversation, written_at } = written;
    let account = conversation.account.as_ref();
    json!({
        "parent": conversation.parent.as_str(),
        "skill": conversation.skill.as_str(),
        "parentConversationId": conversation.parent_conversation_id,
        "parentServiceUrl": conversation.parent_service_url,
        "channel": account.and_then(Account::channel_name),
        "subject": account.map(|account| account.subject.as_str()),
        "userConversation": conversation.user_conversation.as_ref().map(ConversationId::as_str),
        "addressing": serde_json::from_str::<Value>(&conversation.addressing).ok(),
        "isShared": conversation.is_shared,
        "writtenAt": written_at.to_rfc3339(),
    })
}
