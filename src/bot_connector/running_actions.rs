use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;

use super::replica_work::{ReplicaTask, ReplicaWork};
use crate::domain::{Account, ConversationId, SharedEntropy};
use crate::records::Records;

/// How long a replica may take to say that an action runs there. Without its answer, the user gets a card that signs in by a
/// browser.
const ANSWER_PATIENCE: Duration = Duration::from_millis(150);

/// The users' actions in Teams channels that a bot works on at the moment: card actions, queries and links.
///
/// Only the answer to such an action can make a client in a Teams channel sign in silently, so only while there is one does
/// a sign-in resource for that user offer it (docs/protocols/sign-in-invokes.md §5).
///
/// The actions of this process are known in memory. Over a shared store, a replica that knows of none asks the others.
#[derive(Clone, Default)]
pub struct RunningActions {
    /// The number of actions by user and conversation. A conversation without one has no entry.
    running: Arc<DashMap<(Account, ConversationId), usize>>,
    /// The actions at other replicas; `None` over an exclusive store.
    elsewhere: Option<Arc<ReplicaWork>>,
}

/// An action that a bot works on. It ends when this value is dropped.
pub struct RunningAction {
    actions: RunningActions,
    key: (Account, ConversationId),
    /// What tells the action to other replicas that ask for it.
    /// Boxed, so that it takes little room where there is none.
    _told: Option<Box<ReplicaTask>>,
}

impl RunningActions {
    /// No action runs. If replicas share `records`, the actions of all of them count.
    #[must_use]
    pub fn among_replicas(records: &Records, entropy: SharedEntropy) -> Self {
        Self { running: Arc::default(), elsewhere: ReplicaWork::new(records, "actions", entropy) }
    }

    /// Records that the bot works on an action of `account` in this conversation.
    #[must_use]
    pub fn begin(&self, account: Account, conversation: ConversationId) -> RunningAction {
        let told = self.elsewhere.as_ref().map(|elsewhere| elsewhere.begin(&to_parts(&name(&account, &conversation))));
        let key = (account, conversation);
        *self.running.entry(key.clone()).or_default() += 1;
        RunningAction { actions: self.clone(), key, _told: told.map(Box::new) }
    }

    /// Whether the bot works on an action of `account` in this conversation, which this replica or another one has passed on.
    pub async fn is_running(&self, account: &Account, conversation: &ConversationId) -> bool {
        if self.running.contains_key(&(account.clone(), conversation.clone())) {
            return true;
        }
        let Some(elsewhere) = &self.elsewhere else { return false };
        elsewhere.is_running(&to_parts(&name(account, conversation)), ANSWER_PATIENCE).await
    }
}

/// The name under which replicas ask for an action.
fn name<'n>(account: &'n Account, conversation: &'n ConversationId) -> [Cow<'n, str>; 5] {
    let [holder, realm, subject] = account.key_parts();
    ["action".into(), holder, realm, subject, conversation.as_str().into()]
}

fn to_parts<'n>(name: &'n [Cow<'_, str>; 5]) -> [&'n [u8]; 5] {
    name.each_ref().map(|part| part.as_bytes())
}

impl Drop for RunningAction {
    fn drop(&mut self) {
        self.actions.running.remove_if_mut(&self.key, |_, count| {
            *count = count.saturating_sub(1);
            *count == 0
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    use crate::domain::{BotName, ChannelId, SystemEntropy};
    use crate::records::testing::throwaway_replicas;

    #[tokio::test]
    async fn an_action_runs_until_the_last_of_its_user_in_the_conversation_has_ended() {
        let (actions, ada) = (RunningActions::default(), user("29:ada"));
        let (here, there) = (ConversationId::new("19:a"), ConversationId::new("19:b"));
        let one = actions.begin(ada.clone(), here.clone());
        let other = actions.begin(ada.clone(), here.clone());
        drop(one);
        assert!(actions.is_running(&ada, &here).await);
        assert!(!actions.is_running(&ada, &there).await && !actions.is_running(&user("29:ben"), &here).await);
        drop(other);
        assert!(!actions.is_running(&ada, &here).await && actions.running.is_empty());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_action_that_one_replica_has_passed_on_runs_at_all_of_them() {
        let beneath = throwaway_replicas(2).await;
        let [a, b] = [0, 1].map(|at| RunningActions::among_replicas(&beneath.replicas[at], Arc::new(SystemEntropy)));
        let (ada, here) = (user("29:ada"), ConversationId::new("19:a"));
        let action = a.begin(ada.clone(), here.clone());
        assert!(b.is_running(&ada, &here).await);
        assert!(!b.is_running(&user("29:ben"), &here).await);
        drop(action);
        assert!(!b.is_running(&ada, &here).await);
    }

    fn user(id: &str) -> Account {
        Account::of_channel(&BotName::new("demo"), ChannelId::new("msteams"), id)
    }
}
