use std::sync::atomic::{AtomicU64, Ordering};

/// The events that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Exchanges whose token was obtained and stored.
    ExchangeKept,
    /// Exchanges that were refused.
    ExchangeRefused,
    /// Exchanges that were refused because the token's user was not the activity's user.
    IdentityMismatch,
    /// `tokens/response` events from callers, which were dropped: only the gateway sends them.
    ForgedTokensResponse,
    /// Requests that were refused because of the caller's rate limit.
    CallerRateLimited,
    /// Requests that were refused because of the user's rate limit.
    UserRateLimited,
    /// `tokens/response` events that were delivered to bots.
    ContinuationDelivered,
    /// `tokens/response` events that could not be delivered.
    ContinuationFailed,
    /// Requests whose client's address a trusted proxy did not state legibly.
    ClientUnknown,
    /// Connections that were refused because their client, or all clients together, had too many.
    ConnectionRefused,
    /// Idle connections that were ended in favour of new ones.
    ConnectionEvicted,
    /// Connections that were ended because the client sent or read too slowly.
    ConnectionTimedOut,
}

const COUNT_NAMES: [(Count, &str); 12] = [
    (Count::ExchangeKept, "exchange_kept"),
    (Count::ExchangeRefused, "exchange_refused"),
    (Count::IdentityMismatch, "identity_mismatch"),
    (Count::ForgedTokensResponse, "forged_tokens_response"),
    (Count::CallerRateLimited, "caller_rate_limited"),
    (Count::UserRateLimited, "user_rate_limited"),
    (Count::ContinuationDelivered, "continuation_delivered"),
    (Count::ContinuationFailed, "continuation_failed"),
    (Count::ClientUnknown, "client_unknown"),
    (Count::ConnectionRefused, "connection_refused"),
    (Count::ConnectionEvicted, "connection_evicted"),
    (Count::ConnectionTimedOut, "connection_timed_out"),
];

/// The counters of the process, shared by all workers.
#[derive(Debug, Default)]
pub struct Counters {
    values: [AtomicU64; COUNT_NAMES.len()],
}

impl Counters {
    /// Adds one.
    pub fn add(&self, count: Count) {
        if let Some(value) = self.values.get(count as usize) {
            value.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The present value.
    #[must_use]
    pub fn value(&self, count: Count) -> u64 {
        self.values.get(count as usize).map_or(0, |value| value.load(Ordering::Relaxed))
    }

    /// Logs all counters as one event.
    pub fn log(&self) {
        let counts: Vec<String> =
            COUNT_NAMES.iter().map(|(count, name)| format!("{name}={}", self.value(*count))).collect();
        tracing::info!(counts = counts.join(" "), "counts since start");
    }
}
