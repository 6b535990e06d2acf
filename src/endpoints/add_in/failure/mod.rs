//! The failures of this door, and what each is told as.
//!
//! Owns the one table from failures to answers, from which the table in docs/office-add-ins.md §Errors is made. It
//! deliberately knows no request: what a failure carries beside its row is a value of the identity provider or of the
//! configuration.

mod row;
mod rows;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use row::{Challenge, FailureRow, Inline};
use rows::{ACCESS_DENIED, ASSERTION_REJECTED, CONSENT_REQUIRED, INTERACTION_REQUIRED, SIGN_IN_REQUIRED};
pub(super) use rows::{
    APP_ONLY_TOKEN, ASSERTION_EXPIRED, BODY_TOO_LARGE, BODY_TOO_SLOW, CLAIMS_CHALLENGE, DOWNSTREAM_REDIRECT,
    DOWNSTREAM_REFUSED, DOWNSTREAM_TIMEOUT, DOWNSTREAM_UNAVAILABLE, METHOD_NOT_LISTED, MISSING_SCOPE, PATH_NOT_LISTED,
    PATH_REFUSED, REPEAT_REQUEST, SERVER_ERROR, TEMPORARILY_UNAVAILABLE, TOKEN_EXPIRED, TOKEN_INVALID, TOKEN_MISSING,
    TOO_MANY_REQUESTS, WRONG_AUDIENCE_GRAPH,
};

pub use rows::FAILURES;

use crate::domain::Secret;
use crate::exchange::{Reason, Refusal, is_for_microsoft_graph};

/// One failure: its row, and what only this one says.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) row: &'static FailureRow,
    /// The claims that the next token must satisfy, unchanged.
    pub(super) claims: Option<Arc<str>>,
    /// The identity provider's number, if it gave one.
    pub(super) number: Option<u32>,
    /// The identity provider's `suberror`, if it gave one.
    pub(super) suberror: Option<String>,
    /// Whether an administrator has to consent; `None` if consent is not what is missing.
    pub(super) needs_administrator: Option<bool>,
    /// Seconds until the next request makes sense, if that is known.
    pub(super) retry_after: Option<u64>,
}

impl From<&'static FailureRow> for Failure {
    fn from(row: &'static FailureRow) -> Self {
        Self { row, claims: None, number: None, suberror: None, needs_administrator: None, retry_after: None }
    }
}

impl Failure {
    /// A token whose user has to satisfy `claims` first.
    pub(super) fn of_claims(claims: &str) -> Self {
        Self { claims: Some(Arc::from(claims)), ..Self::from(&CLAIMS_CHALLENGE) }
    }

    /// A caller that may ask again in `seconds`.
    pub(super) fn until(row: &'static FailureRow, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..Self::from(row) }
    }

    /// The refusal of the presented token `raw` before the identity provider was asked.
    pub(super) fn of_validation(refusal: &Refusal, raw: &Secret) -> Self {
        match refusal.reason {
            Reason::AssertionExpired => (&TOKEN_EXPIRED).into(),
            Reason::AssertionRejected("app_only") => (&APP_ONLY_TOKEN).into(),
            Reason::AssertionRejected(_) if is_for_microsoft_graph(raw) => (&WRONG_AUDIENCE_GRAPH).into(),
            Reason::AssertionRejected("scp") => (&MISSING_SCOPE).into(),
            Reason::TemporarilyUnavailable(_) | Reason::TooManyRequests { .. } | Reason::Misconfigured => {
                Self::of_exchange(refusal)
            }
            _ => (&TOKEN_INVALID).into(),
        }
    }

    /// The refusal of an exchange.
    pub(super) fn of_exchange(refusal: &Refusal) -> Self {
        let row = match refusal.reason {
            Reason::ConsentRequired => &CONSENT_REQUIRED,
            Reason::InteractionRequired if refusal.claims.is_some() => &CLAIMS_CHALLENGE,
            Reason::InteractionRequired => &INTERACTION_REQUIRED,
            Reason::AssertionExpired => &ASSERTION_EXPIRED,
            Reason::SignInRequired => &SIGN_IN_REQUIRED,
            Reason::AssertionRejected(_) | Reason::BadRequest => &ASSERTION_REJECTED,
            Reason::Denied | Reason::IdentityMismatch(_) => &ACCESS_DENIED,
            Reason::Misconfigured => return (&SERVER_ERROR).into(),
            Reason::TemporarilyUnavailable(outage) => {
                return Self { retry_after: outage.retry_after(), ..Self::from(&TEMPORARILY_UNAVAILABLE) };
            }
            Reason::TooManyRequests { retry_after } => return Self::until(&TOO_MANY_REQUESTS, retry_after),
        };
        Self {
            row,
            claims: refusal.claims.clone(),
            number: refusal.diagnostics.aadsts,
            suberror: refusal.diagnostics.suberror.clone(),
            needs_administrator: (refusal.reason == Reason::ConsentRequired).then(|| refusal.needs_administrator()),
            retry_after: None,
        }
    }

    /// Whether this is the failure of `row`.
    pub(super) fn is(&self, row: &'static FailureRow) -> bool {
        std::ptr::eq(self.row, row)
    }

    /// `suberror` as it is told: the row's, or the identity provider's.
    pub(super) fn suberror(&self) -> Option<&str> {
        self.row.suberror.or(self.suberror.as_deref())
    }
}
