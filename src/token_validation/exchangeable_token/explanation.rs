//! Explains refusals of [`ExchangeableTokenValidator`] to the operator.

use super::{ExchangeableTokenValidator, check_audience};
use crate::domain::{AudienceRule, ExchangePolicy, Secret};
use crate::observability::to_log_list;
use crate::token_validation::ExchangeableTokenError;
use crate::token_validation::check_explanation::{
    CheckExplanation, HintRow, SightedToken, find_hint, row, show_tenants,
};
use crate::token_validation::issuer::IssuerVersion;

/// Each check of docs/protocols/entra-obo.md §1, with its cases.
pub(in crate::token_validation) const HINTS: [HintRow; 22] = [
    row("form", "the client's value is no JSON Web Token, is longer than 32 KiB, or has a claim twice"),
    row(
        "form:nonce",
        "the client sent an ID token (it has a nonce): the client must request a token for token_exchange_uri",
    ),
    row("alg", "the client's token is not signed with RS256, as Entra's tokens are: it is another issuer's"),
    row("crit", "the client's token has a critical header, which Entra's tokens have not"),
    row("typ", "the client's token is of another type than an access token"),
    row("kid", "the client's token does not name its signing key, as Entra's tokens do"),
    row(
        "signature",
        "no key of the identity provider's key set has signed the client's token: check authority, metadata_url \
        or jwks_url of the identity provider",
    ),
    row(
        "iss",
        "the client's token has another issuer: check authority, issuer and v1_issuer of the connection's identity \
        provider (another national cloud has other ones)",
    ),
    row("iss:key", "the client's token is signed with a key that may not sign for its issuer: look for a forged token"),
    row(
        "tid",
        "the client's token is of a tenant that the connection does not list: add it to the connection's tenants if \
        its users may sign in",
    ),
    row("tid:form", "the client's token has no tenant, or another one than its issuer names"),
    row("ver", "the client's token has another version than its issuer: look for a forged token"),
    row(
        "ver:v1",
        "the client's token is a v1.0 token: set api.requestedAccessTokenVersion to 2 in the manifest of the app \
        registration, or allow_v1 in the connection",
    ),
    row(
        "aud",
        "the client's token is for another application: compare the connection's client_id and token_exchange_uri with \
        the App ID URI (Expose an API), and with webApplicationInfo in the Teams manifest",
    ),
    row("aud:header", "the client's token names an audience in its header, which Entra's tokens do not"),
    row("time", "the client's token lacks exp, nbf or iat, or lives longer than two days"),
    row(
        "app_only",
        "the client's token is an application's own, without a user: the client must request it for the user",
    ),
    row(
        "scp",
        "the client's token lacks a scope that the connection requires: expose the scope and let the client request it, \
        or change the connection's required_scopes",
    ),
    row("scp:absent", "the client's token has no scp at all: it is no delegated access token"),
    row(
        "azp",
        "the client's token was requested by a client that the connection does not list: add the client to \
        authorized_clients if it may sign users in",
    ),
    row("azp:differs", "the client's token names two different clients in azp and appid"),
    row("oid", "the client's token names no user of Entra: oid is absent or no GUID"),
];

/// Cases of errors that are no rejected checks.
pub(in crate::token_validation) const OTHER_HINTS: [HintRow; 4] = [
    row(
        "expired",
        "the client's token has expired or ends within 30 seconds: the client must fetch a fresh one; if this \
        repeats, compare this machine's clock",
    ),
    row("expired:future", "the client's token is not valid yet: compare this machine's clock"),
    row(
        "key_not_known_yet",
        "the client's token names a key that the issuer's key set does not have yet: the set is fetched again within 10 seconds",
    ),
    row("keys", "the issuer's key set cannot be fetched: check jwks_url and egress"),
];

