use std::sync::Arc;

use dashmap::DashMap;

use crate::domain::{Account, ConversationId};

/// The users' actions in Teams channels that a bot works on at the moment: card actions, queries and links.
///
/// Only the answer to such an action can make a client in a Teams channel sign in silently, so only while there is one does
/// a sign-in resource for that user offer it (docs/protocols/sign-in-invokes.md §5).
#[derive(Clone, Default)]
pub struct RunningActions {
    /// The number of actions by user and conversation. A conversation without one has no entry.
    running: Arc<DashMap<(Account, ConversationId), usize>>,
}

/// An action that a bot works on. It ends when this value is dropped.
pub struct RunningAction {
    actions: RunningActions,
    key: (Account, ConversationId),
}

impl RunningActions {
    /// Records that the bot works on an action of `account` in this conversation.
    #[must_use]
    pub fn begin(&self, account: Account, conversation: ConversationId) -> RunningAction {
        let key = (account, conversation);
        *self.running.entry(key.clone()).or_default() += 1;
        RunningAction { actions: self.clone(), key }
    }

    /// Whether the bot works on an action of `account` in this conversation.
    #[must_use]
    pub fn is_running(&self, account: &Account, conversation: &ConversationId) -> bool {
        self.running.contains_key(&(account.clone(), conversation.clone()))
    }
}

impl Drop for RunningAction {
    fn drop(&mut self) {
        if let Some(mut count) = self.actions.running.get_mut(&self.key) {
            *count = count.saturating_sub(1);
        }
        self.actions.running.remove_if(&self.key, |_, count| *count == 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{BotName, ChannelId};

    #[test]
    fn an_action_runs_until_the_last_of_its_user_in_the_conversation_has_ended() {
        let (actions, ada) = (RunningActions::default(), user("29:ada"));
        let (here, there) = (ConversationId::new("19:a"), ConversationId::new("19:b"));
        let one = actions.begin(ada.clone(), here.clone());
        let other = actions.begin(ada.clone(), here.clone());
        drop(one);
        assert!(actions.is_running(&ada, &here));
        assert!(!actions.is_running(&ada, &there) && !actions.is_running(&user("29:ben"), &here));
        drop(other);
        assert!(!actions.is_running(&ada, &here) && actions.running.is_empty());
    }

    fn user(id: &str) -> Account {
        Account::of_channel(&BotName::new("demo"), ChannelId::new("msteams"), id)
    }
}
