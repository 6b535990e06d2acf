use actix_web::HttpResponse;
use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::judgement::{Judgement, judge};
use super::relay::{Answering, RelayedHead};
use super::turn::SkillTurn;
use crate::bot_connector::{is_encoded, read_answer};
use crate::inbound::Problem;
use crate::outbound::{OutboundError, RelayedAnswer};
use crate::protocol::{ActivityError, ExpectedActivities};

/// The largest answer with activities, in bytes. It is read as a whole, because each activity in it is looked at.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Relays a skill's answer with the activities that its parent expects in it. Each is readdressed, and its sign-in card is
/// answered as if the skill had posted it. The answer has to end by `by`.
///
/// # Errors
/// 502 or 504 if the answer cannot be read: what cannot be read cannot be judged.
pub(super) async fn relay_replies(
    answer: RelayedAnswer,
    turn: &SkillTurn,
    by: Instant,
) -> Result<HttpResponse, Problem> {
    let head = RelayedHead::of(&answer);
    let read = if is_encoded(&answer) {
        Err(OutboundError::Broken)
    } else {
        timeout_at(by, read_answer(answer, MAX_ANSWER_BYTES)).await.unwrap_or(Err(OutboundError::TimedOut))
    };
    let body = read.map_err(|error| Answering::Skill.report_absence(turn, &error))?;
    let arrived = Instant::now();
    let Some(expected) = ExpectedActivities::parse(&body) else {
        // A parent reads no activities from an answer that is an error.
        if !(200..300).contains(&head.status) {
            return Ok(head.with_body(body));
        }
        return Err(Answering::Skill.report_absence(turn, &OutboundError::Broken));
    };
    let mut kept = Vec::new();
    for activity in expected.activities() {
        kept.push(look_at(turn, activity, arrived).await);
    }
    Ok(head.with_body(expected.rebuild(kept.into_iter())))
}

/// The form in which `activity`, a part of a skill's answer, goes on to the parent; `None` if it ends here.
pub(super) async fn look_at(turn: &SkillTurn, activity: &[u8], arrived: Instant) -> Option<Bytes> {
    match judge(turn, activity, arrived).await {
        Ok(Judgement::PassedOn(readdressed) | Judgement::TooManyCards { readdressed, .. }) => Some(readdressed),
        Ok(Judgement::Swallowed(_) | Judgement::Forged) => None,
        Err(error) => {
            report_dropped(turn, &error);
            None
        }
    }
}

/// Logs that a part of a skill's answer is dropped.
pub(super) fn report_dropped(turn: &SkillTurn, error: &ActivityError) {
    let (bot, skill) = (turn.peer.parent.name.as_str(), turn.peer.skill.name.as_str());
    let correlation_id = turn.correlation_id.as_str();
    tracing::warn!(correlation_id, bot, skill, %error, "an activity in a skill's answer was dropped");
}
