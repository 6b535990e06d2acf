use std::borrow::Cow;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::{App, HttpResponse, HttpServer, web};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};

use crate::setting::CLIENT_ID;
use crate::signing::Signer;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Activity<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    channel_id: Cow<'a, str>,
    #[serde(borrow)]
    service_url: Cow<'a, str>,
    #[serde(borrow)]
    from: Account<'a>,
    #[serde(borrow)]
    conversation: Conversation<'a>,
    #[serde(borrow)]
    value: Value<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    aad_object_id: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Conversation<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    tenant_id: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Value<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    connection_name: Cow<'a, str>,
    #[serde(borrow)]
    token: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    id: &'a str,
    connection_name: &'a str,
}

#[derive(Deserialize)]
struct Claims {
    oid: String,
}

struct Verification {
    key: DecodingKey,
    rules: Validation,
}

/// Serves one of the two compared servers: (a) a handler that parses the activity and answers, (b) with `directory`, a
/// handler that also verifies the token's signature. Neither authenticates its caller, writes a log or stores anything.
pub fn serve(directory: Option<&Path>) {
    let verification = directory.map(|directory| {
        let mut rules = Validation::new(Algorithm::RS256);
        rules.set_audience(&[CLIENT_ID]);
        Arc::new(Verification { key: Signer::load(directory).decoding_key(), rules })
    });
    let app = move || {
        let verification = verification.clone();
        let handler = move |body: web::Bytes| std::future::ready(answer(&body, verification.as_deref()));
        App::new().route("/api/messages", web::post().to(handler))
    };
    serve_and_print_port(|listener| HttpServer::new(app).workers(1).listen(listener).unwrap().run());
}

fn answer(body: &[u8], verification: Option<&Verification>) -> HttpResponse {
    let Ok(activity) = serde_json::from_slice::<Activity<'_>>(body) else { return HttpResponse::BadRequest().finish() };
    let known =
        activity.kind == "invoke" && activity.name == "signin/tokenExchange" && activity.channel_id == "msteams";
    let named = [&activity.service_url, &activity.from.id, &activity.conversation.id, &activity.conversation.tenant_id];
    if !known || named.iter().any(|text| text.is_empty()) {
        return HttpResponse::BadRequest().finish();
    }
    if let Some(Verification { key, rules }) = verification {
        match jsonwebtoken::decode::<Claims>(&*activity.value.token, key, rules) {
            Ok(token) if token.claims.oid == activity.from.aad_object_id => {}
            _ => return HttpResponse::Unauthorized().finish(),
        }
    }
    HttpResponse::Ok().json(Answer { id: &activity.value.id, connection_name: &activity.value.connection_name })
}

/// Serves on a free port and prints the port for the parent process.
pub fn serve_and_print_port(serve: impl FnOnce(TcpListener) -> Server) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    actix_web::rt::System::new().block_on(async { serve(listener).await }).unwrap();
}
