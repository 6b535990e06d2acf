//! How many messages all replicas together may send.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::records::{Records, SharedRate, catalogue};

/// The rates of messages that all replicas share: to one address, and for one client network. They stand behind the limits of each
/// process.
pub struct MessageRates {
    addresses: SharedRate,
    networks: SharedRate,
}

/// How many messages may be sent in a window of time.
#[derive(Clone, Copy, Debug)]
pub struct MessageLimits {
    /// To one address.
    pub per_address: NonZeroU32,
    /// For one client network.
    pub per_network: NonZeroU32,
    /// The window.
    pub window: Duration,
}

impl MessageRates {
    /// Counts in `records` what `limits` allow. `None` over an exclusive store: the limits of the process are the only ones.
    #[must_use]
    pub fn over(records: &Records, limits: MessageLimits) -> Option<Self> {
        records.replicas()?;
        let MessageLimits { per_address, per_network, window } = limits;
        let rate = |most| SharedRate::new(records, &catalogue::MAIL_RATE, most, window);
        Some(Self { addresses: rate(per_address), networks: rate(per_network) })
    }

    /// Counts a message of the `kind`, which is counted by itself, to `address`, and says whether it may be sent. One that a `network` may
    /// not cause uses up nothing of its recipient's limit.
    pub async fn admits(&self, network: Option<&str>, kind: &str, address: &str) -> bool {
        let is_for_network = match network {
            Some(network) => self.networks.admits(&[b"network", network.as_bytes()]).await,
            None => true,
        };
        is_for_network && self.addresses.admits(&[b"address", kind.as_bytes(), address.as_bytes()]).await
    }
}
