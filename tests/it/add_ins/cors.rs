use super::fixture::{Fixture, IDENTITY, ME, ORIGIN, USER_DATA};

const METHOD: &str = "access-control-request-method";
const ALLOWED: &str = "access-control-allow-origin";

#[tokio::test]
async fn a_browser_learns_what_the_pages_of_the_add_in_may_do() {
    let fixture = Fixture::start().await;
    for (path, methods) in [(IDENTITY, "GET, HEAD"), (ME, "GET, HEAD, POST, PATCH"), (USER_DATA, "GET, HEAD")] {
        let answer = fixture.send("OPTIONS", path, &[("origin", ORIGIN), (METHOD, "GET")], Vec::new()).await;
        assert_eq!((answer.status, answer.header(ALLOWED)), (204, Some(ORIGIN)), "{path}");
        assert_eq!(answer.header("access-control-allow-methods"), Some(methods), "{path}");
        assert!(answer.header("access-control-allow-headers").unwrap().contains("authorization"), "{path}");
        assert!(answer.header("vary").unwrap().starts_with("Origin"), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{path}");
        let plain = fixture.send("OPTIONS", path, &[], Vec::new()).await;
        assert_eq!((plain.status, plain.header("allow"), plain.header(ALLOWED)), (204, Some(methods), None), "{path}");
    }
    let unknown = fixture.send("OPTIONS", "/api/add-ins/unknown/identity", &[("origin", ORIGIN)], Vec::new()).await;
    assert_eq!((unknown.status, unknown.header(ALLOWED)), (404, None));
}

#[tokio::test]
async fn only_exactly_the_add_ins_origins_may_read_answers() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    for origin in [
        "https://addin.example.com.evil.example.org",
        "https://evil.example.org",
        "http://addin.example.com",
        "https://addin.example.com:8443",
        "https://addin.example.com/",
        "https://ADDIN.example.com",
        "https://x.addin.example.com",
        "null",
        "*",
    ] {
        for path in [IDENTITY, ME, USER_DATA] {
            let preflight = fixture.send("OPTIONS", path, &[("origin", origin), (METHOD, "GET")], Vec::new()).await;
            let answer = fixture.call_as(&token, "GET", path, &[("origin", origin)], Vec::new()).await;
            assert_eq!((preflight.header(ALLOWED), answer.header(ALLOWED)), (None, None), "{origin} {path}");
            assert_eq!(answer.header("vary"), Some("Origin"), "{origin} {path}");
        }
    }
}

#[tokio::test]
async fn a_page_reads_answers_and_refusals_with_their_challenge_and_wait() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    for path in [IDENTITY, ME, USER_DATA] {
        for token in [token.as_str(), "abc"] {
            let answer = fixture.call_as(token, "GET", path, &[("origin", ORIGIN)], Vec::new()).await;
            assert_eq!((answer.header(ALLOWED), answer.header("vary")), (Some(ORIGIN), Some("Origin")), "{path}");
            let exposed = answer.header("access-control-expose-headers").unwrap();
            assert!(exposed.contains("WWW-Authenticate") && exposed.contains("Retry-After"), "{path}");
        }
    }
    let twice = fixture
        .call_as(&token, "GET", IDENTITY, &[("origin", ORIGIN), ("origin", "https://evil.example.org")], Vec::new())
        .await;
    assert_eq!(twice.header(ALLOWED), None);
}
