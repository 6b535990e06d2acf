use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::header::HeaderValue;
use actix_web::web::{Data, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use crate::dev::calls::CallLog;
use crate::dev::error::StageError;
use crate::dev::tenant::{ClientProof, Directory, FEDERATION_AUDIENCE, Resource, TOKEN_LIFETIME, TokenIssuer};

type TokenQuery = Query<BTreeMap<String, String>>;

/// The managed identity endpoint of the machine that the stage plays.
pub(in crate::dev) struct ManagedIdentities {
    pub(in crate::dev) directory: Arc<Directory>,
    pub(in crate::dev) tokens: Arc<TokenIssuer>,
    pub(in crate::dev) calls: Arc<CallLog>,
}

pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    config
        .route("/msi/token", web::get().to(app_service))
        .route("/metadata/identity/oauth2/token", web::get().to(instance_metadata));
}

/// App Service's managed identity protocol (api-version 2019-08-01). An SDK uses it when the environment has
/// `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`. Any `X-IDENTITY-HEADER` is accepted. Without `client_id`, the identity is
/// that of the first bot.
async fn app_service(request: HttpRequest, query: TokenQuery, identities: Data<ManagedIdentities>) -> HttpResponse {
    if request.headers().get("X-IDENTITY-HEADER").is_none_or(HeaderValue::is_empty) {
        return HttpResponse::Unauthorized()
            .json(json!({"statusCode": 401, "message": "X-IDENTITY-HEADER is missing"}));
    }
    let refuse = |message: &str| HttpResponse::BadRequest().json(json!({"statusCode": 400, "message": message}));
    answer(&identities, &query, "2019-08-01", refuse)
}

/// The managed identity protocol of the instance metadata service (api-version 2018-02-01).
async fn instance_metadata(
    request: HttpRequest,
    query: TokenQuery,
    identities: Data<ManagedIdentities>,
) -> HttpResponse {
    let refuse = |message: &str| {
        HttpResponse::BadRequest().json(json!({"error": "invalid_request", "error_description": message}))
    };
    if request.headers().get("Metadata").is_none_or(|value| value != "true") {
        return refuse("Required metadata header not specified");
    }
    answer(&identities, &query, "2018-02-01", refuse)
}

fn answer(
    identities: &ManagedIdentities,
    query: &TokenQuery,
    version: &str,
    refuse: impl Fn(&str) -> HttpResponse,
) -> HttpResponse {
    if query.get("api-version").map(String::as_str) != Some(version) {
        return refuse("api-version is missing or not supported");
    }
    let Some(requested) = query.get("resource") else { return refuse("resource is missing") };
    match mint_token(identities, query.get("client_id").map(String::as_str), requested) {
        Ok(token) => {
            identities.calls.count_call(|counts| &mut counts.managed_identity);
            HttpResponse::Ok().json(json!({
                "access_token": token,
                "expires_on": (identities.tokens.now_seconds() + TOKEN_LIFETIME).to_string(),
                "resource": requested,
                "token_type": "Bearer",
                "client_id": query.get("client_id"),
            }))
        }
        Err(ManagedIdentityError::Refused(message)) => refuse(message),
        Err(ManagedIdentityError::Failed) => HttpResponse::InternalServerError().finish(),
    }
}

enum ManagedIdentityError {
    Refused(&'static str),
    Failed,
}

impl From<StageError> for ManagedIdentityError {
    fn from(_: StageError) -> Self {
        Self::Failed
    }
}

/// Issues a token of one of the machine's identities: the managed identities of the directory, and the apps that have a
/// secret.
fn mint_token(
    identities: &ManagedIdentities,
    client_id: Option<&str>,
    resource: &str,
) -> Result<String, ManagedIdentityError> {
    let (directory, tokens) = (&identities.directory, &identities.tokens);
    let same = |id: &str| client_id.is_some_and(|requested| id.eq_ignore_ascii_case(requested));
    let app = match client_id {
        Some(id) => directory.find_app(id),
        None => directory.apps.first(),
    };
    let app = app.filter(|app| app.secret.is_some());
    let identity = directory.identities.iter().find(|identity| same(identity.client_id));
    let tid = directory.main_tenant_id();
    if resource.trim_end_matches('/') == FEDERATION_AUDIENCE {
        return match (identity, app) {
            (Some(identity), _) => Ok(tokens.mint_identity_token(identity.client_id, identity.object_id, tid)?),
            (None, Some(app)) => Ok(tokens.mint_identity_token(app.client_id, &app.service_principal_id(tid), tid)?),
            (None, None) => Err(ManagedIdentityError::Refused("Identity not found")),
        };
    }
    let app = app.ok_or(ManagedIdentityError::Refused("Identity not found"))?;
    let identifier = resource.strip_suffix("/.default").unwrap_or(resource);
    let resource =
        Resource::find(directory, identifier).ok_or(ManagedIdentityError::Refused("The resource is not known"))?;
    // In Entra's tokens, a managed identity counts as authenticated by certificate.
    Ok(tokens.mint_app_token(app, ClientProof::Certificate, resource, tid)?)
}
