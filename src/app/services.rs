use std::collections::HashMap;
use std::sync::Arc;

use super::BuildError;
use super::callers::{CallerKeys, build_callers, caller_limits};
use super::credentials::CredentialBuilder;
use super::keys::{NamedKeySet, build_key_set, build_openid_key_set, warm_up};
use super::operator_tokens::OperatorTokens;
use super::providers::{BuiltProviders, build_providers};
use super::renewal::RenewableCredential;
use crate::bot_connector::{BotClient, ContinuationClaims, ContinuationDelivery};
use crate::cards::PendingSignIns;
use crate::config::{Configuration, EntraSection, NoProxySection, OpenIdSection, StoreDurability};
use crate::domain::{ClockAndEntropy, EndedAtSignOut, ExchangeObservation, Registrations, SharedClock};
use crate::exchange::{
    Acquisition, Admission, ChannelStatements, ClaimsChallenges, CurrentTokens, ExchangeNames, Redemption,
    ResourceExchange, ResourceTokens, SignInNeeds, SignInRequirements, Speakers, TokenRevocation, TokenSignOut,
    TokenValidators, UnkeptTokens, UserRates,
};
use crate::identity_provider::ThrottleBoard;
use crate::inbound::{CallerRates, Callers};
use crate::observability::{Counters, Metrics};
use crate::outbound::{Outbound, OutboundSettings, ProxyExceptions};
use crate::records::{Records, SingleWriter};
use crate::sign_in::{
    AuthorizationCodes, BrowserFlow, BrowserSignIns, CodeRedemption, IdTokenValidators, MagicCodes, SignedInTokens,
};
use crate::sign_out::{AgentLifecycle, SignOut};
use crate::store::{Durability, EmbeddedStore, Store};
use crate::token_validation::{EntraTrust, ExchangeableTokenValidator, IdTokenValidator, KeySet, TrustedIdTokenIssuer};
use crate::vault::TokenVault;

/// The name of the channels' key set in the log and in the metrics.
const CHANNELS: &str = "channels";
/// The most connections that are open to one host at a time.
const MAX_CONNECTIONS_PER_HOST: usize = 256;

/// The services from which the doors are built. They are built once.
pub(super) struct Services {
    pub(super) ambient: ClockAndEntropy,
    pub(super) writer: SingleWriter,
    pub(super) registrations: Arc<Registrations>,
    pub(super) vault: Arc<TokenVault>,
    pub(super) callers: Arc<Callers>,
    pub(super) validators: Arc<TokenValidators>,
    pub(super) id_tokens: Arc<IdTokenValidators>,
    pub(super) cards: Arc<PendingSignIns>,
    pub(super) statements: Arc<ChannelStatements>,
    pub(super) exchange_names: ExchangeNames,
    pub(super) rates: Arc<UserRates>,
    pub(super) redemption: Redemption,
    pub(super) admission: Admission,
    pub(super) acquisition: Acquisition,
    pub(super) tokens: CurrentTokens,
    pub(super) speakers: Speakers,
    pub(super) resources: ResourceTokens,
    pub(super) sign_out: SignOut,
    pub(super) agents: AgentLifecycle,
    pub(super) magic_codes: Arc<MagicCodes>,
    pub(super) authorization_codes: AuthorizationCodes,
    pub(super) browser_flow: BrowserFlow,
    pub(super) signed_in_tokens: SignedInTokens,
    pub(super) codes: CodeRedemption,
    pub(super) metrics: Arc<Metrics>,
    pub(super) key_sets: KeySets,
    pub(super) bots: BotClient,
    pub(super) delivery: ContinuationDelivery,
    pub(super) credentials: Vec<RenewableCredential>,
    /// Builds the credentials again at SIGHUP.
    pub(super) credential_builder: CredentialBuilder,
    pub(super) operator_tokens: OperatorTokens,
}

/// The key sets that are fetched.
pub(super) struct KeySets {
    pub(super) channel: Arc<KeySet>,
    /// Those of the identity providers of kind `oidc`.
    openid: Vec<NamedKeySet>,
    /// Those of the identity providers of kind `entra`.
    entra: Vec<NamedKeySet>,
}

/// The collections of records, and the proof that no other process writes to them.
struct Collections {
    writer: SingleWriter,
    vault: Arc<TokenVault>,
    cards: Arc<PendingSignIns>,
    statements: Arc<ChannelStatements>,
    requirements: SignInRequirements,
    speakers: Speakers,
    magic_codes: Arc<MagicCodes>,
    browsers: Arc<BrowserSignIns>,
    unkept: UnkeptTokens,
}

