use serde_json::{Value, json};

use super::checks::parse_required_scope;
use super::request::GrantRequest;
use crate::dev::tenant::client_proof::ClientProof;
use crate::dev::tenant::refusal::EntraRefusal;
use crate::dev::tenant::tokens::TOKEN_LIFETIME;

/// Issues an app-only token (RFC 6749 §4.4). The scope must end in `/.default`.
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
    let token = request.services.tokens.mint_app_token(request.client, request.proof, scope.resource, tid)?;
    Ok(json!({
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFETIME - 1,
        "ext_expires_in": TOKEN_LIFETIME - 1,
        "access_token": token,
    }))
}
