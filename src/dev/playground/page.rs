use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::libraries::WebChatLibraries;
use super::settings::PlaygroundFacts;

const PAGE: &str = include_str!("page.html");
const REDIRECT_PAGE: &str = include_str!("redirect.html");
/// Stands in the redirect page for the address of MSAL's part for such pages.
const BRIDGE: &str = "{bridge}";
/// The file of that part.
const BRIDGE_FILE: &str = "msal-redirect-bridge.min.js";

/// Answers `GET /` with the page. It has one address, because the origin of a page is a part of its sign-in: a visitor of
/// `localhost` or of the https listener is led there.
pub(super) async fn show_page(request: HttpRequest, facts: Data<PlaygroundFacts>) -> HttpResponse {
    let base = &facts.addresses.http_base;
    let is_at_home = !request.app_config().secure()
        && request.headers().get("host").is_some_and(|host| format!("http://{}", host.to_str().unwrap_or("")) == *base);
    if !is_at_home {
        let query = request.query_string();
        let mark = if query.is_empty() { "" } else { "?" };
        return HttpResponse::TemporaryRedirect()
            .insert_header(("Location", format!("{base}/{mark}{query}")))
            .insert_header(("Cache-Control", "no-store"))
            .finish();
    }
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("Cache-Control", "no-cache"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(("Content-Security-Policy", content_security_policy(&facts)))
        .body(PAGE)
}

/// Answers `GET /playground/redirect.html`: the page to which the tenant leads a frame or a window of MSAL back.
pub(super) async fn show_redirect_page(libraries: Data<WebChatLibraries>) -> HttpResponse {
    let addresses = libraries.addresses();
    let Some(bridge) = addresses.get(BRIDGE_FILE) else { return HttpResponse::NotFound().finish() };
    let policy = "default-src 'none'; script-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("Cache-Control", "no-cache"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(("Content-Security-Policy", policy))
        .body(REDIRECT_PAGE.replace(BRIDGE, &bridge.url))
}

/// What the page may load and call: the stage, and the site owner's module from the gateway. Web Chat writes its styles
/// into the page, and the pictures in its messages come from anywhere on the stage.
fn content_security_policy(facts: &PlaygroundFacts) -> String {
    let gateway = facts.gateway();
    // The schemes of WebSockets are http and https with `ws` in place of `http`.
    let stream = facts.addresses.http_base.replacen("http", "ws", 1);
    format!(
        "default-src 'none'; script-src 'self' {gateway}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
         connect-src 'self' {stream}; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}
