use std::net::IpAddr;
use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Version;
use actix_web::http::header::{HOST, HeaderValue};
use actix_web::middleware::Next;

use super::host_refusals::HostRefusals;
use super::is_health_check;
use crate::app::listeners::LocalAddress;
use crate::inbound::Problem;

/// The names under which a listener answers: those of this machine (`localhost` and the two loopback addresses), the
/// address at which the connection arrived, and others that the configuration lists. A foreign web page can make its own
/// host name resolve to loopback (DNS rebinding), but it cannot make the browser send another `Host`
/// (docs/architecture.md §Security rules, rule 14).
///
/// A connection that arrives at another address than loopback comes from a machine that calls the listener by a name of
/// its own: it is answered under any name, unless names are listed. What counts is the connection's own address, because
/// a listener on `0.0.0.0` takes connections of both kinds.
#[derive(Clone)]
pub(in crate::app) struct HostNames {
    /// In lower case, without a port and without a dot at the end.
    listed: Arc<[String]>,
    refusals: Arc<HostRefusals>,
}

impl HostNames {
    /// The names of this machine, and `listed`. Other names are reported to `refusals`.
    pub(in crate::app) fn new(listed: &[String], refusals: HostRefusals) -> Self {
        Self { listed: listed.into(), refusals: Arc::new(refusals) }
    }

    /// Whether `request` names one of these hosts, or need not: its connection arrived at `local`.
    pub(super) fn admit(&self, request: &ServiceRequest, local: Option<IpAddr>) -> bool {
        let local = local.map(|local| local.to_canonical());
        // A connection whose address is not known is taken for one of this machine.
        let is_remote = local.is_some_and(|local| !local.is_loopback());
        (is_remote && self.listed.is_empty()) || is_old_health_check(request) || self.are_named_by(request, local)
    }

    /// Reads the `Host` headers only, since any client can write forwarding headers. If the request line names a host as
    /// well, that host must be one of these, too.
    fn are_named_by(&self, request: &ServiceRequest, local: Option<IpAddr>) -> bool {
        let literal = local.map(to_host);
        let contains = |host: &str| self.contains(host, literal.as_deref());
        let mut named = request.headers().get_all(HOST).peekable();
        let has_host = named.peek().is_some();
        let headers_fit = named.all(|value: &HeaderValue| value.to_str().is_ok_and(contains));
        let line_fits = request.uri().authority().is_none_or(|authority| contains(authority.as_str()));
        has_host && headers_fit && line_fits
    }

    /// Whether `host`, with or without a port, is one of these names, or the address `literal`.
    fn contains(&self, host: &str, literal: Option<&str>) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        // A dot at the end makes a name complete, and is no part of it.
        let name = name.strip_suffix('.').unwrap_or(name);
        name.eq_ignore_ascii_case("localhost")
            || matches!(name, "127.0.0.1" | "[::1]")
            || literal.is_some_and(|literal| literal.eq_ignore_ascii_case(name))
            || self.listed.iter().any(|listed| listed.eq_ignore_ascii_case(name))
    }
}

/// Answers 403 unless the request names one of `names`.
pub(in crate::app) async fn require_host(
    names: HostNames,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, actix_web::Error> {
    let local = request.request().conn_data::<LocalAddress>().map(|local| local.0);
    if names.admit(&request, local) {
        return next.call(request).await;
    }
    names.refusals.report(request.request());
    Ok(request.into_response(Problem::HostNotAllowed.respond()))
}

/// Whether a load balancer asks for the health in HTTP/1.0, which knows no `Host` (RFC 1945). No browser sends that
/// version, and none leaves the header out, so no web page is behind it. Only health checks are answered, since nothing
/// else is called like this.
fn is_old_health_check(request: &ServiceRequest) -> bool {
    matches!(request.version(), Version::HTTP_09 | Version::HTTP_10)
        && !request.headers().contains_key(HOST)
        && request.uri().authority().is_none()
        && is_health_check(request.path())
}

/// An address as a `Host` header names it.
fn to_host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}
