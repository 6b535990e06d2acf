use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HOST;
use actix_web::middleware::Next;

use crate::inbound::Problem;

/// Answers 403 unless the request's `Host` names this machine. A foreign web page can make its own host name resolve to
/// loopback (DNS rebinding), but it cannot make the browser send another `Host`
/// (docs/architecture.md §Security rules, rule 14).
pub(super) async fn loopback_host_only<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    if is_addressed_to_this_machine(&request) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    Ok(request.into_response(Problem::HostNotAllowed.respond()).map_into_right_body())
}

/// Reads the `Host` headers only, since any client can write forwarding headers. If the request line names a host as
/// well, that host must name this machine too.
fn is_addressed_to_this_machine(request: &ServiceRequest) -> bool {
    let mut named = request.headers().get_all(HOST).peekable();
    let has_host = named.peek().is_some();
    let headers_name_us = named.all(|value| value.to_str().is_ok_and(names_this_machine));
    let line_names_us = request.uri().authority().is_none_or(|authority| names_this_machine(authority.as_str()));
    has_host && headers_name_us && line_names_us
}

fn names_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || matches!(name, "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpResponse, web};

    use super::{loopback_host_only, names_this_machine};

    #[test]
    fn only_loopback_names_are_accepted_with_any_port() {
        for host in ["localhost", "LocalHost:3978", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:3978"] {
            assert!(names_this_machine(host), "{host}");
        }
        for host in ["", "evil", "evil:3978", "localhost.evil", "127.0.0.1.evil:80", "localhost:evil", "::1", "[::2]:1"]
        {
            assert!(!names_this_machine(host), "{host}");
        }
    }

    #[actix_web::test]
    async fn a_request_for_another_host_is_answered_403_before_any_route_runs() {
        let routes = App::new()
            .wrap(from_fn(loopback_host_only))
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
}
