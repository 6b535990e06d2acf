use std::borrow::Cow;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::Outage;
use crate::domain::{ConnectionName, ExchangeStep, HolderName, UserToken};
use crate::identity_provider::{Diagnostics, RedeemError, RedeemFailure};
use crate::observability::{AuditEvent, Counters, ExchangeOutcome};
use crate::token_validation::{CheckExplanation, ExchangeableTokenError};

/// How an exchange ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The vault keeps the token.
    Kept(Arc<UserToken>),
    /// No token is kept.
    Refused(Refusal),
}

/// Why an exchange was refused: the closed list of docs/architecture.md §Status table. Replicas write it for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "SharedReason")]
pub enum Reason {
    /// The user or an administrator has not consented.
    ConsentRequired,
    /// The user must act in a browser (second factor, claims challenge, new password).
    InteractionRequired,
    /// The token has expired or is not valid yet.
    AssertionExpired,
    /// The user signed out while the exchange was under way.
    SignInRequired,
    /// The request is malformed.
    BadRequest,
    /// The token failed validation; names the check that failed.
    AssertionRejected(&'static str),
    /// The token's user is not proven to be the account's user; names the check that failed.
    IdentityMismatch(&'static str),
    /// The issuer refuses this user.
    Denied,
    /// The configuration is wrong, here or at the identity provider: the operator must change it.
    Misconfigured,
    /// An outage, throttling or lack of time.
    TemporarilyUnavailable(Outage),
    /// The user exceeds the rate limit.
    TooManyRequests {
        /// Seconds until the next request is accepted.
        retry_after: u64,
    },
}

/// The checks by which an exchange can be refused after its request was admitted. Duplicates at other replicas learn of no
/// others.
const SHARED_CHECKS: [&str; 3] = ["issuer", "pin", "slot"];

/// A [`Reason`] as replicas write it for each other.
#[derive(Serialize, Deserialize)]
struct SharedReason {
    /// The reason code without its detail.
    code: String,
    check: Option<String>,
    #[serde(default)]
    is_throttled: bool,
    retry_after: Option<u64>,
}

impl From<Reason> for SharedReason {
    fn from(reason: Reason) -> Self {
        let (check, retry_after) = match reason {
            Reason::AssertionRejected(check) | Reason::IdentityMismatch(check) => (Some(check.to_owned()), None),
            Reason::TemporarilyUnavailable(outage) => (None, outage.retry_after()),
            Reason::TooManyRequests { retry_after } => (None, Some(retry_after)),
            _ => (None, None),
        };
        let is_throttled = matches!(reason, Reason::TemporarilyUnavailable(Outage::Throttled { .. }));
        let code = reason.code().split(':').next().unwrap_or_default().to_owned();
        Self { code, check, is_throttled, retry_after }
    }
}

// A derived implementation would read from static text alone, because of the names of checks.
impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        SharedReason::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
    }
}

impl TryFrom<SharedReason> for Reason {
    type Error = &'static str;

    fn try_from(shared: SharedReason) -> Result<Self, Self::Error> {
        let SharedReason { code, check, is_throttled, retry_after } = shared;
        let known = SHARED_CHECKS.into_iter().find(|known| check.as_deref() == Some(*known));
        let check = known.unwrap_or("other");
        Ok(match code.as_str() {
            "consent_required" => Self::ConsentRequired,
            "interaction_required" => Self::InteractionRequired,
            "assertion_expired" => Self::AssertionExpired,
            "sign_in_required" => Self::SignInRequired,
            "bad_request" => Self::BadRequest,
            "assertion_rejected" => Self::AssertionRejected(check),
            "identity_mismatch" => Self::IdentityMismatch(check),
            "denied" => Self::Denied,
            "misconfigured" => Self::Misconfigured,
            "temporarily_unavailable" if is_throttled => {
                Self::TemporarilyUnavailable(Outage::Throttled { retry_after })
            }
            "temporarily_unavailable" => Self::TemporarilyUnavailable(Outage::Fault { retry_after }),
            "too_many_requests" => Self::TooManyRequests { retry_after: retry_after.unwrap_or(1) },
            _ => return Err("a reason that this version does not know"),
        })
    }
}

