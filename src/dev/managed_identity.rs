use std::collections::BTreeMap;

use actix_web::http::header::HeaderValue;
use actix_web::web::{Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::client_auth::ClientProof;
use super::error::StageError;
use super::federation::EXCHANGE_AUDIENCE;
use super::scopes::Resource;
use super::state::{SharedState, State};
use super::tokens::TOKEN_LIFETIME;

type Asked = Query<BTreeMap<String, String>>;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/msi/token", web::get().to(app_service))
        .route("/metadata/identity/oauth2/token", web::get().to(instance_metadata));
}

/// App Service's managed identity protocol (api-version 2019-08-01): gives every SDK app tokens by two environment
/// variables. Any `X-IDENTITY-HEADER` will do; without `client_id` it is the first bot's identity.
async fn app_service(request: HttpRequest, query: Asked, state: SharedState) -> HttpResponse {
    if request.headers().get("X-IDENTITY-HEADER").is_none_or(HeaderValue::is_empty) {
        return HttpResponse::Unauthorized()
            .json(json!({"statusCode": 401, "message": "X-IDENTITY-HEADER is missing"}));
    }
    let refuse = |message: &str| HttpResponse::BadRequest().json(json!({"statusCode": 400, "message": message}));
    answer(&state, &query, "2019-08-01", refuse)
}

/// The instance metadata service's spelling of the same (api-version 2018-02-01).
async fn instance_metadata(request: HttpRequest, query: Asked, state: SharedState) -> HttpResponse {
    let refuse = |message: &str| {
        HttpResponse::BadRequest().json(json!({"error": "invalid_request", "error_description": message}))
    };
    if request.headers().get("Metadata").is_none_or(|value| value != "true") {
        return refuse("Required metadata header not specified");
    }
    answer(&state, &query, "2018-02-01", refuse)
}

fn answer(state: &State, query: &Asked, version: &str, refuse: impl Fn(&str) -> HttpResponse) -> HttpResponse {
    if query.get("api-version").map(String::as_str) != Some(version) {
        return refuse("api-version is missing or not supported");
    }
    let Some(asked) = query.get("resource") else { return refuse("resource is missing") };
    match token(state, query.get("client_id").map(String::as_str), asked) {
        Ok(token) => {
            state.calls.note(|counts| &mut counts.managed_identity);
            HttpResponse::Ok().json(json!({
                "access_token": token,
                "expires_on": (state.now_seconds() + TOKEN_LIFETIME).to_string(),
                "resource": asked,
                "token_type": "Bearer",
                "client_id": query.get("client_id"),
            }))
        }
        Err(NoToken::Refused(message)) => refuse(message),
        Err(NoToken::Failed) => HttpResponse::InternalServerError().finish(),
    }
}

enum NoToken {
    Refused(&'static str),
    Failed,
}

impl From<StageError> for NoToken {
    fn from(_: StageError) -> Self {
        Self::Failed
    }
}

/// A token of one of the machine's identities: those of the directory, and the confidential apps.
fn token(state: &State, client_id: Option<&str>, resource: &str) -> Result<String, NoToken> {
    let directory = &state.directory;
    let same = |id: &str| client_id.is_some_and(|asked| id.eq_ignore_ascii_case(asked));
    let app = match client_id {
        Some(id) => directory.find_app(id),
        None => directory.apps.first(),
    };
    let app = app.filter(|app| app.secret.is_some());
    let identity = directory.identities.iter().find(|identity| same(identity.client_id));
    let tid = directory.main_tenant_id();
    if resource.trim_end_matches('/') == EXCHANGE_AUDIENCE {
        return match (identity, app) {
            (Some(identity), _) => Ok(exchange_token(state, identity.client_id, identity.object_id)?),
            (None, Some(app)) => Ok(exchange_token(state, app.client_id, &app.service_principal_id(tid))?),
            (None, None) => Err(NoToken::Refused("Identity not found")),
        };
    }
    let app = app.ok_or(NoToken::Refused("Identity not found"))?;
    let identifier = resource.strip_suffix("/.default").unwrap_or(resource);
    let resource = Resource::find(directory, identifier).ok_or(NoToken::Refused("The resource is not known"))?;
    // Entra marks managed identities as certificate credentials.
    Ok(state.mint_app_token(app, ClientProof::Certificate, resource, tid)?)
}

/// What a managed identity shows an app that is federated with it.
fn exchange_token(state: &State, client_id: &str, object_id: &str) -> Result<String, StageError> {
    let (now, tid) = (state.now_seconds(), state.directory.main_tenant_id());
    let claims: Value = json!({
        "aud": EXCHANGE_AUDIENCE,
        "iss": state.v2_issuer(tid),
        "iat": now,
        "nbf": now,
        "exp": now + TOKEN_LIFETIME,
        "azp": client_id,
        "azpacr": "2",
        "idtyp": "app",
        "oid": object_id,
        "sub": object_id,
        "tid": tid,
        "uti": state.entropy.hex_id(),
        "ver": "2.0",
    });
    state.tenant_keys.sign(&claims)
}
