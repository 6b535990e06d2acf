use serde_json::Value;

use super::checks::parse_required_scope;
use super::request::GrantRequest;
use super::user_grant::{UserGrant, build_token_answer};
use crate::dev::jwt::text_member;
use crate::dev::tenant::client_proof::ClientProof;
use crate::dev::tenant::directory::User;
use crate::dev::tenant::refusal::EntraRefusal;
use crate::dev::tenant::scopes::TOKEN_EXCHANGE_ID;

/// Issues tokens of an agent user to its agent identity, which proves itself by its own token for the token exchange
/// (`user_fic`, docs/protocols/agent-identity.md §2).
pub(super) fn issue_agent_users_token(request: &GrantRequest<'_>) -> Result<Value, EntraRefusal> {
    if request.proof != ClientProof::Blueprint {
        return Err(EntraRefusal::bad_request(
            "unauthorized_client",
            700_016,
            "The grant is for agent identities alone.",
        ));
    }
    let credential = request.form.get("user_federated_identity_credential")?;
    let claims = request.services.tokens.verify_for(credential, TOKEN_EXCHANGE_ID);
    let is_own = claims.is_ok_and(|claims| text_member(&claims, "azp") == Some(request.client.client_id));
    if !is_own {
        return Err(EntraRefusal::invalid_grant(
            50_013,
            "The user_federated_identity_credential is no token of this agent identity.",
        ));
    }
    let user = find_agent_user(request)?;
    let scope = parse_required_scope(request)?;
    build_token_answer(request, &UserGrant::new(user, &scope))
}

/// The client's agent user, by `user_id` or `username`, of which there must be one.
fn find_agent_user<'a>(request: &GrantRequest<'a>) -> Result<&'a User, EntraRefusal> {
    let directory = &request.services.directory;
    let own = directory.find_agent(request.client.client_id).and_then(|agent| directory.find_user(agent.user));
    let (user_id, username) = (request.form.find("user_id"), request.form.find("username"));
    if user_id.is_some_and(|id| uuid::Uuid::try_parse(id).is_err()) {
        return Err(EntraRefusal::bad_request("server_error", 50_000, "There was an error issuing a token."));
    }
    let fits = |user: &&User| match (user_id, username) {
        (Some(id), None) => user.oid.eq_ignore_ascii_case(id),
        (None, Some(name)) => user.principal_name.eq_ignore_ascii_case(name),
        _ => false,
    };
    own.filter(fits).ok_or_else(|| {
        EntraRefusal::invalid_grant(50_034, "The user account is not the agent user of this agent identity.")
    })
}
