use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::after_exchange::AfterExchange;
use super::{ContinuationMark, ExchangeRequest, Settlement};
use crate::exchange::{Outcome, Reason};
use crate::observability::{Counters, ExchangeOutcome};

/// The result of an exchange that duplicate requests share: the reason if it was refused. The token itself is in the
/// vault.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeReply(pub Option<Reason>);

/// An [`ExchangeReply`] as other replicas read it.
#[derive(Serialize, Deserialize)]
struct SharedReply {
    reason: Option<Reason>,
}

impl Settlement for ExchangeReply {
    const FORM: &'static str = "exchange";

    fn succeeded(&self) -> bool {
        self.0.is_none()
    }

    fn bytes(&self) -> usize {
        0
    }

    fn encode(&self) -> Vec<u8> {
        // Names and numbers cannot fail to serialise.
        serde_json::to_vec(&SharedReply { reason: self.0 }).unwrap_or_default()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().map(|SharedReply { reason }| Self(reason))
    }
}

/// Logs and counts the outcome of an exchange. Nothing follows the exchange: the request goes on by itself.
pub struct OutcomeReport {
    /// The counters of the process.
    pub counters: Arc<Counters>,
}

impl AfterExchange for OutcomeReport {
    type Reply = ExchangeReply;

    async fn settle(self, request: &ExchangeRequest, outcome: Outcome, _: ContinuationMark<'_>) -> ExchangeReply {
        let (bot, connection) = (request.bot.name.as_str(), request.connection.name.as_str());
        match outcome {
            Outcome::Kept(_) => {
                self.counters.exchanges.add(bot, Some(connection), ExchangeOutcome::Kept);
                ExchangeReply(None)
            }
            Outcome::Refused(refusal) => {
                refusal.report(&self.counters, bot, Some(connection), &request.correlation_id);
                ExchangeReply(Some(refusal.reason))
            }
        }
    }
}
