use std::sync::Mutex;

use url::Url;

use crate::dev::lock::lock_ignoring_poison;

/// The address of the gateway in front of the demo bots. It is unknown until the gateway is attached to the stage.
#[derive(Default)]
pub(in crate::dev) struct GatewayAddress(Mutex<Option<Url>>);

impl GatewayAddress {
    /// Sets the gateway's base URL.
    pub(in crate::dev) fn set(&self, url: Url) {
        *lock_ignoring_poison(&self.0) = Some(url);
    }

    /// The gateway's base URL, if it is known.
    pub(in crate::dev) fn find(&self) -> Option<Url> {
        lock_ignoring_poison(&self.0).clone()
    }
}
