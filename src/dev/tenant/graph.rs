use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::directory::Directory;
use super::scopes::GRAPH;
use super::tokens::TokenIssuer;
use crate::dev::calls::Calls;
use crate::dev::jwt::{bearer, text_claim};

pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    config.route("/graph/v1.0/me", web::get().to(me));
}

/// The protected resource: says who the exchanged token's user is.
async fn me(
    request: HttpRequest,
    tokens: Data<TokenIssuer>,
    directory: Data<Directory>,
    calls: Data<Calls>,
) -> HttpResponse {
    let claims = bearer(&request).map(|token| tokens.verify_for(token, GRAPH));
    let user = match &claims {
        // `/me` has no meaning for an app: only delegated tokens hold `scp`.
        Some(Ok(claims)) if text_claim(claims, "scp").is_some() => {
            text_claim(claims, "oid").and_then(|oid| directory.find_user(oid))
        }
        _ => None,
    };
    let Some(user) = user else {
        return HttpResponse::Unauthorized().insert_header(("WWW-Authenticate", "Bearer")).json(json!({
            "error": {"code": "InvalidAuthenticationToken", "message": "Access token validation failure."}
        }));
    };
    calls.note(|counts| &mut counts.graph);
    HttpResponse::Ok().json(json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
        "displayName": user.display_name,
        "userPrincipalName": user.principal_name,
        "id": user.oid,
    }))
}
