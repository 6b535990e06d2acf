use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use super::directory::{App, User, UserScenario};
use super::stories::Stories;
use crate::dev::lock::lock_ignoring_poison;

/// Which users have consented to which apps. There are none at the start.
pub(in crate::dev) struct Consents {
    given: Mutex<BTreeSet<(String, String)>>,
    stories: Arc<Stories>,
}

impl Consents {
    /// No user has consented. `stories` tells which users have to.
    pub(in crate::dev) fn new(stories: Arc<Stories>) -> Self {
        Self { given: Mutex::default(), stories }
    }

    /// Records that `user` consents to the permissions that the app `client_id` requests.
    pub(in crate::dev) fn give(&self, user: &User, client_id: &str) {
        lock_ignoring_poison(&self.given).insert((user.oid.to_owned(), client_id.to_ascii_lowercase()));
    }

    /// Whether `user` has consented to `app`, or does not need to.
    pub(in crate::dev) fn allow(&self, user: &User, app: &App) -> bool {
        self.stories.of(user) != UserScenario::LacksConsent
            || lock_ignoring_poison(&self.given).contains(&(user.oid.to_owned(), app.client_id.to_owned()))
    }

    /// Withdraws every consent.
    pub(in crate::dev) fn clear(&self) {
        lock_ignoring_poison(&self.given).clear();
    }
}
