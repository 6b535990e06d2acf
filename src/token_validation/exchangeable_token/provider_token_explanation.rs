//! Explains refusals of [`ProviderTokenValidator`] to the operator.

use super::provider_token::{ProviderTokenValidator, is_id_token};
use crate::domain::{AudienceRule, ExchangePolicy, Secret};
use crate::observability::to_log_list;
use crate::token_validation::ExchangeableTokenError;
use crate::token_validation::check_explanation::{CheckExplanation, HintRow, SightedToken, find_hint, row};

/// Each check of RFC 9068 §4, with its cases.
pub(in crate::token_validation) const HINTS: [HintRow; 17] = [
    row("form", "the client's token of the provider is longer than 32 KiB, is encrypted, or has a claim twice"),
    row(
        "form:opaque",
        "the client's token is opaque, and only the provider can read it: let the provider issue JSON Web Tokens (RFC 9068) \
        for the resources of token_exchange.accepted_audiences",
    ),
    row(
        "alg",
        "the client's token of the provider is signed with no asymmetric algorithm that is taken: let the provider sign access \
        tokens with one that it announces",
    ),
    row("crit", "the client's token of the provider has a critical header, which no access token needs"),
    row("typ", "the client's token of the provider has a header of another type than JWT or at+jwt"),
    row(
        "typ:id_token",
        "the client sent an ID token of the provider, which is for the client alone: it must request an access token for an \
        audience of token_exchange.accepted_audiences",
    ),
    row("kid", "the client's token of the provider names no signing key, and more than one key of the provider fits"),
    row(
        "signature",
        "no key of the provider's key set has signed the client's token: check issuer, metadata_url or jwks_url of the \
        connection's identity provider",
    ),
    row(
        "iss",
        "the client's token is not the provider's own: compare its issuer with that of the connection's identity provider; for \
        tokens of Entra write subject = \"entra\" in token_exchange",
    ),
    row(
        "aud",
        "the client's token of the provider is for another resource: compare its audiences with \
        token_exchange.accepted_audiences, and let the client request one of these",
    ),
    row(
        "aud:header",
        "the client's token has a nonce in its header, as Microsoft Graph's tokens have: it is not the provider's",
    ),
    row("time", "the client's token of the provider lacks exp or iat, or lives longer than two days"),
    row(
        "cnf",
        "the client's token of the provider is bound to a key of the client (DPoP or mutual TLS), so that no other party can use \
        it: let the provider issue a plain bearer token to this client",
    ),
    row(
        "app_only",
        "the client's token of the provider is that of an application (client_credentials), without a user: the client must \
        request it for the user",
    ),
    row(
        "scp",
        "the client's token of the provider lacks a scope of the connection's required_scopes: let the client request it, or \
        change the setting",
    ),
    row(
        "azp",
        "the client's token of the provider was requested by a client that authorized_clients does not list: add the client id \
        if it may sign users in",
    ),
    row("sub", "the client's token of the provider names no user: sub is absent, or is longer than 255 bytes"),
];

/// Cases of errors that are no rejected checks.
pub(in crate::token_validation) const OTHER_HINTS: [HintRow; 4] = [
    row(
        "expired",
        "the client's token of the provider has expired or ends within 30 seconds: the client must fetch a fresh one",
    ),
    row(
        "expired:future",
        "the client's token of the provider is not valid yet: compare this machine's clock with the provider's",
    ),
    row(
        "key_not_known_yet",
        "the client's token names a key that the provider's key set does not have yet: the set is fetched again within 10 seconds",
    ),
    row("keys", "the provider's key set cannot be fetched: check metadata_url, jwks_url and egress"),
];

impl ProviderTokenValidator {
    /// Explains why [`ProviderTokenValidator::validate`] refused `raw` under `policy`: reads the token again, and says what
    /// came, what would have been accepted, and which setting decides.
    #[must_use]
    pub fn explain(&self, raw: &Secret, policy: &ExchangePolicy, error: &ExchangeableTokenError) -> CheckExplanation {
        let token = SightedToken::read(raw.expose());
        match error {
            ExchangeableTokenError::Rejected { check } => self.explain_check(&token, raw, policy, check),
            ExchangeableTokenError::Expired => {
                let is_future =
                    token.claims.lifetime().is_ok_and(|life| life.find_future_claim(self.clock.now()).is_some());
                CheckExplanation {
                    hint: find_hint(&OTHER_HINTS, if is_future { "expired:future" } else { "expired" }),
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

    fn explain_check(
        &self,
        token: &SightedToken,
        raw: &Secret,
        policy: &ExchangePolicy,
        check: &'static str,
    ) -> CheckExplanation {
        let case = match check {
            "form" if raw.expose().split('.').count() < 3 => "form:opaque",
            "typ" if is_id_token(&token.claims) => "typ:id_token",
            "aud" if token.has_header("nonce") => "aud:header",
            check => check,
        };
        let seen = match case {
            "form" | "form:opaque" => Some(token.show_length()),
            "alg" | "crit" => token.show(&[check], &[]),
            "typ" | "typ:id_token" => token.show(&["typ"], &["typ", "nonce", "scope"]),
            "kid" | "signature" => token.show(&["kid", "alg"], &["iss"]),
            "time" => token.show(&[], &["exp", "nbf", "iat"]),
            "app_only" => token.show(&[], &["client_id", "azp", "gty", "scope"]),
            "scp" => token.show(&[], &["scope", "scp"]),
            "azp" => token.show(&[], &["client_id", "azp"]),
            "cnf" | "sub" => None,
            _ => token.show(&[], &[check]),
        };
        CheckExplanation { hint: find_hint(&HINTS, case), seen, expected: self.expect(policy, case) }
    }

    fn expect(&self, policy: &ExchangePolicy, case: &str) -> Option<String> {
        let audiences = policy.audiences.iter().map(|rule| match rule {
            AudienceRule::ClientId(audience) | AudienceRule::Uri(audience) => audience,
        });
        match case {
            "typ" => Some("JWT or at+jwt".to_owned()),
            "form" => Some("at most 32768 bytes, in three parts".to_owned()),
            "iss" => Some(self.issuer.clone()),
            "aud" => Some(to_log_list(audiences)),
            "scp" => Some(policy.required_scopes.join(" ")),
            "azp" => Some(to_log_list(&policy.authorized_clients)),
            _ => None,
        }
    }
}
