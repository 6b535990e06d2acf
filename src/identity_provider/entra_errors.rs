//! What Entra's refusals mean (entra-obo §3): general signals first, AADSTS numbers as a refinement, both as data.

mod table;
#[cfg(test)]
mod tests;

use super::token_endpoint::Refusal;
use super::{Diagnostics, RedeemError, RedeemFailure};
use crate::outbound::OutboundError;
use table::{ASSERTION_TIMES, BY_CODE, BY_ERROR, BY_SUBERROR, CREDENTIAL, OTHER_CREDENTIAL_MAY_SERVE};

/// What a refusal means, before it is given a challenge or a waiting time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
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

/// What a failure says about the client credential that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CredentialVerdict {
    /// Nothing, or that no other one would do better.
    Stands,
    /// Another credential of the same client may be accepted.
    OtherMayServe,
    /// Its assertion was refused for its times: a new one may be accepted, and another credential as well.
    RenewedMayServe,
}

/// A classified failure and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) error: RedeemError,
    /// Worth another try within the same redemption.
    pub(super) retry: bool,
    pub(super) credential: CredentialVerdict,
    /// A throttling that concerns all users of the tenant.
    pub(super) tenant_wide: bool,
}

impl Verdict {
    /// A verdict that settles the redemption.
    pub(super) fn of(error: RedeemError) -> Self {
        Self { error, retry: false, credential: CredentialVerdict::Stands, tenant_wide: false }
    }

    /// A new assertion of the same credential may be accepted.
    pub(super) fn wants_new_assertion(&self) -> bool {
        self.credential == CredentialVerdict::RenewedMayServe
    }

    /// Another credential may be accepted.
    pub(super) fn wants_other_credential(&self) -> bool {
        self.credential != CredentialVerdict::Stands
    }
}

/// Classifies a refusal. Every refusal lands in a class, and only known ones show the user anything.
pub(super) fn classify(refusal: &Refusal) -> Verdict {
    // With several numbers the last known one is the most specific ("AADSTS70002: …. AADSTS70008: … expired").
    let row = refusal.codes.iter().rev().find_map(|code| BY_CODE.iter().find(|row| row.0 == *code));
    let (meaning, hint) = match meaning_of(refusal, row.map(|row| (row.1, row.2))) {
        // What is wrong with an assertion is wrong with the client's own, if it is the client that is refused: the
        // user cannot cure it.
        (Meaning::AssertionRejected, _) if refusal.error.as_deref() == Some("invalid_client") => {
            (Meaning::Misconfigured, CREDENTIAL)
        }
        meaning => meaning,
    };
    let code = row.map(|row| row.0).or_else(|| refusal.codes.last().copied());
    let failure = match meaning {
        Meaning::Consent => RedeemFailure::ConsentRequired,
        Meaning::Interaction => RedeemFailure::InteractionRequired { claims: refusal.claims.clone() },
        Meaning::AssertionExpired => RedeemFailure::AssertionExpired,
        Meaning::AssertionRejected => RedeemFailure::AssertionRejected,
        Meaning::Misconfigured => RedeemFailure::Misconfigured,
        Meaning::Denied => RedeemFailure::Denied,
        Meaning::Throttled | Meaning::TenantThrottled => RedeemFailure::Throttled { retry_after: refusal.retry_after },
        Meaning::Transient | Meaning::ServerFault => RedeemFailure::Transient,
    };
    let diagnostics = Box::new(Diagnostics {
        http_status: Some(refusal.status),
        error: refusal.error.clone(),
        suberror: refusal.suberror.clone(),
        aadsts: code,
        trace_id: refusal.trace_id.clone(),
        hint,
    });
    Verdict {
        error: RedeemError { failure, diagnostics },
        retry: meaning == Meaning::Transient,
        credential: match code {
            Some(ASSERTION_TIMES) => CredentialVerdict::RenewedMayServe,
            Some(code) if OTHER_CREDENTIAL_MAY_SERVE.contains(&code) => CredentialVerdict::OtherMayServe,
            // A number that nobody knows yet, about the client: general signals first (entra-obo §3).
            _ if row.is_none() && refusal.error.as_deref() == Some("invalid_client") => {
                CredentialVerdict::OtherMayServe
            }
            _ => CredentialVerdict::Stands,
        },
        tenant_wide: meaning == Meaning::TenantThrottled,
    }
}

fn meaning_of(refusal: &Refusal, by_code: Option<(Meaning, &'static str)>) -> (Meaning, &'static str) {
    let tenant_wide = by_code.filter(|(meaning, _)| *meaning == Meaning::TenantThrottled);
    if refusal.status == 429 {
        return tenant_wide
            .unwrap_or((Meaning::Throttled, "too many requests: wait, and look for a client that loops"));
    }
    if refusal.claims.is_some() && refusal.status < 500 {
        let hint = "conditional access wants more from the user; the challenge goes into the sign-in card";
        return (Meaning::Interaction, by_code.map_or(hint, |(_, hint)| hint));
    }
    if refusal.retry_after.is_some() {
        return tenant_wide.unwrap_or((Meaning::Throttled, "the issuer asked us to stay away for a while"));
    }
    // Passing faults arrive under 400 too; there the number is the better witness. A 5xx with a known number is
    // whatever the number says only if that is a fault as well.
    if let Some((meaning, hint)) = by_code
        && (refusal.status < 500 || is_fault(meaning))
    {
        return (meaning, hint);
    }
    if refusal.status >= 500 || refusal.status == 408 {
        return (Meaning::Transient, "the issuer has a fault; nothing to change here");
    }
    if refusal.device_challenge {
        return (Meaning::Denied, "conditional access wants a device certificate, which a server cannot present");
    }
    let named = |table: &[(&str, Meaning, &'static str)], name: &Option<String>| {
        let name = name.as_deref()?;
        table.iter().find(|row| row.0.eq_ignore_ascii_case(name)).map(|row| (row.1, row.2))
    };
    named(&BY_SUBERROR, &refusal.suberror).or_else(|| named(&BY_ERROR, &refusal.error)).unwrap_or((
        Meaning::ServerFault,
        "unknown answer: check the token endpoint's address, and whether a proxy answers in its place",
    ))
}

fn is_fault(meaning: Meaning) -> bool {
    matches!(meaning, Meaning::Throttled | Meaning::TenantThrottled | Meaning::Transient | Meaning::ServerFault)
}

/// A call that brought no answer.
pub(super) fn unanswered(error: &OutboundError) -> Verdict {
    let (failure, hint, retry) = match error {
        OutboundError::HostRefused { .. } => (
            RedeemFailure::Misconfigured,
            "the token endpoint's host is not permitted: see the outbound section (plain http, private addresses)",
            false,
        ),
        OutboundError::Settings(_) => (RedeemFailure::Misconfigured, "the outbound settings cannot be used", false),
        OutboundError::Unreachable => {
            (RedeemFailure::Transient, "the token endpoint is unreachable: check DNS, egress proxy and CA file", true)
        }
        OutboundError::TimedOut => (RedeemFailure::Transient, "the token endpoint did not answer in time", false),
        OutboundError::TooLarge => (RedeemFailure::Transient, "the token endpoint's answer is too large", false),
        OutboundError::Broken => (RedeemFailure::Transient, "the connection to the token endpoint broke", true),
    };
    let error = RedeemError { failure, diagnostics: Box::new(Diagnostics { hint, ..Diagnostics::default() }) };
    Verdict { retry, ..Verdict::of(error) }
}
