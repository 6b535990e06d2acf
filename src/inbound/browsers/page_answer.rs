//! Answers to browsers: pages and redirects. None of them is kept by a cache.

use std::fmt::{Display, Write as _};

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};

use crate::inbound::Problem;

/// The policy of an answer without a page.
const NO_CONTENT_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Begins the answer with a page. `referrer_policy` says what other sites learn of the page's address.
#[must_use]
pub fn begin_page(status: StatusCode, referrer_policy: &'static str) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, referrer_policy))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    response
}

/// Completes the answer with `page`, which keeps to the content security policy `policy`.
#[must_use]
pub fn finish_page(mut response: HttpResponseBuilder, policy: &str, page: &impl Display) -> HttpResponse {
    let mut text = String::new();
    if write!(text, "{page}").is_err() {
        tracing::error!("a page cannot be rendered");
        return Problem::ServiceUnavailable.respond();
    }
    response
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .content_type("text/html; charset=utf-8")
        .body(text)
}

/// Redirects the browser to `address`, which must be a complete URL or a path of this service.
#[must_use]
pub fn redirect_browser(status: StatusCode, address: &str) -> HttpResponse {
    let mut response = begin_page(status, "no-referrer");
    response.insert_header((header::CONTENT_SECURITY_POLICY, NO_CONTENT_POLICY));
    response.insert_header((header::LOCATION, address)).finish()
}
