//! Classifies the error responses of providers other than Entra by the registered `error` words (RFC 6749 §5.2,
//! `OpenID` Connect Core §3.1.2.6) and the HTTP status. Numbers and free text in the response are ignored.

use super::unknown_words::explain_unknown;
use super::words::find_error_word;
use super::{Classification, CredentialVerdict, ExplainedMeaning, RefusalMeaning};
use crate::identity_provider::token_endpoint::EndpointRefusal;
use crate::identity_provider::{Diagnostics, RedeemError, RedeemFailure};

/// Classifies an error response. Every response gets a class; only what the provider itself says leads to a sign-in card.
pub(super) fn classify(refusal: &EndpointRefusal) -> Classification {
    let ExplainedMeaning { meaning, hint } = explain(refusal);
    let failure = meaning.to_failure(refusal, None);
    let is_of_client = refusal.error.as_deref() == Some("invalid_client") && failure == RedeemFailure::Misconfigured;
    let diagnostics =
        Diagnostics { http_status: Some(refusal.status), error: refusal.error.clone(), hint, ..Diagnostics::default() };
    Classification {
        retry: failure == RedeemFailure::Transient && refusal.status >= 500,
        credential: if is_of_client { CredentialVerdict::OtherMayServe } else { CredentialVerdict::Stands },
        ..Classification::conclusive(RedeemError { failure, diagnostics: Box::new(diagnostics) })
    }
}

/// Finds meaning and hint. Status and `Retry-After` are checked first, because a provider behind a proxy may lose its own
/// words in an outage.
fn explain(refusal: &EndpointRefusal) -> ExplainedMeaning {
    let explained = |meaning, hint| ExplainedMeaning { meaning, hint };
    if refusal.status == 429 || (refusal.retry_after.is_some() && !refusal.is_server_fault()) {
        return explained(
            RefusalMeaning::Throttled,
            "the provider received too many requests: wait, and look for a client that sends requests in a loop",
        );
    }
    if refusal.is_server_fault() {
        return explained(
            RefusalMeaning::ServerFault,
            "the provider's token endpoint has a fault; there is nothing to change in this configuration",
        );
    }
    match refusal.oauth_error().and_then(find_error_word) {
        Some(row) => explained(row.meaning, row.other),
        None => explain_unknown(refusal),
    }
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
            (400, "something_new", RedeemFailure::Refused),
            (404, "something_new", RedeemFailure::Transient),
            (302, "invalid_grant", RedeemFailure::Transient),
            (404, "invalid_grant", RedeemFailure::Transient),
            (407, "access_denied", RedeemFailure::Transient),
            (403, "Forbidden", RedeemFailure::Transient),
            (400, "incorrect_client_credentials", RedeemFailure::Misconfigured),
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
