use std::collections::{HashMap, HashSet};

use actix_web::web;

use super::shared_limits;
use crate::app::keys::NamedKeySet;
use crate::app::services::Services;
use crate::config::Configuration;
use crate::endpoints::back_channel_logout::{BackChannelLogout, BackChannelLogoutParts};
use crate::inbound::{BodyLimits, ClientGuesses};
use crate::sign_in::ProviderLogouts;
use crate::token_validation::LogoutTokenValidator;

/// Opens the door for logout tokens; `None` if there is no identity provider that sends any.
pub(super) fn open(
    config: &Configuration,
    services: &Services,
    limits: BodyLimits,
) -> Option<web::Data<BackChannelLogout>> {
    let validators: HashMap<_, _> = services
        .key_sets
        .of_openid_providers()
        .iter()
        .filter_map(|named| Some((named.name.clone(), build_validator(config, services, named)?)))
        .collect();
    if validators.is_empty() {
        return None;
    }
    let parts = BackChannelLogoutParts {
        logouts: ProviderLogouts::new(validators, services.provider_sessions.clone()),
        uses: services.logout_token_uses.clone(),
        sign_out: services.sign_out.clone(),
        guesses: ClientGuesses::new(&shared_limits(services), "logout_tokens"),
    };
    Some(web::Data::new(BackChannelLogout::new(parts, services.ambient.clone(), limits)))
}

fn build_validator(
    config: &Configuration,
    services: &Services,
    NamedKeySet { name, keys }: &NamedKeySet,
) -> Option<LogoutTokenValidator> {
    let issuer = config.openid_providers.get(name)?.issuer.clone();
    let of_directories = config.directories.iter().flat_map(|section| &section.directory.login_providers);
    let connections = services.registrations.connections().chain(of_directories.map(|provider| &provider.connection));
    let at_provider = connections.filter(|connection| connection.identity_provider == *name);
    let client_ids: HashSet<String> = at_provider.map(|connection| connection.client_id.clone()).collect();
    Some(LogoutTokenValidator::new(issuer, client_ids, keys.clone(), services.ambient.clock.clone()))
}
