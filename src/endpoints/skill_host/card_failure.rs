use crate::domain::SkillCardOutcome;
use crate::observability::{CardReason, to_log_text};

use super::turn::SkillTurn;

/// At most this many characters of a connection's name are logged: it is the skill's text.
const MAX_NAME_CHARS: usize = 80;

/// Why a card goes on, and what the operator can do.
#[rustfmt::skip]
const HINTS: [(CardReason, &str); 17] = [
    (CardReason::NotAnswerable, "the message has several OAuth cards, or its card has no connection name or no exchange resource with a URI and an id of at most 256 characters, or it is the update of an earlier message"),
    (CardReason::UriNotListed, "the card asks for a resource that is not in skills.*.exchange_uris of this skill"),
    (CardReason::AttemptedBefore, "the skill sent a card again that was tried before: each card is tried once"),
    (CardReason::NoCredentials, "the parent bot has no credentials, without which it cannot call its skill here: write bots.*.credentials"),
    (CardReason::NoUser, "no activity of a user opened the conversation, so it is not known who would sign in; or how the parent bot addresses the skill (from, recipient, conversation and relatesTo together) is longer than 16 KiB"),
    (CardReason::SeveralUsers, "several users have spoken in the conversation, so the card may be for another user than the one who signed in"),
    (CardReason::TwoAccountsSpoke, "two accounts spoke under the user's id within fifteen minutes, or the last one is of a parent bot that is no longer listed"),
    (CardReason::NoConnection, "no connection of the parent bot lists the card's resource in exchange_uris"),
    (CardReason::NotSignedIn, "the user is not signed in at the parent bot, or the sign-in gives no token for the skill: the user signs in with the card"),
    (CardReason::ExchangeRefused, "the user's sign-in at the parent bot could not be exchanged for the skill: the line before says why"),
    (CardReason::ParentTokenRefused, "the parent bot got no token to call its skill: compare bots.*.credentials and skills.*.app_id with the registrations"),
    (CardReason::SkillRefused, "the skill did not take the token: see its own log, and compare its connection's Token Exchange URL with the card's resource"),
    (CardReason::SkillUnreachable, "the skill did not answer the token: compare skills.*.endpoint"),
    (CardReason::AnswerTooLarge, "the skill's answer to the token is larger than 1 MiB"),
    (CardReason::TooLate, "the token was not exchanged and taken by the skill within eight seconds"),
    (CardReason::TooManyCards, "the skill sends more than twenty cards a minute in one conversation"),
    (CardReason::StoreFailed, "the store failed, so the card was not tried"),
];

/// Why a card goes on to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CardFailure {
    pub(super) reason: CardReason,
    /// The status with which the skill refused the token.
    pub(super) status: Option<u16>,
}

impl From<CardReason> for CardFailure {
    fn from(reason: CardReason) -> Self {
        Self { reason, status: None }
    }
}

impl CardFailure {
    /// Counts and logs that a card for `connection` goes on, and why.
    pub(super) fn report(self, turn: &SkillTurn, connection: &str) {
        let Self { reason, status } = self;
        count(turn, connection, reason);
        let (correlation_id, reason) = (turn.correlation_id.as_str(), reason.name());
        let (bot, skill) = (turn.peer.parent.name.as_str(), turn.peer.skill.name.as_str());
        let (connection, hint) = (to_log_text(connection, MAX_NAME_CHARS), find_hint(self.reason));
        if matches!(self.reason, CardReason::NotAnswerable | CardReason::NotSignedIn | CardReason::AttemptedBefore) {
            tracing::info!(correlation_id, bot, skill, connection, reason, hint, "a skill's card goes on to the user");
        } else {
            tracing::warn!(
                correlation_id,
                bot,
                skill,
                connection,
                reason,
                status,
                hint,
                "a skill's card goes on to the user"
            );
        }
    }
}

/// Counts and logs that the skill took the token of a card for `connection`, which ends here.
pub(super) fn report_swallowed(turn: &SkillTurn, connection: &str) {
    count(turn, connection, CardReason::Swallowed);
    tracing::info!(
        correlation_id = turn.correlation_id,
        bot = turn.peer.parent.name.as_str(),
        skill = turn.peer.skill.name.as_str(),
        connection = to_log_text(connection, MAX_NAME_CHARS),
        "a skill's card was answered with the user's sign-in"
    );
}

fn count(turn: &SkillTurn, connection: &str, reason: CardReason) {
    let skill = &turn.peer.skill.name;
    turn.host.counters.skill_cards.add(skill.as_str(), reason);
    let outcome = match reason {
        CardReason::Swallowed => SkillCardOutcome::Swallowed,
        _ => SkillCardOutcome::PassedOn { reason: reason.name() },
    };
    turn.host.client.tell_of_card(&turn.correlation_id, skill, connection, outcome);
}

fn find_hint(reason: CardReason) -> &'static str {
    HINTS.iter().find(|row| row.0 == reason).map_or("", |row| row.1)
}

/// Every reason for which a card goes on, and its hint.
#[cfg(test)]
#[must_use]
pub fn list_hints() -> Vec<(String, &'static str)> {
    HINTS.iter().map(|(reason, hint)| (format!("skill card: {}", reason.name()), *hint)).collect()
}

#[cfg(test)]
mod tests {
    use super::{CardReason, HINTS, find_hint};

    #[test]
    fn each_reason_for_which_a_card_goes_on_has_a_hint() {
        assert!(HINTS.iter().enumerate().all(|(position, row)| row.0 as usize == position + 1));
        assert_eq!(find_hint(CardReason::Swallowed), "");
        assert_eq!(CardReason::StoreFailed as usize, HINTS.len());
    }
}
