use bytes::Bytes;
use tokio::time::Instant;

use super::card_failure::CardFailure;
use super::card_rates::TooManyCards;
use super::oversteps::{Overstep, report_forged_tokens_response};
use super::turn::SkillTurn;
use crate::observability::{CardReason, Count};
use crate::protocol::{ActivityError, SkillActivity, read_skill_activity, readdress_to_parent, shows_oauth_card};

/// What becomes of an activity of a skill.
pub(super) enum Judgement {
    /// It goes on to the parent, in these bytes.
    PassedOn(Bytes),
    /// It is a card that was answered with the user's sign-in. The skill gets this id for it.
    Swallowed(String),
    /// It is an event that no skill may send.
    Forged,
    /// It is one card too many. If it goes on all the same, then in these bytes.
    TooManyCards { retry_after: u64, readdressed: Bytes },
}

/// Judges `activity`, which arrived from the skill at `arrived`, and answers it if it is a sign-in card.
///
/// # Errors
/// [`ActivityError`] if it is no activity, or one of another conversation.
pub(super) async fn judge(turn: &SkillTurn, activity: &[u8], arrived: Instant) -> Result<Judgement, ActivityError> {
    let readdressed = readdress(turn, activity)?;
    let card = match read_skill_activity(activity)? {
        SkillActivity::Other => {
            if shows_oauth_card(activity)? {
                CardFailure::from(CardReason::NotAnswerable).report(turn, "");
            }
            return Ok(Judgement::PassedOn(readdressed));
        }
        SkillActivity::TokensResponse => {
            report_forged_tokens_response(&turn.peer, &turn.host.counters, &turn.correlation_id);
            return Ok(Judgement::Forged);
        }
        SkillActivity::OAuthCard(card) => card,
    };
    if let Err(TooManyCards { retry_after, is_logged }) = turn.host.card_rates.charge(&turn.conversation.id) {
        turn.host.counters.add(Count::CallerRateLimited);
        if !is_logged {
            CardFailure::from(CardReason::TooManyCards).report(turn, &card.connection_name);
        }
        return Ok(Judgement::TooManyCards { retry_after, readdressed });
    }
    let swallowed = turn.host.interception.answer(turn, &card, arrived).await;
    Ok(swallowed.map_or(Judgement::PassedOn(readdressed), Judgement::Swallowed))
}

/// The activity as the parent gets it.
///
/// # Errors
/// As [`judge`]. That it names another conversation is a security event.
pub(super) fn readdress(turn: &SkillTurn, activity: &[u8]) -> Result<Bytes, ActivityError> {
    let readdressed = readdress_to_parent(activity, turn.skill_address(), turn.parent_address());
    readdressed.inspect_err(|error| {
        if matches!(error, ActivityError::Ambiguous(_)) {
            Overstep::Conversation.report(&turn.peer, &turn.correlation_id);
        }
    })
}
