//! What is noted of each request: its id, one log line with its answer, and the counts of requests.
//!
//! Owns the fields of the line `answered` and the form of a path in the log. It deliberately judges no request.

mod counts;
mod middleware;
mod path;
mod trace;

use std::borrow::Cow;
use std::time::Duration;

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::{HttpMessage, HttpRequest, web};

use self::path::clean_path;
use super::client::{TrustedProxies, show_address};
use super::door::PublishedPath;
use crate::domain::{SharedClock, SharedEntropy};

pub use self::counts::RequestCounts;
pub use self::middleware::RecordRequests;

/// The headers in which callers, and proxies on the way, name a request; the first one counts.
static ID_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-correlation-id"),
    HeaderName::from_static("client-request-id"),
];
/// Longest id that is taken from a caller, in bytes.
const MAX_ID_BYTES: usize = 64;

/// The id of a request. It appears in the log lines about the request and in `failureDetail`, and is sent to the
/// identity provider and to bots (docs/operating.md §Traces). Callers may send the same id more than once.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

impl RequestId {
    /// Gets the id that [`RecordRequests`] has given to `http`, or draws a new id if there is none.
    #[must_use]
    pub fn get_or_draw(http: &HttpRequest, entropy: &SharedEntropy) -> String {
        http.extensions().get::<Self>().map_or_else(|| entropy.uuid(), |id| id.0.clone())
    }

    /// Gets the id that [`RecordRequests`] has given to `http`; empty if there is none.
    #[must_use]
    pub fn find(http: &HttpRequest) -> String {
        http.extensions().get::<Self>().map_or_else(String::new, |id| id.0.clone())
    }

    /// Gives `request` the id that its caller has sent, or draws one if its listener has a source of randomness.
    fn give_to(request: &ServiceRequest) {
        if let Some(entropy) = request.app_data::<web::Data<SharedEntropy>>() {
            let callers = find_callers_id(request.headers()).map(str::to_owned);
            let id = Self(callers.unwrap_or_else(|| entropy.uuid()));
            request.extensions_mut().insert(id);
        }
    }
}

/// The first of [`ID_HEADERS`] with a value that is safe in a log line, a page and a header: neither long, nor a token, which
/// has dots.
fn find_callers_id(headers: &HeaderMap) -> Option<&str> {
    let is_of_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let values = ID_HEADERS.iter().filter_map(|name| headers.get(name)?.to_str().ok());
    values.into_iter().find(|value| (1..=MAX_ID_BYTES).contains(&value.len()) && value.bytes().all(is_of_id))
}

/// Marks an answer whose status is the bot's. Every other answer is bot-sso's own.
#[derive(Clone, Copy, Debug)]
pub struct AnsweredByBot;

/// The app id of the agent that made a request as its bot.
#[derive(Clone, Debug)]
pub(in crate::inbound) struct CallingAgent(pub(in crate::inbound) String);

/// Counts the answer to a request that began at `begun`, and logs one event for it: method, path, route, status, time,
/// client, the agent that called, if it was one, and who answered. The route is the published path, and is absent if the path
/// has none. The path is cleaned, since it may hold anything; the query is left out, since it may hold codes and states.
fn record_answer<B>(response: &ServiceResponse<B>, begun: Option<Duration>) {
    let (request, status) = (response.request(), response.status().as_u16());
    RequestCounts::add(request, status);
    let client = TrustedProxies::client_address(request);
    if client.is_none() {
        TrustedProxies::count_unknown_client(request);
    }
    let took = begun.zip(elapsed(request)).map(|(begun, now)| now.saturating_sub(begun));
    RequestCounts::tell_answer(request, status, took.unwrap_or_default());
    if tracing::enabled!(tracing::Level::INFO) {
        let extensions = request.extensions();
        tracing::info!(
            correlation_id = extensions.get::<RequestId>().map_or("", |id| id.0.as_str()),
            method = request.method().as_str(),
            path = &*shown_path(request),
            route = find_route(request).as_deref(),
            status,
            micros = took.map(whole_micros),
            client = client.map_or_else(|| String::from("unknown"), show_address),
            agent = extensions.get::<CallingAgent>().map(|agent| agent.0.as_str()),
            answered_by = if response.response().extensions().contains::<AnsweredByBot>() { "bot" } else { "gateway" },
            "answered"
        );
    }
}

/// The path, cleaned. What follows a published beginning is a path of another service, such as that of a user's file, so the
/// published path stands for it (docs/security.md §What the log says of users). A published path without parameters is clean.
fn shown_path(request: &HttpRequest) -> Cow<'_, str> {
    match request.app_data::<PublishedPath>() {
        Some(published) if published.has_rest() || published.0 == request.path() => Cow::Borrowed(published.0),
        _ => clean_path(request.path()),
    }
}

/// The published path of a door, or the pattern of another resource.
fn find_route(request: &HttpRequest) -> Option<Cow<'static, str>> {
    match request.app_data::<PublishedPath>() {
        Some(published) => Some(Cow::Borrowed(published.0)),
        None => request.match_pattern().map(Cow::Owned),
    }
}

/// The time since the process started, by the listener's clock.
fn elapsed(request: &HttpRequest) -> Option<Duration> {
    request.app_data::<web::Data<SharedClock>>().map(|clock| clock.elapsed())
}

/// Saturates after half a million years.
fn whole_micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::find_callers_id;

    #[test]
    fn an_id_of_the_caller_is_taken_if_it_is_safe_wherever_ids_are_written() {
        let found = |headers: &[(&'static str, &str)]| {
            let request = headers.iter().fold(TestRequest::get(), |request, header| request.append_header(*header));
            find_callers_id(request.to_srv_request().headers()).map(str::to_owned)
        };
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[("X-Correlation-Id", "b"), ("x-request-id", "a-1_A")]).as_deref(), Some("a-1_A"));
        assert_eq!(found(&[("client-request-id", "c"), ("x-request-id", "two words")]).as_deref(), Some("c"));
        let long = "a".repeat(65);
        for unsafe_id in ["", "eyJ.e30.c2ln", "<b>", "a\"b", "a;b", "\u{e9}", &long] {
            assert_eq!(found(&[("x-request-id", unsafe_id)]), None, "{unsafe_id}");
        }
    }
}
