//! Limits on how often callers, users and clients may do things.
//!
//! Over a shared store, a limit holds for all replicas together. The limit of the process decides first; what it allows is
//! counted with what the other replicas allow. While the store fails, the limit of each process is the whole limit. What
//! chooses lines of the log stays with the process, which writes its own log.

mod caller_rates;
mod keyed_rate;
mod shared_limits;

use std::time::Duration;

pub use caller_rates::{CallerLimits, CallerRates};
pub(super) use caller_rates::{RateKey, SkillRateKey};
pub use keyed_rate::{KeyedRate, RateExceeded, RateLimit};
pub(super) use shared_limits::SharedGuesses;
pub use shared_limits::SharedLimits;

/// The whole seconds after which `wait` is over; one at least.
pub(super) fn to_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}
