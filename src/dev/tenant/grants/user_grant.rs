use serde_json::{Value, json};

use super::request::GrantRequest;
use crate::dev::tenant::directory::User;
use crate::dev::tenant::login::RefreshGrant;
use crate::dev::tenant::refusal::EntraRefusal;
use crate::dev::tenant::scopes::ScopeRequest;
use crate::dev::tenant::sessions::{CONTINUOUS_ACCESS_LIFETIME, handles_continuous_access};
use crate::dev::tenant::tokens::{TOKEN_LIFETIME, UserTokenRequest, client_info};

/// The decision of a grant to issue tokens for a user.
pub(super) struct UserGrant<'a> {
    pub(super) user: &'a User,
    pub(super) scope: &'a ScopeRequest<'a>,
    pub(super) passed_mfa: bool,
    pub(super) nonce: Option<&'a str>,
    pub(super) lifetime: i64,
}

impl<'a> UserGrant<'a> {
    pub(super) fn new(user: &'a User, scope: &'a ScopeRequest<'a>) -> Self {
        Self { user, scope, passed_mfa: false, nonce: None, lifetime: TOKEN_LIFETIME }
    }
}

/// Builds the token endpoint's answer: the access token, and what else the scope requests (refresh token, ID token).
pub(super) fn build_token_answer(request: &GrantRequest<'_>, grant: &UserGrant<'_>) -> Result<Value, EntraRefusal> {
    let services = request.services;
    let continuous = handles_continuous_access(request.form.find("claims"))?;
    let lifetime = if continuous { CONTINUOUS_ACCESS_LIFETIME } else { grant.lifetime };
    let access_token = services.tokens.mint_user_token(&UserTokenRequest {
        user: grant.user,
        client: request.client,
        proof: request.proof,
        scope: grant.scope,
        passed_mfa: grant.passed_mfa,
        continuous,
        lifetime,
    })?;
    let mut answer = json!({
        "token_type": "Bearer",
        "scope": grant.scope.granted_scope(),
        "expires_in": (lifetime - 1).max(0),
        "ext_expires_in": (lifetime - 1).max(0),
        "access_token": access_token,
    });
    let Value::Object(members) = &mut answer else { return Err(EntraRefusal::server_error()) };
    if let Some(refresh_in) = services.sessions.refresh_in(lifetime) {
        members.insert("refresh_in".to_owned(), json!(refresh_in));
    }
    if grant.scope.offline_access {
        let refresh = RefreshGrant {
            client_id: request.client.client_id.to_owned(),
            oid: grant.user.oid.to_owned(),
            scope: request.form.find("scope").map_or_else(|| grant.scope.granted_scope(), str::to_owned),
            passed_mfa: grant.passed_mfa,
            revoked: false,
        };
        let token = services.logins.issue_refresh_token(refresh);
        members.insert("refresh_token".to_owned(), json!(token));
    }
    if grant.scope.openid {
        let id_token = services.tokens.mint_id_token(grant.user, request.client, grant.nonce)?;
        members.insert("id_token".to_owned(), json!(id_token));
    }
    if request.form.find("client_info") == Some("1") {
        members.insert("client_info".to_owned(), json!(client_info(grant.user)));
    }
    Ok(answer)
}
