//! Classifies responses of token endpoints: each is a token, or a failure of a closed list with the possible next step.
//!
//! Owns [`Classification`] and [`RefusalMeaning`], which are the same for all providers, and the tables that lead to a
//! meaning: AADSTS numbers ([`entra`]), AADB2C numbers ([`b2c`]), words ([`words`]; [`exchange_words`] where a user's token
//! is exchanged) and the rule for other words
//! ([`unknown_words`]). Token endpoints ([`entra`],
//! [`oauth`]) and the browser's callback ([`callback`]) share them.

mod b2c;
mod callback;
mod entra;
mod exchange_words;
mod meaning;
mod oauth;
#[cfg(test)]
mod tests;
mod unknown_words;
mod words;

pub use callback::{AuthorizationError, AuthorizationRefusal, classify_authorization_error};
use meaning::ExplainedMeaning;
pub use meaning::RefusalMeaning;
#[cfg(test)]
pub use tests::list_hints;
pub(super) use words::is_same_word;

use super::token_endpoint::{self, TokenAnswer, TokenEndpointStyle};
use super::{Diagnostics, RedeemError, RedeemFailure, RedeemedToken, refusal};
use crate::domain::Timestamp;
use crate::outbound::{HttpAnswer, OutboundError};

/// What a failure says about the client credential that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CredentialVerdict {
    /// The credential is not the cause, or another credential would be refused as well.
    Stands,
    /// Another credential of the same client may be accepted.
    OtherMayServe,
    /// The issuer refused the assertion's `nbf` or `exp`. A new assertion or another credential may be accepted.
    RenewedMayServe,
}

/// A failure and the possible next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Classification {
    pub(super) error: RedeemError,
    /// Whether the token client may retry within the same redemption.
    pub(super) retry: bool,
    pub(super) credential: CredentialVerdict,
    /// Whether the issuer throttles all users of the tenant.
    pub(super) tenant_wide: bool,
}

impl Classification {
    /// Creates the classification of a failure that neither a retry nor another credential cures.
    pub(super) fn conclusive(error: RedeemError) -> Self {
        Self { error, retry: false, credential: CredentialVerdict::Stands, tenant_wide: false }
    }

    /// Whether a new assertion of the same credential may be accepted.
    pub(super) fn wants_new_assertion(&self) -> bool {
        self.credential == CredentialVerdict::RenewedMayServe
    }

    /// Whether another credential may be accepted.
    pub(super) fn wants_other_credential(&self) -> bool {
        self.credential != CredentialVerdict::Stands
    }
}

/// Classifies a response of Entra that was received at `now`; its request was sent at `asked_at`. The token's lifetime
/// is counted from `asked_at`, so it is rather too short than too long.
///
/// # Errors
/// [`RedeemError`]. The only parts of the response's text in it are short identifiers and a claims challenge.
pub fn judge(answer: &HttpAnswer, asked_at: Timestamp, now: Timestamp) -> Result<RedeemedToken, RedeemError> {
    classify_answer(answer, TokenEndpointStyle::Entra, asked_at, now).map_err(|classified| classified.error)
}

/// Classifies a response of an endpoint of this style, as [`judge`] does; the error also holds the next step.
pub(super) fn classify_answer(
    answer: &HttpAnswer,
    style: TokenEndpointStyle,
    asked_at: Timestamp,
    now: Timestamp,
) -> Result<RedeemedToken, Classification> {
    match token_endpoint::read(answer, now) {
        TokenAnswer::Token(granted) => Ok(RedeemedToken {
            access_token: granted.access_token,
            expires_at: asked_at.plus(granted.lifetime),
            granted_scope: granted.scope,
            refresh_token: granted.refresh_token,
            refresh_at: granted.refresh_in.map(|span| asked_at.plus(span)),
            id_token: granted.id_token,
        }),
        TokenAnswer::Refusal(refusal) => Err(match style {
            TokenEndpointStyle::Entra => entra::classify(&refusal),
            TokenEndpointStyle::Standard(_) => oauth::classify(&refusal),
            TokenEndpointStyle::StandardExchange(_) => oauth::classify_exchange(&refusal),
        }),
        TokenAnswer::Unusable(hint) => Err(unusable(RedeemFailure::Transient, hint, answer.status)),
        TokenAnswer::NoAccessToken(hint) => Err(unusable(RedeemFailure::Misconfigured, hint, answer.status)),
    }
}

fn unusable(failure: RedeemFailure, hint: &'static str, status: u16) -> Classification {
    let mut error = refusal(failure, hint);
    error.diagnostics.http_status = Some(status);
    Classification::conclusive(error)
}

/// Classifies a call without a response.
pub(super) fn classify_unanswered(error: &OutboundError) -> Classification {
    let (failure, hint, retry) = match error {
        OutboundError::HostRefused { .. } => (
            RedeemFailure::Misconfigured,
            "the token endpoint's host is not permitted: see the outbound section (plain http, private addresses)",
            false,
        ),
        OutboundError::Settings(_) => (RedeemFailure::Misconfigured, "the outbound settings cannot be used", false),
        OutboundError::Unreachable => {
            (RedeemFailure::Transient, "the token endpoint is unreachable: check DNS, egress proxy and CA file", true)
        }
        OutboundError::TimedOut => (RedeemFailure::Transient, "the token endpoint did not answer in time", false),
        OutboundError::TooLarge => (RedeemFailure::Transient, "the token endpoint's answer is too large", false),
        OutboundError::Broken => (RedeemFailure::Transient, "the connection to the token endpoint broke", true),
    };
    let error = RedeemError { failure, diagnostics: Box::new(Diagnostics { hint, ..Diagnostics::default() }) };
    Classification { retry, ..Classification::conclusive(error) }
}
