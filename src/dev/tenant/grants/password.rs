use serde_json::Value;

use super::checks::parse_required_scope;
use super::request::GrantRequest;
use super::user_grant::{UserGrant, build_token_answer};
use crate::dev::tenant::login::check_password;
use crate::dev::tenant::refusal::EntraRefusal;
use crate::dev::tenant::tokens::TOKEN_LIFETIME;

/// Issues tokens for a name and a password (RFC 6749 §4.3). A program that plays a client gets a user's token this way.
/// The user's scenario does not apply here: a client may still have a token of a user who was disabled later.
///
/// One addition to Entra: the form parameter `stage_lifetime` sets the lifetime in seconds. A negative number gives a
/// token that has expired already.
pub(in crate::dev) fn redeem_password(request: &GrantRequest<'_>) -> Result<Value, EntraRefusal> {
    let form = request.form;
    let directory = &request.services.directory;
    let user = check_password(directory, request.tenant, form.get("username")?, form.get("password")?)?;
    let scope = parse_required_scope(request)?;
    let lifetime = match form.find("stage_lifetime") {
        None => TOKEN_LIFETIME,
        Some(text) => text.parse().map_err(|_| EntraRefusal::missing_parameter("stage_lifetime"))?,
    };
    build_token_answer(request, &UserGrant { lifetime, ..UserGrant::new(user, &scope) })
}
