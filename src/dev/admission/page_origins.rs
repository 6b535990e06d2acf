use std::sync::Mutex;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde_json::json;
use url::Url;

use super::loopback_host::is_loopback_url;
use crate::dev::lock::lock_ignoring_poison;

/// The origins of the pages that may call the stage: every origin on this machine, and those that were added.
#[derive(Debug, Default)]
pub(in crate::dev) struct PageOrigins(Mutex<Vec<String>>);

impl PageOrigins {
    /// Lets the pages of the origin of `url` in.
    pub(in crate::dev) fn add(&self, url: &Url) {
        lock_ignoring_poison(&self.0).push(url.origin().ascii_serialization());
    }

    /// Whether pages of `origin` may call. An `Origin` header has scheme, host and port only, so a longer text is refused.
    pub(in crate::dev) fn admits(&self, origin: &str) -> bool {
        let Ok(url) = Url::parse(origin) else { return false };
        let is_web_page = matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == origin;
        is_web_page && (is_loopback_url(&url) || lock_ignoring_poison(&self.0).iter().any(|known| known == origin))
    }
}

/// An `Origin` header that is repeated or is not text.
pub(in crate::dev) struct UnreadableOrigin;

/// The origin of the page that sent a request; `None` for a program, which sends no `Origin` header.
pub(in crate::dev) fn page_origin(headers: &HeaderMap) -> Result<Option<&str>, UnreadableOrigin> {
    let mut values = headers.get_all(ORIGIN);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| UnreadableOrigin),
        (Some(_), Some(_)) => Err(UnreadableOrigin),
    }
}

/// The answer to a page whose origin may not call.
pub(in crate::dev) fn foreign_origin() -> HttpResponse {
    HttpResponse::Forbidden().json(json!({"error": {
        "code": "Forbidden",
        "message": "Pages of this origin may not call. bot-sso dev --allow-origin URL lets an origin in.",
    }}))
}

/// Refuses the pages of origins that [`PageOrigins`] does not admit, answers preflights, and lets admitted pages read the
/// answers (CORS, with credentials). Requests of programs pass.
pub(in crate::dev) async fn admit_page_origins<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let origin = match page_origin(request.headers()) {
        Ok(origin) => origin.map(str::to_owned),
        Err(UnreadableOrigin) => return Ok(request.into_response(foreign_origin()).map_into_right_body()),
    };
    let origins = request.app_data::<Data<PageOrigins>>();
    if origin.as_ref().is_some_and(|origin| !origins.is_some_and(|origins| origins.admits(origin))) {
        return Ok(request.into_response(foreign_origin()).map_into_right_body());
    }
    let mut response = if request.method() == Method::OPTIONS {
        request.into_response(preflight_answer().finish()).map_into_right_body()
    } else {
        next.call(request).await?.map_into_left_body()
    };
    if let Some(origin) = origin.and_then(|origin| HeaderValue::from_str(&origin).ok()) {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
    Ok(response)
}

fn preflight_answer() -> HttpResponseBuilder {
    let mut answer = HttpResponse::NoContent();
    answer
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, x-ms-bot-agent, x-requested-with"))
        .insert_header((ACCESS_CONTROL_MAX_AGE, "600"));
    answer
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn origins_of_this_machine_and_added_ones_are_admitted_and_no_others() {
        let origins = PageOrigins::default();
        origins.add(&Url::parse("https://site.example/").unwrap());
        for admitted in [
            "http://127.0.0.1:3978",
            "http://localhost",
            "https://localhost:8443",
            "http://[::1]:8080",
            "https://site.example",
        ] {
            assert!(origins.admits(admitted), "{admitted}");
        }
        for foreign in [
            "",
            "null",
            "https://evil.example",
            "http://site.example",
            "https://site.example:8443",
            "https://site.example.evil.example",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "http://127.0.0.1:3978/",
            "http://127.0.0.1:3978/path",
            "http://someone@127.0.0.1:3978",
            "HTTP://127.0.0.1:3978",
            "file://",
            "chrome-extension://localhost",
        ] {
            assert!(!origins.admits(foreign), "{foreign}");
        }
    }
}
