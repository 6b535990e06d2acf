use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::conversation::{SkillConversation, SkillConversationOpening, WrittenConversation};
use crate::domain::{RecordKey, Timestamp};
use crate::records::catalogue::SKILL_CONVERSATION_LIFETIME;

/// A conversation in use is written again when its record is this old.
const RENEWAL_INTERVAL: Duration = Duration::from_hours(24);

/// What this process knows of one conversation. It is authoritative, because this process uses its store alone, so every write
/// goes through it.
pub(super) struct ConversationCell {
    /// The key of the record.
    pub(super) key: RecordKey,
    state: Mutex<CellState>,
}

#[derive(Default)]
struct CellState {
    /// Whether the record has been read.
    is_loaded: bool,
    /// The conversation; `None` if there is none.
    current: Option<Arc<SkillConversation>>,
    /// What the store holds; `None` if it holds no record.
    written: Option<WrittenState>,
    used_at: Option<Timestamp>,
}

struct WrittenState {
    conversation: Arc<SkillConversation>,
    at: Timestamp,
}

/// What has to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DueWrite {
    /// The store lacks what the conversation has become.
    Change,
    /// The record is old.
    Renewal,
}

impl ConversationCell {
    pub(super) fn new(key: RecordKey) -> Self {
        Self { key, state: Mutex::default() }
    }

    /// Whether the record has been read.
    pub(super) fn is_loaded(&self) -> bool {
        self.lock().is_loaded
    }

    /// Takes over what the store holds, unless the record was read before.
    pub(super) fn set_loaded(&self, stored: Option<WrittenConversation>) {
        let mut state = self.lock();
        if state.is_loaded {
            return;
        }
        state.is_loaded = true;
        let Some(WrittenConversation { conversation, written_at }) = stored else { return };
        let conversation = Arc::new(conversation);
        state.current = Some(conversation.clone());
        state.written = Some(WrittenState { conversation, at: written_at });
        state.used_at = Some(written_at);
    }

    /// Notes that an activity of the parent is used at `now`, and returns the conversation; opens it as `id` if there is none.
    pub(super) fn note(&self, id: &str, opening: &SkillConversationOpening, now: Timestamp) -> Arc<SkillConversation> {
        let mut state = self.lock();
        state.end_if_expired(now);
        state.used_at = Some(now);
        let known = state.current.take();
        let next = match known {
            Some(known) => known.after(opening).map_or(known, Arc::new),
            None => Arc::new(SkillConversation::opened(id, opening.clone())),
        };
        state.current = Some(Arc::clone(&next));
        next
    }

    /// Forgets the conversation. The caller then removes the record.
    pub(super) fn clear(&self) {
        *self.lock() = CellState { is_loaded: true, ..CellState::default() };
    }

    /// Finds the conversation, without using it.
    pub(super) fn find(&self, now: Timestamp) -> Option<Arc<SkillConversation>> {
        let mut state = self.lock();
        state.end_if_expired(now);
        state.current.clone()
    }

    /// Finds the conversation and notes that it is used at `now`.
    pub(super) fn use_at(&self, now: Timestamp) -> Option<Arc<SkillConversation>> {
        let mut state = self.lock();
        state.end_if_expired(now);
        state.used_at = Some(now);
        state.current.clone()
    }

    /// When the conversation was last used, as far as it is known: a restart forgets up to a day.
    pub(super) fn used_at(&self) -> Option<Timestamp> {
        self.lock().used_at
    }

    /// The bytes that the conversation occupies in memory beside its fixed size.
    pub(super) fn text_bytes(&self) -> usize {
        self.lock().current.as_ref().map_or(0, |current| current.text_bytes())
    }

    /// What has to be written at `now`, if anything.
    pub(super) fn find_due_write(&self, now: Timestamp) -> Option<DueWrite> {
        let state = self.lock();
        let current = state.current.as_ref()?;
        match &state.written {
            Some(written) if written.conversation == *current => {
                // A clock that was ahead and was set back has written the record of a later time.
                let is_old = written.at > now || written.at.plus(RENEWAL_INTERVAL) <= now;
                is_old.then_some(DueWrite::Renewal)
            }
            _ => Some(DueWrite::Change),
        }
    }

    /// Notes that the store holds `conversation` since `at`.
    pub(super) fn set_written(&self, conversation: Arc<SkillConversation>, at: Timestamp) {
        self.lock().written = Some(WrittenState { conversation, at });
    }

    fn lock(&self) -> MutexGuard<'_, CellState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CellState {
    /// Forgets the conversation if its record has expired. A conversation that could not be written is kept.
    fn end_if_expired(&mut self, now: Timestamp) {
        if self.written.as_ref().is_some_and(|written| written.at.plus(SKILL_CONVERSATION_LIFETIME) <= now) {
            self.current = None;
            self.written = None;
        }
    }
}
