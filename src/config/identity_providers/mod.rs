//! `[identity_providers.<name>]`: where users sign in, and which issuers issue the bots' own tokens.
//!
//! Owns the two kinds of providers, and the provider that is added when the file has none of kind `entra`. It
//! deliberately does not know which connection uses which provider, and fetches nothing.

mod entra;
mod oidc;
mod raw;

#[cfg(test)]
mod entra_tests;
#[cfg(test)]
mod oidc_tests;

use std::collections::BTreeMap;

pub use entra::EntraSection;
pub use oidc::OpenIdSection;

pub(in crate::config) use raw::RawIdentityProvider;

use crate::config::review::{CloudDefaults, Place, Review, WrittenProvider};
use crate::domain::ProviderKind;

use raw::Kind;

/// The name of the provider that is added when the file has none of kind `entra`.
const DEFAULT_NAME: &str = "entra";

/// The configured providers, separated by kind.
#[derive(Default)]
pub(in crate::config) struct ValidatedProviders {
    pub(in crate::config) entra: BTreeMap<String, EntraSection>,
    pub(in crate::config) openid: BTreeMap<String, OpenIdSection>,
}

/// Adds a provider with the cloud's defaults if the file has none of kind `entra`, because bots get their own tokens
/// from Entra even if users sign in elsewhere.
pub(in crate::config) fn add_default_entra(raw: &mut BTreeMap<String, RawIdentityProvider>) {
    if raw.values().all(|provider| provider.kind != Kind::Entra) {
        raw.entry(DEFAULT_NAME.to_owned()).or_default();
    }
}

/// The facts about the providers in the file that other sections need.
pub(in crate::config) fn written_providers(
    raw: &BTreeMap<String, RawIdentityProvider>,
) -> BTreeMap<String, WrittenProvider> {
    let written = |provider: &RawIdentityProvider| WrittenProvider {
        kind: match provider.kind {
            Kind::Entra => ProviderKind::Entra,
            Kind::Oidc => ProviderKind::OpenIdConnect,
        },
        issuer: provider.issuer.clone(),
        options: provider.options(),
    };
    raw.iter().map(|(name, provider)| (name.clone(), written(provider))).collect()
}

/// The sections `[identity_providers.<name>]`.
pub(in crate::config) fn validate(
    raw: BTreeMap<String, RawIdentityProvider>,
    cloud: &CloudDefaults,
    review: &mut Review<'_>,
) -> ValidatedProviders {
    let section = Place::section("identity_providers");
    let is_only_one = raw.values().filter(|provider| provider.kind == Kind::Entra).count() == 1;
    let mut validated = ValidatedProviders::default();
    for (name, mut provider) in raw {
        let place = section.key(&name);
        match provider.kind {
            Kind::Oidc => {
                let valid = oidc::validate(provider, &name, review, &place);
                validated.openid.extend(valid.map(|section| (name, section)));
            }
            Kind::Entra => {
                // The operator of another authority could impersonate any bot, so of several providers only the cloud's
                // own authenticates callers by default.
                let authenticates_callers = is_only_one || entra::is_clouds_own(&provider, cloud);
                provider.authenticates_callers.get_or_insert(authenticates_callers);
                let valid = entra::validate(provider, &name, cloud, review, &place);
                validated.entra.extend(valid.map(|section| (name, section)));
            }
        }
    }
    let some_in_order = !validated.entra.is_empty() || !validated.openid.is_empty();
    if some_in_order
        && !review.is_reported(&section)
        && !validated.entra.values().any(|provider| provider.authenticates_callers)
    {
        let message = "has none that authenticates callers, so that no bot can call the Token Service: write \
                       authenticates_callers = true in the one that issues your bots' tokens (of kind \"entra\")";
        review.warn(&section, message.to_owned());
    }
    validated
}
