//! What an answer of a token endpoint means: a token, or one closed failure with what can be done about it.
//!
//! Owns the vocabulary that is the same for all providers ([`Classification`]). What a provider's own refusals mean is
//! said by one table per kind: Entra's by AADSTS numbers ([`entra`]), that of the standards by `error` words ([`oauth`]).

mod entra;
mod oauth;
#[cfg(test)]
mod tests;

use super::token_endpoint::{self, TokenAnswer, TokenEndpointStyle};
use super::{Diagnostics, RedeemError, RedeemFailure, RedeemedToken, refusal};
use crate::domain::Timestamp;
use crate::outbound::{HttpAnswer, OutboundError};

/// What a failure says about the client credential that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CredentialVerdict {
    /// Nothing, or that no other one would do better.
    Stands,
    /// Another credential of the same client may be accepted.
    OtherMayServe,
    /// Its assertion was refused for its times: a new one may be accepted, and another credential as well.
    RenewedMayServe,
}

/// A classified failure and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Classification {
    pub(super) error: RedeemError,
    /// Worth another try within the same redemption.
    pub(super) retry: bool,
    pub(super) credential: CredentialVerdict,
    /// A throttling that concerns all users of the tenant.
    pub(super) tenant_wide: bool,
}

impl Classification {
    /// A failure that ends the redemption: neither a retry nor another credential helps.
    pub(super) fn conclusive(error: RedeemError) -> Self {
        Self { error, retry: false, credential: CredentialVerdict::Stands, tenant_wide: false }
    }

    /// A new assertion of the same credential may be accepted.
    pub(super) fn wants_new_assertion(&self) -> bool {
        self.credential == CredentialVerdict::RenewedMayServe
    }

    /// Another credential may be accepted.
    pub(super) fn wants_other_credential(&self) -> bool {
        self.credential != CredentialVerdict::Stands
    }
}

/// Judges an answer of Entra that came at `now` to a request that was sent at `asked_at`. The token's life is counted
/// from before the call: rather too short than too long.
///
/// # Errors
/// [`RedeemError`]: of the answer's text nothing survives but short identifiers and a claims challenge.
pub fn judge(answer: &HttpAnswer, asked_at: Timestamp, now: Timestamp) -> Result<RedeemedToken, RedeemError> {
    classify_answer(answer, TokenEndpointStyle::Entra, asked_at, now).map_err(|classified| classified.error)
}

/// Judges an answer of an endpoint of this style, as [`judge`] does; the error also says what to do about it.
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
        }),
        TokenAnswer::Nonsense(hint) => {
            let mut error = refusal(RedeemFailure::Transient, hint);
            error.diagnostics.http_status = Some(answer.status);
            Err(Classification::conclusive(error))
        }
    }
}

/// Classifies a call that brought no answer.
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
