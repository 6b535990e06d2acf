use actix_web::HttpResponse;
use actix_web::web::{Data, Path, ServiceConfig, get};

use crate::dev::tenant::Directory;

pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    config.route("/apps/{app}", get().to(show_app));
}

/// Answers `GET /apps/{app}`: the page of an app, to which the gateway leads its users back after a sign-in. A real page reads
/// `access_token` from its address; this one shows only that the user has come back.
async fn show_app(app: Path<String>, directory: Data<Directory>) -> HttpResponse {
    let Some(app) = directory.service_role_apps.iter().find(|entry| entry.app_id == *app) else {
        return HttpResponse::NotFound().finish();
    };
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("Cache-Control", "no-store"))
        .insert_header(("Referrer-Policy", "no-referrer"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .body(format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title></head>\
             <body><h1>{0}</h1><p>This is the app {0} of the local stage. A sign-in ends here.</p></body></html>",
            app.app_id
        ))
}
