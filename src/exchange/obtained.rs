use std::sync::Arc;
use std::time::Duration;

use crate::domain::UserToken;
use crate::identity_provider::RedeemFailure;

/// The longest wait that callers are told, in seconds. The throttle board blocks no request for longer.
const MAX_RETRY_AFTER_SECONDS: u64 = 3600;

/// The three answers to a request for a user's token. No two of them become one on the way to the caller
/// (docs/architecture.md §An outage is not a sign-out).
#[derive(Clone, Debug)]
pub enum ObtainedToken {
    /// This token has not ended.
    Token(Arc<UserToken>),
    /// No token can be obtained before the user signs in.
    UserNeeded,
    /// No token can be obtained at the moment; a later request may succeed without the user.
    Unavailable(Outage),
}

/// Why no token can be obtained at the moment, and for how long if that is known. The user cannot mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// The identity provider receives too many requests.
    Throttled {
        /// Seconds until the next request makes sense.
        retry_after: Option<u64>,
    },
    /// A fault of the identity provider, the store or the configuration.
    Fault {
        /// Seconds until the next request makes sense.
        retry_after: Option<u64>,
    },
}

impl Outage {
    /// A fault whose end is not known.
    pub const FAULT: Self = Self::Fault { retry_after: None };

    /// A key of the issuer is not known yet. Its key set is fetched again within ten seconds.
    pub const KEY_NOT_KNOWN_YET: Self = Self::Fault { retry_after: Some(10) };

    /// The outage behind a failed redemption. `None` if the failure concerns the grant or the user, so that a sign-in
    /// can mend it. An operator's mistake counts as an outage: no sign-in mends it.
    #[must_use]
    pub fn of_failure(failure: &RedeemFailure) -> Option<Self> {
        match failure {
            RedeemFailure::Throttled { retry_after } => {
                Some(Self::Throttled { retry_after: retry_after.map(whole_seconds) })
            }
            RedeemFailure::Unavailable { retry_after } => {
                Some(Self::Fault { retry_after: Some(whole_seconds(*retry_after)) })
            }
            RedeemFailure::Transient | RedeemFailure::Misconfigured => Some(Self::FAULT),
            RedeemFailure::ConsentRequired
            | RedeemFailure::InteractionRequired { .. }
            | RedeemFailure::AssertionExpired
            | RedeemFailure::AssertionRejected
            | RedeemFailure::Refused
            | RedeemFailure::Denied => None,
        }
    }

    /// Seconds until the next request makes sense, if that is known.
    #[must_use]
    pub const fn retry_after(self) -> Option<u64> {
        match self {
            Self::Throttled { retry_after } | Self::Fault { retry_after } => retry_after,
        }
    }
}

/// Rounds up, so that a caller that waits this long does not come too early.
fn whole_seconds(wait: Duration) -> u64 {
    let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
    seconds.clamp(1, MAX_RETRY_AFTER_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_an_outage_exactly_if_no_sign_in_mends_it() {
        let wait = Duration::from_millis(6_200);
        for (failure, outage) in [
            (RedeemFailure::Throttled { retry_after: Some(wait) }, Some(Outage::Throttled { retry_after: Some(7) })),
            (RedeemFailure::Throttled { retry_after: None }, Some(Outage::Throttled { retry_after: None })),
            (RedeemFailure::Unavailable { retry_after: wait }, Some(Outage::Fault { retry_after: Some(7) })),
            (RedeemFailure::Transient, Some(Outage::FAULT)),
            (RedeemFailure::Misconfigured, Some(Outage::FAULT)),
            (RedeemFailure::ConsentRequired, None),
            (RedeemFailure::InteractionRequired { claims: None }, None),
            (RedeemFailure::AssertionExpired, None),
            (RedeemFailure::AssertionRejected, None),
            (RedeemFailure::Refused, None),
            (RedeemFailure::Denied, None),
        ] {
            assert_eq!(Outage::of_failure(&failure), outage, "{failure:?}");
        }
    }

    #[test]
    fn a_wait_is_at_least_a_second_and_at_most_an_hour() {
        assert_eq!((whole_seconds(Duration::ZERO), whole_seconds(Duration::MAX)), (1, 3600));
    }
}
