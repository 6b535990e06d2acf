use std::future::Future;

use super::dedup::Settlement;
use crate::exchange::Outcome;

/// What a door does after an exchange. The request that leads does it once, in a task that outlives the request; everybody
/// who has asked for the same exchange gets the reply.
pub trait AfterExchange: Send + 'static {
    /// The door's reply.
    type Reply: Settlement;

    /// Turns the outcome into the reply, and continues what the exchange was for.
    fn settle(self, outcome: Outcome) -> impl Future<Output = Self::Reply> + Send;
}
