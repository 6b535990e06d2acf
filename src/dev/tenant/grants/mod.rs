//! The grants of the local tenant's token endpoint, one file each.
//!
//! Owns what each grant requires of a request, and its refusals. It deliberately knows nothing of client
//! authentication, faults and the format of refusals: the token endpoint handles them before and after every grant.

mod agent_user;
mod authorization_code;
mod checks;
mod client_credentials;
mod on_behalf_of;
mod password;
mod refresh;
mod request;
mod user_grant;

use serde_json::Value;

use crate::dev::calls::GrantKind;
use crate::dev::tenant::refusal::EntraRefusal;

pub(in crate::dev) use request::{GrantRequest, GrantServices};

/// Answers a token request according to its grant.
pub(in crate::dev) fn answer(grant: GrantKind, request: &GrantRequest<'_>) -> Result<Value, EntraRefusal> {
    match grant {
        GrantKind::OnBehalfOf => on_behalf_of::exchange_on_behalf_of(request),
        GrantKind::ClientCredentials => client_credentials::issue_app_token(request),
        GrantKind::RefreshToken => refresh::redeem_refresh_token(request),
        GrantKind::Password => password::redeem_password(request),
        GrantKind::AuthorizationCode => authorization_code::redeem_authorization_code(request),
        GrantKind::AgentUser => agent_user::issue_agent_users_token(request),
    }
}
