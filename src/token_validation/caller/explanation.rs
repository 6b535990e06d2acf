//! Explains refusals of [`CallerTokenValidator`] to the operator.

use super::CallerTokenValidator;
use crate::observability::to_log_list;
use crate::token_validation::CallerTokenError;
use crate::token_validation::check_explanation::{CheckExplanation, HintRow, SightedToken, find_hint, row};

/// Each check of docs/protocols/bot-auth-and-skills.md §2, with its cases.
pub(in crate::token_validation) const HINTS: [HintRow; 23] = [
    row("form", "the caller's bearer is no JSON Web Token, is longer than 16 KiB, or has a claim twice"),
    row("alg", "the caller's token is not signed with RS256, as the tokens of channels and of Entra are"),
    row("crit", "the caller's token has a critical header that is not known here"),
    row("typ", "the caller's token is of another type than JWT"),
    row("kid", "the caller's token does not name its signing key"),
    row(
        "signature",
        "no key of the issuer's key set has signed the caller's token: for channels check channels.metadata_url \
        and channels.jwks_url, for applications those of the identity provider",
    ),
    row(
        "iss",
        "the caller's token has an issuer that is not trusted: channels.issuer (and channels.cloud) name the channels', \
        an identity provider with authenticates_callers the applications'",
    ),
    row("iss:key", "the caller's token is signed with a key that may not sign for its issuer: look for a forged token"),
    row(
        "tid",
        "the calling application's tenant is not trusted: bots.*.tenant, bots.*.callers.tenant, \
        bots.*.agent_365.tenants and token_service.tenants name the trusted ones",
    ),
    row(
        "tid:platform",
        "the Agent 365 platform called for a tenant that bots.*.agent_365.tenants of the called bot does not list",
    ),
    row("tid:form", "the caller's token has no tenant, or another one than its issuer names"),
    row("aud", "the caller's token has no audience, or several"),
    row("ver", "the caller's token has another version than its issuer"),
    row("azp", "the caller's token names no application in azp or appid, or two different ones"),
    row("serviceurl", "the channel's token has no serviceurl claim: it is no token of the Bot Connector"),
    row("exp", "the caller's token has no exp, or lives longer than two days"),
    row("nbf", "the caller's token is not valid yet: compare this machine's clock"),
    row("iat", "the caller's token was issued in the future: compare this machine's clock"),
    row(
        "expired",
        "the caller's token has expired: the caller must request a new one; if this repeats, compare this machine's \
        clock",
    ),
    row(
        "delegated",
        "the caller presented a user's token as its own: it must request an app-only token; a stolen token looks \
        like this as well",
    ),
    row("delegated:aud", "the caller presented a user's token that is for another application"),
    row(
        "key_not_known_yet",
        "the caller's token names a key that its issuer's key set does not have yet: the set is fetched again within 10 seconds",
    ),
    row(
        "keys",
        "the issuer's key set cannot be fetched: check channels.jwks_url, the identity provider's jwks_url, and the \
        outbound section",
    ),
];

impl CallerTokenValidator {
    /// Explains why this validator refused `raw`: what came, what would have been accepted, and which
    /// setting decides. `ours` says whether an audience of a user's token is ours.
    #[must_use]
    pub fn explain(&self, raw: &str, error: &CallerTokenError, ours: bool) -> CheckExplanation {
        let token = SightedToken::read(raw);
        let trust = self.find_trust(&token.claims);
        let check = match error {
            CallerTokenError::Invalid { check } => *check,
            CallerTokenError::Expired => "expired",
            CallerTokenError::Delegated { .. } if ours => "delegated",
            CallerTokenError::Delegated { .. } => "delegated:aud",
            CallerTokenError::UnlistedPlatformTenant { .. } if ours => "tid:platform",
            CallerTokenError::UnlistedPlatformTenant { .. } => "tid",
            CallerTokenError::KeysUnavailable => "keys",
            CallerTokenError::KeyNotKnownYet => "key_not_known_yet",
        };
        let case = match check {
            "iss" if trust.is_ok() => "iss:key",
            "tid" if trust.is_err() => "tid:form",
            check => check,
        };
        let seen = match check {
            "form" => Some(token.show_length()),
            "alg" | "crit" | "typ" => token.show(&[check], &[]),
            "kid" | "signature" | "keys" | "key_not_known_yet" => token.show(&["kid"], &["iss", "aud"]),
            "iss" => token.show(&[], &["iss", "aud"]),
            "tid" | "tid:platform" => token.show(&[], &["tid", "iss", "appid", "azp"]),
            "ver" => token.show(&[], &["ver", "iss"]),
            "azp" => token.show(&[], &["azp", "appid", "aud"]),
            "exp" | "nbf" | "iat" | "expired" => token.show(&[], &["nbf", "iat", "exp"]),
            "delegated" | "delegated:aud" => token.show(&[], &["aud", "tid", "azp", "appid"]),
            other => token.show(&[], &[other]),
        };
        CheckExplanation { hint: find_hint(&HINTS, case), seen, expected: self.expect(case) }
    }

    fn expect(&self, case: &str) -> Option<String> {
        match case {
            "alg" => Some("RS256".to_owned()),
            "iss" => {
                let mut issuers: Vec<&str> = self.channels.keys().map(String::as_str).collect();
                issuers.sort_unstable();
                let entra = self.entra.iter().flat_map(|callers| [&callers.trust.v2_issuer, &callers.trust.v1_issuer]);
                issuers.extend(entra.map(String::as_str));
                Some(to_log_list(issuers))
            }
            "tid" => Some(to_log_list(self.entra.iter().flat_map(|callers| &callers.tenants))),
            "nbf" | "iat" | "expired" => Some(format!("now={}", self.clock.now().unix_seconds())),
            _ => None,
        }
    }
}