impl Reason {
    /// Whether neither the user nor another token can mend the refusal: an outage, or the operator's mistake. A kept
    /// token that has not ended serves meanwhile (docs/architecture.md §An outage is not a sign-out).
    #[must_use]
    pub const fn is_outage_or_own_fault(self) -> bool {
        matches!(self, Self::TemporarilyUnavailable(_) | Self::Misconfigured)
    }

    /// Whether the user can cure the refusal by signing in, so that a client offers that
    /// (docs/architecture.md §Status table).
    #[must_use]
    pub const fn is_curable_by_user(self) -> bool {
        matches!(
            self,
            Self::ConsentRequired | Self::InteractionRequired | Self::AssertionExpired | Self::SignInRequired
        )
    }

    /// The outcome as which the refusal is counted.
    const fn outcome(self) -> ExchangeOutcome {
        match self {
            Self::ConsentRequired => ExchangeOutcome::ConsentRequired,
            Self::InteractionRequired => ExchangeOutcome::InteractionRequired,
            Self::AssertionExpired => ExchangeOutcome::AssertionExpired,
            Self::SignInRequired => ExchangeOutcome::SignInRequired,
            Self::BadRequest => ExchangeOutcome::BadRequest,
            Self::AssertionRejected(_) => ExchangeOutcome::AssertionRejected,
            Self::IdentityMismatch(_) => ExchangeOutcome::IdentityMismatch,
            Self::Denied => ExchangeOutcome::Denied,
            Self::Misconfigured => ExchangeOutcome::Misconfigured,
            Self::TemporarilyUnavailable(_) => ExchangeOutcome::TemporarilyUnavailable,
            Self::TooManyRequests { .. } => ExchangeOutcome::TooManyRequests,
        }
    }

    /// The reason code for clients. It leaves out what a client must not learn, such as the check behind an identity
    /// mismatch.
    #[must_use]
    pub fn code(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::AssertionExpired => "assertion_expired",
            Self::SignInRequired => "sign_in_required",
            Self::BadRequest => "bad_request",
            Self::AssertionRejected(check) => return Cow::Owned(format!("assertion_rejected:{check}")),
            Self::IdentityMismatch(_) => "identity_mismatch",
            Self::Denied => "denied",
            Self::Misconfigured => "misconfigured",
            Self::TemporarilyUnavailable(_) => "temporarily_unavailable",
            Self::TooManyRequests { .. } => "too_many_requests",
        })
    }
}

/// A refusal: the reason is for the client, the diagnostics are for the operator's log.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Why the exchange was refused.
    pub reason: Reason,
    /// What the identity provider answered, or a hint of our own if it was not asked.
    pub diagnostics: Box<Diagnostics>,
    /// The claims challenge of the identity provider, verbatim, for a client that can sign the user in with it.
    pub claims: Option<Arc<str>>,
}

/// The numbers with which Entra says that an administrator has to consent (docs/protocols/entra-obo.md §3).
const ADMINISTRATOR_CONSENT: [u32; 3] = [90_093, 90_094, 90_095];

impl Refusal {
    /// A refusal that this program decides itself; `hint` tells the operator what happened.
    #[must_use]
    pub fn local(reason: Reason, hint: &'static str) -> Self {
        Self { reason, diagnostics: Box::new(Diagnostics { hint, ..Diagnostics::default() }), claims: None }
    }

    /// Whether the user cannot give the missing consent, because it is an administrator's.
    #[must_use]
    pub fn needs_administrator(&self) -> bool {
        self.reason == Reason::ConsentRequired
            && self.diagnostics.aadsts.is_some_and(|number| ADMINISTRATOR_CONSENT.contains(&number))
    }

    /// The refusal of a token to exchange, with what its validator says about it.
    pub(super) fn of_token(error: &ExchangeableTokenError, explanation: CheckExplanation) -> Self {
        let reason = match error {
            ExchangeableTokenError::Rejected { check } => Reason::AssertionRejected(check),
            ExchangeableTokenError::Expired => Reason::AssertionExpired,
            ExchangeableTokenError::KeysUnavailable => Reason::TemporarilyUnavailable(Outage::FAULT),
            ExchangeableTokenError::KeyNotKnownYet => Reason::TemporarilyUnavailable(Outage::KEY_NOT_KNOWN_YET),
        };
        let CheckExplanation { hint, seen, expected } = explanation;
        Self::local(reason, hint).comparing(seen, expected)
    }

