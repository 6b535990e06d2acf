//! Classifies the error responses of providers other than Entra by the registered `error` words (RFC 6749 §5.2,
//! `OpenID` Connect Core §3.1.2.6) and the HTTP status. Numbers and free text in the response are ignored.

use super::{Classification, CredentialVerdict};
use crate::identity_provider::token_endpoint::EndpointRefusal;
use crate::identity_provider::{Diagnostics, RedeemError, RedeemFailure};

const SIGN_IN_AGAIN: &str =
    "the code or refresh token has expired, was used before or was revoked: the user must sign in again";
const REGISTRATION: &str = "the provider does not allow this client to use the grant: allow the grant types authorization_code and refresh_token, and \
    the redirect URI, in the client's registration";
const SCOPES: &str = "the provider does not know or does not allow the connection's scopes";
const REQUEST: &str = "the provider rejects the request: check token_endpoint and the client's registration; if both are right, report a bug";

/// Classifies an error response. Every response gets a class; only a known error leads to a sign-in card.
pub(super) fn classify(refusal: &EndpointRefusal) -> Classification {
    let interaction = || RedeemFailure::InteractionRequired { claims: None };
    let (failure, hint) = match (refusal.status, refusal.error.as_deref()) {
        (429, _) => throttled(refusal),
        _ if refusal.retry_after.is_some() && !refusal.is_server_fault() => throttled(refusal),
        (408 | 500.., _) | (_, Some("temporarily_unavailable" | "server_error")) => {
            (refusal.fault(), "the provider has a fault; there is nothing to change in this configuration")
        }
        (_, Some("invalid_grant" | "login_required" | "interaction_required")) => (interaction(), SIGN_IN_AGAIN),
        (_, Some("consent_required")) => {
            (RedeemFailure::ConsentRequired, "the user has not consented to the connection's scopes")
        }
        (_, Some("access_denied")) => (RedeemFailure::Denied, "the provider denied access: see its log"),
        (_, Some("invalid_client")) => (
            RedeemFailure::Misconfigured,
            "the provider rejects the client's credential: check client_id and the credential",
        ),
        (_, Some("unauthorized_client")) => (RedeemFailure::Misconfigured, REGISTRATION),
        (_, Some("invalid_scope" | "invalid_target")) => (RedeemFailure::Misconfigured, SCOPES),
        (_, Some("invalid_request" | "unsupported_grant_type")) => (RedeemFailure::Misconfigured, REQUEST),
        _ => (
            RedeemFailure::Transient,
            "the response is unknown: check the token endpoint's address, and whether a proxy responds in its place",
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
    (failure, "the provider received too many requests: wait, and look for a client that sends requests in a loop")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, error: &str) -> EndpointRefusal {
        EndpointRefusal { status, error: Some(error.to_owned()), ..EndpointRefusal::default() }
    }

    #[test]
    fn classify_uses_only_status_and_registered_error_words() {
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
    fn classify_ignores_aadsts_numbers_suberror_and_claims() {
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
