use std::future::Future;

use super::dedup::Settlement;
use crate::exchange::Outcome;

/// What a door does after an exchange. The engine calls it once, for the leading request, in a task that continues when
/// the client hangs up. Every duplicate of the request gets the same reply.
pub trait AfterExchange: Send + 'static {
    /// The door's reply.
    type Reply: Settlement;

    /// Turns the outcome into the reply, and continues the work that waited for the token.
    fn settle(self, outcome: Outcome) -> impl Future<Output = Self::Reply> + Send;
}
