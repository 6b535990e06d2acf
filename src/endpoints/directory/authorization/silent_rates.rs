use std::num::NonZeroU32;

use crate::domain::UserKey;
use crate::inbound::{KeyedRate, RateExceeded, RateLimit, SharedLimits};
use crate::observability::conceal;

/// The codes that one user gets without a page in a minute.
const CODES_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(119);

/// The rate of each user at codes that need no password (docs/directory.md §Signing in). Each code is a record that is kept for a
/// day, and its grant one that may be kept for months, so a script in one user's browser could fill the store.
pub(in crate::endpoints::directory) struct SilentRates {
    codes: KeyedRate,
    /// Allows one log line a minute for each user over the limit.
    log_lines: KeyedRate,
}

impl SilentRates {
    /// Rates that no user has used.
    pub(super) fn new(limits: &SharedLimits) -> Self {
        let log_lines = RateLimit::per_minute("silent_codes.log", NonZeroU32::MIN);
        Self {
            codes: KeyedRate::new(RateLimit::per_minute("silent_codes", CODES_PER_MINUTE), limits),
            log_lines: KeyedRate::of_this_process(log_lines, limits.clock().clone()),
        }
    }

    /// Counts a code of `user`. Logs a user over the limit at most once a minute.
    pub(in crate::endpoints::directory) async fn charge(
        &self,
        user: &UserKey,
        correlation_id: &str,
    ) -> Result<(), RateExceeded> {
        let name = user.to_string();
        let name = [name.as_bytes()];
        self.codes.charge(&name).await.inspect_err(|exceeded| {
            if self.log_lines.charge_here(&name).is_ok() {
                tracing::warn!(
                    correlation_id,
                    user = %conceal(user),
                    retry_after = exceeded.retry_after,
                    code = "TooManyRequests",
                    check = "silent_rate",
                    "a user of a directory is signed in silently more than 120 times a minute: an application sends its users \
                     in a circle, or a script uses the session"
                );
            }
        })
    }
}
