use serde_json::Value;
use subtle::ConstantTimeEq;

use super::{UserGrant, required_scope, token_answer};
use crate::dev::directory::User;
use crate::dev::refusal::Refusal;
use crate::dev::state::State;
use crate::dev::token_endpoint::{TenantSegment, TokenRequest};
use crate::dev::tokens::TOKEN_LIFETIME;

/// RFC 6749 §4.3, the way a program plays a client that holds a user's session. No story fires here: a disabled
/// user's client may hold a token from before.
///
/// One addition to Entra: the form member `stage_lifetime` (seconds, negative for a token that has expired already).
pub(in crate::dev) fn password(request: &TokenRequest<'_>) -> Result<Value, Refusal> {
    let form = request.form;
    let user = sign_in(request.state, request.tenant, form.get("username")?, form.get("password")?)?;
    let scope = required_scope(request)?;
    let lifetime = match form.find("stage_lifetime") {
        None => TOKEN_LIFETIME,
        Some(text) => text.parse().map_err(|_| Refusal::missing("stage_lifetime"))?,
    };
    token_answer(request, &UserGrant { lifetime, ..UserGrant::new(user, &scope) })
}

/// The user with this name and password, if they belong to the tenant.
pub(in crate::dev) fn sign_in<'s>(
    state: &'s State,
    tenant: TenantSegment<'_>,
    name: &str,
    password: &str,
) -> Result<&'s User, Refusal> {
    let user = state.directory.find_user(name).filter(|user| tenant.admits(user.tid)).ok_or_else(|| {
        Refusal::grant(
            50_034,
            "The user account does not exist in the directory. To sign into this application, the \
             account must be added to the directory.",
        )
    })?;
    if bool::from(user.password.as_bytes().ct_eq(password.as_bytes())) {
        Ok(user)
    } else {
        Err(Refusal::grant(50_126, "Error validating credentials due to invalid username or password."))
    }
}
