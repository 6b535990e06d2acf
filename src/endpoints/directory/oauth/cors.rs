use actix_web::HttpResponse;
use actix_web::http::header::{HeaderMap, HeaderValue};
use url::Url;

use crate::domain::DirectorySettings;
use crate::inbound::{CrossOriginPolicy, find_origin};

/// What pages of applications may send and read. `ibmcloud-appid-js` names itself in `x-filter-type`.
const POLICY: CrossOriginPolicy = CrossOriginPolicy::new(
    "accept, accept-language, authorization, content-language, content-type, x-filter-type",
    "Retry-After, WWW-Authenticate",
);

/// The answer to `OPTIONS` of a resource with these `methods`.
pub(super) fn answer_options(settings: &DirectorySettings, request: &HeaderMap, methods: &str) -> HttpResponse {
    POLICY.answer_options(find_permitted(settings, request), request, methods)
}

/// Lets the page that sent `request` read `response`, if its origin is that of a redirect URI of the directory.
pub(super) fn permit_page(settings: &DirectorySettings, request: &HeaderMap, response: &mut HttpResponse) {
    POLICY.permit_page(find_permitted(settings, request), response);
}

/// The origin of the request, if it is that of a redirect URI of an application, or of the directory's own list.
fn find_permitted<'h>(settings: &DirectorySettings, request: &'h HeaderMap) -> Option<&'h HeaderValue> {
    let origin = find_origin(request)?;
    let text = origin.to_str().ok()?;
    let of_applications = settings.applications.iter().flat_map(|application| &application.redirect_uris);
    let mut listed = settings.redirect_uris.iter().chain(of_applications);
    listed.any(|uri| has_origin(uri, text)).then_some(origin)
}

/// Whether `origin` is the origin of `uri`, as browsers write it.
fn has_origin(uri: &str, origin: &str) -> bool {
    // Most URIs do not begin with the origin, and then they need no parsing.
    let may_be = uri.get(..origin.len()).is_some_and(|start| start.eq_ignore_ascii_case(origin));
    let of_uri = || Url::parse(uri).ok().map(|uri| uri.origin());
    may_be && of_uri().is_some_and(|of_uri| of_uri.is_tuple() && of_uri.ascii_serialization() == origin)
}

#[cfg(test)]
mod tests {
    use super::has_origin;

    #[test]
    fn an_origin_is_compared_whole() {
        for (uri, origin, expected) in [
            ("https://shop.example/cb?x=1", "https://shop.example", true),
            ("https://shop.example:443/cb", "https://shop.example", true),
            ("https://SHOP.example", "https://shop.example", true),
            ("http://127.0.0.1:3000/cb", "http://127.0.0.1:3000", true),
            ("https://shop.example.evil.example/cb", "https://shop.example", false),
            ("https://shop.example:8443/cb", "https://shop.example", false),
            ("https://shop.example@evil.example/", "https://shop.example", false),
            ("https://shop.example/cb", "https://shop.example/", false),
            ("https://shop.example/cb", "", false),
            ("null://x", "null", false),
        ] {
            assert_eq!(has_origin(uri, origin), expected, "{uri} {origin}");
        }
    }
}
