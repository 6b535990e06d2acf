use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

use crate::compared::serve_and_print_port;
use crate::passing::{BOT_PATH, bare_bot};
use crate::setting::{APP_ID, CHANNEL_ISSUER, CONNECTION};
use crate::signing::Signer;

/// An opaque token as long as a Graph token.
fn graph_token() -> String {
    "EwB4A8l6BAAUO9chh8cJscQLmU+LSWpbnr0vmwwAAQ".repeat(40)
}

/// A token answer in Entra's form.
fn answer() -> String {
    let token = graph_token();
    format!(
        "{{\"token_type\":\"Bearer\",\"scope\":\"https://graph.microsoft.com/User.Read\",\"expires_in\":4999,\
         \"ext_expires_in\":4999,\"access_token\":\"{token}\"}}"
    )
}

/// The answer to a token request: the assertion itself where the parent bot asks for a token of its own API, so that this
/// token can be exchanged again.
fn answer_to(body: &[u8], answer: &str) -> String {
    let form: BTreeMap<_, _> = url::form_urlencoded::parse(body).collect();
    match (form.get("scope"), form.get("assertion")) {
        (Some(scope), Some(assertion)) if scope.starts_with("api://botid-") => {
            answer.replace(&graph_token(), assertion)
        }
        _ => answer.to_owned(),
    }
}

/// A skill that says in its answer which conversation it has been called in.
async fn bare_skill(request: HttpRequest, _: web::Bytes) -> HttpResponse {
    let conversation = request.headers().get("x-ms-conversation-id").and_then(|id| id.to_str().ok());
    HttpResponse::Ok().json(json!({ "conversation": conversation }))
}

/// The other services of an SDK bot: the channel's metadata, the bot's own token, its user's token, Graph, and the
/// channel that takes its replies. All answer at once.
fn for_sdk_bots(config: &mut web::ServiceConfig, user_token: &str) {
    let app_token = json!({
        "access_token": "an-app-token", "expires_on": "32503680000", "resource": "https://api.botframework.com",
        "token_type": "Bearer", "client_id": APP_ID,
    });
    let user_token = json!({
        "channelId": "msteams", "connectionName": CONNECTION, "token": user_token, "expiration": "2999-12-31T00:00:00Z",
    });
    let always = |answer: Value| move || std::future::ready(HttpResponse::Ok().json(&answer));
    config
        .route("/metadata", web::get().to(metadata))
        .route("/msi", web::get().to(always(app_token)))
        .route("/api/usertoken/GetToken", web::get().to(always(user_token)))
        .route("/me", web::get().to(always(json!({"displayName": "Ada Example"}))))
        .route("/v3/conversations/{tail:.*}", web::post().to(always(json!({"id": "1"}))));
}

async fn metadata(request: HttpRequest) -> HttpResponse {
    let keys = format!("http://{}/keys", request.connection_info().host());
    HttpResponse::Ok().json(json!({
        "issuer": CHANNEL_ISSUER, "jwks_uri": keys, "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

/// Serves key sets, and a token endpoint that answers at once and counts its calls.
pub fn serve(directory: &Path) {
    let keys = Signer::load(directory).key_set().to_string();
    let (answer, calls) = (answer(), Arc::new(AtomicU64::new(0)));
    let json = |body: String| HttpResponse::Ok().content_type("application/json").body(body);
    let app = move || {
        let (keys, answer, counted, told) = (keys.clone(), answer.clone(), calls.clone(), calls.clone());
        App::new()
            .configure(|config| for_sdk_bots(config, &graph_token()))
            .route("/keys", web::get().to(move || std::future::ready(json(keys.clone()))))
            .route("/calls", web::get().to(move || std::future::ready(json(told.load(Ordering::SeqCst).to_string()))))
            .route(
                "/{tenant}/oauth2/v2.0/token",
                web::post().to(move |body: web::Bytes| {
                    counted.fetch_add(1, Ordering::SeqCst);
                    std::future::ready(json(answer_to(&body, &answer)))
                }),
            )
            .route("/skill/api/messages", web::post().to(bare_skill))
            .route(BOT_PATH, web::post().to(bare_bot))
    };
    serve_and_print_port(|listener| HttpServer::new(app).workers(1).listen(listener).unwrap().run());
}