/// Builds everything that the doors use over `records`, from the lowest room to the highest.
pub(super) fn build_services(
    config: &Configuration,
    ambient: ClockAndEntropy,
    records: &Records,
    metrics: Arc<Metrics>,
    anonymous: bool,
) -> Result<Services, BuildError> {
    let collections = open_collections(records, config, &ambient)?;
    let outbound = Outbound::new(outbound_settings(config))?;
    let registrations = build_registrations(config);
    let throttle = ThrottleBoard::new(ambient.clock.clone(), collections.writer);
    let BuiltProviders { registry: providers, renewable: credentials, credentials: credential_builder } =
        build_providers(config, &outbound, &ambient, throttle, &metrics)?;
    let redemption = Redemption::new(Arc::new(providers), collections.requirements.clone());
    let (clock, counters) = (&ambient.clock, metrics.counters());
    let rates = build_user_rates(config, clock, counters, collections.writer);
    let limits = caller_limits(config);
    let caller_rates = CallerRates::new(limits, &registrations, clock.clone(), counters.clone(), collections.writer);
    let trust = TrustContext { outbound: &outbound, ambient: &ambient, registrations: &registrations, anonymous };
    let Verification { key_sets, validators, id_tokens, callers } = build_verification(config, &trust, caller_rates);
    let (sign_out, authorization_codes) =
        build_sign_out(&collections, &redemption, &registrations, &ambient, &counters.observation);
    let Collections { writer, vault, cards, statements, requirements, speakers, magic_codes, unkept, .. } = collections;
    let tokens = CurrentTokens::new(vault.clone(), redemption.clone(), unkept.clone(), ambient.clone());
    let resource_exchange = ResourceExchange {
        vault: vault.clone(),
        validators: validators.clone(),
        redemption: redemption.clone(),
        rates: rates.clone(),
        unkept,
        ambient: ambient.clone(),
    };
    let signed_in_tokens = SignedInTokens::new(vault.clone(), requirements, registrations.clone(), speakers.clone());
    let bots = BotClient::new(outbound, counters.observation.clone());
    Ok(Services {
        resources: ResourceTokens::new(tokens.clone(), resource_exchange),
        admission: Admission::new(vault.clone(), cards.clone(), rates.clone()),
        acquisition: Acquisition::new(vault.clone(), redemption.clone(), rates.clone(), ambient.clone()),
        agents: AgentLifecycle::new(sign_out.clone(), records),
        sign_out,
        browser_flow: BrowserFlow::new(cards.clone(), collections.browsers, registrations.clone()),
        codes: CodeRedemption::new(magic_codes.clone(), signed_in_tokens.clone(), cards.clone()),
        delivery: ContinuationDelivery::new(bots.clone(), Arc::new(ContinuationClaims::new(records)), counters.clone()),
        operator_tokens: OperatorTokens::new(config.operations.as_ref()),
        exchange_names: ExchangeNames::new(records),
        ambient,
        writer,
        registrations,
        vault,
        callers,
        validators,
        id_tokens,
        cards,
        statements,
        rates,
        redemption,
        tokens,
        speakers,
        magic_codes,
        authorization_codes,
        signed_in_tokens,
        metrics,
        key_sets,
        bots,
        credentials,
        credential_builder,
    })
}

/// Builds the sign-out, and the codes of browsers, which revoke what waits for them as a sign-out does.
fn build_sign_out(
    collections: &Collections,
    redemption: &Redemption,
    registrations: &Arc<Registrations>,
    ambient: &ClockAndEntropy,
    observation: &ExchangeObservation,
) -> (SignOut, AuthorizationCodes) {
    let Collections { vault, cards, requirements, magic_codes, statements, unkept, .. } = collections;
    let revocation = TokenRevocation::new(redemption.clone(), registrations.clone(), ambient.entropy.clone());
    let codes = AuthorizationCodes::new(vault.clone(), revocation.clone(), ambient.clock.clone());
    let others: [Arc<dyn EndedAtSignOut>; 3] = [magic_codes.clone(), statements.clone(), Arc::new(codes.clone())];
    let tokens = TokenSignOut::new(vault.clone(), cards.clone(), requirements.clone(), revocation, unkept.clone());
    (SignOut::new(tokens, registrations.clone(), others.to_vec(), observation.clone()), codes)
}

/// What the checks of tokens are built from.
struct TrustContext<'a> {
    outbound: &'a Outbound,
    ambient: &'a ClockAndEntropy,
    registrations: &'a Arc<Registrations>,
    anonymous: bool,
}

/// What checks the tokens of callers and of users.
struct Verification {
    key_sets: KeySets,
    validators: Arc<TokenValidators>,
    id_tokens: Arc<IdTokenValidators>,
    callers: Arc<Callers>,
}

