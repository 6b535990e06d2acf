use std::borrow::Cow;
use std::sync::Arc;

use actix_web::body::{BodyStream, SizedStream};
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use super::BotGateway;
use super::admitted::Inbound;
use super::replies::InvokeReply;
use crate::bot_connector::{
    BotCall, RunningAction, RunningTurn, end_to_end_headers, find_content_type, is_encoded, read_answer,
};
use crate::domain::{BotMessage, Skill};
use crate::inbound::{AnsweredByBot, Problem, begin_relayed_answer};
use crate::outbound::{OutboundError, RelayedAnswer};
use crate::protocol::deadlines::ACTION_BUDGET;
use crate::protocol::response_in_envelope;

/// Size limit, in bytes, of a bot's answer to a sign-in invoke. Such an answer is read into memory as a whole, because
/// duplicates of the invoke get the same one.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Forwards the request to the bot with an unchanged body, and streams the bot's answer back. The bot has as much time
/// as the operator grants (`outbound.bot_timeout_ms`), whatever kind of activity it is.
pub(super) async fn forward_to_bot(gateway: &BotGateway, inbound: &Inbound<'_>) -> HttpResponse {
    let by = inbound.begun + gateway.bot_timeout;
    match forward_body(gateway, inbound, inbound.body.clone(), by).await {
        Ok(ForwardedAnswer { answer, until_done }) => {
            let head = AnswerHead::of(&answer);
            stream_back(head, answer.into_stream(), inbound, RelayedFrom::Bot { _until_done: until_done })
        }
        Err(problem) => {
            let response = problem.respond();
            inbound.tell_answer(response.status().as_u16(), None, false);
            response
        }
    }
}

/// Forwards a user's action with `body`, which lacks the token or the code that bot-sso has used. The whole answer leaves
/// within the channel's time; a bot that is slower is cut off.
///
/// # Errors
/// The problem of a bot that is too slow or cannot be reached.
pub(super) async fn forward_action(
    gateway: &BotGateway,
    inbound: &Inbound<'_>,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    let by = inbound.begun + ACTION_BUDGET.min(gateway.bot_timeout);
    let ForwardedAnswer { answer, until_done } = forward_body(gateway, inbound, body, by).await?;
    let head = AnswerHead::of(&answer);
    Ok(stream_back(head, end_by(answer.into_stream(), by), inbound, RelayedFrom::Bot { _until_done: until_done }))
}

/// Answers with the answer of `skill`. The whole answer leaves by `by`; a skill that is slower is cut off.
pub(super) fn relay_skill(
    answer: RelayedAnswer,
    skill: &Arc<Skill>,
    by: Instant,
    inbound: &Inbound<'_>,
) -> HttpResponse {
    let head = AnswerHead::of(&answer);
    stream_back(head, end_by(answer.into_stream(), by), inbound, RelayedFrom::Skill(Arc::clone(skill)))
}

/// Whose answer is sent back.
enum RelayedFrom {
    Bot {
        /// Lasts until the answer has been sent back.
        _until_done: UntilDone,
    },
    Skill(Arc<Skill>),
}

impl RelayedFrom {
    /// The name of the skill; `None` for the bot itself.
    fn skill(&self) -> Option<&str> {
        match self {
            Self::Bot { .. } => None,
            Self::Skill(skill) => Some(skill.name.as_str()),
        }
    }
}

/// A bot's answer, and what lasts until it has been sent back.
struct ForwardedAnswer {
    answer: RelayedAnswer,
    until_done: UntilDone,
}

/// Ends when a bot's answer has been sent back.
struct UntilDone {
    _turn: RunningTurn,
    _action: Option<RunningAction>,
}

/// Posts `body` to the bot, whose answer has to begin by `by`. Before, it notes what the bot's calls of the Token Service
/// depend on while it works on the activity.
async fn forward_body(
    gateway: &BotGateway,
    inbound: &Inbound<'_>,
    body: Bytes,
    by: Instant,
) -> Result<ForwardedAnswer, Problem> {
    if let Some(stated) = &inbound.channel_statement {
        gateway.statements.note(&inbound.channel_account(), stated).await;
    }
    let begin_action = || gateway.bots.running_actions().begin(inbound.channel_account(), inbound.conversation());
    let until_done = UntilDone {
        _turn: gateway.bots.turns().begin(&inbound.bot, &inbound.conversation_id),
        _action: inbound.is_action_in_channel.then(begin_action),
    };
    let call = BotCall { correlation_id: &inbound.correlation_id, message: BotMessage::Activity, deadline: by };
    match gateway.bots.forward(&inbound.bot, inbound.forwarded(body), call).await {
        Ok(answer) => Ok(ForwardedAnswer { answer, until_done }),
        Err(error) => {
            tracing::error!(
                correlation_id = inbound.correlation_id,
                bot = inbound.bot.name.as_str(),
                %error,
                "the activity could not be forwarded to the bot: check the bot's endpoint"
            );
            Err(to_problem(&error))
        }
    }
}

