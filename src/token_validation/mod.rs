//! Tokens that come in: key sets, signatures, and the claims that each kind of token must have.
//!
//! Owns the proof that a token is genuine and of the right kind. It deliberately knows neither requests nor bots nor
//! connections by name: the caller of this room passes in, or compares itself, which audiences and callers are admitted. Trust tables
//! are built once, and no token changes them (docs/architecture.md §Security rules, rule 1).

mod algorithms;
mod caller;
mod check_explanation;
mod claims;
mod client_assertion;
mod exchangeable_token;
mod id_token;
mod issuer;
mod jwks;
mod key_set;
mod logout_token;
mod security_context;
mod stated_claims;
mod unverified;
mod verification_key;
mod verifier;

#[cfg(test)]
mod testing;

pub use caller::{
    AppClaims, CallerResult, CallerTokenValidator, ChannelClaims, EntraCallers, UnknownCallerToken, VerifiedCaller,
};
#[cfg(test)]
pub use check_explanation::list_hints;
pub use check_explanation::{CheckExplanation, SightedToken};
pub use client_assertion::{ClientAssertion, ClientAssertionValidator, ClientKeys};
pub use exchangeable_token::{ExchangeableTokenValidator, ProviderTokenValidator};
pub use id_token::{
    DirectorySignatures, IdTokenStatements, IdTokenValidator, IdentifiedUser, OwnDirectory, ShownNames,
    TrustedIdTokenIssuer,
};
pub use issuer::{ChannelTrust, EntraTrust, find_tenant};
pub use jwks::{KeySetContent, read_key_set};
pub use key_set::{KeySet, KeySetSource};
pub use logout_token::{LogoutToken, LogoutTokenError, LogoutTokenValidator};
pub use stated_claims::read_stated_claims;
pub use unverified::UnverifiedToken;

/// Longest exchangeable token that is looked at, in bytes (docs/protocols/entra-obo.md §1 rule 1).
const EXCHANGEABLE_TOKEN_LIMIT_BYTES: usize = 32 * 1024;

/// The audiences (`aud`) that the exchangeable token `raw` claims. Nothing of the token is verified: an audience may only
/// choose among configured connections, and the chosen one validates the token.
#[must_use]
pub fn read_unverified_audiences(raw: &str) -> Vec<String> {
    unverified::read_audiences(raw, EXCHANGEABLE_TOKEN_LIMIT_BYTES).unwrap_or_default()
}

/// Why a caller's bearer token was refused (docs/protocols/bot-auth-and-skills.md §2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallerTokenError {
    /// 401 `InvalidToken`.
    #[error("the caller's token is invalid: {check}")]
    Invalid {
        /// Which check failed, for the log: `form`, `alg`, `signature`, `iss`, `tid`, `aud`, `exp`, …
        check: &'static str,
    },
    /// 401 `TokenExpired`.
    #[error("the caller's token has expired")]
    Expired,
    /// 403 `DelegatedTokenNotAllowed`: the token is genuine but belongs to a user. The reply is 401 instead if
    /// the audience is not one of ours.
    #[error("the caller's token is a user's: {check}")]
    Delegated {
        /// The claim that shows that the token is a user's.
        check: &'static str,
        /// `aud`, verified.
        audience: String,
    },
    /// 403 `CallerNotAllowed`: the token is genuine and one of the Agent 365 platform, but no bot's agents are of its tenant.
    /// The reply is 401 instead if the audience is no bot with agents.
    #[error("the Agent 365 platform calls for a tenant that is not listed")]
    UnlistedPlatformTenant {
        /// `aud`, verified.
        audience: String,
    },
    /// 503 `KeysUnavailable`: the token cannot be checked without the issuer's keys.
    #[error("the issuer's keys are unavailable")]
    KeysUnavailable,
    /// 503 `KeysUnavailable`: the token's key may be new, and the issuer's keys will be fetched again.
    #[error("the token's key is not known yet")]
    KeyNotKnownYet,
}

/// Why a token cannot be exchanged (docs/protocols/entra-obo.md §1; RFC 9068 §4 for tokens of other providers).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeableTokenError {
    /// 400 `assertion_rejected:<check>`.
    #[error("the exchangeable token is rejected: {check}")]
    Rejected {
        /// Which check failed: `form`, `alg`, `crit`, `typ`, `signature`, `iss`, `tid`, `ver`, `aud`, `time`,
        /// `app_only`, `scp`, `azp`, `oid`; at other providers also `sub`, `cnf`.
        check: &'static str,
    },
    /// 412: the token has expired, is about to expire, or is not valid yet. A fresh token helps.
    #[error("the exchangeable token is outside its lifetime")]
    Expired,
    /// 500: the token cannot be checked without the issuer's keys.
    #[error("the issuer's keys are unavailable")]
    KeysUnavailable,
    /// 500: the token's key may be new, and the issuer's keys will be fetched again.
    #[error("the token's key is not known yet")]
    KeyNotKnownYet,
}

/// Why an ID token is not accepted as proof of who signed in (`OpenID` Connect Core §3.1.3.7).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// A check failed.
    #[error("the ID token is rejected: {check}")]
    Rejected {
        /// Which check failed: `too_long`, `form`, `alg`, `crit`, `typ`, `kid`, `signature`, `iss`, `tid`, `ver`, `aud`, `azp`, `exp`,
        /// `iat`, `nbf`, `nonce`, `oid`, `sub`.
        check: &'static str,
    },
    /// The token cannot be checked without the issuer's keys.
    #[error("the issuer's keys are unavailable")]
    KeysUnavailable,
    /// The token's key may be new, and the issuer's keys will be fetched again.
    #[error("the token's key is not known yet")]
    KeyNotKnownYet,
}
