use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::domain::{Bot, BotName};

/// Longest wait for a conversation's turns to end.
const PATIENCE: Duration = Duration::from_secs(3);

/// The turns of each conversation that bots are working on.
///
/// A bot sends its card before it saves that it waits for the sign-in: a client that answers the card at once would find
/// a bot that does not know about it yet (botbuilder-dotnet#5544). So what continues a dialog waits, a little, until the
/// conversation's running turns are over.
#[derive(Clone, Default)]
pub struct Turns {
    running: Arc<DashMap<(BotName, String), watch::Sender<usize>>>,
}

/// A running turn; it ends when this is dropped.
pub struct Turn {
    turns: Turns,
    key: (BotName, String),
}

impl Turns {
    /// Notes that `bot` works on an activity of this conversation.
    #[must_use]
    pub fn begin(&self, bot: &Bot, conversation_id: &str) -> Turn {
        let key = (bot.name.clone(), conversation_id.to_owned());
        self.running.entry(key.clone()).or_insert_with(|| watch::Sender::new(0)).send_modify(|count| *count += 1);
        Turn { turns: self.clone(), key }
    }

    /// Waits until no turn of this conversation runs: at most three seconds, and at most half of what is left until `by`.
    pub async fn wait_until_idle(&self, bot: &Bot, conversation_id: &str, by: Instant) {
        let key = (bot.name.clone(), conversation_id.to_owned());
        let Some(mut count) = self.running.get(&key).map(|turn| turn.subscribe()) else { return };
        // Either end is fine: idle, or out of patience.
        let patience = PATIENCE.min(by.saturating_duration_since(Instant::now()) / 2);
        let _ = timeout(patience, count.wait_for(|count| *count == 0)).await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(count) = self.turns.running.get(&self.key) {
            count.send_modify(|count| *count = count.saturating_sub(1));
        }
        self.turns.running.remove_if(&self.key, |_, count| *count.borrow() == 0);
    }
}
