use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::series::CounterSeries;
use super::table;

/// What became of a skill's sign-in card: it was swallowed, or the reason for which it went on to the user
/// (docs/skills.md §What operators see). The hint in the log explains each reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardReason {
    /// `swallowed`: the skill took the token, and the user does not see the card.
    Swallowed,
    /// `not_answerable`: several cards, or one that offers no exchange.
    NotAnswerable,
    /// `uri_not_listed`
    UriNotListed,
    /// `attempted_before`
    AttemptedBefore,
    /// `no_credentials`
    NoCredentials,
    /// `no_user`
    NoUser,
    /// `several_users`
    SeveralUsers,
    /// `two_accounts_spoke`
    TwoAccountsSpoke,
    /// `no_connection`
    NoConnection,
    /// `not_signed_in`
    NotSignedIn,
    /// `exchange_refused`
    ExchangeRefused,
    /// `parent_token_refused`
    ParentTokenRefused,
    /// `skill_refused`
    SkillRefused,
    /// `skill_unreachable`
    SkillUnreachable,
    /// `answer_too_large`
    AnswerTooLarge,
    /// `too_late`
    TooLate,
    /// `too_many_cards`
    TooManyCards,
    /// `store_failed`
    StoreFailed,
}

const REASONS: [(CardReason, &str); 18] = [
    (CardReason::Swallowed, "swallowed"),
    (CardReason::NotAnswerable, "not_answerable"),
    (CardReason::UriNotListed, "uri_not_listed"),
    (CardReason::AttemptedBefore, "attempted_before"),
    (CardReason::NoCredentials, "no_credentials"),
    (CardReason::NoUser, "no_user"),
    (CardReason::SeveralUsers, "several_users"),
    (CardReason::TwoAccountsSpoke, "two_accounts_spoke"),
    (CardReason::NoConnection, "no_connection"),
    (CardReason::NotSignedIn, "not_signed_in"),
    (CardReason::ExchangeRefused, "exchange_refused"),
    (CardReason::ParentTokenRefused, "parent_token_refused"),
    (CardReason::SkillRefused, "skill_refused"),
    (CardReason::SkillUnreachable, "skill_unreachable"),
    (CardReason::AnswerTooLarge, "answer_too_large"),
    (CardReason::TooLate, "too_late"),
    (CardReason::TooManyCards, "too_many_cards"),
    (CardReason::StoreFailed, "store_failed"),
];

impl CardReason {
    /// The name in the log, in the metrics and for the observer.
    #[must_use]
    pub fn name(self) -> &'static str {
        REASONS.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }
}

/// The sign-in cards of each skill.
#[derive(Debug, Default)]
pub struct SkillCardCounts {
    /// Also the names of earlier configurations: their counts go on to be shown.
    skills: ArcSwap<HashMap<String, [Counter; REASONS.len()]>>,
    /// `None` where nothing is shown.
    cards: Option<CounterSeries>,
}

impl SkillCardCounts {
    pub(super) fn register(skills: &[String], registry: &mut Registry) -> Self {
        let cards = CounterSeries::register(&table::SKILL_CARDS, registry);
        let counts = Self { skills: ArcSwap::default(), cards: Some(cards) };
        counts.add_names(skills);
        counts
    }

    /// Shows the cards of `skills`, too. A name that is shown already keeps its counts.
    pub(super) fn add_names(&self, skills: &[String]) {
        let Some(cards) = &self.cards else { return };
        let mut known = HashMap::clone(&self.skills.load());
        known.extend(skills.iter().map(|skill| (skill.clone(), REASONS.map(|row| cards.get(&[skill, row.1])))));
        self.skills.store(Arc::new(known));
    }

    /// Counts a card of the skill `skill`.
    pub fn add(&self, skill: &str, reason: CardReason) {
        if let Some(counter) = self.skills.load().get(skill).and_then(|counters| counters.get(reason as usize)) {
            counter.inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::REASONS;

    #[test]
    fn each_reason_is_at_its_position() {
        for (position, (reason, name)) in REASONS.iter().enumerate() {
            assert_eq!((*reason as usize, reason.name()), (position, *name));
        }
    }
}
