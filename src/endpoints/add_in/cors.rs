use actix_web::HttpResponse;
use actix_web::http::header::{HeaderMap, HeaderValue};

use crate::domain::AddIn;
use crate::inbound::{CrossOriginPolicy, find_origin};

/// What panes may send and read. `x-requested-with` is jQuery's.
const POLICY: CrossOriginPolicy = CrossOriginPolicy::new(
    "accept, accept-language, authorization, client-request-id, consistencylevel, content-language, content-type, if-match, \
     if-modified-since, if-none-match, if-range, if-unmodified-since, prefer, range, x-requested-with",
    "Accept-Ranges, Content-Disposition, Content-Range, ETag, Location, Preference-Applied, Retry-After, WWW-Authenticate, \
     client-request-id, request-id",
);

/// The answer to `OPTIONS` of a resource of the add-in's with these `methods`.
pub(super) fn answer_options(add_in: &AddIn, request: &HeaderMap, methods: &str) -> HttpResponse {
    POLICY.answer_options(find_permitted(add_in, request), request, methods)
}

/// Lets the page that sent `request` read `response`, if its origin is one of the add-in's.
pub(super) fn permit_page(add_in: &AddIn, request: &HeaderMap, response: &mut HttpResponse) {
    POLICY.permit_page(find_permitted(add_in, request), response);
}

/// The origin of the request, if it is exactly one of the add-in's.
fn find_permitted<'h>(add_in: &AddIn, request: &'h HeaderMap) -> Option<&'h HeaderValue> {
    let is_listed = |origin: &&HeaderValue| add_in.origins.iter().any(|listed| listed.as_bytes() == origin.as_bytes());
    find_origin(request).filter(is_listed)
}
