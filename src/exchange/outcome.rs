use std::borrow::Cow;
use std::sync::Arc;

use crate::domain::UserToken;
use crate::identity_provider::{Diagnostics, RedeemError, RedeemFailure};
use crate::observability::{Count, Counters};
use crate::token_validation::ExchangeableTokenError;

/// How an exchange ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The token is in the vault.
    Kept(Arc<UserToken>),
    /// It is not, for this reason.
    Refused(Refusal),
}

/// Why an exchange was refused: the closed list of DESIGN §3's status table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Consent is missing.
    ConsentRequired,
    /// The user must interact (MFA, a challenge, a new password).
    InteractionRequired,
    /// The token's lifetime is over or has not begun.
    AssertionExpired,
    /// The user has signed out meanwhile.
    SignInRequired,
    /// The request itself makes no sense.
    BadRequest,
    /// The token is not one for us: the check that failed.
    AssertionRejected(&'static str),
    /// The token's user is not the activity's user: the check that failed.
    IdentityMismatch(&'static str),
    /// The issuer refuses this user.
    Denied,
    /// The operator must change something.
    Misconfigured,
    /// An outage, throttling or lack of time.
    TemporarilyUnavailable,
    /// The user asks too often.
    TooManyRequests {
        /// Seconds until the next piece of work is taken on.
        retry_after: u64,
    },
}

impl Reason {
    /// The reason code, as it may be shown outward.
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
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::TooManyRequests { .. } => "too_many_requests",
        })
    }
}

/// A refusal: the reason for everybody, the diagnostics for the operator's log.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// What the identity provider said, if it was asked.
    pub diagnostics: Box<Diagnostics>,
}

impl Refusal {
    /// A refusal of our own, before anyone was asked; `hint` tells the operator what happened.
    #[must_use]
    pub fn local(reason: Reason, hint: &'static str) -> Self {
        Self { reason, diagnostics: Box::new(Diagnostics { hint, ..Diagnostics::default() }) }
    }

    /// Counts it, and one line for the operator: that `bot`'s exchange for `connection` was refused, and why.
    pub fn report(&self, counters: &Counters, bot: &str, connection: Option<&str>, correlation_id: &str) {
        counters.add(Count::ExchangeRefused);
        if matches!(self.reason, Reason::IdentityMismatch(_)) {
            counters.add(Count::IdentityMismatch);
        }
        // Told where it was decided, once a minute.
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
            security = check.is_some(),
            http_status = diagnostics.http_status,
            error = diagnostics.error,
            suberror = diagnostics.suberror,
            aadsts = diagnostics.aadsts,
            trace_id = diagnostics.trace_id,
            hint = diagnostics.hint,
            "an exchange was refused"
        );
    }
}

impl From<ExchangeableTokenError> for Refusal {
    fn from(error: ExchangeableTokenError) -> Self {
        match error {
            ExchangeableTokenError::Rejected { check } => Self::local(
                Reason::AssertionRejected(check),
                "the token is not an exchangeable token for this connection",
            ),
            ExchangeableTokenError::Expired => {
                Self::local(Reason::AssertionExpired, "the client must fetch a fresh exchangeable token")
            }
            ExchangeableTokenError::KeysUnavailable => Self::local(
                Reason::TemporarilyUnavailable,
                "the issuer's key set cannot be fetched: check jwks_url and egress",
            ),
        }
    }
}

impl From<RedeemError> for Refusal {
    fn from(error: RedeemError) -> Self {
        let reason = match error.failure {
            RedeemFailure::ConsentRequired => Reason::ConsentRequired,
            RedeemFailure::InteractionRequired { .. } => Reason::InteractionRequired,
            RedeemFailure::AssertionExpired => Reason::AssertionExpired,
            RedeemFailure::AssertionRejected => Reason::AssertionRejected("issuer"),
            RedeemFailure::Misconfigured => Reason::Misconfigured,
            RedeemFailure::Denied => Reason::Denied,
            RedeemFailure::Throttled { .. } | RedeemFailure::Transient => Reason::TemporarilyUnavailable,
        };
        Self { reason, diagnostics: error.diagnostics }
    }
}
