//! Classifies Entra's error responses (docs/protocols/entra-obo.md §3). Status, headers and `claims` are checked first;
//! AADSTS numbers refine the result. The numbers and `error` words are tables of data.

mod table;
#[cfg(test)]
mod tests;

use self::table::{ASSERTION_TIMES_REFUSED, BY_CODE, BY_ERROR, BY_SUBERROR, CREDENTIAL, OTHER_CREDENTIAL_MAY_SERVE};
use super::{Classification, CredentialVerdict};
use crate::identity_provider::token_endpoint::EndpointRefusal;
use crate::identity_provider::{Diagnostics, RedeemError, RedeemFailure};

/// The meaning of an error response, without its claims challenge or waiting time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EntraErrorClass {
    Consent,
    Interaction,
    AssertionExpired,
    AssertionRejected,
    Misconfigured,
    Denied,
    /// Entra throttles this user, or this client for this user.
    Throttled,
    /// Entra throttles the client for all users of the tenant.
    TenantThrottled,
    /// A temporary fault; an immediate retry usually succeeds.
    Transient,
    /// A fault of the issuer that an immediate retry does not cure.
    ServerFault,
}

/// A class and the hint for the operator.
#[derive(Clone, Copy)]
struct ExplainedClass {
    class: EntraErrorClass,
    hint: &'static str,
}

/// Classifies an error response. Every response gets a class; only a known error leads to a sign-in card.
pub(super) fn classify(refusal: &EndpointRefusal) -> Classification {
    // If there are several numbers, the last known one is the most specific ("AADSTS70002: …. AADSTS70008: … expired").
    let row = refusal.codes.iter().rev().find_map(|code| BY_CODE.iter().find(|row| row.0 == *code));
    let by_code = row.map(|row| ExplainedClass { class: row.1, hint: row.2 });
    let ExplainedClass { class, hint } = match explain(refusal, by_code) {
        // With `invalid_client` the rejected assertion is the client's own assertion, not the user's token. The user
        // cannot cure that.
        ExplainedClass { class: EntraErrorClass::AssertionRejected, .. }
            if refusal.error.as_deref() == Some("invalid_client") =>
        {
            ExplainedClass { class: EntraErrorClass::Misconfigured, hint: CREDENTIAL }
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
    });
    Classification {
        error: RedeemError { failure: to_failure(class, refusal), diagnostics },
        retry: class == EntraErrorClass::Transient,
        credential: match code {
            Some(ASSERTION_TIMES_REFUSED) => CredentialVerdict::RenewedMayServe,
            Some(code) if OTHER_CREDENTIAL_MAY_SERVE.contains(&code) => CredentialVerdict::OtherMayServe,
            // The number is not in the table, but `invalid_client` says that the error is about the client
            // (docs/protocols/entra-obo.md §3).
            _ if row.is_none() && refusal.error.as_deref() == Some("invalid_client") => {
                CredentialVerdict::OtherMayServe
            }
            _ => CredentialVerdict::Stands,
        },
        tenant_wide: class == EntraErrorClass::TenantThrottled,
    }
}

/// Maps a class to a provider-neutral failure and adds the response's claims challenge or waiting time.
fn to_failure(class: EntraErrorClass, refusal: &EndpointRefusal) -> RedeemFailure {
    match class {
        EntraErrorClass::Consent => RedeemFailure::ConsentRequired,
        EntraErrorClass::Interaction => RedeemFailure::InteractionRequired { claims: refusal.claims.clone() },
        EntraErrorClass::AssertionExpired => RedeemFailure::AssertionExpired,
        EntraErrorClass::AssertionRejected => RedeemFailure::AssertionRejected,
        EntraErrorClass::Misconfigured => RedeemFailure::Misconfigured,
        EntraErrorClass::Denied => RedeemFailure::Denied,
        EntraErrorClass::Throttled | EntraErrorClass::TenantThrottled => {
            RedeemFailure::Throttled { retry_after: refusal.retry_after }
        }
        EntraErrorClass::Transient | EntraErrorClass::ServerFault => refusal.fault(),
    }
}

/// Finds class and hint. Status, `claims` and `Retry-After` are checked first, then the number, then `suberror` and
/// `error` (docs/protocols/entra-obo.md §3).
fn explain(refusal: &EndpointRefusal, by_code: Option<ExplainedClass>) -> ExplainedClass {
    use EntraErrorClass::{Denied, Interaction, ServerFault, Throttled, Transient};

    let explained = |class, hint| ExplainedClass { class, hint };
    let tenant_wide = by_code.filter(|row| row.class == EntraErrorClass::TenantThrottled);
    if refusal.status == 429 {
        let hint = "the issuer received too many requests: wait, and look for a client that sends requests in a loop";
        return tenant_wide.unwrap_or(explained(Throttled, hint));
    }
    if refusal.claims.is_some() && refusal.status < 500 {
        let hint =
            "conditional access requires a further step of the user; the sign-in card carries the claims challenge";
        return explained(Interaction, by_code.map_or(hint, |row| row.hint));
    }
    if refusal.retry_after.is_some() {
        // A fault's Retry-After speaks of the server (RFC 9110 §10.2.3), not of too many requests.
        let class = if refusal.is_server_fault() { ServerFault } else { Throttled };
        let hint = "the issuer sent Retry-After: no further requests are sent until that time, or for a minute if it \
                    has a fault";
        return tenant_wide.unwrap_or(explained(class, hint));
    }
    // Entra sends temporary faults with status 400 too, so the number decides there. With a 5xx status the number
    // decides only if it also stands for a fault.
    if let Some(row) = by_code
        && (refusal.status < 500 || is_fault(row.class))
    {
        return row;
    }
    if refusal.is_server_fault() {
        return explained(Transient, "the issuer has a fault; there is nothing to change in this configuration");
    }
    if refusal.device_challenge {
        return explained(Denied, "conditional access requires a device certificate, which a server cannot present");
    }
    let named = |table: &[(&str, EntraErrorClass, &'static str)], name: &Option<String>| {
        let name = name.as_deref()?;
        table.iter().find(|row| row.0.eq_ignore_ascii_case(name)).map(|row| explained(row.1, row.2))
    };
    named(&BY_SUBERROR, &refusal.suberror).or_else(|| named(&BY_ERROR, &refusal.error)).unwrap_or(explained(
        ServerFault,
        "the response is unknown: check the token endpoint's address, and whether a proxy responds in its place",
    ))
}

fn is_fault(class: EntraErrorClass) -> bool {
    use EntraErrorClass::{ServerFault, TenantThrottled, Throttled, Transient};
    matches!(class, Throttled | TenantThrottled | Transient | ServerFault)
}
