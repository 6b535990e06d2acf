use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::replica_work::{ReplicaTask, ReplicaWork};
use crate::domain::{Bot, BotName, SharedEntropy};
use crate::records::Records;

/// The maximum time to wait for the running turns of a conversation to end.
const MAX_TURN_WAIT: Duration = Duration::from_secs(3);
/// How long a replica may take to say that a turn runs there.
const ANSWER_PATIENCE: Duration = Duration::from_millis(50);

/// The running turns of each conversation: activities that were forwarded to a bot and that the bot still works on.
///
/// A bot sends its card before it saves that its dialog waits for the sign-in. A client that answers the card at once
/// would reach a bot that does not expect the answer yet (botbuilder-dotnet#5544). Therefore a request that continues a
/// dialog waits a short time for the running turns of the conversation to end.
///
/// The turns of this process are known in memory. Over a shared store, the request that waits asks the other replicas: a turn
/// itself, which every message is, costs no call of the store.
#[derive(Clone, Default)]
pub struct ConversationTurns {
    /// A conversation without a running turn has no entry.
    running: Arc<DashMap<Arc<BotConversation>, RunningTurns>>,
    /// The turns at other replicas; `None` over an exclusive store.
    elsewhere: Option<Arc<ReplicaWork>>,
}

/// A conversation with one bot.
#[derive(PartialEq, Eq, Hash)]
struct BotConversation {
    bot: BotName,
    conversation_id: String,
}

/// The running turns of one conversation.
#[derive(Default)]
struct RunningTurns {
    count: usize,
    /// Made by the first request that waits. It is dropped when the last turn ends, which wakes those that wait.
    ended: Option<watch::Sender<()>>,
}

/// A running turn. The turn ends when this value is dropped.
pub struct RunningTurn {
    running: Arc<DashMap<Arc<BotConversation>, RunningTurns>>,
    conversation: Arc<BotConversation>,
    /// What tells the turn to other replicas that ask for it.
    /// Boxed, so that it takes little room where there is none.
    _told: Option<Box<ReplicaTask>>,
}

impl ConversationTurns {
    /// No turn runs. If replicas share `records`, the turns of all of them are waited for.
    #[must_use]
    pub fn among_replicas(records: &Records, entropy: SharedEntropy) -> Self {
        Self { running: Arc::default(), elsewhere: ReplicaWork::new(records, "turns", entropy) }
    }

    /// Records that `bot` works on an activity of this conversation.
    #[must_use]
    pub fn begin(&self, bot: &Bot, conversation_id: &str) -> RunningTurn {
        let conversation = Arc::new(BotConversation::new(bot, conversation_id));
        self.running.entry(Arc::clone(&conversation)).or_default().count += 1;
        let told = self.elsewhere.as_ref().map(|elsewhere| elsewhere.begin(&name_parts(bot, conversation_id)));
        RunningTurn { running: Arc::clone(&self.running), conversation, _told: told.map(Box::new) }
    }

    /// Waits until this conversation has no running turn, here or at another replica, for at most three seconds and at most half
    /// of the time that is left until `deadline`.
    pub async fn wait_until_idle(&self, bot: &Bot, conversation_id: &str, deadline: Instant) {
        let turns_here = self.running.get_mut(&BotConversation::new(bot, conversation_id));
        let running_here = turns_here.map(|mut turns| turns.ended.get_or_insert_default().subscribe());
        if running_here.is_none() && self.elsewhere.is_none() {
            return;
        }
        let idle_here = async {
            if let Some(mut ended) = running_here {
                // Nothing is sent: the channel closes at the end of the last turn.
                let _ = ended.changed().await;
            }
        };
        let idle_elsewhere = async {
            if let Some(elsewhere) = &self.elsewhere {
                elsewhere.wait_until_idle(&name_parts(bot, conversation_id), ANSWER_PATIENCE).await;
            }
        };
        let limit = MAX_TURN_WAIT.min(deadline.saturating_duration_since(Instant::now()) / 2);
        // The caller goes on in both cases: the conversation is idle, or the time has passed.
        let _ = timeout(limit, async { tokio::join!(idle_here, idle_elsewhere) }).await;
    }
}

/// The parts of the name under which replicas ask for a conversation's turns.
fn name_parts<'n>(bot: &'n Bot, conversation_id: &'n str) -> [&'n [u8]; 3] {
    [b"turn", bot.name.as_str().as_bytes(), conversation_id.as_bytes()]
}

impl BotConversation {
    fn new(bot: &Bot, conversation_id: &str) -> Self {
        Self { bot: bot.name.clone(), conversation_id: conversation_id.to_owned() }
    }
}

impl Drop for RunningTurn {
    fn drop(&mut self) {
        self.running.remove_if_mut(&*self.conversation, |_, turns| {
            turns.count = turns.count.saturating_sub(1);
            turns.count == 0
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::domain::SystemEntropy;
    use crate::domain::test_samples::sample_bot;
    use crate::records::testing::throwaway_replicas;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_turn_that_runs_at_one_replica_holds_a_request_at_another_until_it_ends() {
        let beneath = throwaway_replicas(2).await;
        let [a, b] = [0, 1].map(|at| ConversationTurns::among_replicas(&beneath.replicas[at], Arc::new(SystemEntropy)));
        let in_a_minute = Instant::now() + Duration::from_mins(1);
        let (turn, second_turn) = (a.begin(&sample_bot(), "19:a"), a.begin(&sample_bot(), "19:a"));
        let waiting = b.clone();
        let request = tokio::spawn(async move { waiting.wait_until_idle(&sample_bot(), "19:a", in_a_minute).await });
        let asked = b.elsewhere.as_ref().unwrap();
        while asked.count_answered() == 0 {
            assert!(!request.is_finished(), "the request has not waited for the turn");
            tokio::task::yield_now().await;
        }
        drop(turn);
        assert!(!request.is_finished() && asked.count_answered() == 1, "another turn of the conversation still runs");
        drop(second_turn);
        request.await.unwrap();
        assert_eq!(asked.count_answered(), 0);
        assert!(
            a.elsewhere.unwrap().is_idle() && a.running.is_empty(),
            "nothing is kept of a conversation without a turn"
        );
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_turn_of_another_conversation_holds_nothing() {
        let beneath = throwaway_replicas(2).await;
        let [a, b] = [0, 1].map(|at| ConversationTurns::among_replicas(&beneath.replicas[at], Arc::new(SystemEntropy)));
        let _turn = a.begin(&sample_bot(), "19:a");
        let asked = b.elsewhere.as_ref().unwrap();
        assert!(asked.is_running(&name_parts(&sample_bot(), "19:a"), Duration::from_mins(1)).await);
        b.wait_until_idle(&sample_bot(), "19:b", Instant::now() + Duration::from_mins(1)).await;
        assert!(!asked.is_running(&name_parts(&sample_bot(), "19:b"), ANSWER_PATIENCE).await);
    }
}
