use actix_web::HttpResponse;
use actix_web::body::BodyStream;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::turn::SkillTurn;
use crate::bot_connector::end_to_end_headers;
use crate::inbound::{AnsweredByBot, Problem, begin_relayed_answer};
use crate::outbound::{OutboundError, RelayedAnswer};

/// Whose answer is relayed, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answering {
    Skill,
    Parent,
}

impl Answering {
    const fn name(self) -> &'static str {
        match self {
            Self::Skill => "skill",
            Self::Parent => "parent",
        }
    }

    /// Logs that there is no answer, and returns the problem.
    pub(super) fn report_absence(self, turn: &SkillTurn, error: &OutboundError) -> Problem {
        let (bot, skill) = (turn.peer.parent.name.as_str(), turn.peer.skill.name.as_str());
        let (correlation_id, side) = (turn.correlation_id.as_str(), self.name());
        let hint = match self {
            Self::Skill => "the parent's activity was not answered: compare skills.*.endpoint",
            Self::Parent => "the parent cannot be reached at the serviceUrl of its own activities",
        };
        tracing::error!(correlation_id, bot, skill, side, %error, hint, "no answer came through the skill host");
        match error {
            OutboundError::TimedOut => Problem::BotTimeout,
            _ => Problem::BotUnavailable,
        }
    }
}

/// Why an answer that a skill has sent is not relayed: what cannot be read cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UnreadableAnswer {
    /// It is compressed, although the request did not allow that.
    #[error("the answer is compressed")]
    Encoded,
    /// It is larger than an answer with activities, or an event of a stream, may be.
    #[error("the answer is too large")]
    TooLarge,
    /// It is no JSON, or holds too many activities.
    #[error("the answer is no JSON, or holds more than 1,024 activities")]
    NotParsed,
    /// The memory for such answers is used up.
    #[error("too many answers are looked at")]
    NoRoom,
}

impl UnreadableAnswer {
    const fn hint(self) -> &'static str {
        match self {
            Self::Encoded => {
                "bot-sso asked for an answer without Content-Encoding: see what stands in front of the skill"
            }
            Self::TooLarge => {
                "an answer to expectReplies and an event of a stream may have 1 MiB: let the skill post larger activities"
            }
            Self::NotParsed => {
                "an answer to expectReplies is {\"activities\": [...]}: see what the skill, or what stands in front of it, answers"
            }
            Self::NoRoom => {
                "many skills' answers with cards wait at the same time: see why the tokens for them take long"
            }
        }
    }

    /// Logs that the answer does not go on, and returns the problem.
    pub(super) fn report(self, turn: &SkillTurn) -> Problem {
        let (bot, skill) = (turn.peer.parent.name.as_str(), turn.peer.skill.name.as_str());
        let (correlation_id, side, hint) = (turn.correlation_id.as_str(), Answering::Skill.name(), self.hint());
        tracing::error!(correlation_id, bot, skill, side, error = %self, hint, "a skill's answer cannot be read");
        match self {
            Self::NoRoom => Problem::ServiceUnavailable,
            _ => Problem::BotUnavailable,
        }
    }
}

/// Status and headers of an answer that is relayed with another body.
pub(super) struct RelayedHead {
    pub(super) status: u16,
    headers: Vec<(String, Vec<u8>)>,
}

impl RelayedHead {
    pub(super) fn of(answer: &RelayedAnswer) -> Self {
        let headers = end_to_end_headers(answer).map(|(name, value)| (name.to_owned(), value.to_vec()));
        Self { status: answer.status, headers: headers.collect() }
    }

    /// The answer with `body`.
    pub(super) fn with_body(self, body: Bytes) -> HttpResponse {
        self.finish(|mut head| if body.is_empty() { head.finish() } else { head.body(body) })
    }

    /// The answer with a body that follows.
    pub(super) fn with_stream(self, body: impl Stream<Item = Result<Bytes, OutboundError>> + 'static) -> HttpResponse {
        // `streaming` would add a content type where there is none.
        self.finish(|mut head| head.body(BodyStream::new(body)))
    }

    fn finish(self, with_body: impl FnOnce(actix_web::HttpResponseBuilder) -> HttpResponse) -> HttpResponse {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let mut response = with_body(begin_relayed_answer(self.status, headers));
        response.extensions_mut().insert(AnsweredByBot);
        response
    }
}

/// Streams `answer` back as it is.
pub(super) fn stream_back(answer: RelayedAnswer, turn: &SkillTurn, side: Answering) -> HttpResponse {
    RelayedHead::of(&answer).with_stream(logged(answer.into_stream(), turn, side))
}

/// `body`, with a line in the log if it breaks off.
pub(super) fn logged(
    body: impl Stream<Item = Result<Bytes, OutboundError>> + 'static,
    turn: &SkillTurn,
    side: Answering,
) -> impl Stream<Item = Result<Bytes, OutboundError>> + 'static {
    let (bot, skill) = (turn.peer.parent.name.clone(), turn.peer.skill.name.clone());
    let correlation_id = turn.correlation_id.clone();
    body.map(move |chunk| {
        // The HTTP library closes the connection; its own line about it is not logged.
        chunk.inspect_err(|error| {
            let (side, bot, skill) = (side.name(), bot.as_str(), skill.as_str());
            tracing::warn!(correlation_id, bot, skill, side, %error, "an answer through the skill host broke off");
        })
    })
}
