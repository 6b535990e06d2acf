//! Classifies the error responses of providers other than Entra by the registered `error` words (RFC 6749 §5.2,
//! `OpenID` Connect Core §3.1.2.6) and the HTTP status. Numbers and free text in the response are ignored.

use super::exchange_words::find_exchange_word;
use super::unknown_words::explain_unknown;
use super::words::{find_error_word, is_same_word};
use super::{Classification, CredentialVerdict, ExplainedMeaning, RefusalMeaning};
use crate::identity_provider::token_endpoint::EndpointRefusal;
use crate::identity_provider::{Diagnostics, RedeemError, RedeemFailure};

/// Classifies an error response. Every response gets a class; only what the provider itself says leads to a sign-in card.
pub(super) fn classify(refusal: &EndpointRefusal) -> Classification {
    build_classification(refusal, explain(refusal))
}

/// Classifies an error response to the exchange of a user's token.
pub(super) fn classify_exchange(refusal: &EndpointRefusal) -> Classification {
    let is_of_server = refusal.status == 429 || refusal.is_server_fault();
    let of_exchange = refusal.oauth_error().filter(|_| !is_of_server).and_then(find_exchange_word);
    build_classification(refusal, of_exchange.unwrap_or_else(|| explain(refusal)))
}

fn build_classification(refusal: &EndpointRefusal, explained: ExplainedMeaning) -> Classification {
    let ExplainedMeaning { meaning, hint } = explained;
    let failure = meaning.to_failure(refusal, None);
    let names_client = refusal.error.as_deref().is_some_and(|word| is_same_word(word, "invalid_client"));
    let is_of_client = names_client && failure == RedeemFailure::Misconfigured;
    let diagnostics =
        Diagnostics { http_status: Some(refusal.status), error: refusal.error.clone(), hint, ..Diagnostics::default() };
    Classification {
        retry: failure == RedeemFailure::Transient && refusal.status >= 500,
        credential: if is_of_client { CredentialVerdict::OtherMayServe } else { CredentialVerdict::Stands },
        ..Classification::conclusive(RedeemError { failure, diagnostics: Box::new(diagnostics) })
    }
}

/// Finds meaning and hint. A status that says outage or limit is checked first, because a provider behind a proxy may
/// lose its own words then. At any other status the word decides, and `Retry-After` is only the wait of a word that says
/// outage or limit.
fn explain(refusal: &EndpointRefusal) -> ExplainedMeaning {
    let explained = |meaning, hint| ExplainedMeaning { meaning, hint };
    if refusal.status == 429 {
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
            (302, "something_new", RedeemFailure::Transient),
            (302, "invalid_grant", RedeemFailure::InteractionRequired { claims: None }),
            (200, "invalid_grant", RedeemFailure::InteractionRequired { claims: None }),
            (200, "invalid_client", RedeemFailure::Misconfigured),
            (200, "temporarily_unavailable", RedeemFailure::Transient),
            (200, "bad_refresh_token", RedeemFailure::Refused),
            (200, "Forbidden", RedeemFailure::Transient),
            (400, "InvalidGrant", RedeemFailure::InteractionRequired { claims: None }),
            (403, "Access Denied", RedeemFailure::Denied),
            (401, "INVALID-CLIENT", RedeemFailure::Misconfigured),
            (404, "invalid_grant", RedeemFailure::Transient),
            (407, "access_denied", RedeemFailure::Transient),
            (403, "Forbidden", RedeemFailure::Transient),
            (400, "incorrect_client_credentials", RedeemFailure::Misconfigured),
        ] {
            assert_eq!(classify(&refusal(status, error)).error.failure, failure, "{status} {error}");
        }
        assert!(classify(&refusal(503, "x")).retry && !classify(&refusal(400, "something_new")).retry);
        for word in ["invalid_client", "InvalidClient"] {
            assert!(classify(&refusal(401, word)).wants_other_credential(), "{word}");
        }
    }

    #[test]
    fn retry_after_is_the_wait_of_a_limit_or_an_outage_and_makes_none_of_another_word() {
        use RedeemFailure::{ConsentRequired, InteractionRequired, Misconfigured, Refused, Throttled, Unavailable};
        for seconds in [0, 30] {
            let wait = std::time::Duration::from_secs(seconds);
            for (status, error, failure) in [
                (400, "invalid_grant", InteractionRequired { claims: None }),
                (200, "invalid_grant", InteractionRequired { claims: None }),
                (403, "consent_required", ConsentRequired),
                (400, "token_expired", Refused),
                (401, "invalid_client", Misconfigured),
                (400, "slow_down", Throttled { retry_after: Some(wait) }),
                (400, "temporarily_unavailable", Unavailable { retry_after: wait }),
                (400, "Forbidden", Unavailable { retry_after: wait }),
                (404, "invalid_grant", Unavailable { retry_after: wait }),
                (429, "invalid_grant", Throttled { retry_after: Some(wait) }),
                (503, "invalid_grant", Unavailable { retry_after: wait }),
            ] {
                let verdict = classify(&EndpointRefusal { retry_after: Some(wait), ..refusal(status, error) });
                assert_eq!(verdict.error.failure, failure, "{status} {error} {seconds}");
                assert!(!verdict.retry, "{status} {error}");
            }
        }
    }

    #[test]
    fn the_words_of_an_exchange_concern_the_users_token_and_the_target() {
        let needs_user = RedeemFailure::InteractionRequired { claims: None };
        for (status, error, failure, hint) in [
            (400, "invalid_grant", needs_user.clone(), "the user's token"),
            (400, "invalid_token", needs_user, "invalid_token"),
            (400, "invalid_request", RedeemFailure::Misconfigured, "subject_token_type"),
            (400, "invalid_target", RedeemFailure::Misconfigured, "token_exchange.audience"),
            (400, "InvalidTarget", RedeemFailure::Misconfigured, "token_exchange.audience"),
            (403, "unauthorized_client", RedeemFailure::Misconfigured, "exchange tokens"),
            (400, "unsupported_grant_type", RedeemFailure::Misconfigured, "token_exchange.grant"),
            (400, "invalid_scope", RedeemFailure::Misconfigured, "of an exchange"),
            (403, "access_denied", RedeemFailure::Denied, "exchange"),
            (400, "consent_required", RedeemFailure::ConsentRequired, "consented"),
            (401, "invalid_client", RedeemFailure::Misconfigured, "credential"),
            (400, "slow_down", RedeemFailure::Throttled { retry_after: None }, "limit"),
            (429, "invalid_target", RedeemFailure::Throttled { retry_after: None }, "too many requests"),
            (503, "invalid_grant", RedeemFailure::Transient, "fault"),
            (404, "invalid_target", RedeemFailure::Transient, "unknown"),
        ] {
            let error_of = classify_exchange(&refusal(status, error)).error;
            assert_eq!(error_of.failure, failure, "{status} {error}");
            assert!(error_of.diagnostics.hint.contains(hint), "{status} {error}: {}", error_of.diagnostics.hint);
        }
        assert!(classify_exchange(&refusal(401, "invalid_client")).wants_other_credential());
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