fn build_verification(config: &Configuration, context: &TrustContext<'_>, rates: CallerRates) -> Verification {
    let TrustContext { outbound, ambient, registrations, anonymous } = *context;
    let trusts = build_entra_trusts(config, outbound, ambient);
    let validators = Arc::new(build_exchangeable_token_validators(&trusts, ambient));
    let key_sets = KeySets::build(config, &trusts, outbound, ambient);
    let id_tokens = Arc::new(build_id_token_validators(config, &trusts, &key_sets.openid, ambient));
    let keys = CallerKeys { trusts, channel: key_sets.channel.clone(), ambient };
    let callers = Arc::new(build_callers(config, registrations, rates, keys, anonymous));
    Verification { key_sets, validators, id_tokens, callers }
}

/// Opens the collections in `records`. Much of what they keep in memory is correct only while no other process writes
/// to the store.
fn open_collections(
    records: &Records,
    config: &Configuration,
    ambient: &ClockAndEntropy,
) -> Result<Collections, BuildError> {
    let writer = records.single_writer().ok_or(BuildError::SharedStore)?;
    let entropy = &ambient.entropy;
    Ok(Collections {
        writer,
        vault: Arc::new(TokenVault::new(records, writer, config.store.l1_bytes)),
        cards: Arc::new(PendingSignIns::new(records, entropy.clone())),
        statements: Arc::new(ChannelStatements::new(records, writer)),
        requirements: SignInRequirements::new(
            Arc::new(ClaimsChallenges::new(records)),
            Arc::new(SignInNeeds::new(records)),
        ),
        speakers: Speakers::new(records, writer),
        magic_codes: Arc::new(MagicCodes::new(records)),
        browsers: Arc::new(BrowserSignIns::new(records, entropy.clone())),
        unkept: UnkeptTokens::new(ambient.clock.clone()),
    })
}

/// Opens the configured store.
pub(super) fn open_store(config: &Configuration, clock: SharedClock) -> Result<Arc<dyn Store>, BuildError> {
    let durability = match config.store.durability {
        StoreDurability::Full => Durability::Full,
        StoreDurability::Normal => Durability::Normal,
    };
    Ok(Arc::new(EmbeddedStore::open(&config.store.path, durability, clock)?))
}

/// Builds one validator for each identity provider that issues exchangeable tokens.
fn build_exchangeable_token_validators(
    trusts: &HashMap<String, EntraTrust>,
    ambient: &ClockAndEntropy,
) -> TokenValidators {
    let validator = |trust: &EntraTrust| ExchangeableTokenValidator::new(trust.clone(), ambient.clock.clone());
    TokenValidators::new(trusts.iter().map(|(name, trust)| (name.clone(), validator(trust))).collect())
}

pub(super) fn outbound_settings(config: &Configuration) -> OutboundSettings {
    OutboundSettings {
        ca_certificates_pem: config.outbound.ca_certificates_pem.clone(),
        egress_proxy: config.outbound.egress_proxy.clone(),
        proxy_exceptions: proxy_exceptions(&config.outbound.no_proxy),
        connect_timeout: config.outbound.connect_timeout,
        plain_http_hosts: config.plain_http_hosts(),
        private_hosts: config.literal_hosts(),
        private_networks: config.outbound.private_networks.clone(),
        max_connections_per_host: MAX_CONNECTIONS_PER_HOST,
    }
}

fn proxy_exceptions(section: &NoProxySection) -> ProxyExceptions {
    ProxyExceptions {
        hosts: section.hosts.iter().cloned().collect(),
        domains: section.domains.clone(),
        networks: section.networks.clone(),
    }
}

fn build_registrations(config: &Configuration) -> Arc<Registrations> {
    let connections = config.connections.iter().map(|section| section.connection.clone()).collect();
    Arc::new(Registrations::new(config.bots.clone(), connections).with_skills(config.skills.clone()))
}

fn build_entra_trusts(
    config: &Configuration,
    outbound: &Outbound,
    ambient: &ClockAndEntropy,
) -> HashMap<String, EntraTrust> {
    let trust = |section: &EntraSection| EntraTrust {
        v2_issuer: section.issuer.clone(),
        v1_issuer: section.v1_issuer.clone(),
        key_set: warm_up(build_key_set(&section.name, &section.keys, outbound, ambient)),
        v1_key_set: None,
    };
    config.identity_providers.iter().map(|(name, section)| (name.clone(), trust(section))).collect()
}

impl Services {
    /// The counters of the process.
    pub(super) fn counters(&self) -> &Arc<Counters> {
        self.metrics.counters()
    }
}

