use std::future::Future;

use super::{ContinuationMark, ExchangeRequest, Settlement};
use crate::exchange::Outcome;

/// What a door does after an exchange. The engine calls it once, for the leading request, in a task that continues when
/// the client hangs up. Every duplicate of the request gets the same reply, also at other replicas.
pub trait AfterExchange: Send + 'static {
    /// The door's reply.
    type Reply: Settlement;

    /// Turns the outcome of `request` into the reply, and continues the work that waited for the token.
    /// An implementation that continues such work sets `mark` first.
    fn settle(
        self,
        request: &ExchangeRequest,
        outcome: Outcome,
        mark: ContinuationMark<'_>,
    ) -> impl Future<Output = Self::Reply> + Send;
}
