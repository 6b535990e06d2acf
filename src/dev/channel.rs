use std::sync::Arc;

use actix_web::web::{Bytes, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::error::StageError;
use super::form::Form;
use super::keys::SigningKey;
use super::refusal::Refusal;
use super::state::{SharedState, State};
use super::verification::{TokenFault, signed_claims, text_claim};

/// Client id of the channel: what a program needs to play it.
pub(super) const CHANNEL_CLIENT_ID: &str = "c4a77e10-6d2b-4f38-9a51-0e9d8c7b6a50";
/// Its secret.
pub(super) const CHANNEL_CLIENT_SECRET: &str = "channel-secret-of-the-local-stage";
/// The channels that ordinary channel tokens may speak for.
pub(super) const ENDORSED: [&str; 3] = ["msteams", "webchat", "directline"];
/// How long a channel token is good for, in seconds.
const LIFETIME: i64 = 3600;

/// The channel issuer's keys; what differs is what they are endorsed for.
pub(super) struct ChannelKeys {
    /// Endorsed for all of `ENDORSED`.
    pub(super) endorsed: Arc<SigningKey>,
    /// Endorsed for `directline` only.
    pub(super) directline: Arc<SigningKey>,
    /// Without an `endorsements` member.
    pub(super) unendorsed: Arc<SigningKey>,
}

impl ChannelKeys {
    fn all(&self) -> [(&Arc<SigningKey>, Option<&'static [&'static str]>); 3] {
        [(&self.endorsed, Some(&ENDORSED)), (&self.directline, Some(&["directline"])), (&self.unendorsed, None)]
    }

    /// The key with this `kid`, or with this plain name: `endorsed`, `directline`, `unendorsed`.
    fn find(&self, name: &str) -> Option<&Arc<SigningKey>> {
        match name {
            "endorsed" => Some(&self.endorsed),
            "directline" => Some(&self.directline),
            "unendorsed" => Some(&self.unendorsed),
            kid => self.all().into_iter().map(|(key, _)| key).find(|key| key.kid() == kid),
        }
    }
}

impl State {
    /// Makes a channel token for the bot `app_id`.
    pub(super) fn mint_channel_token(
        &self,
        app_id: &str,
        service_url: &str,
        key: &SigningKey,
    ) -> Result<String, StageError> {
        let now = self.now_seconds();
        key.sign(&json!({
            "iss": self.channel_issuer(),
            "aud": app_id,
            "serviceurl": service_url,
            "nbf": now,
            "exp": now + LIFETIME,
        }))
    }

    /// Claims of a channel token for `app_id`, checked as a bot checks it.
    pub(super) fn verify_channel_token(&self, token: &str, app_id: &str) -> Result<Value, TokenFault> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenFault::Malformed)?;
        let kid = header.kid.ok_or(TokenFault::Malformed)?;
        let key = self.channel_keys.find(&kid).ok_or(TokenFault::Signature)?;
        let claims = signed_claims(token, key.verification(), &[Algorithm::RS256])?;
        self.check_expiry(&claims)?;
        let ours = text_claim(&claims, "aud") == Some(app_id)
            && text_claim(&claims, "iss") == Some(self.channel_issuer().as_str());
        if ours { Ok(claims) } else { Err(TokenFault::Audience) }
    }
}

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/channel/v1/.well-known/openidconfiguration", web::get().to(metadata))
        .route("/channel/v1/.well-known/keys", web::get().to(keys))
        // Where the Agents SDK for JavaScript looks for keys whose issuer is not the Bot Framework's own: below its authority.
        .route("/channel/v1/discovery/v2.0/keys", web::get().to(keys))
        .route("/channel/oauth2/v2.0/token", web::post().to(token));
}

async fn metadata(request: HttpRequest, state: SharedState) -> HttpResponse {
    state.calls.note(|counts| &mut counts.metadata);
    if state.faults.keys_unavailable() {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let base = state.base_of(&request);
    HttpResponse::Ok().json(json!({
        "issuer": state.channel_issuer(),
        "authorization_endpoint": "https://invalid.botframework.com",
        "jwks_uri": format!("{base}/channel/v1/.well-known/keys"),
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
    }))
}

async fn keys(state: SharedState) -> HttpResponse {
    state.calls.note(|counts| &mut counts.channel_keys);
    if state.faults.keys_unavailable() {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let keys: Vec<Value> = state
        .channel_keys
        .all()
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

/// Client credentials of the channel. Two additions for tests: `service_url` sets the claim of that name, `kid` picks
/// the key (its `kid`, or `endorsed`, `directline`, `unendorsed`).
async fn token(request: HttpRequest, body: Bytes, state: SharedState) -> HttpResponse {
    match issue(&request, &body, &state) {
        Ok(answer) => {
            state.calls.note(|counts| &mut counts.channel_tokens);
            HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(answer)
        }
        Err(refusal) => refusal.to_response(&state, &state.entropy.uuid()),
    }
}

fn issue(request: &HttpRequest, body: &[u8], state: &State) -> Result<Value, Refusal> {
    let form = Form::parse(request, body)?;
    if form.get("grant_type")? != "client_credentials" {
        return Err(Refusal::bad_request(
            "unsupported_grant_type",
            70_003,
            "The channel knows client_credentials only.",
        ));
    }
    let (client_id, secret) = (form.get("client_id")?, form.get("client_secret")?);
    let same_secret = bool::from(secret.as_bytes().ct_eq(CHANNEL_CLIENT_SECRET.as_bytes()));
    if client_id != CHANNEL_CLIENT_ID || !same_secret {
        return Err(Refusal::client(7_000_215, "Invalid client secret provided."));
    }
    let app_id =
        form.get("scope")?.strip_suffix("/.default").filter(|id| !id.is_empty()).ok_or_else(|| {
            Refusal::bad_request("invalid_scope", 1_002_012, "The scope must be '<app id>/.default'.")
        })?;
    let key = match form.find("kid") {
        None => &state.channel_keys.endorsed,
        Some(name) => state
            .channel_keys
            .find(name)
            .ok_or_else(|| Refusal::bad_request("invalid_request", 90_014, "The channel has no key of that name."))?,
    };
    let own = state.service_url();
    let token = state.mint_channel_token(app_id, form.find("service_url").unwrap_or(&own), key)?;
    Ok(json!({
        "token_type": "Bearer",
        "expires_in": LIFETIME - 1,
        "ext_expires_in": LIFETIME - 1,
        "access_token": token,
    }))
}
