use std::sync::Mutex;

use url::Url;

use super::lock::lock_ignoring_poison;

/// The address of the gateway in front of the bots. It is unknown until the gateway is attached to the stage.
#[derive(Default)]
pub(super) struct GatewayAddress(Mutex<Option<Url>>);

impl GatewayAddress {
    /// Sets the gateway's base URL.
    pub(super) fn set(&self, url: Url) {
        *lock_ignoring_poison(&self.0) = Some(url);
    }

    /// The gateway's base URL, if it is known.
    pub(super) fn find(&self) -> Option<Url> {
        lock_ignoring_poison(&self.0).clone()
    }
}
