use std::sync::Arc;

use dashmap::DashMap;

use crate::domain::Account;

/// The users' actions in Teams channels that a bot works on at the moment: card actions, queries and links.
///
/// Only the answer to such an action can make a client in a Teams channel sign in silently, so only while there is one does
/// a sign-in resource for that user offer it (docs/protocols/sign-in-invokes.md §5).
#[derive(Clone, Default)]
pub struct RunningActions {
    /// The number of actions by user and conversation id. A conversation without one has no entry.
    running: Arc<DashMap<(Account, String), usize>>,
}

/// An action that a bot works on. It ends when this value is dropped.
pub struct RunningAction {
    actions: RunningActions,
    key: (Account, String),
}

impl RunningActions {
    /// Records that the bot works on an action of `account` in this conversation.
    #[must_use]
    pub fn begin(&self, account: Account, conversation_id: &str) -> RunningAction {
        let key = (account, conversation_id.to_owned());
        *self.running.entry(key.clone()).or_default() += 1;
        RunningAction { actions: self.clone(), key }
    }

    /// Whether the bot works on an action of `account` in this conversation.
    #[must_use]
    pub fn is_running(&self, account: &Account, conversation_id: &str) -> bool {
        self.running.contains_key(&(account.clone(), conversation_id.to_owned()))
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
        let one = actions.begin(ada.clone(), "19:a");
        let other = actions.begin(ada.clone(), "19:a");
        drop(one);
        assert!(actions.is_running(&ada, "19:a"));
        assert!(!actions.is_running(&ada, "19:b") && !actions.is_running(&user("29:ben"), "19:a"));
        drop(other);
        assert!(!actions.is_running(&ada, "19:a") && actions.running.is_empty());
    }

    fn user(id: &str) -> Account {
        Account::of_channel(&BotName::new("demo"), ChannelId::new("msteams"), id)
    }
}
