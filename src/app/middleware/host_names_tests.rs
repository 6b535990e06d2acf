#![allow(clippy::unwrap_used)]
use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::Version;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpResponse, web};

use super::{HostNames, HostRefusals, require_host};
use crate::domain::OffsetClock;

const LOOPBACK: &str = "127.0.0.1";

fn names(listed: &[&str]) -> HostNames {
    let listed: Vec<String> = listed.iter().map(|name| (*name).to_owned()).collect();
    HostNames::new(&listed, HostRefusals::new("operations", Arc::new(OffsetClock::default())))
}

/// Whether a listener with these names admits a request for `host` on a connection that arrived at `local`.
fn admits(listed: &[&str], local: &str, host: &str) -> bool {
    let request = TestRequest::get().insert_header(("host", host)).to_srv_request();
    names(listed).admit(&request, Some(local.parse::<IpAddr>().unwrap()))
}

#[test]
fn only_names_of_this_machine_are_admitted_on_loopback_with_any_port() {
    for local in [LOOPBACK, "::1", "::ffff:127.0.0.1", "127.0.0.2"] {
        for host in ["localhost", "LocalHost:3978", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:3978"] {
            assert!(admits(&[], local, host), "{local} {host}");
        }
        for host in ["", "evil", "evil:3978", "localhost.evil", "127.0.0.1.evil:80", "localhost:evil", "::1", "[::2]:1"]
        {
            assert!(!admits(&[], local, host), "{local} {host}");
        }
    }
}

#[test]
fn listed_names_and_the_address_of_the_connection_are_admitted() {
    assert!(admits(&[], "127.0.0.2", "127.0.0.2:3981") && !admits(&[], LOOPBACK, "127.0.0.2:3981"));
    assert!(!admits(&[], LOOPBACK, "ops.example.com"));
    assert!(admits(&["ops.example.com"], LOOPBACK, "OPS.example.com:3981"));
    for host in ["ops.example.com.", "OPS.example.com.:3981", "localhost."] {
        assert!(admits(&["ops.example.com"], LOOPBACK, host), "{host}");
    }
    assert!(!admits(&["ops.example.com"], LOOPBACK, "ops.example.com..") && !admits(&[], LOOPBACK, "."));
    for (host, is_admitted) in [("ops.example.com", true), ("10.0.0.5:1", true), ("evil.example", false)] {
        assert_eq!(admits(&["ops.example.com"], "10.0.0.5", host), is_admitted, "{host}");
    }
    assert!(admits(&["ops.example.com"], "fd00::5", "[fd00::5]:3982"));
}

#[test]
fn a_connection_from_another_machine_is_answered_under_any_name_unless_names_are_listed() {
    for local in ["10.0.0.5", "fd00::5"] {
        assert!(admits(&[], local, "whatever.example"), "{local}");
        assert!(!admits(&["ops.example.com"], local, "whatever.example"), "{local}");
    }
    let request = TestRequest::get().insert_header(("host", "evil.example")).to_srv_request();
    assert!(!names(&[]).admit(&request, None), "a connection whose address is not known is one of this machine");
}

#[test]
fn a_health_check_in_http_1_0_needs_no_host_and_nothing_else_goes_without() {
    let local = Some(LOOPBACK.parse::<IpAddr>().unwrap());
    let request = |version, path: &str| TestRequest::get().version(version).uri(path);
    let admits = |request: TestRequest| names(&[]).admit(&request.to_srv_request(), local);
    for path in ["/healthz", "/readyz"] {
        assert!(admits(request(Version::HTTP_10, path)), "{path}");
        assert!(!admits(request(Version::HTTP_11, path)), "{path}: a browser sends this version");
        assert!(!admits(request(Version::HTTP_10, path).insert_header(("host", "evil"))), "{path}");
        assert!(!admits(request(Version::HTTP_10, &format!("http://evil{path}"))), "{path}");
    }
    for path in ["/metrics", "/openapi.json", "/admin/users/x/sign-out", "/healthz/", "/"] {
        assert!(!admits(request(Version::HTTP_10, path)), "{path}");
    }
}

#[actix_web::test]
async fn a_request_for_another_host_is_answered_403_before_any_route_runs() {
    let names = names(&[]);
    let routes = App::new()
        .wrap(from_fn(move |request, next| require_host(names.clone(), request, next)))
        .default_service(web::to(|| async { HttpResponse::Ok().finish() }));
    let app = init_service(routes).await;
    let status = async |request: TestRequest| call_service(&app, request.to_request()).await.status().as_u16();
    assert_eq!(status(TestRequest::get().insert_header(("host", "127.0.0.1:3978"))).await, 200);
    assert_eq!(status(TestRequest::get().insert_header(("host", "evil"))).await, 403);
    assert_eq!(status(TestRequest::get()).await, 403);
    let two = TestRequest::get().append_header(("host", "localhost")).append_header(("host", "evil"));
    assert_eq!(status(two).await, 403);
    let in_line = TestRequest::get().uri("http://evil/").insert_header(("host", "localhost"));
    assert_eq!(status(in_line).await, 403);
}
