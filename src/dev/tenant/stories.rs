use std::collections::BTreeMap;
use std::sync::Mutex;

use super::directory::{User, UserScenario};
use crate::dev::lock::lock_ignoring_poison;

/// The stories that were switched on in place of those of the directory, by user. There are none at the start.
#[derive(Debug, Default)]
pub(in crate::dev) struct Stories(Mutex<BTreeMap<&'static str, UserScenario>>);

impl Stories {
    /// The story of `user`.
    pub(in crate::dev) fn of(&self, user: &User) -> UserScenario {
        self.find_switched(user).unwrap_or(user.scenario)
    }

    /// The story that was switched on for `user`.
    pub(in crate::dev) fn find_switched(&self, user: &User) -> Option<UserScenario> {
        lock_ignoring_poison(&self.0).get(user.oid).copied()
    }

    /// Switches the story of `user`. Its own one ends the switch.
    pub(in crate::dev) fn switch(&self, user: &User, story: UserScenario) {
        let mut stories = lock_ignoring_poison(&self.0);
        if story == user.scenario {
            stories.remove(user.oid);
        } else {
            stories.insert(user.oid, story);
        }
    }

    /// Gives every user the own story back.
    pub(in crate::dev) fn clear(&self) {
        lock_ignoring_poison(&self.0).clear();
    }
}
