use std::sync::Arc;

use tokio::time::Instant;

use super::card_attempts::{CardAttempt, CardAttempts};
use super::card_claims::{CardClaim, ClaimedCard};
use super::conversation::{PlaceRule, SkillConversation, SkillConversationOpening, is_conversation_id};
use super::conversation_error::SkillConversationError;
use super::conversation_records::{ConversationRecords, SoughtPlace};
use super::given_activities::{GivenActivities, GivenActivity};
use super::kept_conversations::KeptConversations;
use super::shared_conversations::SharedConversations;
use crate::domain::{Account, ConversationId, RecordKey, SharedEntropy, SkillName};
use crate::records::{Collection, Records};

/// How often a note is written again because another note of the conversation was written meanwhile. Each time, the other note
/// is kept.
const MAX_NOTE_TRIES: u32 = 256;

/// The conversations of parent bots with skills, and what was given to the skills in them. Over an exclusive store, what is in
/// use is kept in memory, so that an activity of a known conversation needs no disk read. Over a shared store, an activity of the
/// parent costs two reads, and one of the skill costs one. Clones share the same state.
#[derive(Clone)]
pub struct SkillConversations {
    pub(super) records: ConversationRecords,
    form: ConversationForm,
    pub(super) activities: Collection<GivenActivities>,
    cards: Collection<ClaimedCard>,
    attempts: Arc<CardAttempts>,
}

/// Where the truth about conversations is.
#[derive(Clone)]
enum ConversationForm {
    /// In the memory of this process, which uses its store alone.
    Kept(Arc<KeptConversations>),
    /// In the store, which other replicas use, too.
    Shared(Arc<SharedConversations>),
}

impl SkillConversations {
    /// Keeps the conversations in `records`, and draws their ids from `entropy`.
    #[must_use]
    pub fn new(records: &Records, entropy: SharedEntropy) -> Self {
        let conversations = ConversationRecords::new(records);
        let form = if records.replicas().is_some() {
            ConversationForm::Shared(Arc::new(SharedConversations::new(conversations.clone(), entropy)))
        } else {
            ConversationForm::Kept(Arc::new(KeptConversations::new(conversations.clone(), entropy)))
        };
        Self {
            records: conversations,
            form,
            activities: Collection::new(records),
            cards: Collection::new(records),
            attempts: Arc::new(CardAttempts::new(records)),
        }
    }

    /// Finds the conversation in which a parent sends an activity, or opens it. Call it for every activity before the skill
    /// gets it: the conversation belongs to the user of the first activity that a user caused, and is shared as soon as
    /// another user speaks in it. What has changed is durable when this method returns. Another user may speak right after it:
    /// call [`SkillConversations::find`] before a token is exchanged.
    ///
    /// # Errors
    /// [`SkillConversationError`] if the store fails. The activity must not go on then.
    pub async fn open(
        &self,
        opening: SkillConversationOpening,
    ) -> Result<Arc<SkillConversation>, SkillConversationError> {
        match &self.form {
            ConversationForm::Kept(kept) => kept.open(&opening).await,
            ConversationForm::Shared(shared) => shared.open(&opening).await,
        }
    }

    /// Finds the conversation that the skill knows by `id`. `None` if there is none, or if `id` is not written exactly as it was
    /// given to the skill. This does not count as a use of the conversation: a skill alone does not keep it alive.
    ///
    /// # Errors
    /// [`SkillConversationError`] if the store fails.
    pub async fn find(&self, id: &str) -> Result<Option<Arc<SkillConversation>>, SkillConversationError> {
        if !is_conversation_id(id) {
            return Ok(None);
        }
        match &self.form {
            ConversationForm::Kept(kept) => kept.find(id).await,
            ConversationForm::Shared(shared) => shared.find(id).await,
        }
    }

    /// Finds the conversation with `skill` that the user of the parent's `account` has used last, among those that the parent
    /// opened from `conversation`. If there is none and `rule` allows other places, it searches the conversations whose parent
    /// has not said where the user speaks, and then the others (docs/skills.md §Which conversation an answer goes to). It looks
    /// at the 64 conversations that were written last. Conversations that are shared or whose addressing is not known are left
    /// out. The conversation that is found counts as used.
    ///
    /// # Errors
    /// [`SkillConversationError`] if the store fails.
    pub async fn find_of_user(
        &self,
        skill: &SkillName,
        account: &Account,
        conversation: &ConversationId,
        rule: PlaceRule,
    ) -> Result<Option<Arc<SkillConversation>>, SkillConversationError> {
        let (account, place) = (account.as_channel_account(), SoughtPlace { conversation, rule });
        match &self.form {
            ConversationForm::Kept(kept) => kept.find_of_user(skill, &account, place).await,
            ConversationForm::Shared(shared) => shared.find_of_user(skill, &account, place).await,
        }
    }

