use serde_json::Value;

use super::{UserGrant, consent_required, enabled, mfa_required, token_answer};
use crate::dev::refusal::Refusal;
use crate::dev::scopes::ScopeRequest;
use crate::dev::token_endpoint::TokenRequest;

/// RFC 6749 §6: a new access token, and a new refresh token beside the old one (or in its place, if the stage was told so).
pub(in crate::dev) fn refresh_token(request: &TokenRequest<'_>) -> Result<Value, Refusal> {
    let state = request.state;
    let token = request.form.get("refresh_token")?;
    let grant = state.login.find_refresh_token(token, state.clock.now()).ok_or_else(|| {
        Refusal::grant(700_082, "The refresh token has expired, was revoked or was never issued.")
            .with_suberror("bad_token")
    })?;
    if grant.revoked {
        let text = "The provided grant has expired due to it being revoked, a fresh auth token is needed.";
        return Err(Refusal::grant(50_173, text).with_suberror("bad_token"));
    }
    if grant.client_id != request.client.client_id {
        return Err(
            Refusal::grant(70_000, "The refresh token was issued to another client.").with_suberror("bad_token")
        );
    }
    let user = state
        .directory
        .find_user(&grant.oid)
        .filter(|user| request.tenant.admits(user.tid))
        .ok_or_else(|| Refusal::grant(50_034, "The user account does not exist in the directory."))?;
    enabled(user)?;
    if !state.has_consent(user, request.client) {
        return Err(consent_required(request.client.name, request.client.client_id));
    }
    if state.sessions.demands_mfa(user.oid) {
        return Err(mfa_required());
    }
    if state.sessions.are_refresh_tokens_single_use() {
        state.login.spend_refresh_token(token, state.clock.now());
    }
    let asked = request.form.find("scope").unwrap_or(&grant.scope);
    let mut scope = ScopeRequest::parse(&state.directory, asked)?;
    scope.offline_access = true;
    token_answer(request, &UserGrant { stepped_up: grant.stepped_up, ..UserGrant::new(user, &scope) })
}
