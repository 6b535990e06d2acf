use serde_json::Value;

use super::checks::required_scope;
use super::request::GrantRequest;
use super::user_grant::{UserGrant, build_token_answer};
use crate::dev::tenant::login::check_password;
use crate::dev::tenant::refusal::EntraRefusal;
use crate::dev::tenant::tokens::TOKEN_LIFETIME;

/// RFC 6749 §4.3, the way a program plays a client that holds a user's session. No story fires here: a disabled
/// user's client may hold a token from before.
///
/// One addition to Entra: the form member `stage_lifetime` (seconds, negative for a token that has expired already).
pub(in crate::dev) fn password(request: &GrantRequest<'_>) -> Result<Value, EntraRefusal> {
    let form = request.form;
    let directory = &request.services.directory;
    let user = check_password(directory, request.tenant, form.get("username")?, form.get("password")?)?;
    let scope = required_scope(request)?;
    let lifetime = match form.find("stage_lifetime") {
        None => TOKEN_LIFETIME,
        Some(text) => text.parse().map_err(|_| EntraRefusal::missing_parameter("stage_lifetime"))?,
    };
    build_token_answer(request, &UserGrant { lifetime, ..UserGrant::new(user, &scope) })
}