    /// Adds the value that came, and those that would have been accepted, for the log.
    pub(super) fn comparing(mut self, seen: Option<String>, expected: Option<String>) -> Self {
        self.diagnostics.seen = seen;
        self.diagnostics.expected = expected;
        self
    }

    /// A refusal because of a fault whose end is not known.
    #[must_use]
    pub fn fault(hint: &'static str) -> Self {
        Self::local(Reason::TemporarilyUnavailable(Outage::FAULT), hint)
    }

    /// Logs one line: that a kept token of `holder` for `connection` serves although it could not be renewed, and why it could not.
    pub fn report_overridden(&self, holder: &HolderName, connection: &ConnectionName, correlation_id: &str) {
        let diagnostics = &self.diagnostics;
        tracing::warn!(
            correlation_id,
            bot = holder.as_str(),
            connection = connection.as_str(),
            reason = %self.reason.code(),
            http_status = diagnostics.http_status,
            error = diagnostics.error,
            suberror = diagnostics.suberror,
            aadsts = diagnostics.aadsts,
            trace_id = diagnostics.trace_id,
            hint = diagnostics.hint,
            "a token was not renewed; the kept one serves until it ends"
        );
    }

    /// Counts the refusal and logs one line: that an exchange of `bot` for `connection` was refused, and why.
    pub fn report(&self, counters: &Counters, bot: &str, connection: Option<&str>, correlation_id: &str) {
        counters.exchanges.add(bot, connection, self.reason.outcome());
        counters.observation.tell(correlation_id, || ExchangeStep::ExchangeRefused {
            connection,
            reason: self.reason.code(),
            hint: self.diagnostics.hint,
        });
        // `UserRates` has logged it already, at most once a minute for each user.
        if matches!(self.reason, Reason::TooManyRequests { .. }) {
            return;
        }
        let diagnostics = &self.diagnostics;
        let check = if let Reason::IdentityMismatch(check) = self.reason { Some(check) } else { None };
        tracing::warn!(
            correlation_id,
            bot,
            connection,
            reason = %self.reason.code(),
            check,
            security = check.is_some() && AuditEvent::IdentityMismatch.is_security(),
            http_status = diagnostics.http_status,
            error = diagnostics.error,
            suberror = diagnostics.suberror,
            aadsts = diagnostics.aadsts,
            trace_id = diagnostics.trace_id,
            seen = diagnostics.seen,
            expected = diagnostics.expected,
            hint = diagnostics.hint,
            "an exchange was refused"
        );
    }
}

impl From<RedeemError> for Refusal {
    fn from(error: RedeemError) -> Self {
        let unavailable = Reason::TemporarilyUnavailable(Outage::of_failure(&error.failure).unwrap_or(Outage::FAULT));
        let claims = match &error.failure {
            RedeemFailure::InteractionRequired { claims } => claims.as_deref().map(Arc::from),
            _ => None,
        };
        let reason = match error.failure {
            RedeemFailure::ConsentRequired => Reason::ConsentRequired,
            RedeemFailure::InteractionRequired { .. } | RedeemFailure::Refused => Reason::InteractionRequired,
            RedeemFailure::AssertionExpired => Reason::AssertionExpired,
            RedeemFailure::AssertionRejected => Reason::AssertionRejected("issuer"),
            RedeemFailure::Misconfigured => Reason::Misconfigured,
            RedeemFailure::Denied => Reason::Denied,
            RedeemFailure::Throttled { .. } | RedeemFailure::Unavailable { .. } | RedeemFailure::Transient => {
                unavailable
            }
        };
        Self { reason, diagnostics: error.diagnostics, claims }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_reason_is_the_same_at_another_replica() {
        for reason in [
            Reason::ConsentRequired,
            Reason::InteractionRequired,
            Reason::AssertionExpired,
            Reason::SignInRequired,
            Reason::BadRequest,
            Reason::AssertionRejected("issuer"),
            Reason::IdentityMismatch("pin"),
            Reason::IdentityMismatch("slot"),
            Reason::Denied,
            Reason::Misconfigured,
            Reason::TemporarilyUnavailable(Outage::FAULT),
            Reason::TemporarilyUnavailable(Outage::Throttled { retry_after: Some(7) }),
            Reason::TooManyRequests { retry_after: 10 },
        ] {
            let written = serde_json::to_vec(&reason).unwrap();
            assert_eq!(serde_json::from_slice::<Reason>(&written).unwrap(), reason);
        }
    }
}
