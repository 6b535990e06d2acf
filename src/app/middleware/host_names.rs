use std::net::IpAddr;
use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HOST;
use actix_web::middleware::Next;

use crate::inbound::Problem;

/// The names under which a listener answers: those of this machine (`localhost` and the two loopback addresses), and
/// others that the configuration lists. A foreign web page can make its own host name resolve to loopback (DNS
/// rebinding), but it cannot make the browser send another `Host` (docs/architecture.md §Security rules, rule 14).
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct HostNames {
    /// In lower case, without a port.
    further: Arc<[String]>,
}

impl HostNames {
    /// The names of this machine alone.
    pub(in crate::app) fn of_this_machine() -> Self {
        Self::default()
    }

    /// The names under which the operator's listener on `address` answers; `None` for any. A loopback listener answers
    /// under the names of this machine and under `listed`. Another one is meant for other machines: it answers under any
    /// name unless names are listed.
    pub(in crate::app) fn of_operator(address: IpAddr, listed: &[String]) -> Option<Self> {
        if listed.is_empty() && !address.to_canonical().is_loopback() {
            return None;
        }
        let literal = match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        Some(Self { further: listed.iter().cloned().chain([literal]).collect() })
    }

    /// Answers 403 unless the request names one of these hosts.
    pub(in crate::app) async fn require<B: MessageBody + 'static>(
        self,
        request: ServiceRequest,
        next: Next<B>,
    ) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
        if self.are_named_by(&request) {
            return Ok(next.call(request).await?.map_into_left_body());
        }
        Ok(request.into_response(Problem::HostNotAllowed.respond()).map_into_right_body())
    }

    /// Reads the `Host` headers only, since any client can write forwarding headers. If the request line names a host as
    /// well, that host must be one of these, too.
    fn are_named_by(&self, request: &ServiceRequest) -> bool {
        let mut named = request.headers().get_all(HOST).peekable();
        let has_host = named.peek().is_some();
        let headers_fit = named.all(|value| value.to_str().is_ok_and(|host| self.contains(host)));
        let line_fits = request.uri().authority().is_none_or(|authority| self.contains(authority.as_str()));
        has_host && headers_fit && line_fits
    }

    fn contains(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        name.eq_ignore_ascii_case("localhost")
            || matches!(name, "127.0.0.1" | "[::1]")
            || self.further.iter().any(|further| further.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpResponse, web};

    use super::HostNames;

    #[test]
    fn only_loopback_names_are_accepted_with_any_port() {
        let names = HostNames::of_this_machine();
        for host in ["localhost", "LocalHost:3978", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:3978"] {
            assert!(names.contains(host), "{host}");
        }
        for host in ["", "evil", "evil:3978", "localhost.evil", "127.0.0.1.evil:80", "localhost:evil", "::1", "[::2]:1"]
        {
            assert!(!names.contains(host), "{host}");
        }
    }

    #[test]
    fn the_operators_listener_answers_under_listed_names_and_under_its_address() {
        let listed = ["ops.example.com".to_owned()];
        let names = |address: &str, listed: &[String]| HostNames::of_operator(address.parse().unwrap(), listed);
        let loopback = names("127.0.0.2", &[]).unwrap();
        assert!(loopback.contains("127.0.0.2:3981") && loopback.contains("localhost"));
        assert!(!loopback.contains("ops.example.com"));
        assert!(names("127.0.0.1", &listed).unwrap().contains("OPS.example.com:3981"));
        assert!(names("10.0.0.5", &[]).is_none(), "it is meant for other machines, whatever they call it");
        let remote = names("10.0.0.5", &listed).unwrap();
        assert!(
            remote.contains("ops.example.com") && remote.contains("10.0.0.5:1") && !remote.contains("evil.example")
        );
    }

    #[actix_web::test]
    async fn a_request_for_another_host_is_answered_403_before_any_route_runs() {
        let routes = App::new()
            .wrap(from_fn(|request, next| HostNames::of_this_machine().require(request, next)))
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
