use serde_json::Value;

use super::checks::{check_consent_to_api, consent_refusal, mfa_refusal, parse_required_scope, require_enabled};
use super::request::GrantRequest;
use super::user_grant::{UserGrant, build_token_answer};
use crate::dev::jwt::{TokenProblem, text_member};
use crate::dev::tenant::client_proof::ClientProof;
use crate::dev::tenant::directory::{App, User, UserScenario};
use crate::dev::tenant::refusal::EntraRefusal;
use crate::dev::tenant::tenant_segment::TenantSegment;

/// Exchanges a user's token for another one: RFC 7523 with Entra's `requested_token_use=on_behalf_of`.
pub(in crate::dev) fn exchange_on_behalf_of(request: &GrantRequest<'_>) -> Result<Value, EntraRefusal> {
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
        return Err(EntraRefusal::invalid_client(
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        ));
    }
    let assertion = request.form.get("assertion")?;
    let claims = request.services.tokens.verify(assertion).map_err(assertion_refusal)?;
    let user = find_asserted_user(request, &claims)?;
    let scope = parse_required_scope(request)?;
    let passed_mfa = claims.get("acrs").is_some();
    check_scenario(request, user, passed_mfa)?;
    check_consent_to_api(request, user, &scope)?;
    build_token_answer(request, &UserGrant { passed_mfa, ..UserGrant::new(user, &scope) })
}

fn assertion_refusal(fault: TokenProblem) -> EntraRefusal {
    match fault {
        TokenProblem::Malformed => EntraRefusal::invalid_grant(50_027, "JWT token is invalid or malformed."),
        TokenProblem::Signature => EntraRefusal::invalid_grant(
            50_013,
            "Assertion failed signature validation. [Reason - The key was not found.]",
        ),
        TokenProblem::Expired => EntraRefusal::invalid_grant(
            500_133,
            "Assertion is not within its valid time range. Ensure that the access token is not expired before using it \
             for user assertion, or request a new token.",
        ),
        TokenProblem::Audience => audience_refusal(),
    }
}

/// The user of a verified assertion. The assertion must be an access token of this tenant for this client.
fn find_asserted_user<'a>(request: &GrantRequest<'a>, claims: &Value) -> Result<&'a User, EntraRefusal> {
    if text_member(claims, "scp").is_none() {
        let is_access_token = text_member(claims, "azp").or_else(|| text_member(claims, "appid")).is_some();
        return Err(if is_access_token {
            EntraRefusal::invalid_grant(50_027, "JWT token is invalid or malformed: an app-only token names no user.")
        } else {
            EntraRefusal::invalid_grant(
                240_002,
                "Input id_token cannot be used as 'urn:ietf:params:oauth:grant-type:jwt-bearer' grant.",
            )
        });
    }
    if !is_audience_of(request.client, text_member(claims, "aud").unwrap_or_default()) {
        return Err(audience_refusal());
    }
    let tid = text_member(claims, "tid").unwrap_or_default();
    if !request.tenant.admits(tid) {
        return Err(EntraRefusal::invalid_grant(
            50_013,
            "Assertion failed signature validation. [Reason - The issuer does not belong to this tenant.]",
        ));
    }
    text_member(claims, "oid")
        .and_then(|oid| request.services.directory.find_user(oid))
        .filter(|user| user.tid == tid)
        .ok_or_else(|| EntraRefusal::invalid_grant(50_034, "The user account does not exist in the directory."))
}

fn is_audience_of(client: &App, audience: &str) -> bool {
    client.client_id.eq_ignore_ascii_case(audience) || client.identifier_uris.iter().any(|uri| uri == audience)
}

fn audience_refusal() -> EntraRefusal {
    EntraRefusal::invalid_grant(
        500_131,
        "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion must \
         match the client.",
    )
}

fn check_scenario(request: &GrantRequest<'_>, user: &User, passed_mfa: bool) -> Result<(), EntraRefusal> {
    require_enabled(request, user)?;
    if !request.services.consents.allow(user, request.client) {
        return Err(consent_refusal(request.client.name, request.client.client_id));
    }
    // Who needs MFA by a switch has signed in before the switch, so the sign-in in the token does not count.
    let is_switched = request.services.stories.find_switched(user).is_some();
    if request.services.stories.of(user) == UserScenario::NeedsMfa && (is_switched || !passed_mfa) {
        return Err(mfa_refusal());
    }
    Ok(())
}
