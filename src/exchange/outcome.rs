use std::borrow::Cow;
use std::sync::Arc;

use crate::domain::UserToken;
use crate::identity_provider::{Diagnostics, RedeemError, RedeemFailure};
use crate::observability::{Count, Counters};
use crate::token_validation::{CheckExplanation, ExchangeableTokenError};

/// How an exchange ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The vault keeps the token.
    Kept(Arc<UserToken>),
    /// No token is kept.
    Refused(Refusal),
}

/// Why an exchange was refused: the closed list of docs/architecture.md §Status table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    TemporarilyUnavailable,
    /// The user exceeds the rate limit.
    TooManyRequests {
        /// Seconds until the next request is accepted.
        retry_after: u64,
    },
}

impl Reason {
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
            Self::TemporarilyUnavailable => "temporarily_unavailable",
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
}

impl Refusal {
    /// A refusal that this program decides itself; `hint` tells the operator what happened.
    #[must_use]
    pub fn local(reason: Reason, hint: &'static str) -> Self {
        Self { reason, diagnostics: Box::new(Diagnostics { hint, ..Diagnostics::default() }) }
    }

    /// The refusal of a token to exchange, with what its validator says about it.
    pub(super) fn of_token(error: &ExchangeableTokenError, explanation: CheckExplanation) -> Self {
        let reason = match error {
            ExchangeableTokenError::Rejected { check } => Reason::AssertionRejected(check),
            ExchangeableTokenError::Expired => Reason::AssertionExpired,
            ExchangeableTokenError::KeysUnavailable => Reason::TemporarilyUnavailable,
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

    /// Counts the refusal and logs one line: that an exchange of `bot` for `connection` was refused, and why.
    pub fn report(&self, counters: &Counters, bot: &str, connection: Option<&str>, correlation_id: &str) {
        counters.add(Count::ExchangeRefused);
        if matches!(self.reason, Reason::IdentityMismatch(_)) {
            counters.add(Count::IdentityMismatch);
        }
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
            security = check.is_some(),
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
