use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::body::BodyStream;
use actix_web::http::StatusCode;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::replies::InvokeReply;
use super::{BotGateway, Inbound};
use crate::bot_connector::is_end_to_end;
use crate::inbound::Problem;
use crate::outbound::{OutboundError, RelayedAnswer};
use crate::protocol::deadlines::BOT_INVOKE_BUDGET;
use crate::protocol::response_in_envelope;

/// Largest answer of a bot to an invoke that others wait for, in bytes.
const ANSWER_LIMIT: usize = 1024 * 1024;

/// Passes the request on to the bot, body bytes unchanged, and streams the bot's answer back.
pub(super) async fn forward_to_bot(gateway: &BotGateway, inbound: &Inbound<'_>) -> HttpResponse {
    let limit = if inbound.activity.is("invoke") { BOT_INVOKE_BUDGET } else { gateway.bot_timeout };
    let turn = gateway.bots.turns().begin(&inbound.bot, inbound.activity.conversation_id());
    let request = inbound.forwarded(inbound.body.clone());
    match gateway.bots.forward(&inbound.bot, request, inbound.begun + limit).await {
        Ok(answer) => stream_back(answer, turn),
        Err(error) => {
            let problem = problem_of(&error);
            tracing::error!(
                correlation_id = inbound.correlation_id,
                bot = inbound.bot.name.as_str(),
                %error,
                "the bot could not be asked: check its endpoint"
            );
            problem.respond()
        }
    }
}

/// The bot's answer, status and end-to-end headers as they are, the body as it comes (server-sent events too). What
/// `until_done` stands for ends with the body.
fn stream_back<T: 'static>(answer: RelayedAnswer, until_done: T) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = HttpResponse::build(status);
    let named = connection_names(&answer.headers);
    for (name, value) in &answer.headers {
        let name = name.to_ascii_lowercase();
        if is_end_to_end(&name) && !named.contains(&name) {
            response.append_header((name, value.as_slice()));
        }
    }
    let body = answer.into_stream().map(move |chunk| {
        let _ = &until_done;
        chunk
    });
    // `streaming` would add a content type where the bot sent none.
    response.body(BodyStream::new(body))
}

fn connection_names(headers: &[(String, Vec<u8>)]) -> Vec<String> {
    let values = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
    values
        .flat_map(|(_, value)| {
            let value = String::from_utf8_lossy(value).to_ascii_lowercase();
            value.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>()
        })
        .collect()
}

const fn problem_of(error: &OutboundError) -> Problem {
    match error {
        OutboundError::TimedOut => Problem::BotTimeout,
        _ => Problem::BotUnavailable,
    }
}

/// A bot's answer to an invoke, whole, so that duplicates can be given the same. `in_envelope`: the bot was asked for an
/// `expectReplies` answer, in which the status stands inside.
pub(super) async fn collect_answer(
    answer: Result<RelayedAnswer, OutboundError>,
    by: Instant,
    in_envelope: bool,
) -> InvokeReply {
    let collected = match answer {
        Ok(answer) if is_encoded(&answer) => Err(OutboundError::Broken),
        Ok(answer) => {
            let (status, content_type) = (answer.status, content_type_of(&answer));
            let body = timeout_at(by, collect(answer)).await.unwrap_or(Err(OutboundError::TimedOut));
            body.map(|body| (status, content_type, body))
        }
        Err(error) => Err(error),
    };
    match collected {
        Ok((status, _, body)) if in_envelope && (200..300).contains(&status) => match response_in_envelope(&body) {
            Some((status, inner)) => {
                InvokeReply { envelope: Some(body), ..InvokeReply::json(status, Bytes::from(inner)) }
            }
            // Replies without an invoke response: nobody handled the invoke.
            None => InvokeReply::empty(501),
        },
        Ok((status, content_type, body)) => InvokeReply { body, content_type, ..InvokeReply::empty(status) },
        Err(error) => {
            tracing::error!(%error, "the bot did not take the invoke that was forwarded to it; its user's token is kept");
            let problem = problem_of(&error);
            InvokeReply::problem(problem, if problem == Problem::BotTimeout { 504 } else { 502 })
        }
    }
}

/// A compressed answer, though none was asked for: it can be neither read nor given to others.
fn is_encoded(answer: &RelayedAnswer) -> bool {
    let encodings = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-encoding"));
    encodings.into_iter().any(|(_, value)| !value.eq_ignore_ascii_case(b"identity"))
}

fn content_type_of(answer: &RelayedAnswer) -> Option<Cow<'static, str>> {
    let header = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    header.and_then(|(_, value)| String::from_utf8(value.clone()).ok()).map(Cow::Owned)
}

async fn collect(answer: RelayedAnswer) -> Result<Bytes, OutboundError> {
    let mut body = BytesMut::new();
    let mut stream = Box::pin(answer.into_stream());
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        if body.len() + chunk.len() > ANSWER_LIMIT {
            return Err(OutboundError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
