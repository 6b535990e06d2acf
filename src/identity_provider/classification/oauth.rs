//! What the refusals of other providers than Entra mean: by the registered `error` words (RFC 6749 §5.2, `OpenID` Connect
//! Core §3.1.2.6) and HTTP statuses alone. Their numbers and their prose are not used.

use super::{Classification, CredentialVerdict};
use crate::identity_provider::token_endpoint::EndpointRefusal;
use crate::identity_provider::{Diagnostics, RedeemError, RedeemFailure};

const SIGN_IN_AGAIN: &str =
    "the code or refresh token has expired, was used before or was revoked: a fresh sign-in cures it";
const REGISTRATION: &str = "the provider does not let this client do that: allow the grant types authorization_code and refresh_token, and \
    the redirect URI, in the client's registration";
const SCOPES: &str = "the provider does not know or not allow the connection's scopes";
const REQUEST: &str =
    "the provider does not take the request: check token_endpoint and the client's registration, else report a bug";

/// Classifies a refusal. Every refusal lands in a class, and only known ones show the user anything.
pub(super) fn classify(refusal: &EndpointRefusal) -> Classification {
    let interaction = || RedeemFailure::InteractionRequired { claims: None };
    let (failure, hint) = match (refusal.status, refusal.error.as_deref()) {
        (429, _) => throttled(refusal),
        _ if refusal.retry_after.is_some() => throttled(refusal),
        (408 | 500.., _) | (_, Some("temporarily_unavailable" | "server_error")) => {
            (RedeemFailure::Transient, "the provider has a fault; nothing to change here")
        }
        (_, Some("invalid_grant" | "login_required" | "interaction_required")) => (interaction(), SIGN_IN_AGAIN),
        (_, Some("consent_required")) => {
            (RedeemFailure::ConsentRequired, "the user has not consented to the connection's scopes")
        }
        (_, Some("access_denied")) => (RedeemFailure::Denied, "the provider denied access: see its log"),
        (_, Some("invalid_client")) => {
            (RedeemFailure::Misconfigured, "the provider does not take the client's credential: check client_id and it")
        }
        (_, Some("unauthorized_client")) => (RedeemFailure::Misconfigured, REGISTRATION),
        (_, Some("invalid_scope" | "invalid_target")) => (RedeemFailure::Misconfigured, SCOPES),
        (_, Some("invalid_request" | "unsupported_grant_type")) => (RedeemFailure::Misconfigured, REQUEST),
        _ => (
            RedeemFailure::Transient,
            "unknown answer: check the token endpoint's address, and whether a proxy answers in its place",
        ),
    };
    let is_of_client = refusal.error.as_deref() == Some("invalid_client") && failure == RedeemFailure::Misconfigured;
    let diagnostics =
        Diagnostics { http_status: Some(refusal.status), error: refusal.error.clone(), hint, ..Diagnostics::default() };
    Classification {
        retry: failure == RedeemFailure::Transient && refusal.status >= 500,
        credential: if is_of_client { CredentialVerdict::OtherMayServe } else { CredentialVerdict::Stands },
        ..Classification::conclusive(RedeemError { failure, diagnostics: Box::new(diagnostics) })
    }
}

fn throttled(refusal: &EndpointRefusal) -> (RedeemFailure, &'static str) {
    let failure = RedeemFailure::Throttled { retry_after: refusal.retry_after };
    (failure, "too many requests: wait, and look for a client that loops")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, error: &str) -> EndpointRefusal {
        EndpointRefusal { status, error: Some(error.to_owned()), ..EndpointRefusal::default() }
    }

    #[test]
    fn registered_words_are_understood_and_nothing_else() {
        for (status, error, failure) in [
            (400, "invalid_grant", RedeemFailure::InteractionRequired { claims: None }),
            (400, "consent_required", RedeemFailure::ConsentRequired),
            (403, "access_denied", RedeemFailure::Denied),
            (401, "invalid_client", RedeemFailure::Misconfigured),
            (400, "unauthorized_client", RedeemFailure::Misconfigured),
            (400, "invalid_scope", RedeemFailure::Misconfigured),
            (400, "invalid_request", RedeemFailure::Misconfigured),
            (400, "server_error", RedeemFailure::Transient),
            (502, "invalid_grant", RedeemFailure::Transient),
            (429, "invalid_grant", RedeemFailure::Throttled { retry_after: None }),
            (400, "something_new", RedeemFailure::Transient),
        ] {
            assert_eq!(classify(&refusal(status, error)).error.failure, failure, "{status} {error}");
        }
        assert!(classify(&refusal(503, "x")).retry && !classify(&refusal(400, "something_new")).retry);
        assert!(classify(&refusal(401, "invalid_client")).wants_other_credential());
    }

    #[test]
    fn a_number_of_entra_means_nothing_here() {
        let foreign = EndpointRefusal {
            codes: vec![65001],
            suberror: Some("consent_required".to_owned()),
            claims: Some("{\"a\":1}".to_owned()),
            ..refusal(400, "invalid_grant")
        };
        let verdict = classify(&foreign);
        assert_eq!(verdict.error.failure, RedeemFailure::InteractionRequired { claims: None });
        assert_eq!((verdict.error.diagnostics.aadsts, &verdict.error.diagnostics.suberror), (None, &None));
    }
}
