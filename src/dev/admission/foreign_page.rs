use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, ORIGIN, REFERER};
use url::Url;

use super::page_origins::PageOrigins;

/// The prefix of the controls and of the manifest.
const CONTROLS: &str = "/dev/";

/// The parts of a request that tell which page a browser sent it from.
pub(in crate::dev) struct RequestHead<'a> {
    pub(in crate::dev) method: &'a Method,
    pub(in crate::dev) path: &'a str,
    pub(in crate::dev) query: &'a str,
    pub(in crate::dev) headers: &'a HeaderMap,
}

impl RequestHead<'_> {
    /// Whether a page whose origin is not among `admitted` made the browser send this request. A browser on this machine
    /// reaches the stage, so any page that a developer opens could otherwise work it. Pages from loopback, with any port,
    /// are not foreign, and neither are programs, which send neither header.
    ///
    /// A browser that follows a link or a redirect to a page of the tenant sends no `Origin`: bots and gateways lead their
    /// users there, so this is no reason to refuse. The controls have no such visitors.
    pub(in crate::dev) fn is_from_foreign_page(&self, admitted: &PageOrigins) -> bool {
        let site = self.headers.get("sec-fetch-site").map(|value| value.to_str().unwrap_or_default());
        let mut origins = self.headers.get_all(ORIGIN).peekable();
        if origins.peek().is_some() {
            // A page that sends no referrer has the origin `null` for its own forms, too.
            let is_own = |origin: &str| {
                admitted.admits(origin) || origin == "null" && matches!(site, Some("same-origin" | "none"))
            };
            return !origins.all(|origin| origin.to_str().is_ok_and(is_own));
        }
        site.is_some_and(|site| site.eq_ignore_ascii_case("cross-site"))
            && !self.is_visit()
            && !self.is_silent_sign_in(admitted)
    }

    /// Whether an admitted page asks in a frame for a sign-in without a page. The answer leads the frame back to a page of
    /// the application.
    fn is_silent_sign_in(&self, admitted: &PageOrigins) -> bool {
        let referrer = self.headers.get(REFERER).and_then(|value| value.to_str().ok());
        let origin = referrer.and_then(|text| Url::parse(text).ok()).map(|url| url.origin().ascii_serialization());
        let is_silent =
            url::form_urlencoded::parse(self.query.as_bytes()).any(|(name, value)| name == "prompt" && value == "none");
        *self.method == Method::GET
            && self.has("sec-fetch-mode", "navigate")
            && self.has("sec-fetch-dest", "iframe")
            && self.path.ends_with("/oauth2/v2.0/authorize")
            && is_silent
            && origin.is_some_and(|origin| admitted.admits(&origin))
    }

    fn has(&self, name: &str, value: &str) -> bool {
        self.headers.get(name).is_some_and(|header| header == value)
    }

    /// Whether a person visits a page of the tenant.
    fn is_visit(&self) -> bool {
        matches!(*self.method, Method::GET | Method::HEAD)
            && self.has("sec-fetch-mode", "navigate")
            && self.has("sec-fetch-dest", "document")
            && !self.path.starts_with(CONTROLS)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn is_foreign(method: Method, path: &str, headers: &[[&'static str; 2]]) -> bool {
        let request = headers.iter().fold(TestRequest::default().method(method).uri(path), |request, [name, value]| {
            request.append_header((*name, *value))
        });
        let request = request.to_http_request();
        let (path, query) = (request.path(), request.query_string());
        RequestHead { method: request.method(), path, query, headers: request.headers() }
            .is_from_foreign_page(&PageOrigins::default())
    }

    #[test]
    fn a_request_of_a_foreign_page_is_told_from_those_of_programs_and_of_this_machines_pages() {
        let post = |headers: &[[&'static str; 2]]| is_foreign(Method::POST, "/dev/faults", headers);
        assert!(!post(&[]));
        for origin in ["http://localhost:3000", "https://localhost", "http://127.0.0.1:3978", "http://[::1]:1"] {
            assert!(!post(&[["origin", origin]]), "{origin}");
            assert!(!post(&[["origin", origin], ["sec-fetch-site", "cross-site"]]), "{origin}: another loopback name");
        }
        for origin in
            ["https://evil.example", "http://localhost.evil.example", "http://127.0.0.1.evil.example", "null", ""]
        {
            assert!(post(&[["origin", origin]]), "{origin}");
        }
        assert!(post(&[["origin", "http://localhost"], ["origin", "https://evil.example"]]));
        assert!(post(&[["origin", "null"], ["sec-fetch-site", "cross-site"]]));
        assert!(!post(&[["origin", "null"], ["sec-fetch-site", "same-origin"]]));
        assert!(post(&[["sec-fetch-site", "cross-site"]]));
        assert!(!post(&[["sec-fetch-site", "same-site"]]), "another port of this machine");
    }

    #[test]
    fn an_admitted_page_may_frame_the_silent_sign_in_and_nothing_else() {
        let framed = |path: &str, referrer: &'static str| {
            let headers = [
                ["sec-fetch-site", "cross-site"],
                ["sec-fetch-mode", "navigate"],
                ["sec-fetch-dest", "iframe"],
                ["referer", referrer],
            ];
            !is_foreign(Method::GET, path, &headers)
        };
        let silent = "/tenant/oauth2/v2.0/authorize?prompt=none";
        assert!(framed(silent, "http://localhost:8080/"));
        for referrer in ["https://evil.example/", "http://localhost.evil.example/", "", "null"] {
            assert!(!framed(silent, referrer), "{referrer}");
        }
        for path in [
            "/tenant/oauth2/v2.0/authorize",
            "/tenant/oauth2/v2.0/authorize?prompt=login",
            "/dev/calls?prompt=none",
            "/?prompt=none",
        ] {
            assert!(!framed(path, "http://localhost:8080/"), "{path}");
        }
    }

    #[test]
    fn a_person_may_be_led_to_a_page_of_the_tenant_and_not_to_a_control() {
        let visit = [["sec-fetch-site", "cross-site"], ["sec-fetch-mode", "navigate"], ["sec-fetch-dest", "document"]];
        assert!(!is_foreign(Method::GET, "/tenant/oauth2/v2.0/authorize", &visit));
        assert!(is_foreign(Method::GET, "/dev/calls", &visit));
        assert!(is_foreign(Method::POST, "/tenant/login", &visit));
        let framed = [["sec-fetch-site", "cross-site"], ["sec-fetch-mode", "navigate"], ["sec-fetch-dest", "iframe"]];
        assert!(is_foreign(Method::GET, "/tenant/oauth2/v2.0/authorize", &framed));
        let image = [["sec-fetch-site", "cross-site"], ["sec-fetch-mode", "no-cors"], ["sec-fetch-dest", "image"]];
        assert!(is_foreign(Method::GET, "/tenant/oauth2/v2.0/authorize", &image));
    }
}
