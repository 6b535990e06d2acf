use actix_web::HttpRequest;
use actix_web::http::header::{
    FORWARDED, HeaderName, ORIGIN, VIA, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO,
};

/// Headers that proxies and tunnels add to the requests that they forward. A proxy that adds none of these looks like a
/// caller on this machine, so no such proxy may stand before a bot that accepts the Emulator.
static PROXY_HEADERS: [HeaderName; 10] = [
    FORWARDED,
    VIA,
    X_FORWARDED_FOR,
    X_FORWARDED_HOST,
    X_FORWARDED_PROTO,
    HeaderName::from_static("x-forwarded-server"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-original-host"),
    HeaderName::from_static("true-client-ip"),
    HeaderName::from_static("cf-connecting-ip"),
];

/// Whether the request was made on this machine: its connection comes from loopback, and no header says that a proxy or
/// tunnel has forwarded it.
pub(in crate::inbound) fn is_from_this_machine(http: &HttpRequest) -> bool {
    let headers = http.headers();
    http.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback())
        && !PROXY_HEADERS.iter().any(|name| headers.contains_key(name))
}

/// Whether a web page made the request. Browsers add these headers to every POST, and a page from any site can post to
/// loopback.
pub(in crate::inbound) fn is_from_web_page(http: &HttpRequest) -> bool {
    http.headers().contains_key(ORIGIN) || http.headers().contains_key("sec-fetch-site")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_an_unforwarded_request_from_loopback_is_from_this_machine() {
        let from = |peer: &str| TestRequest::post().peer_addr(peer.parse().unwrap());
        for peer in ["127.0.0.1:5", "127.9.9.9:5", "[::1]:5", "[::ffff:127.0.0.1]:5"] {
            assert!(is_from_this_machine(&from(peer).to_http_request()), "{peer}");
        }
        for peer in ["192.0.2.1:5", "10.0.0.1:5", "[::ffff:192.0.2.1]:5", "[fe80::1]:5"] {
            assert!(!is_from_this_machine(&from(peer).to_http_request()), "{peer}");
        }
        for header in ["x-forwarded-for", "Forwarded", "X-Real-IP", "Via"] {
            let brought = from("127.0.0.1:5").insert_header((header, "for=127.0.0.1"));
            assert!(!is_from_this_machine(&brought.to_http_request()), "{header}");
        }
        assert!(!is_from_this_machine(&TestRequest::post().to_http_request()), "a request without a peer address");
    }
}
