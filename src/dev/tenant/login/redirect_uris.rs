use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use crate::dev::lock::lock_ignoring_poison;

/// The redirect URIs that apps have registered.
#[derive(Default)]
pub(in crate::dev) struct RedirectUris(Mutex<BTreeMap<String, BTreeSet<String>>>);

impl RedirectUris {
    /// Registers an exact redirect URI for an app.
    pub(in crate::dev) fn register(&self, client_id: &str, uri: &str) {
        lock_ignoring_poison(&self.0).entry(client_id.to_ascii_lowercase()).or_default().insert(uri.to_owned());
    }

    /// Whether `uri` is registered for the app, byte for byte.
    pub(in crate::dev) fn contains(&self, client_id: &str, uri: &str) -> bool {
        lock_ignoring_poison(&self.0).get(&client_id.to_ascii_lowercase()).is_some_and(|known| known.contains(uri))
    }
}
