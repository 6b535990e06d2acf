use std::collections::HashMap;
use std::sync::Arc;

use super::directories::{DirectoryServices, OwnIssuer};
use crate::app::callers::{CallerKeys, build_callers};
use crate::app::keys::{NamedKeySet, build_key_set, build_openid_key_set, warm_up};
use crate::config::{Configuration, EntraSection, KeySource, OpenIdSection};
use crate::domain::{ClockAndEntropy, Registrations};
use crate::exchange::TokenValidators;
use crate::inbound::{CallerRates, Callers};
use crate::outbound::Outbound;
use crate::sign_in::IdTokenValidators;
use crate::token_validation::{
    EntraTrust, ExchangeableTokenValidator, IdTokenValidator, KeySet, ProviderTokenValidator, TrustedIdTokenIssuer,
};

/// The name of the channels' key set in the log and in the metrics.
const CHANNELS: &str = "channels";
/// The key sets that are fetched.
pub(in crate::app) struct KeySets {
    channel: Arc<KeySet>,
    /// Whether there are bots, which channels call.
    has_bots: bool,
    /// Those of the identity providers of kind `oidc`.
    openid: Vec<NamedKeySet>,
    /// Those of the identity providers of kind `entra`.
    entra: Vec<NamedKeySet>,
    /// All of them, with what they were built from.
    built: Vec<BuiltKeySet>,
}

/// A key set and what it was built from.
struct BuiltKeySet {
    is_openid: bool,
    name: String,
    source: KeySource,
    keys: Arc<KeySet>,
}

/// What the checks of tokens are built from.
pub(super) struct TrustContext<'a> {
    pub(super) outbound: &'a Outbound,
    pub(super) ambient: &'a ClockAndEntropy,
    pub(super) registrations: &'a Arc<Registrations>,
    pub(super) anonymous: bool,
    pub(super) directories: Option<&'a DirectoryServices>,
    /// The key sets of the configuration that was served before; `None` at the start.
    pub(super) earlier: Option<&'a KeySets>,
}

/// What checks the tokens of callers and of users.
pub(super) struct Verification {
    pub(super) key_sets: KeySets,
    pub(super) validators: Arc<TokenValidators>,
    pub(super) id_tokens: Arc<IdTokenValidators>,
    pub(super) callers: Arc<Callers>,
}

/// Builds the checks; `rates` limits the callers.
pub(super) fn build_verification(
    config: &Configuration,
    context: &TrustContext<'_>,
    rates: CallerRates,
) -> Verification {
    let TrustContext { outbound, ambient, registrations, anonymous, earlier, .. } = *context;
    let mut builder = KeySetBuilder { outbound, ambient, earlier, built: Vec::new() };
    let trusts = build_entra_trusts(config, &mut builder);
    let key_sets = KeySets::build(config, &trusts, builder);
    let validators = Arc::new(build_exchangeable_token_validators(config, &trusts, &key_sets.openid, ambient));
    let id_tokens = Arc::new(build_id_token_validators(config, &trusts, &key_sets.openid, context));
    let keys = CallerKeys { trusts, channel: key_sets.channel.clone(), ambient };
    let callers = Arc::new(build_callers(config, registrations, rates, keys, anonymous));
    Verification { key_sets, validators, id_tokens, callers }
}

/// Builds the validators of clients' tokens alone, for a command that judges a token as the service does.
pub(in crate::app) fn build_token_validators(
    config: &Configuration,
    outbound: &Outbound,
    ambient: &ClockAndEntropy,
) -> TokenValidators {
    let mut builder = KeySetBuilder { outbound, ambient, earlier: None, built: Vec::new() };
    let trusts = build_entra_trusts(config, &mut builder);
    let openid_keys = build_openid_key_sets(config, &mut builder);
    build_exchangeable_token_validators(config, &trusts, &openid_keys, ambient)
}

/// Builds one validator for each identity provider that issues exchangeable tokens.
fn build_exchangeable_token_validators(
    config: &Configuration,
    trusts: &HashMap<String, EntraTrust>,
    openid_keys: &[NamedKeySet],
    ambient: &ClockAndEntropy,
) -> TokenValidators {
    let of_entra = |trust: &EntraTrust| ExchangeableTokenValidator::new(trust.clone(), ambient.clock.clone());
    let entra = trusts.iter().map(|(name, trust)| (name.clone(), of_entra(trust)));
    let others = openid_keys.iter().filter_map(|NamedKeySet { name, keys }| {
        let issuer = config.openid_providers.get(name)?.issuer.clone();
        Some((name.clone(), ProviderTokenValidator::new(issuer, keys.clone(), ambient.clock.clone())))
    });
    TokenValidators::new(entra.collect(), others.collect())
}

fn build_entra_trusts(config: &Configuration, builder: &mut KeySetBuilder<'_>) -> HashMap<String, EntraTrust> {
    let mut trust = |section: &EntraSection| EntraTrust {
        v2_issuer: section.issuer.clone(),
        v1_issuer: section.v1_issuer.clone(),
        key_set: warm_up(builder.build(&section.name, &section.keys)),
        v1_key_set: None,
    };
    config.identity_providers.iter().map(|(name, section)| (name.clone(), trust(section))).collect()
}

