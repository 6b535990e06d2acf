use serde_json::{Value, json};

use super::required_scope;
use crate::dev::client_auth::ClientProof;
use crate::dev::refusal::Refusal;
use crate::dev::token_endpoint::TokenRequest;
use crate::dev::tokens::TOKEN_LIFETIME;

/// RFC 6749 §4.4; the scope must end in `/.default`.
pub(in crate::dev) fn client_credentials(request: &TokenRequest<'_>) -> Result<Value, Refusal> {
    if request.proof == ClientProof::Public {
        return Err(Refusal::client(
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        ));
    }
    let scope = required_scope(request)?;
    if !scope.default {
        return Err(Refusal::bad_request(
            "invalid_scope",
            1_002_012,
            "The provided value for scope is not valid. Client credential flows must have a scope value with /.default \
             suffixed to the resource identifier (application ID URI).",
        ));
    }
    let tid = request.tenant.id_or_main(request.state);
    let token = request.state.mint_app_token(request.client, request.proof, scope.resource, tid)?;
    Ok(json!({
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFETIME - 1,
        "ext_expires_in": TOKEN_LIFETIME - 1,
        "access_token": token,
    }))
}