impl ExchangeableTokenValidator {
    /// Explains why [`ExchangeableTokenValidator::validate`] refused `raw` under `policy`: reads the token again, and
    /// says what came, what would have been accepted, and which setting decides.
    #[must_use]
    pub fn explain(&self, raw: &Secret, policy: &ExchangePolicy, error: &ExchangeableTokenError) -> CheckExplanation {
        let token = SightedToken::read(raw.expose());
        match error {
            ExchangeableTokenError::Rejected { check } => self.explain_check(&token, policy, check),
            ExchangeableTokenError::Expired => {
                let is_future =
                    token.claims.lifetime().is_ok_and(|life| life.find_future_claim(self.clock.now()).is_some());
                let case = if is_future { "expired:future" } else { "expired" };
                CheckExplanation {
                    hint: find_hint(&OTHER_HINTS, case),
                    seen: token.show(&[], &["nbf", "iat", "exp"]),
                    expected: Some(format!("now={}", self.clock.now().unix_seconds())),
                }
            }
            ExchangeableTokenError::KeysUnavailable | ExchangeableTokenError::KeyNotKnownYet => {
                let is_missing = *error == ExchangeableTokenError::KeysUnavailable;
                let case = if is_missing { "keys" } else { "key_not_known_yet" };
                let seen = token.show(&["kid"], &["iss"]);
                CheckExplanation { hint: find_hint(&OTHER_HINTS, case), seen, expected: None }
            }
        }
    }

    fn explain_check(&self, token: &SightedToken, policy: &ExchangePolicy, check: &'static str) -> CheckExplanation {
        let origin = self.trust.origin(&token.claims);
        let is_v1 = origin.as_ref().is_ok_and(|origin| origin.version == IssuerVersion::V1);
        let version = if is_v1 { IssuerVersion::V1 } else { IssuerVersion::V2 };
        let fits_version = origin.as_ref().is_ok_and(|origin| origin.fits_version(&token.claims));
        let case = match check {
            "form" if token.claims.has("nonce") => "form:nonce",
            "iss" if origin.is_ok() => "iss:key",
            "tid" if origin.is_err() => "tid:form",
            "ver" if is_v1 && fits_version => "ver:v1",
            "aud" if check_audience(&token.claims, version, policy).is_ok() => "aud:header",
            "scp" if !token.claims.has("scp") => "scp:absent",
            "azp" if token.claims.has("azp") && token.claims.has("appid") => "azp:differs",
            check => check,
        };
        let seen = match check {
            "form" => Some(token.show_length()),
            "alg" | "crit" | "typ" => token.show(&[check], &[]),
            "kid" | "signature" => token.show(&["kid"], &["iss"]),
            "iss" => token.show(&[], &["iss"]),
            "ver" | "tid" => token.show(&[], &[check, "iss"]),
            "time" => token.show(&[], &["exp", "nbf", "iat"]),
            "app_only" => token.show(&[], &["idtyp", "roles", "scp"]),
            "azp" => token.show(&[], &["azp", "appid"]),
            other => token.show(&[], &[other]),
        };
        CheckExplanation { hint: find_hint(&HINTS, case), seen, expected: self.expect(policy, case) }
    }

    fn expect(&self, policy: &ExchangePolicy, case: &str) -> Option<String> {
        match case {
            "alg" => Some("RS256".to_owned()),
            "typ" => Some("JWT or at+jwt".to_owned()),
            "form" => Some("at most 32768 bytes, in three parts".to_owned()),
            "iss" if policy.allow_v1 => Some(to_log_list([&self.trust.v2_issuer, &self.trust.v1_issuer])),
            "iss" => Some(self.trust.v2_issuer.clone()),
            "tid" => Some(show_tenants(&policy.tenants)),
            "ver" | "ver:v1" => Some("2.0".to_owned()),
            "aud" => Some(to_log_list(policy.audiences.iter().map(show_audience))),
            "scp" | "scp:absent" => Some(policy.required_scopes.join(" ")),
            "azp" => Some(to_log_list(&policy.authorized_clients)),
            _ => None,
        }
    }
}

fn show_audience(rule: &AudienceRule) -> &str {
    match rule {
        AudienceRule::ClientId(audience) | AudienceRule::Uri(audience) => audience,
    }
}
