use std::num::NonZeroU32;

use super::{SelfServiceError, SelfServiceRequest};
use crate::inbound::{ClientNetwork, KeyedRate, RateExceeded, RateLimit, SharedLimits};

/// The sign-ups of one client network within an hour, and as many requests for a new password. Each costs a hash or a record.
const PER_NETWORK: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);

/// How often the clients of a network may ask for what anybody may ask for.
pub(super) struct AskRates {
    sign_ups: KeyedRate,
    resets: KeyedRate,
}

impl AskRates {
    pub(super) fn new(limits: &SharedLimits) -> Self {
        let rate = |name| KeyedRate::new(RateLimit::per_hour(name, PER_NETWORK), limits);
        Self { sign_ups: rate("sign_ups"), resets: rate("password_resets") }
    }

    pub(super) async fn charge_sign_up(&self, request: &SelfServiceRequest<'_>) -> Result<(), SelfServiceError> {
        charge(&self.sign_ups, request).await
    }

    pub(super) async fn charge_reset(&self, request: &SelfServiceRequest<'_>) -> Result<(), SelfServiceError> {
        charge(&self.resets, request).await
    }
}

/// Clients without a known address have one limit together. Calls of administrators have their own.
async fn charge(rate: &KeyedRate, request: &SelfServiceRequest<'_>) -> Result<(), SelfServiceError> {
    if request.administrator.is_some() {
        return Ok(());
    }
    let network = request.client.map(|client| ClientNetwork::from_address(client).first_address().to_string());
    let refuse = |RateExceeded { retry_after }| SelfServiceError::TooMany { retry_after };
    rate.charge(&[network.unwrap_or_default().as_bytes()]).await.map_err(refuse)
}
