//! What is noted of each request: its id, one log line with its answer, and the counts of requests.
//!
//! Owns the fields of the line `answered` and the form of a path in the log. It deliberately judges no request.

mod counts;
mod path;

use std::borrow::Cow;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};

use self::path::clean_path;
use super::client::TrustedProxies;
use super::door::PublishedPath;
use crate::domain::{SharedClock, SharedEntropy};

pub use self::counts::{RequestCounts, count_request};

/// The id of a request. It appears in the log lines about the request and in `failureDetail`, and is sent to the
/// identity provider.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

impl RequestId {
    /// Gets the id that [`record_request`] has given to `http`, or draws a new id if that function has not run.
    #[must_use]
    pub fn get_or_draw(http: &HttpRequest, entropy: &SharedEntropy) -> String {
        http.extensions().get::<Self>().map_or_else(|| entropy.uuid(), |id| id.0.clone())
    }

    /// Gets the id that [`record_request`] or [`count_request`] has given to `http`; empty if neither has run.
    #[must_use]
    pub fn find(http: &HttpRequest) -> String {
        http.extensions().get::<Self>().map_or_else(String::new, |id| id.0.clone())
    }

    /// Gives `request` an id, if its listener has a source of randomness.
    fn draw_for(request: &ServiceRequest) {
        if let Some(entropy) = request.app_data::<web::Data<SharedEntropy>>() {
            let id = Self(entropy.uuid());
            request.extensions_mut().insert(id);
        }
    }
}

/// Marks an answer whose status is the bot's. Every other answer is bot-sso's own.
#[derive(Clone, Copy, Debug)]
pub struct AnsweredByBot;

/// The app id of the agent that made a request as its bot.
#[derive(Clone, Debug)]
pub(in crate::inbound) struct CallingAgent(pub(in crate::inbound) String);

/// Gives each request its id, counts its answer and logs one event for each answer: method, path, route, status, time,
/// client, the agent that called, if it was one, and who answered. The route is the published path, and is absent if the path has none. The path is cleaned, since it may hold
/// anything; the query is left out, since it may hold codes and states.
///
/// # Errors
/// The errors of the inner service.
pub async fn record_request(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let begun = elapsed(request.request());
    RequestId::draw_for(&request);
    let response = next.call(request).await?;
    RequestCounts::add(response.request(), response.status().as_u16());
    let client = TrustedProxies::client_address(response.request());
    if client.is_none() {
        TrustedProxies::count_unknown_client(response.request());
    }
    let took = begun.zip(elapsed(response.request())).map(|(begun, now)| now.saturating_sub(begun));
    RequestCounts::tell_answer(response.request(), response.status().as_u16(), took.unwrap_or_default());
    if tracing::enabled!(tracing::Level::INFO) {
        let request = response.request();
        let extensions = request.extensions();
        tracing::info!(
            correlation_id = extensions.get::<RequestId>().map_or("", |id| id.0.as_str()),
            method = request.method().as_str(),
            path = &*shown_path(request),
            route = find_route(request).as_deref(),
            status = response.status().as_u16(),
            micros = took.map(whole_micros),
            client = client.map_or_else(|| String::from("unknown"), |client| client.to_string()),
            agent = extensions.get::<CallingAgent>().map(|agent| agent.0.as_str()),
            answered_by = if response.response().extensions().contains::<AnsweredByBot>() { "bot" } else { "gateway" },
            "answered"
        );
    }
    Ok(response)
}

/// The path, cleaned. What follows a published beginning is a path of another service, such as that of a user's file, so the
/// published path stands for it (docs/security.md §What the log says of users).
fn shown_path(request: &HttpRequest) -> Cow<'_, str> {
    match request.app_data::<PublishedPath>() {
        Some(published) if published.has_rest() => Cow::Borrowed(published.0),
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
