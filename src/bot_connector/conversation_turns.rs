use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::domain::{Bot, BotName};

/// The maximum time to wait for the running turns of a conversation to end.
const MAX_TURN_WAIT: Duration = Duration::from_secs(3);

/// The running turns of each conversation: activities that were forwarded to a bot and that the bot still works on.
///
/// A bot sends its card before it saves that its dialog waits for the sign-in. A client that answers the card at once
/// would reach a bot that does not expect the answer yet (botbuilder-dotnet#5544). Therefore a request that continues a
/// dialog waits a short time for the running turns of the conversation to end.
#[derive(Clone, Default)]
pub struct ConversationTurns {
    /// The number of running turns by bot and conversation id. A conversation without a running turn has no entry.
    running: Arc<DashMap<(BotName, String), watch::Sender<usize>>>,
}

/// A running turn. The turn ends when this value is dropped.
pub struct RunningTurn {
    turns: ConversationTurns,
    key: (BotName, String),
}

impl ConversationTurns {
    /// Records that `bot` works on an activity of this conversation.
    #[must_use]
    pub fn begin(&self, bot: &Bot, conversation_id: &str) -> RunningTurn {
        let key = (bot.name.clone(), conversation_id.to_owned());
        self.running.entry(key.clone()).or_insert_with(|| watch::Sender::new(0)).send_modify(|count| *count += 1);
        RunningTurn { turns: self.clone(), key }
    }

    /// Waits until this conversation has no running turn, for at most three seconds and at most half of the time that is
    /// left until `deadline`.
    pub async fn wait_until_idle(&self, bot: &Bot, conversation_id: &str, deadline: Instant) {
        let key = (bot.name.clone(), conversation_id.to_owned());
        let Some(mut count) = self.running.get(&key).map(|sender| sender.subscribe()) else { return };
        let limit = MAX_TURN_WAIT.min(deadline.saturating_duration_since(Instant::now()) / 2);
        // The caller goes on in both cases: the conversation is idle, or the time has passed.
        let _ = timeout(limit, count.wait_for(|count| *count == 0)).await;
    }
}

impl Drop for RunningTurn {
    fn drop(&mut self) {
        if let Some(count) = self.turns.running.get(&self.key) {
            count.send_modify(|count| *count = count.saturating_sub(1));
        }
        self.turns.running.remove_if(&self.key, |_, count| *count.borrow() == 0);
    }
}
