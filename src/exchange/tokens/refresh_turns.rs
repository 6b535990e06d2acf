use std::sync::Arc;

use tokio::sync::Mutex;

use crate::domain::TokenSlot;
use crate::single_flight::{Registered, WeakRegistry};

/// Lets one request at a time redeem the refresh token of a slot: an issuer that rotates refresh tokens takes each only
/// once, and may end the whole sign-in when it gets one twice (RFC 9700 §4.14.2). A request reads the kept token after
/// its turn has come, so it finds the refresh token that the request before has brought.
#[derive(Default)]
pub(super) struct RefreshTurns(WeakRegistry<TokenSlot, Mutex<()>>);

impl RefreshTurns {
    /// The turn of `slot`. It is taken by locking it; requests take it in the order in which they ask.
    pub(super) fn get(&self, slot: &TokenSlot) -> Arc<Registered<TokenSlot, Mutex<()>>> {
        self.0.get_or_register(slot.clone(), |_| Mutex::default())
    }
}
