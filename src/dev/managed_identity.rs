use std::collections::BTreeMap;

use actix_web::http::header::HeaderValue;
use actix_web::web::{Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::client_auth::ClientProof;
use super::scopes::Resource;
use super::state::SharedState;
use super::tokens::TOKEN_LIFETIME;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/msi/token", web::get().to(token));
}

/// App Service's managed identity protocol (api-version 2019-08-01): gives every SDK app tokens by two environment
/// variables. Any `X-IDENTITY-HEADER` will do; without `client_id` it is the first bot's identity.
async fn token(request: HttpRequest, query: Query<BTreeMap<String, String>>, state: SharedState) -> HttpResponse {
    let refuse = |message: &str| HttpResponse::BadRequest().json(json!({"statusCode": 400, "message": message}));
    if request.headers().get("X-IDENTITY-HEADER").is_none_or(HeaderValue::is_empty) {
        return HttpResponse::Unauthorized()
            .json(json!({"statusCode": 401, "message": "X-IDENTITY-HEADER is missing"}));
    }
    let client = match query.get("client_id") {
        Some(id) => state.directory.find_app(id),
        None => state.directory.apps.first(),
    };
    let Some(client) = client.filter(|app| app.secret.is_some()) else {
        return refuse("No managed identity has this client_id");
    };
    let Some(asked) = query.get("resource") else {
        return refuse("resource is missing");
    };
    let identifier = asked.strip_suffix("/.default").unwrap_or(asked);
    let Some(resource) = Resource::find(&state.directory, identifier) else {
        return refuse("The resource is not known");
    };
    let tid = state.directory.main_tenant_id();
    // Entra marks managed identities as certificate credentials.
    match state.mint_app_token(client, ClientProof::Certificate, resource, tid) {
        Ok(token) => {
            state.calls.note(|counts| &mut counts.managed_identity);
            HttpResponse::Ok().json(json!({
                "access_token": token,
                "expires_on": (state.now_seconds() + TOKEN_LIFETIME).to_string(),
                "resource": asked,
                "token_type": "Bearer",
                "client_id": client.client_id,
            }))
        }
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}
