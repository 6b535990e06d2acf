use std::num::NonZeroU32;

use super::{SelfServiceError, SelfServiceRequest};
use crate::domain::SharedClock;
use crate::endpoints::directory::{KeyedRate, RateExceeded};
use crate::inbound::ClientNetwork;

/// The sign-ups of one client network within an hour, and as many requests for a new password. Each costs a hash or a record.
const PER_NETWORK: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);

/// How often the clients of a network may ask for what anybody may ask for.
pub(super) struct AskRates {
    sign_ups: KeyedRate,
    resets: KeyedRate,
}

impl AskRates {
    pub(super) fn new(clock: SharedClock) -> Self {
        let (sign_ups, resets) =
            (KeyedRate::per_hour(PER_NETWORK, clock.clone()), KeyedRate::per_hour(PER_NETWORK, clock));
        Self { sign_ups, resets }
    }

    pub(super) fn charge_sign_up(&self, request: &SelfServiceRequest<'_>) -> Result<(), SelfServiceError> {
        charge(&self.sign_ups, request)
    }

    pub(super) fn charge_reset(&self, request: &SelfServiceRequest<'_>) -> Result<(), SelfServiceError> {
        charge(&self.resets, request)
    }
}

/// Clients without a known address have one limit together. Calls of administrators have their own.
fn charge(rate: &KeyedRate, request: &SelfServiceRequest<'_>) -> Result<(), SelfServiceError> {
    if request.administrator.is_some() {
        return Ok(());
    }
    let network = request.client.map(ClientNetwork::from_address);
    let refuse = |RateExceeded { retry_after }| SelfServiceError::TooMany { retry_after };
    rate.charge(&network).map_err(refuse)
}