    /// Notes that the skill was given the id `activity_id` in `conversation`. The note is durable when this method returns,
    /// so the skill may change the activity after a restart, too. The note ends seven days after the last note in the
    /// conversation, or when a thousand newer activities are noted.
    ///
    /// # Errors
    /// [`SkillConversationError`] if the store fails.
    pub async fn note_activity(
        &self,
        conversation: &SkillConversation,
        activity_id: &str,
        kind: GivenActivity,
    ) -> Result<(), SkillConversationError> {
        let key = self.activities.key(&[conversation.id.as_bytes()]);
        let digest = self.digest_activity(conversation, activity_id);
        // Another note of the conversation may be written meanwhile, and stays.
        for _ in 0..MAX_NOTE_TRIES {
            let (mut given, stored) = match self.activities.get(key).await? {
                Some(record) => (record.content, Some(record.stored)),
                None => (GivenActivities::default(), None),
            };
            given.add(digest, kind);
            if self.activities.compare_and_put(stored, self.activities.seal(key, &given)?).await? {
                return Ok(());
            }
        }
        Err(SkillConversationError::Contended)
    }

    /// Finds what the activity id `activity_id` stands for; `None` if the skill was not given the id in `conversation`.
    ///
    /// # Errors
    /// [`SkillConversationError`] if the store fails.
    pub async fn find_activity(
        &self,
        conversation: &SkillConversation,
        activity_id: &str,
    ) -> Result<Option<GivenActivity>, SkillConversationError> {
        let given = self.activities.get(self.activities.key(&[conversation.id.as_bytes()])).await?;
        Ok(given.and_then(|record| record.content.find(self.digest_activity(conversation, activity_id))))
    }

    /// Removes a conversation, its name, and the ids of the activities that its skill was given.
    pub(super) async fn remove(&self, conversation: &SkillConversation) -> Result<(), SkillConversationError> {
        let activities = self.activities.remove(vec![self.activities.key(&[conversation.id.as_bytes()])]);
        match &self.form {
            ConversationForm::Kept(kept) => kept.remove(conversation, activities).await,
            ConversationForm::Shared(shared) => shared.remove(conversation, activities).await,
        }
    }

    /// The keyed digest of an activity id in its conversation.
    fn digest_activity(&self, conversation: &SkillConversation, activity_id: &str) -> RecordKey {
        self.activities.key(&[conversation.id.as_bytes(), activity_id.as_bytes()])
    }

    /// Takes part in the attempt to answer the card `card_id`: if another copy of the card is being answered, waits for the end
    /// of that attempt, here or on another replica, until `wait_until` at the most. Claim the card afterwards, and keep the attempt until the outcome is
    /// noted. A skill may send a copy before it answers the invoke for the first one, and answer the invoke only after the copy
    /// has gone on. So `wait_until` has to leave the first one time to end.
    pub async fn join_card_attempt(
        &self,
        conversation: &SkillConversation,
        card_id: &str,
        wait_until: Instant,
    ) -> CardAttempt {
        self.attempts.join(&conversation.id, card_id, wait_until).await
    }

    /// Waits until the store holds what is known of the conversation `id`.
    #[cfg(test)]
    pub(super) async fn finish_writes(&self, id: &str) {
        match &self.form {
            ConversationForm::Kept(kept) => kept.finish_writes(id).await,
            ConversationForm::Shared(shared) => shared.finish_renewal(id).await,
        }
    }

    /// Claims the card `card_id` (the id of its token exchange resource): one caller may try to answer it, until 15 minutes
    /// have passed. The claim is durable when this method returns.
    ///
    /// # Errors
    /// [`SkillConversationError`] if the store fails. It is then unknown whether the claim was kept, so the caller must not
    /// answer the card.
    pub async fn claim_card(
        &self,
        conversation: &SkillConversation,
        card_id: &str,
    ) -> Result<CardClaim, SkillConversationError> {
        let key = self.cards.key(&[conversation.id.as_bytes(), card_id.as_bytes()]);
        let claim = self.cards.seal(key, &ClaimedCard::default())?;
        let earlier = self.cards.put_if_absent(claim).await?;
        Ok(earlier.map_or(CardClaim::First, |earlier| {
            earlier.content.swallowed_as.map_or(CardClaim::Attempted, CardClaim::Swallowed)
        }))
    }

    /// Notes that the claimed card `card_id` was swallowed, and that the skill gets `activity_id` for it: a repetition of the
    /// card gets the same answer, and the skill may change and delete the activity, which does nothing.
    ///
    /// # Errors
    /// [`SkillConversationError`] if the store fails.
    pub async fn note_swallowed(
        &self,
        conversation: &SkillConversation,
        card_id: &str,
        activity_id: &str,
    ) -> Result<(), SkillConversationError> {
        let key = self.cards.key(&[conversation.id.as_bytes(), card_id.as_bytes()]);
        let claimed = ClaimedCard { swallowed_as: Some(activity_id.to_owned()) };
        let written = async { Ok(self.cards.put(self.cards.seal(key, &claimed)?).await?) };
        let noted = self.note_activity(conversation, activity_id, GivenActivity::SwallowedCard);
        let (written, noted): (Result<(), SkillConversationError>, _) = tokio::join!(written, noted);
        written.and(noted)
    }
}
