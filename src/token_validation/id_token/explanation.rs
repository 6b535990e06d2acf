//! Explains refusals of [`IdTokenValidator`] to the operator.

use super::{IdTokenValidator, OwnDirectory, TrustedIdTokenIssuer};
use crate::domain::{Secret, TenantPolicy};
use crate::token_validation::IdTokenError;
use crate::token_validation::check_explanation::{
    CheckExplanation, HintRow, SightedToken, find_hint, row, show_tenants,
};

/// Each check of `OpenID` Connect Core §3.1.3.7, with its cases.
pub(in crate::token_validation) const HINTS: [HintRow; 25] = [
    row("form", "the ID token is no JSON Web Token, or has a claim twice"),
    row("too_long", "the ID token is longer than is accepted: let the provider put fewer claims (groups) into it"),
    row(
        "alg",
        "the ID token is signed with an algorithm that is not accepted, or that its key is not for: change the \
        client's ID token signature algorithm at the provider",
    ),
    row("crit", "the ID token has a critical header that is not known here"),
    row("typ", "the ID token's header names another type than JWT"),
    row("kid", "the ID token does not name its key, or not exactly one key of the provider's key set fits"),
    row(
        "signature",
        "no key of the provider's key set has signed the ID token: check the identity provider's jwks_url",
    ),
    row("iss", "the ID token has another issuer: write the identity provider's issuer exactly as the provider does"),
    row("iss:key", "the ID token is signed with a key that may not sign for its issuer: look for a forged token"),
    row("tid", "the user's tenant is none of the connection's tenants: add it to tenants if its users may sign in"),
    row("tid:form", "the ID token has no tenant, or another one than its issuer names"),
    row("ver", "the ID token's version does not fit its issuer: check issuer and v1_issuer of the identity provider"),
    row("aud", "the ID token is for another client: check the connection's client_id"),
    row("aud:header", "the ID token names an audience in its header, which no known provider does"),
    row("azp", "the ID token is for several clients, or was issued to another one: check the connection's client_id"),
    row("exp", "the ID token has expired: compare this machine's clock with the provider's"),
    row("exp:lifetime", "the ID token has no exp, or lives longer than two days"),
    row("iat", "the ID token was issued in the future: compare this machine's clock with the provider's"),
    row("iat:absent", "the ID token does not say when it was issued"),
    row("nbf", "the ID token is not valid yet: compare this machine's clock with the provider's"),
    row("nonce", "the ID token was issued for another sign-in: look for a replayed token"),
    row("oid", "the ID token of Entra names no user: the optional claim oid is absent or no GUID"),
    row("sub", "the ID token names no user: sub is absent, too long or not printable"),
    row(
        "key_not_known_yet",
        "the ID token names a key that the provider's key set does not have yet: the set is fetched again within 10 seconds",
    ),
    row(
        "keys",
        "the provider's key set cannot be fetched: check the identity provider's jwks_url and the outbound section",
    ),
];

impl IdTokenValidator {
    /// Explains why [`IdTokenValidator::validate`] refused `raw`: what came, what would have been accepted, and which
    /// setting decides.
    #[must_use]
    pub fn explain(
        &self,
        raw: &Secret,
        client_id: &str,
        tenants: &TenantPolicy,
        error: &IdTokenError,
    ) -> CheckExplanation {
        let token = SightedToken::read(raw.expose());
        let check = match error {
            IdTokenError::Rejected { check } => check,
            IdTokenError::KeysUnavailable => "keys",
            IdTokenError::KeyNotKnownYet => "key_not_known_yet",
        };
        let is_us = |name: &str| name.eq_ignore_ascii_case(client_id);
        let names_us =
            token.claims.texts("aud").is_some_and(|audiences| audiences.into_iter().any(|audience| is_us(&audience)));
        let issuer_fits = match &self.trust {
            TrustedIdTokenIssuer::Entra(trust) => trust.origin(&token.claims).is_ok(),
            TrustedIdTokenIssuer::OpenIdConnect { issuer, .. }
            | TrustedIdTokenIssuer::Directory(OwnDirectory { issuer, .. }) => token.claims.text("iss") == Some(issuer),
        };
        let case = match check {
            "iss" if issuer_fits => "iss:key",
            "tid" if !issuer_fits => "tid:form",
            "aud" if names_us => "aud:header",
            "exp" if token.claims.lifetime().is_err() => "exp:lifetime",
            "iat" if !token.claims.has("iat") => "iat:absent",
            check => check,
        };
        let seen = match check {
            "form" | "too_long" => Some(token.show_length()),
            "alg" => token.show(&["alg", "kid"], &[]),
            "crit" | "typ" => token.show(&[check], &[]),
            "kid" | "signature" | "keys" | "key_not_known_yet" => token.show(&["alg", "kid"], &["iss"]),
            "iss" => token.show(&[], &["iss"]),
            "tid" | "ver" => token.show(&[], &[check, "iss"]),
            "azp" => token.show(&[], &["azp", "aud"]),
            "exp" | "iat" | "nbf" => token.show(&[], &["iat", "nbf", "exp"]),
            "nonce" => None,
            other => token.show(&[], &[other]),
        };
        let expected = match case {
            "iss" => Some(match &self.trust {
                TrustedIdTokenIssuer::Entra(trust) => trust.v2_issuer.clone(),
                TrustedIdTokenIssuer::OpenIdConnect { issuer, .. }
                | TrustedIdTokenIssuer::Directory(OwnDirectory { issuer, .. }) => issuer.clone(),
            }),
            "tid" => Some(show_tenants(tenants)),
            "aud" | "azp" => Some(client_id.to_owned()),
            "exp" | "iat" | "nbf" => Some(format!("now={}", self.clock.now().unix_seconds())),
            _ => None,
        };
        CheckExplanation { hint: find_hint(&HINTS, case), seen, expected }
    }
}
