use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::UserKey;

/// How many sign-outs everywhere are remembered. What happened before the oldest of them is not known any more.
const MAX_REMEMBERED: usize = 4_096;

/// A moment between the sign-outs everywhere of this process. A caller gets it before it asks the identity provider for
/// a token of a user that it does not know yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignOutMark(u64);

/// The users who were signed out everywhere lately, in this order.
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
    users: VecDeque<UserKey>,
}

impl RecentSignOuts {
    /// Call this before the user's epoch is raised: a caller that reads the raised epoch has to find the sign-out here.
    pub(super) fn add(&self, user: &UserKey) {
        let mut state = self.lock();
        state.count = state.count.saturating_add(1);
        if state.users.len() == MAX_REMEMBERED {
            state.users.pop_front();
        }
        state.users.push_back(user.clone());
    }

    pub(super) fn mark(&self) -> SignOutMark {
        SignOutMark(self.lock().count)
    }

    /// Whether `user` was signed out after `mark`, or may have been: too many others were signed out since.
    pub(super) fn may_include(&self, user: &UserKey, mark: SignOutMark) -> bool {
        let state = self.lock();
        let since = usize::try_from(state.count.saturating_sub(mark.0)).unwrap_or(usize::MAX);
        since > state.users.len() || state.users.iter().rev().take(since).any(|other| other == user)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: usize) -> UserKey {
        UserKey::entra(&number.to_string(), "7e7e")
    }

    #[test]
    fn a_sign_out_concerns_its_user_and_earlier_marks_alone() {
        let recent = RecentSignOuts::default();
        let before = recent.mark();
        assert!(!recent.may_include(&user(1), before));
        recent.add(&user(1));
        assert!(recent.may_include(&user(1), before));
        assert!(!recent.may_include(&user(2), before));
        assert!(!recent.may_include(&user(1), recent.mark()));
    }

    #[test]
    fn a_mark_older_than_all_remembered_sign_outs_concerns_every_user() {
        let recent = RecentSignOuts::default();
        let before = recent.mark();
        recent.add(&user(0));
        let after = recent.mark();
        for _ in 0..MAX_REMEMBERED {
            recent.add(&user(7));
        }
        assert!(recent.may_include(&user(1), before));
        assert!(!recent.may_include(&user(1), after));
        assert_eq!(recent.lock().users.len(), MAX_REMEMBERED);
    }
}
