//! The grants of the local tenant's token endpoint, one file each.
//!
//! Owns what each grant asks of a request and which refusals it gives. It deliberately knows nothing of client
//! authentication, faults and the shape of refusals: those stand before and behind every grant.

mod authorization_code;
mod client_credentials;
mod on_behalf_of;
mod password;
mod refresh;

pub(super) use authorization_code::authorization_code;
pub(super) use client_credentials::client_credentials;
pub(super) use on_behalf_of::on_behalf_of;
pub(super) use password::{password, sign_in};
pub(super) use refresh::refresh_token;

use serde_json::{Value, json};

use crate::dev::directory::User;
use crate::dev::login_state::RefreshGrant;
use crate::dev::refusal::Refusal;
use crate::dev::scopes::ScopeRequest;
use crate::dev::sessions::{LONG_LIFETIME, is_continuous};
use crate::dev::token_endpoint::TokenRequest;
use crate::dev::tokens::{TOKEN_LIFETIME, UserTokenOrder, client_info};

/// What every grant with a user ends in.
struct UserGrant<'a> {
    user: &'a User,
    scope: &'a ScopeRequest<'a>,
    stepped_up: bool,
    nonce: Option<&'a str>,
    lifetime: i64,
}

impl<'a> UserGrant<'a> {
    fn new(user: &'a User, scope: &'a ScopeRequest<'a>) -> Self {
        Self { user, scope, stepped_up: false, nonce: None, lifetime: TOKEN_LIFETIME }
    }
}

/// The token answer: access token, and whatever else the scope asks for.
fn token_answer(request: &TokenRequest<'_>, grant: &UserGrant<'_>) -> Result<Value, Refusal> {
    let state = request.state;
    let continuous = is_continuous(request.form.find("claims"))?;
    let lifetime = if continuous { LONG_LIFETIME } else { grant.lifetime };
    let access_token = state.mint_user_token(&UserTokenOrder {
        user: grant.user,
        client: request.client,
        proof: request.proof,
        scope: grant.scope,
        stepped_up: grant.stepped_up,
        continuous,
        lifetime,
    })?;
    let mut answer = json!({
        "token_type": "Bearer",
        "scope": grant.scope.granted(),
        "expires_in": (lifetime - 1).max(0),
        "ext_expires_in": (lifetime - 1).max(0),
        "access_token": access_token,
    });
    let Value::Object(members) = &mut answer else { return Err(Refusal::server_error()) };
    if let Some(refresh_in) = state.sessions.refresh_in(lifetime) {
        members.insert("refresh_in".to_owned(), json!(refresh_in));
    }
    if grant.scope.offline_access {
        let refresh = RefreshGrant {
            client_id: request.client.client_id.to_owned(),
            oid: grant.user.oid.to_owned(),
            scope: request.form.find("scope").map_or_else(|| grant.scope.granted(), str::to_owned),
            stepped_up: grant.stepped_up,
            revoked: false,
        };
        let token = state.login.issue_refresh_token(refresh, state.entropy.as_ref(), state.clock.now());
        members.insert("refresh_token".to_owned(), json!(token));
    }
    if grant.scope.openid {
        let id_token = state.mint_id_token(grant.user, request.client, grant.nonce)?;
        members.insert("id_token".to_owned(), json!(id_token));
    }
    if request.form.find("client_info") == Some("1") {
        members.insert("client_info".to_owned(), json!(client_info(grant.user)));
    }
    Ok(answer)
}

/// 50057, or the user.
fn enabled(user: &User) -> Result<&User, Refusal> {
    if user.story == crate::dev::directory::Story::Disabled {
        return Err(Refusal::grant(50_057, "The user account is disabled."));
    }
    Ok(user)
}

/// The scope of a request that must have one.
fn required_scope<'a>(request: &TokenRequest<'a>) -> Result<ScopeRequest<'a>, Refusal> {
    ScopeRequest::parse(&request.state.directory, request.form.get("scope")?)
}

/// The authentication context that policies ask for here.
const POLICY: &str = "a5d1c7e2-3f40-4b6a-8c9d-2e1f0a9b8c7d";

/// 50076 in full.
fn mfa_required() -> Refusal {
    let claims = json!({"access_token": {"capolids": {"essential": true, "values": [POLICY]}}});
    let text = "Due to a configuration change made by your administrator, or because you moved to a new location, you must \
                use multi-factor authentication to access the resource.";
    Refusal::grant(50_076, text).with_suberror("basic_action").with_claims(&claims)
}

/// 65001 in full.
fn consent_required(client_name: &str, client_id: &str) -> Refusal {
    let text = format!(
        "The user or administrator has not consented to use the application with ID '{client_id}' named '{client_name}'. \
         Send an interactive authorization request for this user and resource."
    );
    Refusal::grant(65_001, text).with_suberror("consent_required")
}
