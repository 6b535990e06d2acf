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

    /// Whether `user` has consented to the client `app`, or does not need to.
    pub(in crate::dev) fn allow(&self, user: &User, app: &App) -> bool {
        self.allow_api(user, app)
            && (self.stories.of(user) != UserScenario::LacksConsent || self.has_consented(user, app))
    }

    /// Whether a client of `user` may get a token for the API `app`: with the user's consent, if the app needs one of its own.
    pub(in crate::dev) fn allow_api(&self, user: &User, app: &App) -> bool {
        !app.needs_consent || self.has_consented(user, app)
    }

    fn has_consented(&self, user: &User, app: &App) -> bool {
        lock_ignoring_poison(&self.given).contains(&(user.oid.to_owned(), app.client_id.to_owned()))
    }

    /// Withdraws every consent.
    pub(in crate::dev) fn clear(&self) {
        lock_ignoring_poison(&self.given).clear();
    }
}
