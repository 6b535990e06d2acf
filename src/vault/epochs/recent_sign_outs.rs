use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::RecordKey;

/// How many sign-outs everywhere are remembered. What happened before the oldest of them is not known any more.
const MAX_REMEMBERED: usize = 4_096;

/// The users who were signed out everywhere lately by this process, in this order, by the keys of their epochs.
///
/// A user's [`Epoch`](super::Epoch) can be read only when the user is known. A token that was issued before that may
/// wait for minutes until its user is identified, and a sign-out everywhere in between has to end it as well.
#[derive(Default)]
pub(super) struct RecentSignOuts {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many sign-outs there were.
    count: u64,
    /// The last of them.
    users: VecDeque<RecordKey>,
}

impl RecentSignOuts {
    /// Call this before the user's epoch is raised: a caller that reads the raised epoch has to find the sign-out here.
    pub(super) fn add(&self, user: RecordKey) {
        let mut state = self.lock();
        state.count = state.count.saturating_add(1);
        if state.users.len() == MAX_REMEMBERED {
            state.users.pop_front();
        }
        state.users.push_back(user);
    }

    /// How many sign-outs there were.
    pub(super) fn count(&self) -> u64 {
        self.lock().count
    }

    /// Whether `user` was signed out after the first `before` sign-outs, or may have been: too many others were signed out
    /// since.
    pub(super) fn may_include(&self, user: RecordKey, before: u64) -> bool {
        let state = self.lock();
        let since = usize::try_from(state.count.saturating_sub(before)).unwrap_or(usize::MAX);
        since > state.users.len() || state.users.iter().rev().take(since).any(|other| *other == user)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: u8) -> RecordKey {
        RecordKey([number; 32])
    }

    #[test]
    fn a_sign_out_concerns_its_user_and_earlier_marks_alone() {
        let recent = RecentSignOuts::default();
        let before = recent.count();
        assert!(!recent.may_include(user(1), before));
        recent.add(user(1));
        assert!(recent.may_include(user(1), before));
        assert!(!recent.may_include(user(2), before));
        assert!(!recent.may_include(user(1), recent.count()));
    }

    #[test]
    fn a_mark_older_than_all_remembered_sign_outs_concerns_every_user() {
        let recent = RecentSignOuts::default();
        let before = recent.count();
        recent.add(user(0));
        let after = recent.count();
        for _ in 0..MAX_REMEMBERED {
            recent.add(user(7));
        }
        assert!(recent.may_include(user(1), before));
        assert!(!recent.may_include(user(1), after));
        assert_eq!(recent.lock().users.len(), MAX_REMEMBERED);
    }
}