/// The same stream, which fails if it has not ended by `by`.
fn end_by(
    stream: impl Stream<Item = Result<Bytes, OutboundError>> + 'static,
    by: Instant,
) -> impl Stream<Item = Result<Bytes, OutboundError>> {
    stream::unfold(Some(Box::pin(stream)), move |state| async move {
        let mut stream = state?;
        match timeout_at(by, stream.next()).await.unwrap_or(Some(Err(OutboundError::TimedOut)))? {
            Ok(chunk) => Some((Ok(chunk), Some(stream))),
            Err(error) => Some((Err(error), None)),
        }
    })
}

/// The beginning of an answer that is sent back.
struct AnswerHead {
    /// Status and end-to-end headers.
    builder: HttpResponseBuilder,
    /// The length of the body, if it is announced.
    body_length: Option<u64>,
}

impl AnswerHead {
    fn of(answer: &RelayedAnswer) -> Self {
        let builder = begin_relayed_answer(answer.status, end_to_end_headers(answer));
        Self { builder, body_length: answer.body_length() }
    }
}

/// Answers with `head` and `body`, that of the bot or of the skill, as a stream (server-sent events included). `from` is
/// dropped at the end of the body. Most bots answer without a body, and then nothing is streamed.
fn stream_back(
    head: AnswerHead,
    body: impl Stream<Item = Result<Bytes, OutboundError>> + 'static,
    inbound: &Inbound<'_>,
    from: RelayedFrom,
) -> HttpResponse {
    let AnswerHead { mut builder, body_length } = head;
    let logged = || {
        let (bot, correlation_id) = (Arc::clone(&inbound.bot), inbound.correlation_id.clone());
        body.map(move |chunk| {
            let skill = from.skill();
            // The HTTP library closes the connection to the channel; its own line about it is not logged.
            chunk.inspect_err(|error| {
                tracing::warn!(correlation_id, bot = bot.name.as_str(), skill, %error, "the bot's answer broke off");
            })
        })
    };
    let mut response = match body_length {
        Some(0) => builder.finish(),
        Some(length) => builder.body(SizedStream::new(length, logged())),
        // `streaming` would add a content type where the bot sent none.
        None => builder.body(BodyStream::new(logged())),
    };
    response.extensions_mut().insert(AnsweredByBot);
    inbound.tell_answer(response.status().as_u16(), None, false);
    response
}

pub(super) const fn to_problem(error: &OutboundError) -> Problem {
    match error {
        OutboundError::TimedOut => Problem::BotTimeout,
        _ => Problem::BotUnavailable,
    }
}

/// Reads a bot's whole answer to an invoke, so that duplicates of the invoke get the same answer. `in_envelope`: the
/// bot received an `expectReplies` activity, so the invoke's status is inside its answer.
pub(super) async fn collect_answer(
    answer: Result<RelayedAnswer, OutboundError>,
    by: Instant,
    in_envelope: bool,
) -> InvokeReply {
    let collected = match answer {
        Ok(answer) if is_encoded(&answer) => Err(OutboundError::Broken),
        Ok(answer) => {
            let (status, content_type) = (answer.status, find_content_type(&answer).map(Cow::Owned));
            let body =
                timeout_at(by, read_answer(answer, MAX_ANSWER_BYTES)).await.unwrap_or(Err(OutboundError::TimedOut));
            body.map(|body| (status, content_type, body))
        }
        Err(error) => Err(error),
    };
    match collected {
        Ok((status, _, body)) if in_envelope && (200..300).contains(&status) => match response_in_envelope(&body) {
            Some((status, inner)) => {
                let reply = InvokeReply::json(status, Bytes::from(inner));
                InvokeReply { envelope: Some(body), is_from_bot: true, ..reply }
            }
            // Replies without an invoke response mean that the bot did not handle the invoke.
            None => InvokeReply::empty(501),
        },
        Ok((status, content_type, body)) => {
            InvokeReply { body, content_type, is_from_bot: true, ..InvokeReply::empty(status) }
        }
        Err(error) => {
            tracing::error!(%error, "the bot did not answer the forwarded invoke; the user's token stays stored");
            let problem = to_problem(&error);
            InvokeReply::problem(problem, if problem == Problem::BotTimeout { 504 } else { 502 })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_has_not_ended_in_time_breaks_off() {
        let first = stream::iter([Ok(Bytes::from_static(b"begun"))]);
        let by = Instant::now();
        let mut body = Box::pin(end_by(first.chain(stream::pending()), by));
        assert_eq!(body.next().await.and_then(Result::ok).as_deref(), Some(b"begun".as_slice()));
        assert!(matches!(body.next().await, Some(Err(OutboundError::TimedOut))));
        assert!(body.next().await.is_none());
        let whole = stream::iter([Ok(Bytes::from_static(b"all"))]);
        assert_eq!(end_by(whole, by).count().await, 1);
    }
}
