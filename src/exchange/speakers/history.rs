use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{Account, Timestamp};
use crate::records::{Content, Kind, Plaintext, catalogue, encode_json};

/// Two accounts that both spoke within this time dispute their user id. A bot that answers a turn later than this is
/// taken to act for the account that spoke last.
const DISPUTE_WINDOW: Duration = Duration::from_mins(15);

/// The accounts that spoke under one user id, the last one first. An account that spoke before the window has no effect
/// and is left out, unless it spoke last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SpeakerHistory {
    speakers: Vec<Speaker>,
    /// The disputes that were reported within the window.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reports: Vec<DisputeReport>,
}

/// An account that spoke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Speaker {
    /// The app id of the parent bot that stated the user id; `None` if the channel stated it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<String>,
    /// In milliseconds since the Unix epoch.
    spoke_at: i64,
}

/// That a dispute between two accounts was reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct DisputeReport {
    /// The parents of the two accounts, in alphabetical order; the channel's account has none and is the first.
    between: [Option<String>; 2],
    /// In milliseconds since the Unix epoch.
    reported_at: i64,
}

impl Content for SpeakerHistory {
    const KIND: &'static Kind = &catalogue::SPEAKERS;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

impl SpeakerHistory {
    /// Notes that the account under `parent`, or the channel's, speaks at `now`.
    pub(super) fn note(&mut self, parent: Option<&str>, now: Timestamp) {
        self.follow_clock(now);
        self.speakers.retain(|speaker| speaker.parent.as_deref() != parent && is_recent(speaker.spoke_at, now));
        self.speakers.insert(0, Speaker { parent: parent.map(str::to_owned), spoke_at: now.unix_millis() });
    }

    /// Moves times that lie after `now` to `now`. A clock that was far ahead and was set back has written them, so it is
    /// unknown how long ago those accounts spoke, and they count as having spoken now. A dispute thus lasts for a whole
    /// window, in which no token goes to the wrong account, and ends after it, and not when the clock reaches those times
    /// again. Who spoke last stays the same, since the order of the accounts says it and not the times.
    pub(super) fn follow_clock(&mut self, now: Timestamp) {
        let now = now.unix_millis();
        for speaker in &mut self.speakers {
            speaker.spoke_at = speaker.spoke_at.min(now);
        }
        for report in &mut self.reports {
            report.reported_at = report.reported_at.min(now);
        }
    }

    /// Whether the account of a parent is one of those that spoke.
    pub(super) fn names_parent(&self) -> bool {
        self.speakers.iter().any(|speaker| speaker.parent.is_some())
    }

    /// The accounts that spoke, the last one first.
    pub(super) fn list(&self) -> &[Speaker] {
        &self.speakers
    }

    /// The account that spoke last.
    pub(super) fn last(&self) -> Option<&Speaker> {
        self.speakers.first()
    }

    /// The accounts that spoke within the window before `now` and dispute the user id with the last one. The history must
    /// have [followed the clock](Self::follow_clock).
    pub(super) fn rivals(&self, now: Timestamp) -> impl Iterator<Item = &Speaker> {
        self.speakers.iter().skip(1).filter(move |speaker| is_recent(speaker.spoke_at, now))
    }

    /// Returns the rivals whose dispute with the last account was not reported within the window, and notes that it is
    /// reported now.
    pub(super) fn take_unreported(&mut self, now: Timestamp) -> Vec<Speaker> {
        let Some(last) = self.last().cloned() else { return Vec::new() };
        self.reports.retain(|report| is_recent(report.reported_at, now));
        let rivals: Vec<_> = self.rivals(now).cloned().collect();
        let mut unreported = Vec::new();
        for rival in rivals {
            let mut between = [last.parent.clone(), rival.parent.clone()];
            between.sort();
            if self.reports.iter().all(|report| report.between != between) {
                self.reports.push(DisputeReport { between, reported_at: now.unix_millis() });
                unreported.push(rival);
            }
        }
        unreported
    }

    /// Adds what an earlier process has written; all that is here already is newer.
    pub(super) fn append(&mut self, earlier: Self) {
        let Self { speakers, reports } = earlier;
        for speaker in speakers {
            if self.speakers.iter().all(|known| known.parent != speaker.parent) {
                self.speakers.push(speaker);
            }
        }
        self.reports.extend(reports);
    }

    /// Counts the accounts of parents that the operator trusts as the channel's account.
    pub(super) fn merge_trusted(self, is_trusted: impl Fn(&str) -> bool) -> Self {
        let mut merged = Self { speakers: Vec::new(), reports: self.reports };
        let speakers = self.speakers.into_iter().map(|speaker| {
            let parent = speaker.parent.filter(|parent| !is_trusted(parent));
            Speaker { parent, ..speaker }
        });
        merged.append(Self { speakers: speakers.collect(), reports: Vec::new() });
        merged
    }

