use serde_json::Value;

use super::checks::{check_consent_to_api, consent_refusal, mfa_refusal, require_enabled};
use super::request::GrantRequest;
use super::user_grant::{UserGrant, build_token_answer};
use crate::dev::tenant::refusal::EntraRefusal;
use crate::dev::tenant::scopes::ScopeRequest;

/// Redeems a refresh token (RFC 6749 §6) for a new access token and a new refresh token. The old refresh token stays
/// valid, unless the session switches make refresh tokens single-use.
pub(in crate::dev) fn redeem_refresh_token(request: &GrantRequest<'_>) -> Result<Value, EntraRefusal> {
    let services = request.services;
    let token = request.form.get("refresh_token")?;
    let grant = services.logins.find_refresh_token(token).ok_or_else(|| {
        EntraRefusal::invalid_grant(700_082, "The refresh token has expired, was revoked or was never issued.")
            .with_suberror("bad_token")
    })?;
    if grant.revoked {
        let text = "The provided grant has expired due to it being revoked, a fresh auth token is needed.";
        return Err(EntraRefusal::invalid_grant(50_173, text).with_suberror("bad_token"));
    }
    if grant.client_id != request.client.client_id {
        return Err(EntraRefusal::invalid_grant(70_000, "The refresh token was issued to another client.")
            .with_suberror("bad_token"));
    }
    let user = services
        .directory
        .find_user(&grant.oid)
        .filter(|user| request.tenant.admits(user.tid))
        .ok_or_else(|| EntraRefusal::invalid_grant(50_034, "The user account does not exist in the directory."))?;
    require_enabled(request, user)?;
    if !services.consents.allow(user, request.client) {
        return Err(consent_refusal(request.client.name, request.client.client_id));
    }
    if services.sessions.demands_mfa(user.oid) {
        return Err(mfa_refusal());
    }
    if services.sessions.are_refresh_tokens_single_use() {
        services.logins.remove_refresh_token(token);
    }
    let asked = request.form.find("scope").unwrap_or(&grant.scope);
    let mut scope = ScopeRequest::parse(&services.directory, asked)?;
    scope.offline_access = true;
    check_consent_to_api(request, user, &scope)?;
    build_token_answer(request, &UserGrant { passed_mfa: grant.passed_mfa, ..UserGrant::new(user, &scope) })
}
