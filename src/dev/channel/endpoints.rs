use std::sync::Arc;

use actix_web::web::{Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::issuer::{CHANNEL_TOKEN_LIFETIME, ChannelIssuer};
use crate::dev::calls::CallLog;
use crate::dev::faults::FaultSwitches;
use crate::dev::tenant::{EntraRefusal, EntraRefusalReplies, Form};

/// The client id of the channel. A program that plays the channel requests tokens with it.
pub(in crate::dev) const CHANNEL_CLIENT_ID: &str = "c4a77e10-6d2b-4f38-9a51-0e9d8c7b6a50";
/// The client secret of the channel.
pub(in crate::dev) const CHANNEL_CLIENT_SECRET: &str = "channel-secret-of-the-local-stage";

/// The channel's metadata, key set and token endpoint.
pub(in crate::dev) struct ChannelEndpoints {
    pub(in crate::dev) issuer: Arc<ChannelIssuer>,
    pub(in crate::dev) refusals: Arc<EntraRefusalReplies>,
    pub(in crate::dev) calls: Arc<CallLog>,
    pub(in crate::dev) faults: Arc<FaultSwitches>,
}

pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    config
        .route("/channel/v1/.well-known/openidconfiguration", web::get().to(show_metadata))
        .route("/channel/v1/.well-known/keys", web::get().to(show_keys))
        // The Agents SDK for JavaScript fetches the keys of an issuer other than the Bot Framework's from this path below
        // the issuer's authority.
        .route("/channel/v1/discovery/v2.0/keys", web::get().to(show_keys))
        .route("/channel/oauth2/v2.0/token", web::post().to(answer_token_request));
}

async fn show_metadata(request: HttpRequest, endpoints: Data<ChannelEndpoints>) -> HttpResponse {
    endpoints.calls.count_call(|counts| &mut counts.metadata);
    if endpoints.faults.keys_unavailable() {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let base = endpoints.issuer.addresses.base_url_for(&request);
    HttpResponse::Ok().json(json!({
        "issuer": endpoints.issuer.addresses.channel_issuer(),
        "authorization_endpoint": "https://invalid.botframework.com",
        "jwks_uri": format!("{base}/channel/v1/.well-known/keys"),
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
    }))
}

async fn show_keys(endpoints: Data<ChannelEndpoints>) -> HttpResponse {
    endpoints.calls.count_call(|counts| &mut counts.channel_keys);
    if endpoints.faults.keys_unavailable() {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let keys: Vec<Value> = endpoints
        .issuer
        .keys
        .all_with_endorsements()
        .into_iter()
        .map(|(key, endorsements)| {
            let mut jwk = key.jwk();
            if let Some(endorsements) = endorsements {
                jwk.insert("endorsements".to_owned(), json!(endorsements));
            }
            Value::Object(jwk)
        })
        .collect();
    HttpResponse::Ok().json(json!({ "keys": keys }))
}

/// Answers the client credentials grant of the channel. Two form parameters are additions for tests: `service_url` sets
/// the claim `serviceurl`, and `kid` selects the key (by its `kid`, or as `endorsed`, `directline` or `unendorsed`).
async fn answer_token_request(request: HttpRequest, body: Bytes, endpoints: Data<ChannelEndpoints>) -> HttpResponse {
    match issue_token(&request, &body, &endpoints) {
        Ok(answer) => {
            endpoints.calls.count_call(|counts| &mut counts.channel_tokens);
            HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(answer)
        }
        Err(refusal) => endpoints.refusals.reply(&refusal),
    }
}

fn issue_token(request: &HttpRequest, body: &[u8], endpoints: &ChannelEndpoints) -> Result<Value, EntraRefusal> {
    let form = Form::parse(request, body)?;
    if form.get("grant_type")? != "client_credentials" {
        return Err(EntraRefusal::bad_request(
            "unsupported_grant_type",
            70_003,
            "The channel supports client_credentials only.",
        ));
    }
    let (client_id, secret) = (form.get("client_id")?, form.get("client_secret")?);
    let same_secret = bool::from(secret.as_bytes().ct_eq(CHANNEL_CLIENT_SECRET.as_bytes()));
    if client_id != CHANNEL_CLIENT_ID || !same_secret {
        return Err(EntraRefusal::invalid_client(7_000_215, "Invalid client secret provided."));
    }
    let app_id = form.get("scope")?.strip_suffix("/.default").filter(|id| !id.is_empty()).ok_or_else(|| {
        EntraRefusal::bad_request("invalid_scope", 1_002_012, "The scope must be '<app id>/.default'.")
    })?;
    let key = match form.find("kid") {
        None => &endpoints.issuer.keys.endorsed,
        Some(name) => endpoints.issuer.keys.find(name).ok_or_else(|| {
            EntraRefusal::bad_request("invalid_request", 90_014, "The channel has no key of that name.")
        })?,
    };
    let own = endpoints.issuer.addresses.service_url();
    let token = endpoints.issuer.mint(app_id, form.find("service_url").unwrap_or(&own), key)?;
    Ok(json!({
        "token_type": "Bearer",
        "expires_in": CHANNEL_TOKEN_LIFETIME - 1,
        "ext_expires_in": CHANNEL_TOKEN_LIFETIME - 1,
        "access_token": token,
    }))
}