    /// Whether a store that holds `self` knows everything that `newer` says beside the times.
    pub(super) fn covers(&self, newer: &Self) -> bool {
        let parents =
            |history: &Self| history.speakers.iter().map(|speaker| speaker.parent.clone()).collect::<Vec<_>>();
        parents(self).starts_with(&parents(newer)) && newer.reports.iter().all(|report| self.reports.contains(report))
    }
}

impl Speaker {
    /// When the account spoke.
    pub(super) const fn spoke_at(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.spoke_at)
    }

    /// The account that spoke, under the user id of the channel's `account`.
    pub(super) fn account_under(&self, account: &Account) -> Account {
        self.parent.as_deref().map_or_else(|| account.clone(), |parent| account.as_parent_account(parent))
    }
}

fn is_recent(millis: i64, now: Timestamp) -> bool {
    now < Timestamp::from_unix_millis(millis).plus(DISPUTE_WINDOW)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PARENT: Option<&str> = Some("a");

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    fn history(spoken: &[(Option<&str>, i64)]) -> SpeakerHistory {
        let mut history = SpeakerHistory::default();
        for (parent, seconds) in spoken {
            history.note(*parent, at(*seconds));
        }
        history
    }

    /// The parent of the account that spoke last.
    fn last(history: &SpeakerHistory) -> Option<&str> {
        history.last().unwrap().parent.as_deref()
    }

    #[test]
    fn two_accounts_dispute_a_user_id_for_fifteen_minutes_after_the_first_one_spoke() {
        let history = history(&[(None, 0), (PARENT, 100)]);
        assert_eq!(last(&history), PARENT);
        assert_eq!(history.rivals(at(899)).count(), 1);
        assert_eq!(history.rivals(at(900)).count(), 0);
    }

    #[test]
    fn the_last_account_stays_the_last_one_however_long_ago_it_spoke() {
        let mut history = history(&[(PARENT, 0)]);
        assert_eq!(last(&history), PARENT);
        history.note(None, at(3600));
        assert_eq!((last(&history), history.speakers.len()), (None, 1), "the parent spoke an hour ago");
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_change_who_spoke_last() {
        let history = history(&[(PARENT, 5000), (None, 100)]);
        assert_eq!(last(&history), None);
        assert_eq!(history.rivals(at(100)).count(), 1);
    }

    #[test]
    fn a_dispute_of_a_clock_that_was_far_ahead_ends_fifteen_minutes_after_the_clock_is_right() {
        let ahead = 10 * 365 * 24 * 3600;
        let mut spoken_later = history(&[(PARENT, ahead), (None, ahead + 1)]);
        spoken_later.follow_clock(at(100));
        assert_eq!(spoken_later.rivals(at(999)).count(), 1, "no token to the wrong account meanwhile");
        assert_eq!(spoken_later.rivals(at(1000)).count(), 0);
        // The same if the next account speaks before a bot asks.
        let spoken_again = history(&[(PARENT, ahead), (None, ahead + 1), (None, 100)]);
        assert_eq!((last(&spoken_again), spoken_again.rivals(at(999)).count()), (None, 1));
        assert_eq!(spoken_again.rivals(at(1000)).count(), 0);
    }

    #[test]
    fn a_dispute_that_a_clock_far_ahead_has_reported_is_reported_again() {
        let mut history = history(&[(PARENT, 5000), (None, 5001)]);
        assert_eq!(history.take_unreported(at(5002)).len(), 1);
        history.follow_clock(at(100));
        assert_eq!(history.take_unreported(at(101)).len(), 0, "reported less than fifteen minutes ago");
        history.note(PARENT, at(2000));
        history.note(None, at(2001));
        assert_eq!(history.take_unreported(at(2002)).len(), 1);
    }

    #[test]
    fn a_dispute_is_reported_once_per_pair_and_window() {
        let mut history = history(&[(PARENT, 0), (None, 10)]);
        assert_eq!(history.take_unreported(at(11)).len(), 1);
        history.note(PARENT, at(20));
        assert_eq!(history.take_unreported(at(21)).len(), 0, "the same pair");
        history.note(Some("b"), at(30));
        assert_eq!(history.take_unreported(at(31)).len(), 2, "the new parent with each of the others");
        history.note(None, at(900));
        history.note(PARENT, at(911));
        assert_eq!(history.take_unreported(at(912)).len(), 1, "another window, in which b did not speak again");
    }

    #[test]
    fn a_parent_that_is_trusted_now_spoke_for_the_channels_account() {
        let history = history(&[(None, 0), (Some("b"), 10), (PARENT, 20)]).merge_trusted(|parent| parent == "a");
        assert_eq!(last(&history), None);
        assert_eq!(history.rivals(at(30)).count(), 1, "b");
    }

    #[test]
    fn what_was_written_covers_the_same_accounts_in_the_same_order() {
        let written = history(&[(PARENT, 0), (None, 10)]);
        assert!(written.covers(&history(&[(PARENT, 0), (None, 70)])) && written.covers(&history(&[(None, 5000)])));
        for newer in [history(&[(None, 0), (PARENT, 10)]), history(&[(PARENT, 0)]), history(&[(Some("b"), 0)])] {
            assert!(!written.covers(&newer), "{newer:?}");
        }
    }
}
