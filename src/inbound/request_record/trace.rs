//! The trace of a request, as its span tells of it.

use std::borrow::Cow;

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};

use super::{AnsweredByBot, RequestCounts, RequestId, find_route};
use crate::observability::{Attribute, CallersTrace, ServerAnswer, ServerSpan, Tracer};

/// The header of W3C Trace Context §3.2.
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The header of W3C Trace Context §3.3.
static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Begins the trace of `request`, if its caller sends one or `tracer` begins one for each request.
pub(super) fn begin_trace(request: &ServiceRequest, tracer: Option<&Tracer>) -> Option<ServerSpan> {
    ServerSpan::begin(tracer, read_callers_trace(request.headers()))
}

/// What the caller says of the trace. Two headers `traceparent` are as malformed as any other text.
fn read_callers_trace(headers: &HeaderMap) -> Option<CallersTrace> {
    let text = headers.get(&TRACEPARENT)?.to_str().ok()?;
    if headers.get_all(&TRACEPARENT).nth(1).is_some() {
        return None;
    }
    CallersTrace::read(text, headers.get_all(&TRACESTATE).map(HeaderValue::as_bytes))
}

/// Ends the span of the request that `response` answers.
pub(super) fn finish_trace<B>(span: &mut ServerSpan, response: &ServiceResponse<B>) {
    span.finish(|| describe(response.request(), response));
}

/// Names follow OpenTelemetry's semantic conventions for HTTP. Path, query and client are left out, since they may name users.
fn describe<B>(request: &HttpRequest, response: &ServiceResponse<B>) -> ServerAnswer {
    let method = known_method(request.method().as_str());
    let route = find_route(request);
    let name = match &route {
        Some(route) => Cow::Owned(format!("{method} {route}")),
        None => Cow::Borrowed(method),
    };
    let mut attributes =
        vec![Attribute::text("http.request.method", method), Attribute::text("url.scheme", request_scheme(request))];
    attributes.extend(route.map(|route| Attribute::text("http.route", route)));
    RequestCounts::with_operation(request, |door, operation| {
        attributes.push(Attribute::text("bot_sso.door", door.to_owned()));
        attributes.push(Attribute::text("bot_sso.operation", operation.to_owned()));
    });
    if let Some(id) = request.extensions().get::<RequestId>() {
        attributes.push(Attribute::text("bot_sso.correlation_id", id.0.clone()));
    }
    let answered_by_bot = response.response().extensions().contains::<AnsweredByBot>();
    attributes.push(Attribute::text("bot_sso.answered_by", if answered_by_bot { "bot" } else { "gateway" }));
    ServerAnswer { name, status: response.status().as_u16(), attributes }
}

fn request_scheme(request: &HttpRequest) -> &'static str {
    if request.app_config().secure() { "https" } else { "http" }
}

/// A method that a client has made up is `_OTHER`, so that names stay few.
fn known_method(method: &str) -> &'static str {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    METHODS.into_iter().find(|known| *known == method).unwrap_or("_OTHER")
}
