use std::sync::Arc;

use super::after_exchange::AfterExchange;
use super::dedup::Settlement;
use crate::domain::{BotName, ConnectionName};
use crate::exchange::{Outcome, Reason};
use crate::observability::{Counters, ExchangeOutcome};

/// The result of an exchange that duplicate requests share: the reason if it was refused. The token itself is in the
/// vault.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeReply(pub Option<Reason>);

impl Settlement for ExchangeReply {
    fn succeeded(&self) -> bool {
        self.0.is_none()
    }

    fn bytes(&self) -> usize {
        0
    }
}

/// Logs and counts the outcome of an exchange. Nothing follows the exchange: the request goes on by itself.
pub struct OutcomeReport {
    /// The bot that gets the token.
    pub bot: BotName,
    /// The connection of the exchange.
    pub connection: ConnectionName,
    /// Identifies the leading request in the log.
    pub correlation_id: String,
    /// The counters of the process.
    pub counters: Arc<Counters>,
}

impl AfterExchange for OutcomeReport {
    type Reply = ExchangeReply;

    async fn settle(self, outcome: Outcome) -> ExchangeReply {
        match outcome {
            Outcome::Kept(_) => {
                let (bot, connection) = (self.bot.as_str(), self.connection.as_str());
                self.counters.exchanges.add(bot, Some(connection), ExchangeOutcome::Kept);
                ExchangeReply(None)
            }
            Outcome::Refused(refusal) => {
                let (bot, connection) = (self.bot.as_str(), self.connection.as_str());
                refusal.report(&self.counters, bot, Some(connection), &self.correlation_id);
                ExchangeReply(Some(refusal.reason))
            }
        }
    }
}
