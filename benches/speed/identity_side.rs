use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::{App, HttpResponse, HttpServer, web};

use crate::compared::announce;
use crate::signing::Signer;

/// The shape of Entra's answer; the token is opaque to everybody and as long as one for Graph.
fn answer() -> String {
    let token = "EwB4A8l6BAAUO9chh8cJscQLmU+LSWpbnr0vmwwAAQ".repeat(40);
    format!(
        "{{\"token_type\":\"Bearer\",\"scope\":\"https://graph.microsoft.com/User.Read\",\"expires_in\":4999,\
         \"ext_expires_in\":4999,\"access_token\":\"{token}\"}}"
    )
}

/// Key sets, and a token endpoint that answers everything at once and counts the calls.
pub fn serve(directory: &Path) {
    let keys = Signer::load(directory).key_set().to_string();
    let (answer, calls) = (answer(), Arc::new(AtomicU64::new(0)));
    let json = |body: String| HttpResponse::Ok().content_type("application/json").body(body);
    let app = move || {
        let (keys, answer, counted, told) = (keys.clone(), answer.clone(), calls.clone(), calls.clone());
        App::new()
            .route("/keys", web::get().to(move || std::future::ready(json(keys.clone()))))
            .route("/calls", web::get().to(move || std::future::ready(json(told.load(Ordering::SeqCst).to_string()))))
            .route(
                "/{tenant}/oauth2/v2.0/token",
                web::post().to(move |_: web::Bytes| {
                    counted.fetch_add(1, Ordering::SeqCst);
                    std::future::ready(json(answer.clone()))
                }),
            )
    };
    announce(|listener| HttpServer::new(app).workers(1).listen(listener).unwrap().run());
}
