use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::directory::Directory;
use super::scopes::GRAPH_AUDIENCE;
use super::tokens::TokenIssuer;
use crate::dev::calls::CallLog;
use crate::dev::jwt::{bearer_token, text_member};

pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    config.route("/graph/v1.0/me", web::get().to(show_user));
}

/// Answers a request to the protected resource with the user of the token.
async fn show_user(
    request: HttpRequest,
    tokens: Data<TokenIssuer>,
    directory: Data<Directory>,
    calls: Data<CallLog>,
) -> HttpResponse {
    let claims = bearer_token(&request).map(|token| tokens.verify_for(token, GRAPH_AUDIENCE));
    let user = match &claims {
        // `/me` needs a token of a user, and only such tokens have the claim `scp`.
        Some(Ok(claims)) if text_member(claims, "scp").is_some() => {
            text_member(claims, "oid").and_then(|oid| directory.find_user(oid))
        }
        _ => None,
    };
    let Some(user) = user else {
        return HttpResponse::Unauthorized().insert_header(("WWW-Authenticate", "Bearer")).json(json!({
            "error": {"code": "InvalidAuthenticationToken", "message": "Access token validation failure."}
        }));
    };
    calls.count_call(|counts| &mut counts.graph);
    HttpResponse::Ok().json(json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
        "displayName": user.display_name,
        "userPrincipalName": user.principal_name,
        "id": user.oid,
    }))
}
