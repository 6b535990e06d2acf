//! What the words of a refusal mean where a user's token is exchanged at a provider other than Entra: they concern the token
//! that was sent, or the target of the exchange (RFC 8693 §2.2.2, RFC 7523 §3.1). Words that are not here mean what they mean
//! elsewhere.

use super::ExplainedMeaning;
use super::RefusalMeaning::{self, AccessRefused, Misconfigured, SignInAgain};
use super::words::is_same_word;

/// Meanings by `error`. The user's token was validated before it was sent, so that `invalid_request`, by which RFC 8693 also
/// rejects a subject token, is a matter of settings.
#[rustfmt::skip]
pub(super) const BY_EXCHANGE_ERROR: [(&str, RefusalMeaning, &str); 8] = [
    ("invalid_grant", SignInAgain,
     "the provider does not take the user's token: it has ended there, or its user is unknown to the provider; the user may sign in by the card"),
    ("invalid_token", SignInAgain,
     "the provider calls the user's token invalid_token: it has ended there, or its issuer or user is unknown to the provider; the user may sign in by the card"),
    ("invalid_request", Misconfigured,
     "the provider rejects the token exchange (RFC 8693 §2.2.2): compare subject_token_type and parameters of token_exchange with what it expects, and whether its policy takes tokens of this issuer, client and audience"),
    ("invalid_target", Misconfigured,
     "the provider issues no token for the target of the exchange: compare token_exchange.audience and token_exchange.resource with its clients and APIs"),
    ("unauthorized_client", Misconfigured,
     "the provider does not allow this client to exchange tokens: allow it in the client's registration (Keycloak: Standard token exchange; Zitadel: the grant type Token Exchange)"),
    ("unsupported_grant_type", Misconfigured,
     "the provider does not know the grant of the exchange: compare token_exchange.grant, and whether the provider has the feature switched on"),
    ("invalid_scope", Misconfigured,
     "the provider does not grant the connection's scopes in answer of an exchange: some providers refuse offline_access and openid there"),
    ("access_denied", AccessRefused,
     "the provider's policy refuses the exchange for this user, client or target: see its log"),
];

/// Finds the meaning of a word, however it is spelled.
pub(super) fn find_exchange_word(word: &str) -> Option<ExplainedMeaning> {
    let row = BY_EXCHANGE_ERROR.iter().find(|(known, ..)| is_same_word(known, word));
    row.map(|(_, meaning, hint)| ExplainedMeaning { meaning: *meaning, hint })
}
