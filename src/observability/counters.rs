use std::sync::atomic::{AtomicU64, Ordering};

/// What is counted. Each name stands here once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Exchanges that ended with a kept token.
    ExchangeKept,
    /// Exchanges that were refused.
    ExchangeRefused,
    /// Refusals because a token's user was not the activity's user.
    IdentityMismatch,
    /// `tokens/response` events that arrived from outside and were dropped.
    ForgedTokensResponse,
    /// Requests of callers that asked too often.
    CallerRateLimited,
    /// What users asked for too often.
    UserRateLimited,
    /// Bots told of their user's token.
    ContinuationDelivered,
    /// Bots that could not be told.
    ContinuationFailed,
}

const ALL: [(Count, &str); 8] = [
    (Count::ExchangeKept, "exchange_kept"),
    (Count::ExchangeRefused, "exchange_refused"),
    (Count::IdentityMismatch, "identity_mismatch"),
    (Count::ForgedTokensResponse, "forged_tokens_response"),
    (Count::CallerRateLimited, "caller_rate_limited"),
    (Count::UserRateLimited, "user_rate_limited"),
    (Count::ContinuationDelivered, "continuation_delivered"),
    (Count::ContinuationFailed, "continuation_failed"),
];

/// What happened since the process began, shared by all workers.
#[derive(Debug, Default)]
pub struct Counters {
    values: [AtomicU64; ALL.len()],
}

impl Counters {
    /// Counts one more.
    pub fn add(&self, count: Count) {
        if let Some(value) = self.values.get(count as usize) {
            value.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many so far.
    #[must_use]
    pub fn value(&self, count: Count) -> u64 {
        self.values.get(count as usize).map_or(0, |value| value.load(Ordering::Relaxed))
    }

    /// Writes all of them to the log as one event.
    pub fn log(&self) {
        let counts: Vec<String> = ALL.iter().map(|(count, name)| format!("{name}={}", self.value(*count))).collect();
        tracing::info!(counts = counts.join(" "), "counts since start");
    }
}