fn build_user_rates(
    config: &Configuration,
    clock: &SharedClock,
    counters: &Arc<Counters>,
    writer: SingleWriter,
) -> Arc<UserRates> {
    let per_minute = config.limits.user_exchanges_per_minute;
    Arc::new(UserRates::new(per_minute, clock.clone(), counters.clone(), writer))
}

/// Builds the key set of each provider of kind `oidc`.
fn build_openid_key_sets(config: &Configuration, outbound: &Outbound, ambient: &ClockAndEntropy) -> Vec<NamedKeySet> {
    let key_set = |name: &String, section: &OpenIdSection| {
        let keys = warm_up(build_openid_key_set(name, &section.keys, outbound, ambient));
        NamedKeySet { name: name.clone(), keys }
    };
    config.openid_providers.iter().map(|(name, section)| key_set(name, section)).collect()
}

impl KeySets {
    /// Collects the key sets of `trusts`, and builds the others.
    fn build(
        config: &Configuration,
        trusts: &HashMap<String, EntraTrust>,
        outbound: &Outbound,
        ambient: &ClockAndEntropy,
    ) -> Self {
        let openid = build_openid_key_sets(config, outbound, ambient);
        let entra = trusts.iter().map(|(name, trust)| NamedKeySet { name: name.clone(), keys: trust.key_set.clone() });
        let channel = warm_up(build_key_set(CHANNELS, &config.channels.keys, outbound, ambient));
        Self { channel, openid, entra: entra.collect() }
    }

    /// Those of all identity providers.
    pub(super) fn of_providers(&self) -> impl Iterator<Item = &NamedKeySet> {
        self.entra.iter().chain(&self.openid)
    }

    /// All key sets with their names.
    pub(super) fn list(&self) -> Vec<NamedKeySet> {
        let channel = NamedKeySet { name: CHANNELS.to_owned(), keys: self.channel.clone() };
        std::iter::once(channel).chain(self.of_providers().cloned()).collect()
    }
}

/// Builds one validator for each provider that users can sign in to in a browser.
fn build_id_token_validators(
    config: &Configuration,
    trusts: &HashMap<String, EntraTrust>,
    openid_keys: &[NamedKeySet],
    ambient: &ClockAndEntropy,
) -> IdTokenValidators {
    let entra = trusts.iter().map(|(name, trust)| (name, TrustedIdTokenIssuer::Entra(trust.clone())));
    let openid = openid_keys.iter().filter_map(|NamedKeySet { name, keys }| {
        let issuer = config.openid_providers.get(name)?.issuer.clone();
        Some((name, TrustedIdTokenIssuer::OpenIdConnect { issuer, key_set: keys.clone() }))
    });
    let validator = |trust| IdTokenValidator::new(trust, ambient.clock.clone());
    IdTokenValidators::new(entra.chain(openid).map(|(name, trust)| (name.clone(), validator(trust))).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::app::metrics::build_metrics;
    use crate::config::{Environment, parse};
    use crate::domain::{ExchangeObservation, SystemClock, SystemEntropy};
    use crate::records::testing::{GatedStore, throwaway_records};
    use crate::sealing::KeyRing;

    /// Reads the smallest configuration, with a key file in `folder`.
    fn configuration(folder: &std::path::Path) -> Configuration {
        let keys = folder.join("bot-sso.keys");
        KeyRing::generate(&SystemClock, &SystemEntropy).create_file(&keys).unwrap();
        let text = format!("{}\n[keys]\nfile = {keys:?}\n", include_str!("../../fixtures/config/minimal.toml"));
        parse(&text, &Environment::of([("GRAPH_CLIENT_SECRET", "secret")])).unwrap()
    }

    #[tokio::test]
    async fn services_over_a_store_that_others_write_to_are_refused() {
        let (beneath, folder) = (throwaway_records(), tempfile::tempdir().unwrap());
        let ambient = ClockAndEntropy { clock: beneath.shared_clock.clone(), entropy: Arc::new(SystemEntropy) };
        let config = configuration(folder.path());
        let metrics = || build_metrics(&config, ambient.clock.as_ref(), ExchangeObservation::default());
        build_services(&config, ambient.clone(), &beneath.records, metrics(), false).unwrap();
        let shared = GatedStore::shared_with_others(beneath.store.clone());
        let records = Records::new(shared, beneath.sealer.clone(), beneath.shared_clock.clone());
        let refused = build_services(&config, ambient.clone(), &records, metrics(), false).err().unwrap();
        assert!(matches!(refused, BuildError::SharedStore), "{refused}");
    }
}
