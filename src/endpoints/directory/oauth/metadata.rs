use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::OAuthDoor;
use super::call::{DirectoryCall, unknown_tenant};
use super::replies::OAuthRefusal;
use super::token::GRANT_TYPES;
use crate::domain::Directory;
use crate::endpoints::directory::granted_scope::list_scopes;

/// Metadata change with the configuration only.
const FIVE_MINUTES: HeaderValue = HeaderValue::from_static("public, max-age=300");
/// A new key signs from the moment on at which it is published: a cache that kept the list would hide it from applications.
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
/// The ways in which an application with a secret authenticates.
const SECRET_METHODS: [&str; 2] = ["client_secret_basic", "client_secret_post"];
/// These, and that of a public application.
const METHODS: [&str; 3] = ["client_secret_basic", "client_secret_post", "none"];
/// The claims of ID tokens.
const CLAIMS: [&str; 20] = [
    "iss",
    "sub",
    "aud",
    "azp",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "sid",
    "at_hash",
    "amr",
    "tenant",
    "identities",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "email",
    "email_verified",
    "token_use",
];

/// The metadata of a directory.
// OpenID Connect Discovery §3, RFC 8414 §2.
#[allow(clippy::struct_excessive_bools, reason = "each is a member of the document")]
#[derive(Serialize, ToSchema)]
pub(super) struct DirectoryMetadata<'a> {
    issuer: &'a str,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: String,
    jwks_uri: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    end_session_endpoint: String,
    /// Whether applications are told of sign-outs (OpenID Connect Back-Channel Logout 1.0).
    backchannel_logout_supported: bool,
    /// Whether logout tokens have `sid` where one session ends.
    backchannel_logout_session_supported: bool,
    /// App ID's name for the management API.
    #[serde(skip_serializing_if = "Option::is_none")]
    management_endpoint: Option<String>,
    scopes_supported: Vec<&'static str>,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 2],
    grant_types_supported: [&'static str; 5],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 1],
    code_challenge_methods_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: [&'static str; 3],
    introspection_endpoint_auth_methods_supported: [&'static str; 2],
    revocation_endpoint_auth_methods_supported: [&'static str; 3],
    claims_supported: [&'static str; 20],
    prompt_values_supported: [&'static str; 3],
    ui_locales_supported: [&'static str; 3],
    authorization_response_iss_parameter_supported: bool,
    request_uri_parameter_supported: bool,
}

/// The public keys of a directory, the one that signs first.
// RFC 7517 §5.
#[derive(Serialize, ToSchema)]
pub(super) struct DirectoryKeySet {
    /// JSON Web Keys with `kty`, `use`, `alg`, `kid`, `n` and `e`.
    #[schema(value_type = Vec<std::collections::BTreeMap<String, String>>)]
    keys: Vec<crate::token_issuer::PublicKeyJson>,
}

/// `GET /oauth/v4/{tenant}/.well-known/openid-configuration`, and where RFC 8414 §3.1 looks for the same.
pub(super) async fn describe(http: HttpRequest, door: Data<OAuthDoor>) -> HttpResponse {
    let Some(call) = DirectoryCall::of_path(&http, door) else { return unknown_tenant() };
    let body = DirectoryMetadata::of(&call.view.directory);
    call.finish(Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, FIVE_MINUTES)).json(body)))
}

/// `GET /oauth/v4/{tenant}/publickeys`.
pub(super) async fn list_keys(http: HttpRequest, door: Data<OAuthDoor>) -> HttpResponse {
    let Some(call) = DirectoryCall::of_path(&http, door) else { return unknown_tenant() };
    let keys = call.door.parts.keys.find(&call.view.directory.tenant).ok_or(OAuthRefusal::Unavailable);
    call.finish(keys.map(|keys| {
        let mut response = HttpResponse::Ok();
        response.insert_header((CACHE_CONTROL, NO_CACHE)).json(DirectoryKeySet { keys: keys.public_keys() })
    }))
}

impl<'a> DirectoryMetadata<'a> {
    fn of(directory: &'a Directory) -> Self {
        let at = |path: &str| format!("{}/{path}", directory.issuer);
        Self {
            issuer: &directory.issuer,
            authorization_endpoint: at("authorization"),
            token_endpoint: at("token"),
            userinfo_endpoint: at("userinfo"),
            jwks_uri: at("publickeys"),
            introspection_endpoint: at("introspect"),
            revocation_endpoint: at("revoke"),
            end_session_endpoint: at("logout"),
            backchannel_logout_supported: true,
            backchannel_logout_session_supported: true,
            management_endpoint: find_management_endpoint(directory),
            scopes_supported: list_scopes(),
            response_types_supported: ["code"],
            response_modes_supported: ["query", "web_message"],
            grant_types_supported: GRANT_TYPES,
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: ["RS256"],
            code_challenge_methods_supported: ["S256"],
            token_endpoint_auth_methods_supported: METHODS,
            introspection_endpoint_auth_methods_supported: SECRET_METHODS,
            revocation_endpoint_auth_methods_supported: METHODS,
            claims_supported: CLAIMS,
            prompt_values_supported: ["none", "login", "select_account"],
            ui_locales_supported: ["en", "ja", "de"],
            authorization_response_iss_parameter_supported: true,
            request_uri_parameter_supported: false,
        }
    }
}

/// The management API, which lies beside the OAuth endpoints as App ID's does.
fn find_management_endpoint(directory: &Directory) -> Option<String> {
    let tenant = directory.tenant.as_str();
    let base = directory.issuer.strip_suffix(tenant)?.strip_suffix("/oauth/v4/")?;
    Some(format!("{base}/management/v4/{tenant}"))
}
