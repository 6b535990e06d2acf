use std::sync::Mutex;

use url::Url;

use crate::dev::lock::lock_ignoring_poison;

/// The gateway in front of the demo bots, once it is known.
#[derive(Default)]
pub(in crate::dev) struct GatewayAddress(Mutex<Option<Url>>);

impl GatewayAddress {
    /// Sets the address of the token service for the demo bots.
    pub(in crate::dev) fn set(&self, url: Url) {
        *lock_ignoring_poison(&self.0) = Some(url);
    }

    /// The gateway's base URL.
    pub(in crate::dev) fn find(&self) -> Option<Url> {
        lock_ignoring_poison(&self.0).clone()
    }
}
