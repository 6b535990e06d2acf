use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, HeaderMap,
    HeaderValue, ORIGIN, VARY,
};

use crate::domain::AddIn;

/// The request headers that pages may set. `x-requested-with` is jQuery's.
const PERMITTED_HEADERS: HeaderValue = HeaderValue::from_static(
    "accept, accept-language, authorization, client-request-id, consistencylevel, content-language, content-type, if-match, \
     if-modified-since, if-none-match, if-range, if-unmodified-since, prefer, range, x-requested-with",
);
/// The answer headers that pages may read beside those that every page may.
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Accept-Ranges, Content-Disposition, Content-Range, ETag, Location, Preference-Applied, Retry-After, WWW-Authenticate, \
     client-request-id, request-id",
);
/// How long a browser keeps the answer to its question, in seconds.
const TEN_MINUTES: HeaderValue = HeaderValue::from_static("600");
const VARY_OF_ANSWER: HeaderValue = HeaderValue::from_static("Origin");
const VARY_OF_PREFLIGHT: HeaderValue =
    HeaderValue::from_static("Origin, Access-Control-Request-Method, Access-Control-Request-Headers");

/// The answer to `OPTIONS` of a resource with these `methods`: to the question of a browser before a page's request, or to
/// anybody else, who learns the methods only. Requests carry bearers and no cookies, so no credentials mode is permitted.
pub(super) fn answer_options(add_in: &AddIn, request: &HeaderMap, methods: &str) -> HttpResponse {
    let mut response = HttpResponse::NoContent().finish();
    let headers = response.headers_mut();
    let methods = HeaderValue::from_str(methods).unwrap_or(HeaderValue::from_static(""));
    headers.insert(VARY, VARY_OF_PREFLIGHT);
    let asks = request.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    match find_permitted(add_in, request).filter(|_| asks) {
        Some(origin) => {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, PERMITTED_HEADERS);
            headers.insert(ACCESS_CONTROL_MAX_AGE, TEN_MINUTES);
        }
        None => {
            headers.insert(ALLOW, methods);
        }
    }
    response
}

/// Lets the page that sent `request` read `response`, if its origin is one of the add-in's.
pub(super) fn permit_page(add_in: &AddIn, request: &HeaderMap, response: &mut HttpResponse) {
    let headers = response.headers_mut();
    headers.insert(VARY, VARY_OF_ANSWER);
    if let Some(origin) = find_permitted(add_in, request) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    }
}

/// The origin of the request, if it is exactly one of the add-in's.
fn find_permitted<'h>(add_in: &AddIn, request: &'h HeaderMap) -> Option<&'h HeaderValue> {
    let mut origins = request.get_all(ORIGIN);
    let origin = origins.next().filter(|_| origins.next().is_none())?;
    add_in.origins.iter().any(|listed| listed.as_bytes() == origin.as_bytes()).then_some(origin)
}

/// The methods of a resource, as headers list them. `GET` includes `HEAD`.
pub(super) fn list_methods(methods: impl IntoIterator<Item = Method>) -> String {
    let mut list = String::new();
    for method in methods {
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(method.as_str());
        if method == Method::GET {
            list.push_str(", HEAD");
        }
    }
    list
}
