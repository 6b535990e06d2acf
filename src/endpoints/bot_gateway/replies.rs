use std::borrow::Cow;
use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use bytes::Bytes;

use super::BotGateway;
use super::admitted::Inbound;
use crate::domain::{ChannelId, write_string_literal};
use crate::exchange::{Reason, Refusal};
use crate::inbound::{APPLICATION_JSON, AnsweredByBot, Problem, choose_retry_after};
use crate::protocol::{TokenExchangeInvokeResponse, invoke_response_envelope};

/// The content type of every body that is not a bot's.
const JSON: &str = "application/json";
/// The bytes of a success without the texts that it repeats: names, quotes and punctuation.
const SUCCESS_OVERHEAD_BYTES: usize = br#"{"id":"","connectionName":""}"#.len();

/// Statuses that replace those of the status table for one channel, by reason code without its detail
/// (`assertion_rejected`).
pub type StatusOverrides = HashMap<String, u16>;

/// The answer to an invoke: its status and body are those of the HTTP answer.
#[derive(Clone)]
pub struct InvokeReply {
    pub(super) status: u16,
    pub(super) body: Bytes,
    pub(super) content_type: Option<Cow<'static, str>>,
    /// A bot's `expectReplies` answer, unchanged; it contains the invoke response.
    pub(super) envelope: Option<Bytes>,
    /// Seconds until another request makes sense, if that is known.
    pub(super) retry_after: Option<u64>,
    pub(super) succeeded: bool,
    /// Whether the status is the bot's.
    pub(super) is_from_bot: bool,
    /// Why an exchange was refused.
    pub(super) reason: Option<Reason>,
    /// Whether it is the answer of an earlier duplicate.
    pub(super) is_shared: bool,
}

impl InvokeReply {
    /// An answer without a body.
    pub(super) fn empty(status: u16) -> Self {
        let succeeded = (200..300).contains(&status);
        Self {
            status,
            body: Bytes::new(),
            content_type: None,
            envelope: None,
            retry_after: None,
            succeeded,
            is_from_bot: false,
            reason: None,
            is_shared: false,
        }
    }

    pub(super) fn json(status: u16, body: Bytes) -> Self {
        let content_type = (!body.is_empty()).then_some(Cow::Borrowed(JSON));
        Self { body, content_type, ..Self::empty(status) }
    }

    /// The answer to an invoke that could not be forwarded to the bot.
    pub(super) fn problem(problem: Problem, status: u16) -> Self {
        let message =
            crate::protocol::ErrorResponse::new(problem.code(), "The bot did not answer the forwarded invoke.")
                .to_json();
        Self::json(status, Bytes::from(message))
    }

    /// The HTTP response, in the delivery mode of the request. Channels always get the plain form.
    pub(super) fn respond(self, inbound: &Inbound<'_>) -> HttpResponse {
        inbound.tell_answer(self.status, self.reason, self.is_shared);
        let is_from_bot = self.is_from_bot;
        let mut response = if inbound.wants_envelope() { self.into_envelope() } else { self.into_plain() };
        if is_from_bot {
            response.extensions_mut().insert(AnsweredByBot);
        }
        response
    }

    fn into_envelope(self) -> HttpResponse {
        let wrap = || Bytes::from(invoke_response_envelope(self.status, &self.body));
        let envelope = self.envelope.clone().unwrap_or_else(wrap);
        HttpResponse::Ok().content_type(&APPLICATION_JSON).body(envelope)
    }

    fn into_plain(self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        match self.content_type {
            // Its value has been checked once; that of another text is checked each time.
            Some(Cow::Borrowed(JSON)) => {
                response.content_type(&APPLICATION_JSON);
            }
            Some(content_type) => {
                response.content_type(content_type.into_owned());
            }
            None => {}
        }
        let is_ours = !self.is_from_bot;
        if let Some(retry_after) = self.retry_after.or_else(|| choose_retry_after(status, None).filter(|_| is_ours)) {
            response.insert_header((RETRY_AFTER, retry_after));
        }
        response.body(self.body)
    }

    /// The answer to a user who exceeds the rate limit with an invoke that is no token exchange.
    pub(super) fn too_many_requests(retry_after: u64) -> Self {
        let body = Problem::TooManyRequests { retry_after }.to_json();
        Self { retry_after: Some(retry_after), ..Self::json(429, Bytes::from(body)) }
    }
}

/// The answer to a successful token exchange.
pub(super) fn exchange_succeeded(id: Option<&str>, connection_name: &str) -> InvokeReply {
    InvokeReply::json(200, write_success(id, connection_name))
}

/// What the answer to a refused exchange needs besides the reason.
pub(super) struct RefusedExchange<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) connection_name: Option<&'a str>,
    pub(super) channel: Option<&'a ChannelId>,
    pub(super) correlation_id: &'a str,
}

impl RefusedExchange<'_> {
    /// The reply by the status table of docs/architecture.md §Status table.
    pub(super) fn reply(&self, gateway: &BotGateway, reason: Reason) -> InvokeReply {
        let answer = RefusalAnswer::new(gateway, self.channel, reason, self.correlation_id);
        let RefusalAnswer { status, detail, retry_after, .. } = answer;
        let response = TokenExchangeInvokeResponse {
            id: self.id,
            connection_name: self.connection_name,
            failure_detail: Some(detail),
        };
        let reason = Some(reason);
        InvokeReply { retry_after, reason, succeeded: false, ..InvokeReply::json(status, to_bytes(&response)) }
    }
}

