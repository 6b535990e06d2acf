//! What Entra's refusals mean (entra-obo §3): general signals first, AADSTS numbers as a refinement, both as data.

mod table;
#[cfg(test)]
mod tests;

use self::table::{ASSERTION_TIMES, BY_CODE, BY_ERROR, BY_SUBERROR, CREDENTIAL, OTHER_CREDENTIAL_MAY_SERVE};
use super::{Classification, CredentialVerdict};
use crate::identity_provider::token_endpoint::EndpointRefusal;
use crate::identity_provider::{Diagnostics, RedeemError, RedeemFailure};

/// What a refusal means, before it is given a challenge or a waiting time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EntraErrorClass {
    Consent,
    Interaction,
    AssertionExpired,
    AssertionRejected,
    Misconfigured,
    Denied,
    /// This user, or this client for this user.
    Throttled,
    /// The client in the whole tenant.
    TenantThrottled,
    /// Passes by itself, usually at once.
    Transient,
    /// Not our fault, and asking again at once does not help.
    ServerFault,
}

/// A class, and the hint for the operator.
#[derive(Clone, Copy)]
struct ExplainedClass {
    class: EntraErrorClass,
    hint: &'static str,
}

/// Classifies a refusal. Every refusal lands in a class, and only known ones show the user anything.
pub(super) fn classify(refusal: &EndpointRefusal) -> Classification {
    // With several numbers the last known one is the most specific ("AADSTS70002: …. AADSTS70008: … expired").
    let row = refusal.codes.iter().rev().find_map(|code| BY_CODE.iter().find(|row| row.0 == *code));
    let by_code = row.map(|row| ExplainedClass { class: row.1, hint: row.2 });
    let ExplainedClass { class, hint } = match explain(refusal, by_code) {
        // What is wrong with an assertion is wrong with the client's own, if it is the client that is refused: the
        // user cannot cure it.
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
        error: RedeemError { failure: failure_of(class, refusal), diagnostics },
        retry: class == EntraErrorClass::Transient,
        credential: match code {
            Some(ASSERTION_TIMES) => CredentialVerdict::RenewedMayServe,
            Some(code) if OTHER_CREDENTIAL_MAY_SERVE.contains(&code) => CredentialVerdict::OtherMayServe,
            // A number that is not in the table yet, about the client: general signals first (entra-obo §3).
            _ if row.is_none() && refusal.error.as_deref() == Some("invalid_client") => {
                CredentialVerdict::OtherMayServe
            }
            _ => CredentialVerdict::Stands,
        },
        tenant_wide: class == EntraErrorClass::TenantThrottled,
    }
}

/// The neutral failure of a class, with what the refusal adds to it: a challenge or a waiting time.
fn failure_of(class: EntraErrorClass, refusal: &EndpointRefusal) -> RedeemFailure {
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
        EntraErrorClass::Transient | EntraErrorClass::ServerFault => RedeemFailure::Transient,
    }
}

/// General signals first (status, `claims`, `Retry-After`), then the number, then the words (entra-obo §3).
fn explain(refusal: &EndpointRefusal, by_code: Option<ExplainedClass>) -> ExplainedClass {
    use EntraErrorClass::{Denied, Interaction, ServerFault, Throttled, Transient};

    let explained = |class, hint| ExplainedClass { class, hint };
    let tenant_wide = by_code.filter(|row| row.class == EntraErrorClass::TenantThrottled);
    if refusal.status == 429 {
        let hint = "too many requests: wait, and look for a client that loops";
        return tenant_wide.unwrap_or(explained(Throttled, hint));
    }
    if refusal.claims.is_some() && refusal.status < 500 {
        let hint = "conditional access wants more from the user; the challenge goes into the sign-in card";
        return explained(Interaction, by_code.map_or(hint, |row| row.hint));
    }
    if refusal.retry_after.is_some() {
        return tenant_wide.unwrap_or(explained(Throttled, "the issuer asked us to stay away for a while"));
    }
    // Passing faults arrive under 400 too; there the number is the better witness. A 5xx with a known number is
    // whatever the number says only if that is a fault as well.
    if let Some(row) = by_code
        && (refusal.status < 500 || is_fault(row.class))
    {
        return row;
    }
    if refusal.status >= 500 || refusal.status == 408 {
        return explained(Transient, "the issuer has a fault; nothing to change here");
    }
    if refusal.device_challenge {
        return explained(Denied, "conditional access wants a device certificate, which a server cannot present");
    }
    let named = |table: &[(&str, EntraErrorClass, &'static str)], name: &Option<String>| {
        let name = name.as_deref()?;
        table.iter().find(|row| row.0.eq_ignore_ascii_case(name)).map(|row| explained(row.1, row.2))
    };
    named(&BY_SUBERROR, &refusal.suberror).or_else(|| named(&BY_ERROR, &refusal.error)).unwrap_or(explained(
        ServerFault,
        "unknown answer: check the token endpoint's address, and whether a proxy answers in its place",
    ))
}

fn is_fault(class: EntraErrorClass) -> bool {
    use EntraErrorClass::{ServerFault, TenantThrottled, Throttled, Transient};
    matches!(class, Throttled | TenantThrottled | Transient | ServerFault)
}
