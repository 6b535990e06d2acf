use serde_json::Value;

use super::checks::{consent_required, enabled, mfa_required, required_scope};
use super::request::GrantRequest;
use super::user_grant::{UserGrant, token_answer};
use crate::dev::jwt::{TokenFault, text_claim};
use crate::dev::tenant::client_proof::ClientProof;
use crate::dev::tenant::directory::{App, User, UserScenario};
use crate::dev::tenant::refusal::EntraRefusal;
use crate::dev::tenant::tenant_segment::TenantSegment;

/// RFC 7523 with Entra's `requested_token_use=on_behalf_of`.
pub(in crate::dev) fn on_behalf_of(request: &GrantRequest<'_>) -> Result<Value, EntraRefusal> {
    if matches!(request.tenant, TenantSegment::Common | TenantSegment::Consumers) {
        return Err(EntraRefusal::bad_request(
            "invalid_request",
            9_001_023,
            "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations \
             or tenant-specific endpoint.",
        ));
    }
    if request.form.get("requested_token_use")? != "on_behalf_of" {
        return Err(EntraRefusal::bad_request(
            "invalid_request",
            90_014,
            "The value of 'requested_token_use' is not known.",
        ));
    }
    if request.proof == ClientProof::Public {
        return Err(EntraRefusal::client(
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        ));
    }
    let assertion = request.form.get("assertion")?;
    let claims = request.services.tokens.verify(assertion).map_err(assertion_fault)?;
    let user = asserted_user(request, &claims)?;
    let scope = required_scope(request)?;
    let stepped_up = claims.get("acrs").is_some();
    check_story(request, user, stepped_up)?;
    token_answer(request, &UserGrant { stepped_up, ..UserGrant::new(user, &scope) })
}

fn assertion_fault(fault: TokenFault) -> EntraRefusal {
    match fault {
        TokenFault::Malformed => EntraRefusal::grant(50_027, "JWT token is invalid or malformed."),
        TokenFault::Signature => {
            EntraRefusal::grant(50_013, "Assertion failed signature validation. [Reason - The key was not found.]")
        }
        TokenFault::Expired => EntraRefusal::grant(
            500_133,
            "Assertion is not within its valid time range. Ensure that the access token is not expired before using it \
             for user assertion, or request a new token.",
        ),
        TokenFault::Audience => audience_mismatch(),
    }
}

/// The user of a verified assertion that is an access token of this tenant for this client.
fn asserted_user<'a>(request: &GrantRequest<'a>, claims: &Value) -> Result<&'a User, EntraRefusal> {
    if text_claim(claims, "scp").is_none() {
        let is_access_token = text_claim(claims, "azp").or_else(|| text_claim(claims, "appid")).is_some();
        return Err(if is_access_token {
            EntraRefusal::grant(50_027, "JWT token is invalid or malformed: an app-only token names no user.")
        } else {
            EntraRefusal::grant(
                240_002,
                "Input id_token cannot be used as 'urn:ietf:params:oauth:grant-type:jwt-bearer' grant.",
            )
        });
    }
    if !addresses(request.client, text_claim(claims, "aud").unwrap_or_default()) {
        return Err(audience_mismatch());
    }
    let tid = text_claim(claims, "tid").unwrap_or_default();
    if !request.tenant.admits(tid) {
        return Err(EntraRefusal::grant(
            50_013,
            "Assertion failed signature validation. [Reason - The issuer does not belong to this tenant.]",
        ));
    }
    text_claim(claims, "oid")
        .and_then(|oid| request.services.directory.find_user(oid))
        .filter(|user| user.tid == tid)
        .ok_or_else(|| EntraRefusal::grant(50_034, "The user account does not exist in the directory."))
}

fn addresses(client: &App, audience: &str) -> bool {
    client.client_id.eq_ignore_ascii_case(audience) || client.identifier_uris.iter().any(|uri| uri == audience)
}

fn audience_mismatch() -> EntraRefusal {
    EntraRefusal::grant(
        500_131,
        "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion must \
         match the client.",
    )
}

fn check_story(request: &GrantRequest<'_>, user: &User, stepped_up: bool) -> Result<(), EntraRefusal> {
    enabled(user)?;
    if !request.services.consents.has(user, request.client) {
        return Err(consent_required(request.client.name, request.client.client_id));
    }
    if user.story == UserScenario::NeedsMfa && !stepped_up {
        return Err(mfa_required());
    }
    Ok(())
}
