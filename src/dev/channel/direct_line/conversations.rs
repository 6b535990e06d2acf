use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::conversation::{Conversation, ConversationIdentity};
use crate::dev::lock::lock_ignoring_poison;
use crate::domain::SharedClock;

/// The maximum number of conversations; a further one ends the oldest. A conversation has at most one open stream, so
/// this is also the bound of the streams.
pub(super) const MAX_CONVERSATIONS: usize = 100;

/// The conversations of Direct Line, oldest first.
pub(in crate::dev) struct Conversations {
    started: Mutex<VecDeque<Arc<Conversation>>>,
    /// The highest position and id of the conversations that made room. A client that begins such a conversation again
    /// still has its watermark, so later conversations go on from there.
    last_number: AtomicU64,
    clock: SharedClock,
}

/// A conversation that a client asked for.
pub(super) struct StartedConversation {
    pub(super) conversation: Arc<Conversation>,
    /// Whether the request started it.
    pub(super) is_new: bool,
}

impl Conversations {
    pub(in crate::dev) fn new(clock: SharedClock) -> Self {
        Self { started: Mutex::default(), last_number: AtomicU64::default(), clock }
    }

    /// The conversation with this id.
    pub(in crate::dev::channel) fn find(&self, id: &str) -> Option<Arc<Conversation>> {
        lock_ignoring_poison(&self.started).iter().find(|conversation| conversation.id == id).cloned()
    }

    /// The latest conversation of a bot with a user alone.
    pub(in crate::dev::channel) fn find_latest(&self, app_id: &str, user: &str) -> Option<Arc<Conversation>> {
        let started = lock_ignoring_poison(&self.started);
        let mut latest_first = started.iter().rev().filter(|entry| entry.is_personal());
        latest_first.find(|entry| entry.bot.app_id.eq_ignore_ascii_case(app_id) && entry.user.id == user).cloned()
    }

    /// Starts a conversation, unless it was started before.
    pub(super) fn start(&self, identity: ConversationIdentity) -> StartedConversation {
        let mut started = lock_ignoring_poison(&self.started);
        if let Some(known) = started.iter().find(|conversation| conversation.id == identity.id) {
            return StartedConversation { conversation: known.clone(), is_new: false };
        }
        if started.len() == MAX_CONVERSATIONS
            && let Some(ended) = started.pop_front()
        {
            self.last_number.fetch_max(ended.last_number(), Ordering::SeqCst);
        }
        let earlier = self.last_number.load(Ordering::SeqCst);
        let conversation = Arc::new(Conversation::new(identity, earlier, self.clock.clone()));
        started.push_back(conversation.clone());
        StartedConversation { conversation, is_new: true }
    }
}
