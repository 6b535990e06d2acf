use std::sync::Arc;

use actix_web::middleware::from_fn;
use actix_web::web::{Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Route, web};
use serde_json::{Value, json};

use super::directory::Directory;
use super::refusal::EntraRefusalReplies;
use super::tenant_segment::TenantSegment;
use super::tokens::TokenIssuer;
use crate::dev::admission::admit_page_origins;
use crate::dev::calls::CallLog;
use crate::dev::faults::FaultSwitches;

/// The tenants' metadata documents and key sets.
pub(in crate::dev) struct TenantDiscovery {
    pub(in crate::dev) directory: Arc<Directory>,
    pub(in crate::dev) tokens: Arc<TokenIssuer>,
    pub(in crate::dev) refusals: Arc<EntraRefusalReplies>,
    pub(in crate::dev) calls: Arc<CallLog>,
    pub(in crate::dev) faults: Arc<FaultSwitches>,
}

pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    let readable_by_pages =
        |path: &str, route: Route| web::resource(path).wrap(from_fn(admit_page_origins)).route(route);
    config
        .service(readable_by_pages("/{tenant}/v2.0/.well-known/openid-configuration", web::get().to(show_v2_metadata)))
        .service(readable_by_pages("/{tenant}/.well-known/openid-configuration", web::get().to(show_v1_metadata)))
        .service(readable_by_pages("/{tenant}/discovery/v2.0/keys", web::get().to(show_keys)))
        .service(readable_by_pages("/{tenant}/discovery/keys", web::get().to(show_keys)));
}

async fn show_v2_metadata(
    request: HttpRequest,
    tenant: Path<String>,
    discovery: Data<TenantDiscovery>,
) -> HttpResponse {
    answer_metadata(&request, &tenant, &discovery, true)
}

async fn show_v1_metadata(
    request: HttpRequest,
    tenant: Path<String>,
    discovery: Data<TenantDiscovery>,
) -> HttpResponse {
    answer_metadata(&request, &tenant, &discovery, false)
}

/// Both listeners name the same https issuer and the https login page. The URLs of keys and tokens are on the listener
/// that received the request, so that a program without TLS can use them.
fn answer_metadata(request: &HttpRequest, tenant: &str, discovery: &TenantDiscovery, v2: bool) -> HttpResponse {
    discovery.calls.count_call(|counts| &mut counts.metadata);
    if discovery.faults.keys_unavailable() {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let tid = match TenantSegment::parse(&discovery.directory, tenant) {
        Ok(TenantSegment::One(id)) => id,
        Ok(_) => "{tenantid}",
        Err(refusal) => return discovery.refusals.reply(&refusal),
    };
    let addresses = &discovery.tokens.addresses;
    let base = addresses.base_url_for(request);
    let (issuer, keys) = if v2 {
        (addresses.v2_issuer(tid), format!("{base}/{tenant}/discovery/v2.0/keys"))
    } else {
        (addresses.v1_issuer(tid), format!("{base}/{tenant}/discovery/keys"))
    };
    HttpResponse::Ok().json(json!({
        "issuer": issuer,
        "jwks_uri": keys,
        "token_endpoint": format!("{base}/{tenant}/oauth2/v2.0/token"),
        "authorization_endpoint": format!("{}/{tenant}/oauth2/v2.0/authorize", addresses.https_base),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
    }))
}

/// Answers with the key set, which is the same for all tenants. Each key names the issuer template, as Entra's keys do.
async fn show_keys(tenant: Path<String>, discovery: Data<TenantDiscovery>) -> HttpResponse {
    discovery.calls.count_call(|counts| &mut counts.tenant_keys);
    if discovery.faults.keys_unavailable() {
        return HttpResponse::ServiceUnavailable().finish();
    }
    if let Err(refusal) = TenantSegment::parse(&discovery.directory, &tenant) {
        return discovery.refusals.reply(&refusal);
    }
    let issuer = discovery.tokens.addresses.v2_issuer("{tenantid}");
    let keys: Vec<Value> = discovery
        .tokens
        .keys
        .all()
        .iter()
        .map(|key| {
            let mut jwk = key.jwk();
            jwk.insert("issuer".to_owned(), json!(issuer));
            Value::Object(jwk)
        })
        .collect();
    HttpResponse::Ok().json(json!({ "keys": keys }))
}
