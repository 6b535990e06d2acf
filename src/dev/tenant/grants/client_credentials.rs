use serde_json::{Value, json};

use super::checks::parse_required_scope;
use super::request::GrantRequest;
use crate::dev::tenant::client_proof::ClientProof;
use crate::dev::tenant::refusal::EntraRefusal;
use crate::dev::tenant::scopes::Resource;
use crate::dev::tenant::tokens::TOKEN_LIFETIME;

/// Issues an app-only token (RFC 6749 §4.4). The scope must end in `/.default`. With `fmi_path`, a blueprint gets the token
/// with which its agent identity of this app id authenticates (docs/protocols/agent-identity.md §2).
pub(in crate::dev) fn issue_app_token(request: &GrantRequest<'_>) -> Result<Value, EntraRefusal> {
    if request.proof == ClientProof::Public {
        return Err(EntraRefusal::invalid_client(
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        ));
    }
    let scope = parse_required_scope(request)?;
    if !scope.default {
        return Err(EntraRefusal::bad_request(
            "invalid_scope",
            1_002_012,
            "The provided value for scope is not valid. Client credential flows must have a scope value with /.default \
             suffixed to the resource identifier (application ID URI).",
        ));
    }
    let tid = request.tenant.tenant_id_or_main(&request.services.directory);
    let tokens = &request.services.tokens;
    let token = match find_child(request)? {
        Some(agent) if scope.resource == Resource::TokenExchange => {
            tokens.mint_blueprint_token(request.client, request.proof, agent, tid)?
        }
        _ => tokens.mint_app_token(request.client, request.proof, scope.resource, tid)?,
    };
    Ok(json!({
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFETIME - 1,
        "ext_expires_in": TOKEN_LIFETIME - 1,
        "access_token": token,
    }))
}

/// The app id of the agent identity that `fmi_path` names, which must be one of the client's; `None` without `fmi_path`.
fn find_child<'a>(request: &GrantRequest<'a>) -> Result<Option<&'a str>, EntraRefusal> {
    if request.form.is_empty("fmi_path") {
        return Err(EntraRefusal::missing_parameter("fmi_path"));
    }
    let Some(path) = request.form.find("fmi_path") else { return Ok(None) };
    let agent = request.services.directory.find_app(path);
    let own = agent.filter(|agent| agent.blueprint == Some(request.client.client_id));
    let text = "No matching agent identity of this blueprint was found for the given fmi_path.";
    own.map(|agent| Some(agent.client_id)).ok_or_else(|| EntraRefusal::invalid_client(700_211, text))
}
