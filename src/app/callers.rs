use std::collections::HashMap;
use std::sync::Arc;

use crate::config::Configuration;
use crate::domain::{ClockAndEntropy, Registrations};
use crate::inbound::{CallerLimits, CallerPolicy, CallerRates, Callers, TokenServiceTrust};
use crate::token_validation::{CallerTokenValidator, ChannelTrust, EntraCallers, EntraTrust, KeySet};

/// What verifies callers' tokens: the Entra issuers by provider name, and the channels' keys.
pub(super) struct CallerKeys<'a> {
    pub(super) trusts: HashMap<String, EntraTrust>,
    pub(super) channel: Arc<KeySet>,
    pub(super) ambient: &'a ClockAndEntropy,
}

/// Builds the authentication of callers from the configuration. `anonymous` is set in development mode only.
pub(super) fn build_callers(
    config: &Configuration,
    registrations: &Arc<Registrations>,
    rates: CallerRates,
    keys: CallerKeys<'_>,
    anonymous: bool,
) -> Callers {
    let CallerKeys { trusts, channel, ambient } = keys;
    let channel = ChannelTrust { issuer: config.channels.issuer.clone(), key_set: channel };
    let tenants = config.app_token_tenants();
    let agent_platforms = config.agent_platforms();
    let authenticates_callers =
        |name: &String| config.identity_providers.get(name).is_some_and(|provider| provider.authenticates_callers);
    let entra = trusts.into_iter().filter(|(name, _)| authenticates_callers(name));
    let entra = entra.map(|(_, trust)| EntraCallers {
        trust,
        tenants: tenants.clone(),
        agent_platforms: agent_platforms.clone(),
    });
    let entra = entra.collect();
    let validator = CallerTokenValidator::new(vec![channel], entra, ambient.clock.clone());
    let token_service = TokenServiceTrust {
        audiences: config.token_service.audiences.clone(),
        tenants: config.token_service.tenants.clone(),
        agent_audiences: config.agent_audiences(),
    };
    let policy = CallerPolicy {
        token_service,
        channel_caller_id: config.channels.caller_id,
        required_endorsements: config.channels.required_endorsements.clone(),
        agent_platforms,
        anonymous,
    };
    Callers::new(validator, registrations.clone(), policy, rates)
}

/// The rate limits of callers from the configuration.
pub(super) fn caller_limits(config: &Configuration) -> CallerLimits {
    CallerLimits {
        parents: config.limits.parent_requests_per_second,
        channels: config.limits.channel_requests_per_second,
        token_service: config.limits.token_service_requests_per_second,
    }
}
