use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use super::token::{CLIENT_CREDENTIALS, JWT_BEARER, TOKEN_EXCHANGE};
use super::{BackEndDoor, INTROSPECTION_PATH, REVOCATION_PATH, TOKEN_PATH};

/// The metadata changes with a restart only.
const FIVE_MINUTES: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// What the metadata say of this service, as it is configured.
#[derive(Clone, Debug)]
pub struct ServerMetadata {
    /// The public address without a slash at its end.
    pub issuer: String,
    /// Whether a back end authenticates by a secret.
    pub accepts_secrets: bool,
    /// The algorithms by which the back ends that have keys may sign their assertions; empty if none has.
    pub assertion_algorithms: Vec<&'static str>,
    /// Whether a back end may have tokens as itself.
    pub gives_app_tokens: bool,
}

/// The metadata of this authorization server.
// RFC 8414 §2.
#[derive(Serialize, ToSchema)]
pub(super) struct MetadataBody<'a> {
    issuer: &'a str,
    token_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    /// Empty: this service has no authorization endpoint.
    response_types_supported: [&'static str; 0],
    grant_types_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    token_endpoint_auth_signing_alg_values_supported: &'a [&'static str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    introspection_endpoint_auth_signing_alg_values_supported: &'a [&'static str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    revocation_endpoint_auth_signing_alg_values_supported: &'a [&'static str],
}

impl ServerMetadata {
    pub(super) fn to_json(&self) -> Bytes {
        let at = |path: &str| format!("{}{path}", self.issuer);
        let mut grants = vec![TOKEN_EXCHANGE, JWT_BEARER];
        grants.extend(self.gives_app_tokens.then_some(CLIENT_CREDENTIALS));
        let mut methods = Vec::new();
        if self.accepts_secrets {
            methods.extend(["client_secret_basic", "client_secret_post"]);
        }
        methods.extend((!self.assertion_algorithms.is_empty()).then_some("private_key_jwt"));
        let body = MetadataBody {
            issuer: &self.issuer,
            token_endpoint: at(TOKEN_PATH),
            introspection_endpoint: at(INTROSPECTION_PATH),
            revocation_endpoint: at(REVOCATION_PATH),
            response_types_supported: [],
            grant_types_supported: grants,
            token_endpoint_auth_methods_supported: methods.clone(),
            introspection_endpoint_auth_methods_supported: methods.clone(),
            revocation_endpoint_auth_methods_supported: methods,
            token_endpoint_auth_signing_alg_values_supported: &self.assertion_algorithms,
            introspection_endpoint_auth_signing_alg_values_supported: &self.assertion_algorithms,
            revocation_endpoint_auth_signing_alg_values_supported: &self.assertion_algorithms,
        };
        // Texts and lists of texts cannot fail.
        Bytes::from(serde_json::to_vec(&body).unwrap_or_else(|_| b"{}".to_vec()))
    }
}

/// `GET /.well-known/oauth-authorization-server`.
pub(super) async fn describe(door: web::Data<BackEndDoor>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((CACHE_CONTROL, FIVE_MINUTES))
        .body(door.metadata.clone())
}