/// What every answer to a refusal says, whatever its form.
pub(super) struct RefusalAnswer {
    pub(super) status: u16,
    /// The reason code.
    pub(super) code: Cow<'static, str>,
    /// The reason code, its fixed sentence, and the correlation id.
    pub(super) detail: String,
    /// Seconds until another request makes sense.
    pub(super) retry_after: Option<u64>,
}

impl RefusalAnswer {
    /// The answer by the status table, with the statuses that are configured for `channel`.
    pub(super) fn new(gateway: &BotGateway, channel: Option<&ChannelId>, reason: Reason, correlation_id: &str) -> Self {
        let (status, sentence) = status_and_sentence(reason);
        let code = reason.code();
        let group = code.split(':').next().unwrap_or_default();
        let overrides = channel.and_then(|channel| gateway.statuses.get(channel));
        let status = overrides.and_then(|statuses| statuses.get(group)).copied().unwrap_or(status);
        let detail = format!("{code}: {sentence} Correlation id: {correlation_id}");
        let retry_after = match reason {
            Reason::TooManyRequests { retry_after } => Some(retry_after),
            Reason::TemporarilyUnavailable(outage) => outage.retry_after(),
            _ => None,
        };
        Self { status, code, detail, retry_after }
    }
}

/// The status table: 412 tells the client that the user can remedy the refusal, 400 that the user cannot, 500 that
/// there is an outage.
const fn status_and_sentence(reason: Reason) -> (u16, &'static str) {
    match reason {
        Reason::ConsentRequired => (412, "The user or an administrator has to consent first."),
        Reason::InteractionRequired => (412, "The user has to sign in interactively."),
        Reason::AssertionExpired => (412, "The token has expired; a fresh one is needed."),
        Reason::SignInRequired => (412, "The user has to sign in again."),
        Reason::BadRequest => (400, "The request is not a complete token exchange for a configured connection."),
        Reason::AssertionRejected(_) => (400, "The token is not one that this connection exchanges."),
        Reason::IdentityMismatch(_) => (400, "The token does not belong to the user of this activity."),
        Reason::Denied => (400, "The identity provider refuses this user."),
        Reason::Misconfigured => (400, "The connection is not set up correctly; the operator has been told."),
        Reason::TooManyRequests { .. } => (429, "The user asks too often; try again later."),
        Reason::TemporarilyUnavailable(_) => (500, "The exchange is temporarily unavailable; try again later."),
    }
}

/// Refuses a malformed token exchange. The answer names the connection if the bot has only one.
pub(super) fn refuse_malformed(
    gateway: &BotGateway,
    inbound: &Inbound<'_>,
    id: Option<&str>,
    hint: &'static str,
) -> InvokeReply {
    let connection_name = match gateway.registrations.list_connections(inbound.bot.name.as_str()) {
        [only] => Some(only.name.as_str()),
        _ => None,
    };
    let refusal = Refusal::local(Reason::BadRequest, hint);
    refuse(gateway, inbound, EchoedMembers { id, connection_name }, &refusal)
}

/// The members of an invoke that its answer repeats.
#[derive(Clone, Copy)]
pub(super) struct EchoedMembers<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) connection_name: Option<&'a str>,
}

/// Logs a refusal that concerns this request alone, and builds the answer.
pub(super) fn refuse(
    gateway: &BotGateway,
    inbound: &Inbound<'_>,
    echoed: EchoedMembers<'_>,
    refusal: &Refusal,
) -> InvokeReply {
    let EchoedMembers { id, connection_name } = echoed;
    refusal.report(&gateway.counters, inbound.bot.name.as_str(), connection_name, &inbound.correlation_id);
    let channel = inbound.channel();
    let refused =
        RefusedExchange { id, connection_name, channel: Some(&channel), correlation_id: &inbound.correlation_id };
    refused.reply(gateway, refusal.reason)
}

/// The bytes of a [`TokenExchangeInvokeResponse`] without `failureDetail`, which is the most frequent answer. The library would
/// examine its ids byte by byte.
fn write_success(id: Option<&str>, connection_name: &str) -> Bytes {
    let mut json = Vec::with_capacity(SUCCESS_OVERHEAD_BYTES + id.map_or(0, str::len) + connection_name.len());
    json.push(b'{');
    if let Some(id) = id {
        json.extend_from_slice(b"\"id\":");
        write_string_literal(&mut json, id);
        json.push(b',');
    }
    json.extend_from_slice(b"\"connectionName\":");
    write_string_literal(&mut json, connection_name);
    json.push(b'}');
    Bytes::from(json)
}

fn to_bytes(response: &TokenExchangeInvokeResponse<'_>) -> Bytes {
    // Strings cannot fail to serialise.
    serde_json::to_vec(response).map_or_else(|_| Bytes::new(), Bytes::from)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_success_is_written_as_the_library_writes_it() {
        for (id, connection_name) in
            [(Some("id-1"), "graph"), (None, "graph"), (Some("\"\\\u{1}é"), "a\"b"), (Some(""), "")]
        {
            let response =
                TokenExchangeInvokeResponse { id, connection_name: Some(connection_name), failure_detail: None };
            assert_eq!(write_success(id, connection_name), serde_json::to_vec(&response).unwrap());
        }
    }
}
