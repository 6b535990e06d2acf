use bytes::Bytes;
use tokio::time::Instant;

use super::card_failure::CardFailure;
use super::card_rates::TooManyCards;
use super::oversteps::{Overstep, report_forged_tokens_response};
use super::turn::SkillTurn;
use crate::observability::{CardReason, Count};
use crate::protocol::{ActivityError, OfferedCard, SkillActivity, read_skill_activity, readdress_to_parent};

/// What becomes of an activity of a skill.
pub(super) enum ActivityOutcome {
    /// It goes on to the parent, if it can be [readdressed](readdress).
    GoesOn,
    /// It is a card that was answered with the user's sign-in. The skill gets this id for it.
    Swallowed(String),
    /// It is an event that no skill may send.
    Forged,
    /// It is one card too many; the next one is accepted after `retry_after` seconds. In an answer it goes on all the same.
    TooManyCards { retry_after: u64 },
}

/// Judges `activity`, which arrived from the skill at `arrived`, and answers it if it is a sign-in card. The caller readdresses
/// what goes on: while a card waits for its answer, no readdressed copy is in memory.
///
/// # Errors
/// [`ActivityError`] if it is no activity, or a card or event of another conversation.
pub(super) async fn judge(
    turn: &SkillTurn,
    activity: &[u8],
    arrived: Instant,
) -> Result<ActivityOutcome, ActivityError> {
    Ok(match judge_form(turn, activity).await? {
        FormOutcome::Decided(outcome) => outcome,
        FormOutcome::Card(card) => {
            let swallowed = turn.host.interception.answer(turn, &card, arrived).await;
            swallowed.map_or(ActivityOutcome::GoesOn, ActivityOutcome::Swallowed)
        }
    })
}

/// Judges `activity`, the new form of one that the skill has sent before. A card in it counts and is looked at, but it is not
/// answered: the user sees the earlier form already.
///
/// # Errors
/// As [`judge`].
pub(super) async fn judge_update(turn: &SkillTurn, activity: &[u8]) -> Result<ActivityOutcome, ActivityError> {
    Ok(match judge_form(turn, activity).await? {
        FormOutcome::Decided(outcome) => outcome,
        FormOutcome::Card(card) => {
            report_card_of_update(turn, &card);
            ActivityOutcome::GoesOn
        }
    })
}

/// What is known of an activity by its form alone.
enum FormOutcome {
    Decided(ActivityOutcome),
    /// It has a card that can be answered, within the limit of its conversation.
    Card(OfferedCard),
}

/// Judges an activity by its form, and counts the card in it.
async fn judge_form(turn: &SkillTurn, activity: &[u8]) -> Result<FormOutcome, ActivityError> {
    let read = read_skill_activity(activity)?;
    if read == SkillActivity::Other {
        return Ok(FormOutcome::Decided(ActivityOutcome::GoesOn));
    }
    // An activity of another conversation is refused before anything is made of it.
    readdress(turn, activity)?;
    let card = match read {
        SkillActivity::Other | SkillActivity::UnusableCard => None,
        SkillActivity::TokensResponse => {
            report_forged_tokens_response(&turn.peer, &turn.host.counters, &turn.correlation_id);
            return Ok(FormOutcome::Decided(ActivityOutcome::Forged));
        }
        SkillActivity::OAuthCard(card) => Some(card),
    };
    let connection_name = card.as_ref().map_or("", |card| &card.connection_name);
    if let Err(retry_after) = charge_card(turn, connection_name).await {
        return Ok(FormOutcome::Decided(ActivityOutcome::TooManyCards { retry_after }));
    }
    let Some(card) = card else {
        CardFailure::from(CardReason::NotAnswerable).report(turn, "");
        return Ok(FormOutcome::Decided(ActivityOutcome::GoesOn));
    };
    Ok(FormOutcome::Card(card))
}

/// The activity as the parent gets it.
///
/// # Errors
/// As [`judge`]. An activity that names another conversation is a security event.
pub(super) fn readdress(turn: &SkillTurn, activity: &[u8]) -> Result<Bytes, ActivityError> {
    let readdressed = readdress_to_parent(activity, turn.skill_address(), turn.parent_address());
    readdressed.inspect_err(|error| {
        if matches!(error, ActivityError::Ambiguous(_)) {
            Overstep::Conversation.report(&turn.peer, &turn.correlation_id);
        }
    })
}

/// Counts a card that names `connection_name` towards the limit of its conversation; empty if it names none that can be used.
///
/// # Errors
/// The seconds until the next card is accepted.
async fn charge_card(turn: &SkillTurn, connection_name: &str) -> Result<(), u64> {
    turn.host.card_rates.charge(&turn.conversation.id).await.map_err(|TooManyCards { retry_after, is_logged }| {
        turn.host.counters.add(Count::CallerRateLimited);
        if !is_logged {
            CardFailure::from(CardReason::TooManyCards).report(turn, connection_name);
        }
        retry_after
    })
}

/// Logs why the card of an update goes on. A card that asks for another resource or another user than the skill may have is
/// a security event.
fn report_card_of_update(turn: &SkillTurn, card: &OfferedCard) {
    let SkillTurn { peer, conversation, correlation_id, .. } = turn;
    let user =
        conversation.account.as_ref().filter(|_| !conversation.is_shared).map(|account| account.subject.as_str());
    let reason =
        if peer.skill.exchange_uris.contains(&card.uri) { CardReason::NotAnswerable } else { CardReason::UriNotListed };
    let is_for_another = user.is_some_and(|user| card.recipient_id.as_ref().is_some_and(|recipient| recipient != user));
    if reason == CardReason::UriNotListed {
        Overstep::Uri.report(peer, correlation_id);
    } else if is_for_another {
        Overstep::User.report(peer, correlation_id);
    }
    CardFailure::from(reason).report(turn, &card.connection_name);
}