/// Builds the key set of each provider of kind `oidc`.
fn build_openid_key_sets(config: &Configuration, builder: &mut KeySetBuilder<'_>) -> Vec<NamedKeySet> {
    let mut key_set = |name: &String, section: &OpenIdSection| {
        let keys = warm_up(builder.build_openid(name, &section.keys));
        NamedKeySet { name: name.clone(), keys }
    };
    config.openid_providers.iter().map(|(name, section)| key_set(name, section)).collect()
}

/// Builds key sets. One that the configuration before had, too, goes on with the keys that it has fetched: a reload while the
/// publisher cannot be reached ends no sign-in.
struct KeySetBuilder<'a> {
    outbound: &'a Outbound,
    ambient: &'a ClockAndEntropy,
    /// The key sets of the configuration that was served before; `None` at the start.
    earlier: Option<&'a KeySets>,
    built: Vec<BuiltKeySet>,
}

impl KeySetBuilder<'_> {
    fn build(&mut self, name: &str, source: &KeySource) -> Arc<KeySet> {
        let keys = self.find(false, name, source);
        let keys = keys.unwrap_or_else(|| build_key_set(name, source, self.outbound, self.ambient));
        self.built.push(BuiltKeySet {
            is_openid: false,
            name: name.to_owned(),
            source: source.clone(),
            keys: keys.clone(),
        });
        keys
    }

    fn build_openid(&mut self, name: &str, source: &KeySource) -> Arc<KeySet> {
        let keys = self.find(true, name, source);
        let keys = keys.unwrap_or_else(|| build_openid_key_set(name, source, self.outbound, self.ambient));
        self.built.push(BuiltKeySet {
            is_openid: true,
            name: name.to_owned(),
            source: source.clone(),
            keys: keys.clone(),
        });
        keys
    }

    fn find(&self, is_openid: bool, name: &str, source: &KeySource) -> Option<Arc<KeySet>> {
        let is_same = |set: &&BuiltKeySet| set.is_openid == is_openid && set.name == name && set.source == *source;
        self.earlier?.built.iter().find(is_same).map(|set| set.keys.clone())
    }
}

impl KeySets {
    /// Collects the key sets of `trusts`, and builds the others.
    fn build(config: &Configuration, trusts: &HashMap<String, EntraTrust>, mut builder: KeySetBuilder<'_>) -> Self {
        let openid = build_openid_key_sets(config, &mut builder);
        let entra = trusts.iter().map(|(name, trust)| NamedKeySet { name: name.clone(), keys: trust.key_set.clone() });
        let channel = builder.build(CHANNELS, &config.channels.keys);
        let has_bots = !config.bots.is_empty();
        let channel = if has_bots { warm_up(channel) } else { channel };
        Self { channel, has_bots, openid, entra: entra.collect(), built: builder.built }
    }

    /// That of the channels, if there are bots that channels call.
    pub(in crate::app) fn of_channels(&self) -> Option<&Arc<KeySet>> {
        Some(&self.channel).filter(|_| self.has_bots)
    }

    /// Those of the identity providers of kind `oidc`.
    pub(in crate::app) fn of_openid_providers(&self) -> &[NamedKeySet] {
        &self.openid
    }

    /// Those of all identity providers.
    pub(in crate::app) fn of_providers(&self) -> impl Iterator<Item = &NamedKeySet> {
        self.entra.iter().chain(&self.openid)
    }

    /// All key sets with their names.
    pub(in crate::app) fn list(&self) -> Vec<NamedKeySet> {
        let channel = self.of_channels().map(|keys| NamedKeySet { name: CHANNELS.to_owned(), keys: keys.clone() });
        channel.into_iter().chain(self.of_providers().cloned()).collect()
    }
}

/// Builds one validator for each provider that users can sign in to in a browser.
fn build_id_token_validators(
    config: &Configuration,
    trusts: &HashMap<String, EntraTrust>,
    openid_keys: &[NamedKeySet],
    context: &TrustContext<'_>,
) -> IdTokenValidators {
    let entra = trusts.iter().map(|(name, trust)| (name, TrustedIdTokenIssuer::Entra(trust.clone())));
    let openid = openid_keys.iter().filter_map(|NamedKeySet { name, keys }| {
        let issuer = config.openid_providers.get(name)?.issuer.clone();
        Some((name, TrustedIdTokenIssuer::OpenIdConnect { issuer, key_set: keys.clone() }))
    });
    let own = context.directories.map(DirectoryServices::list_issuers).unwrap_or_default();
    let own = own.into_iter().map(|OwnIssuer { name, trust }| (name, TrustedIdTokenIssuer::Directory(trust)));
    let remote = entra.chain(openid).map(|(name, trust)| (name.clone(), trust));
    let validator = |trust| IdTokenValidator::new(trust, context.ambient.clock.clone());
    IdTokenValidators::new(remote.chain(own).map(|(name, trust)| (name, validator(trust))).collect())
}
