//! Classifies Entra's error responses (docs/protocols/entra-obo.md §3). Status, headers and `claims` are checked first;
//! AADSTS numbers refine the result. The numbers and `error` words are tables of data.

pub(super) mod hints;
pub(super) mod numbers;
#[cfg(test)]
mod tests;

use self::hints::CLIENT_ASSERTION;
use self::numbers::{ASSERTION_TIMES_REFUSED, BY_CODE, OTHER_CREDENTIAL_MAY_SERVE};
use super::unknown_words::explain_unknown;
use super::words::{BY_SUBERROR, find_error_word, is_same_word};
use super::{Classification, CredentialVerdict, ExplainedMeaning, RefusalMeaning};
use crate::identity_provider::token_endpoint::EndpointRefusal;
use crate::identity_provider::{Diagnostics, RedeemError};

/// Classifies an error response. Every response gets a class; only what the provider itself says leads to a sign-in card.
pub(super) fn classify(refusal: &EndpointRefusal) -> Classification {
    // If there are several numbers, the last known one is the most specific ("AADSTS70002: …. AADSTS70008: … expired").
    let row = refusal.codes.iter().rev().find_map(|code| BY_CODE.iter().find(|row| row.0 == *code));
    let by_code = row.map(|row| ExplainedMeaning { meaning: row.1, hint: row.2 });
    let names_client = refusal.error.as_deref().is_some_and(|word| is_same_word(word, "invalid_client"));
    let ExplainedMeaning { meaning, hint } = match explain(refusal, by_code) {
        // With `invalid_client` the rejected assertion is the client's own assertion, not the user's token. The user
        // cannot cure that.
        ExplainedMeaning { meaning: RefusalMeaning::AssertionRejected, .. } if names_client => {
            ExplainedMeaning { meaning: RefusalMeaning::Misconfigured, hint: CLIENT_ASSERTION }
        }
        explained => explained,
    };
    let code = row.map(|row| row.0).or_else(|| refusal.codes.last().copied());
    let diagnostics = Box::new(Diagnostics {
        http_status: Some(refusal.status),
        error: refusal.error.clone(),
        suberror: refusal.suberror.clone(),
        aadsts: code,
        trace_id: refusal.trace_id.clone(),
        hint,
        ..Diagnostics::default()
    });
    Classification {
        error: RedeemError { failure: meaning.to_failure(refusal, refusal.claims.as_deref()), diagnostics },
        retry: meaning == RefusalMeaning::Transient && refusal.retry_after.is_none(),
        credential: match code {
            Some(ASSERTION_TIMES_REFUSED) => CredentialVerdict::RenewedMayServe,
            Some(code) if OTHER_CREDENTIAL_MAY_SERVE.contains(&code) => CredentialVerdict::OtherMayServe,
            // The number is not in the table, but `invalid_client` says that the error is about the client
            // (docs/protocols/entra-obo.md §3).
            _ if row.is_none() && names_client => CredentialVerdict::OtherMayServe,
            _ => CredentialVerdict::Stands,
        },
        tenant_wide: meaning == RefusalMeaning::TenantThrottled,
    }
}

/// Finds meaning and hint. The status and `claims` are checked first, then the number, then `suberror` and `error`
/// (docs/protocols/entra-obo.md §3).
fn explain(refusal: &EndpointRefusal, by_code: Option<ExplainedMeaning>) -> ExplainedMeaning {
    use RefusalMeaning::{Denied, Interaction, ServerFault, Throttled, Transient};

    let explained = |meaning, hint| ExplainedMeaning { meaning, hint };
    let tenant_wide = by_code.filter(|row| row.meaning == RefusalMeaning::TenantThrottled);
    if refusal.status == 429 {
        let hint = "the issuer received too many requests: wait, and look for a client that sends requests in a loop";
        return tenant_wide.unwrap_or(explained(Throttled, hint));
    }
    if refusal.claims.is_some() && refusal.status < 500 {
        let hint =
            "conditional access requires a further step of the user; the sign-in card carries the claims challenge";
        return explained(Interaction, by_code.map_or(hint, |row| row.hint));
    }
    if refusal.retry_after.is_some() && refusal.is_server_fault() {
        // A fault's Retry-After speaks of the server (RFC 9110 §10.2.3), not of too many requests.
        let hint = "the issuer has a fault and sent Retry-After: no further requests are sent until that time, for a \
                    minute at most";
        return tenant_wide.unwrap_or(explained(ServerFault, hint));
    }
    // Entra sends temporary faults with status 400 too, so the number decides there. With a 5xx status the number
    // decides only if it also stands for a fault.
    if let Some(row) = by_code
        && (refusal.status < 500 || row.meaning.is_fault())
    {
        return row;
    }
    if refusal.is_server_fault() {
        return explained(
            Transient,
            "the issuer's status says that it has a fault; there is nothing to change in this configuration",
        );
    }
    if refusal.device_challenge {
        return explained(Denied, "conditional access requires a device certificate, which a server cannot present");
    }
    let by_suberror = refusal.suberror.as_deref().and_then(|suberror| {
        let row = BY_SUBERROR.iter().find(|row| is_same_word(row.0, suberror))?;
        Some(explained(row.1, row.2))
    });
    let by_error = || {
        let row = refusal.oauth_error().and_then(find_error_word)?;
        Some(explained(row.meaning, row.entra))
    };
    by_suberror.or_else(by_error).unwrap_or_else(|| explain_unknown(refusal))
}
