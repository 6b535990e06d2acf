use actix_web::HttpResponse;
use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::answer_budget::AnswerRoom;
use super::judgement::{ActivityOutcome, judge, readdress};
use super::relay::{Answering, RelayedHead, UnreadableAnswer};
use super::turn::SkillTurn;
use crate::bot_connector::{find_content_length, is_encoded, read_answer};
use crate::inbound::Problem;
use crate::outbound::{OutboundError, RelayedAnswer};
use crate::protocol::{ActivityError, ExpectedActivities};

/// The largest answer with activities, in bytes. It is read as a whole, because each activity in it is looked at.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Relays a skill's answer with the activities that its parent expects in it. Each is readdressed, and its sign-in card is
/// answered as if the skill had posted it. The answer has to end by `by`.
///
/// # Errors
/// 502, 503 or 504 if the answer cannot be read: what cannot be read cannot be judged.
pub(super) async fn relay_replies(
    answer: RelayedAnswer,
    turn: &SkillTurn,
    by: Instant,
) -> Result<HttpResponse, Problem> {
    let head = RelayedHead::of(&answer);
    // `_room` gives its bytes back to the budget when the new answer is built.
    let (body, _room) = read_replies(answer, turn, by).await?;
    let arrived = Instant::now();
    let Some(expected) = ExpectedActivities::parse(&body) else {
        // A parent reads no activities from an answer that is an error.
        if !(200..300).contains(&head.status) {
            return Ok(head.with_body(body));
        }
        return Err(UnreadableAnswer::NotParsed.report(turn));
    };
    let mut goes_on = Vec::new();
    for activity in expected.activities() {
        goes_on.push(goes_on_to_parent(turn, activity, arrived).await);
    }
    // Only now is there a second copy of the answer in memory: the cards in it have waited.
    let kept = expected.activities().zip(goes_on);
    let kept = kept.map(|(activity, goes_on)| if goes_on { readdress_part(turn, activity) } else { None });
    Ok(head.with_body(expected.rebuild(kept)))
}

/// Reads `answer`, with room in the budget for its bytes.
async fn read_replies(answer: RelayedAnswer, turn: &SkillTurn, by: Instant) -> Result<(Bytes, AnswerRoom), Problem> {
    if is_encoded(&answer) {
        return Err(UnreadableAnswer::Encoded.report(turn));
    }
    let longest = find_content_length(&answer).unwrap_or(MAX_ANSWER_BYTES).min(MAX_ANSWER_BYTES);
    let room = turn.host.budgets.get(&turn.peer.skill.name).answers.reserve(longest, by).await;
    let mut room = room.ok_or_else(|| UnreadableAnswer::NoRoom.report(turn))?;
    let read = timeout_at(by, read_answer(answer, MAX_ANSWER_BYTES)).await.unwrap_or(Err(OutboundError::TimedOut));
    let body = read.map_err(|error| match error {
        OutboundError::TooLarge => UnreadableAnswer::TooLarge.report(turn),
        error => Answering::Skill.report_absence(turn, &error),
    })?;
    room.shrink_to(body.len());
    Ok((body, room))
}

/// Judges `activity`, a part of a skill's answer. Returns the form in which it goes on to the parent; `None` if it ends here.
pub(super) async fn judge_part(turn: &SkillTurn, activity: &[u8], arrived: Instant) -> Option<Bytes> {
    if goes_on_to_parent(turn, activity, arrived).await { readdress_part(turn, activity) } else { None }
}

/// Whether `activity`, a part of a skill's answer, goes on to the parent, as far as that is known before it is readdressed.
async fn goes_on_to_parent(turn: &SkillTurn, activity: &[u8], arrived: Instant) -> bool {
    match judge(turn, activity, arrived).await {
        Ok(ActivityOutcome::GoesOn | ActivityOutcome::TooManyCards { .. }) => true,
        Ok(ActivityOutcome::Swallowed(_) | ActivityOutcome::Forged) => false,
        Err(error) => {
            report_dropped(turn, &error);
            false
        }
    }
}

fn readdress_part(turn: &SkillTurn, activity: &[u8]) -> Option<Bytes> {
    readdress(turn, activity).inspect_err(|error| report_dropped(turn, error)).ok()
}

/// Logs that a part of a skill's answer is dropped.
fn report_dropped(turn: &SkillTurn, error: &ActivityError) {
    let (bot, skill) = (turn.peer.parent.name.as_str(), turn.peer.skill.name.as_str());
    let correlation_id = turn.correlation_id.as_str();
    tracing::warn!(correlation_id, bot, skill, %error, "an activity in a skill's answer was dropped");
}
