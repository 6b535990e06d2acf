use std::collections::BTreeSet;
use std::sync::Mutex;

use super::directory::{App, User, UserScenario};
use crate::dev::lock::lock_ignoring_poison;

/// Which users have consented to which apps. There are none at the start.
#[derive(Default)]
pub(in crate::dev) struct Consents(Mutex<BTreeSet<(String, String)>>);

impl Consents {
    /// Records that `user` consents to the permissions that the app `client_id` requests.
    pub(in crate::dev) fn give(&self, user: &User, client_id: &str) {
        lock_ignoring_poison(&self.0).insert((user.oid.to_owned(), client_id.to_ascii_lowercase()));
    }

    /// Whether `user` has consented to `app`, or does not need to.
    pub(in crate::dev) fn allow(&self, user: &User, app: &App) -> bool {
        user.scenario != UserScenario::LacksConsent
            || lock_ignoring_poison(&self.0).contains(&(user.oid.to_owned(), app.client_id.to_owned()))
    }

    /// Withdraws every consent.
    pub(in crate::dev) fn clear(&self) {
        lock_ignoring_poison(&self.0).clear();
    }
}
