//! The services from which the doors are built, from the lowest room to the highest.
//!
//! [`Lasting`] is built once; the rest follows from the configuration, and a reload builds it anew over the same state.

mod back_ends;
mod directories;
mod key_rotation;
mod lasting;
mod mail;
mod outbound;
mod verification;

#[cfg(test)]
mod sign_out_tests;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError};

use self::back_ends::BackEndServices;
pub(in crate::app) use self::directories::DirectoryServices;
pub(in crate::app) use self::key_rotation::KeyRotation;
use self::lasting::Collections;
pub(in crate::app) use self::lasting::Lasting;
pub(in crate::app) use self::mail::build_mailer;
pub(in crate::app) use self::outbound::outbound_settings;
pub(in crate::app) use self::verification::build_token_validators;
use self::verification::{KeySets, TrustContext, Verification, build_verification};
use crate::accounts::AppUsers;
use crate::app::BuildError;
use crate::app::caller_secrets::CallerSecrets;
use crate::app::callers::caller_limits;
use crate::app::credentials::RenewableCredential;
use crate::app::operator_tokens::OperatorTokens;
use crate::app::providers::{BuiltProviders, ProviderSources, build_providers};
use crate::bot_connector::{BotClient, ContinuationDelivery, ParentTokens, SkillClient, SkillConversations};
use crate::cards::PendingSignIns;
use crate::config::Configuration;
use crate::domain::{BotName, ClockAndEntropy, Registrations};
use crate::exchange::{
    Acquisition, Admission, AssertionExchange, ChannelStatements, CurrentTokens, ExchangeNames, Redemption,
    ResourceExchange, ResourceTokens, Speakers, TokenRevocation, TokenSignOut, TokenValidators, UserRates,
};
use crate::identity_provider::AppClient;
use crate::inbound::{CallerRates, Callers, SharedLimits};
use crate::observability::{Counters, Metrics};
use crate::outbound::Outbound;
use crate::records::Records;
use crate::sign_in::{
    AuthorizationCodes, BrowserFlow, CodeRedemption, IdTokenValidators, MagicCodes, ProviderSessions, SignedInTokens,
};
use crate::sign_out::{AgentLifecycle, JoinedRooms, LogoutTokenUses, SignOut};
use crate::token_issuer::AppUserTokens;
use crate::vault::TokenVault;

/// The services from which the doors are built. They are built once for each configuration that is served.
pub(in crate::app) struct Services {
    /// What the services of the next configuration share with these.
    pub(in crate::app) lasting: Lasting,
    /// The limit of `rates`.
    user_exchanges_per_minute: NonZeroU32,
    pub(in crate::app) ambient: ClockAndEntropy,
    pub(in crate::app) records: Records,
    pub(in crate::app) registrations: Arc<Registrations>,
    pub(in crate::app) vault: Arc<TokenVault>,
    pub(in crate::app) callers: Arc<Callers>,
    pub(in crate::app) validators: Arc<TokenValidators>,
    pub(in crate::app) id_tokens: Arc<IdTokenValidators>,
    pub(in crate::app) cards: Arc<PendingSignIns>,
    pub(in crate::app) statements: Arc<ChannelStatements>,
    pub(in crate::app) exchange_names: ExchangeNames,
    pub(in crate::app) rates: Arc<UserRates>,
    pub(in crate::app) redemption: Redemption,
    pub(in crate::app) admission: Admission,
    pub(in crate::app) acquisition: Acquisition,
    pub(in crate::app) assertions: AssertionExchange,
    pub(in crate::app) outbound: Outbound,
    pub(in crate::app) tokens: CurrentTokens,
    pub(in crate::app) speakers: Speakers,
    pub(in crate::app) resources: ResourceTokens,
    pub(in crate::app) sign_out: SignOut,
    pub(in crate::app) agents: AgentLifecycle,
    pub(in crate::app) magic_codes: Arc<MagicCodes>,
    pub(in crate::app) authorization_codes: AuthorizationCodes,
    pub(in crate::app) browser_flow: BrowserFlow,
    pub(in crate::app) provider_sessions: ProviderSessions,
    pub(in crate::app) signed_in_tokens: SignedInTokens,
    pub(in crate::app) codes: CodeRedemption,
    pub(in crate::app) metrics: Arc<Metrics>,
    pub(in crate::app) key_sets: KeySets,
    pub(in crate::app) bots: BotClient,
    pub(in crate::app) delivery: ContinuationDelivery,
    pub(in crate::app) skills: SkillServices,
    pub(in crate::app) apps: AppServices,
    pub(in crate::app) back_ends: BackEndServices,
    /// The logout tokens of identity providers that were used.
    pub(in crate::app) logout_token_uses: LogoutTokenUses,
    /// `None` if the configuration has no directory.
    pub(in crate::app) directories: Option<DirectoryServices>,
    pub(in crate::app) credentials: Vec<RenewableCredential>,
    pub(in crate::app) operator_tokens: OperatorTokens,
    pub(in crate::app) shared_limits: SharedLimits,
    pub(in crate::app) caller_secrets: CallerSecrets,
}

/// What the doors use between parent bots and their skills.
#[derive(Clone)]
pub(in crate::app) struct SkillServices {
    pub(in crate::app) client: SkillClient,
    pub(in crate::app) conversations: SkillConversations,
    pub(in crate::app) tokens: ParentTokens,
}

/// What the doors of apps use.
#[derive(Clone)]
pub(in crate::app) struct AppServices {
    pub(in crate::app) users: AppUsers,
    pub(in crate::app) user_tokens: AppUserTokens,
}

/// What was opened before the services are built.
pub(in crate::app) struct OpenedCollections<'a> {
    pub(in crate::app) records: &'a Records,
    pub(in crate::app) directories: Option<DirectoryServices>,
}

/// What the services are built on: what is configured, and the checks of tokens.
struct Foundation {
    registrations: Arc<Registrations>,
    /// Without their registry, which the redemption has.
    providers: BuiltProviders,
    redemption: Redemption,
    rates: Arc<UserRates>,
    verification: Verification,
}

/// What the services of a configuration are built from.
#[derive(Clone, Copy)]
struct ServiceSources<'a> {
    config: &'a Configuration,
    lasting: &'a Lasting,
    /// The services of the configuration that was served before; `None` at the start.
    earlier: Option<&'a Services>,
}

impl Foundation {
    fn lay(sources: ServiceSources<'_>) -> Result<Self, BuildError> {
        let ServiceSources { config, lasting, earlier } = sources;
        let Lasting { ambient, collections, metrics, outbound, records, .. } = lasting;
        let registrations = build_registrations(config);
        let opened = collections.directories.as_ref();
        let directories = opened.map(|opened| opened.build_provider_parts(metrics.directories().clone(), ambient));
        let provider_sources = ProviderSources { outbound, ambient, directories: directories.as_ref() };
        let mut builder = lasting.credential_builder.lock().unwrap_or_else(PoisonError::into_inner);
        let mut providers =
            build_providers(config, &provider_sources, lasting.throttle.clone(), metrics, &mut builder)?;
        drop(builder);
        let registry = Arc::new(std::mem::take(&mut providers.registry));
        let redemption = Redemption::new(registry, collections.requirements.clone());
        let rates = build_user_rates(sources);
        let limits = caller_limits(config);
        let caller_rates = if let Some(earlier) = earlier {
            earlier.callers.rates().succeed(limits, &registrations, records)
        } else {
            let (clock, counters) = (ambient.clock.clone(), metrics.counters().clone());
            CallerRates::new(limits, &registrations, clock, counters, records)
        };
        let trust = TrustContext {
            outbound,
            ambient,
            registrations: &registrations,
            anonymous: lasting.anonymous,
            directories: opened,
            earlier: earlier.map(|earlier| &earlier.key_sets),
        };
        let verification = build_verification(config, &trust, caller_rates);
        Ok(Self { registrations, providers, redemption, rates, verification })
    }

    fn build_resource_exchange(&self, lasting: &Lasting) -> ResourceExchange {
        ResourceExchange {
            vault: lasting.collections.vault.clone(),
            validators: self.verification.validators.clone(),
            redemption: self.redemption.clone(),
            rates: self.rates.clone(),
            unkept: lasting.collections.unkept.clone(),
            ambient: lasting.ambient.clone(),
        }
    }
}

/// Builds everything that the doors use over the opened records, from the lowest room to the highest.
pub(in crate::app) fn build_services(
    config: &Configuration,
    ambient: ClockAndEntropy,
    opened: OpenedCollections<'_>,
    metrics: Arc<Metrics>,
    anonymous: bool,
) -> Result<Services, BuildError> {
    let lasting = Lasting::build(config, ambient, opened, metrics, anonymous)?;
    build_over(ServiceSources { config, lasting: &lasting, earlier: None })
}

/// Builds the services of a configuration that is to be served instead of that of `earlier`, over the same state. Work that is
/// under way in `earlier` goes on, and the new services take part in it where it concerns one thing: the refresh of a slot, a
/// code, a limit.
pub(in crate::app) fn rebuild_services(config: &Configuration, earlier: &Services) -> Result<Services, BuildError> {
    build_over(ServiceSources { config, lasting: &earlier.lasting, earlier: Some(earlier) })
}

fn build_over(sources: ServiceSources<'_>) -> Result<Services, BuildError> {
    let ServiceSources { config, lasting, .. } = sources;
    let foundation = Foundation::lay(sources)?;
    let resource_exchange = foundation.build_resource_exchange(lasting);
    let Foundation { registrations, providers, redemption, rates, verification } = foundation;
    let Verification { key_sets, validators, id_tokens, callers } = verification;
    let Lasting { ambient, records, collections, outbound, metrics, .. } = lasting.clone();
    let (sign_out, authorization_codes) = build_sign_out(sources, &redemption, &registrations);
    let Collections { vault, cards, statements, requirements, speakers, magic_codes, .. } = collections.clone();
    let tokens = build_tokens(sources, &redemption);
    let signed_in_tokens = SignedInTokens::new(vault.clone(), requirements, registrations.clone(), speakers.clone());
    let acquisition = Acquisition::new(vault.clone(), redemption.clone(), rates.clone(), ambient.clone());
    Ok(Services {
        lasting: lasting.clone(),
        user_exchanges_per_minute: config.limits.user_exchanges_per_minute,
        resources: ResourceTokens::new(tokens.clone(), resource_exchange),
        admission: Admission::new(vault.clone(), cards.clone(), rates.clone()),
        assertions: AssertionExchange::new(acquisition.clone(), vault.clone(), &records),
        acquisition,
        skills: SkillServices::new(lasting, providers.parents),
        outbound,
        agents: AgentLifecycle::new(sign_out.clone(), &records),
        sign_out,
        provider_sessions: lasting.provider_sessions.clone(),
        browser_flow: BrowserFlow::new(cards.clone(), collections.browsers, registrations.clone()),
        codes: build_code_redemption(sources, &signed_in_tokens),
        delivery: lasting.delivery.clone(),
        apps: collections.apps,
        back_ends: BackEndServices::new(lasting, providers.back_ends),
        operator_tokens: lasting.operator_tokens.clone(),
        shared_limits: lasting.shared_limits.clone(),
        caller_secrets: CallerSecrets::new(config, ambient.clock.clone()),
        exchange_names: lasting.exchange_names.clone(),
        logout_token_uses: lasting.logout_token_uses.clone(),
        bots: lasting.bots.clone(),
        ambient,
        records,
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
        credentials: providers.renewable,
        directories: collections.directories,
    })
}

impl SkillServices {
    fn new(lasting: &Lasting, parents: HashMap<BotName, Arc<AppClient>>) -> Self {
        Self {
            client: lasting.skill_client.clone(),
            conversations: lasting.collections.skill_conversations.clone(),
            tokens: ParentTokens::new(parents, lasting.ambient.clock.clone()),
        }
    }
}

/// The current tokens of users. Of a slot one refresh is made at a time, also across a reload.
fn build_tokens(sources: ServiceSources<'_>, redemption: &Redemption) -> CurrentTokens {
    let Lasting { ambient, records, collections, .. } = sources.lasting;
    let (vault, unkept) = (&collections.vault, &collections.unkept);
    sources.earlier.map_or_else(
        || CurrentTokens::new(records, vault.clone(), redemption.clone(), unkept.clone(), ambient.clone()),
        |earlier| earlier.tokens.succeed(redemption.clone()),
    )
}

/// The redemption of magic codes. Callers with one code share a redemption, also across a reload.
fn build_code_redemption(sources: ServiceSources<'_>, tokens: &SignedInTokens) -> CodeRedemption {
    let Collections { magic_codes, cards, .. } = &sources.lasting.collections;
    sources.earlier.map_or_else(
        || CodeRedemption::new(magic_codes.clone(), tokens.clone(), cards.clone()),
        |earlier| earlier.codes.succeed(tokens.clone()),
    )
}

/// Builds the sign-out, and the codes of browsers, which revoke what waits for them as a sign-out does.
fn build_sign_out(
    sources: ServiceSources<'_>,
    redemption: &Redemption,
    registrations: &Arc<Registrations>,
) -> (SignOut, AuthorizationCodes) {
    let Lasting { records, metrics, collections, ambient, .. } = sources.lasting;
    let Collections { vault, cards, requirements, magic_codes, statements, unkept, apps, directories, .. } =
        collections;
    let revocation = TokenRevocation::new(redemption.clone(), registrations.clone(), ambient.entropy.clone());
    let codes = match sources.earlier {
        Some(earlier) => earlier.authorization_codes.succeed(revocation.clone()),
        None => AuthorizationCodes::new(vault.clone(), revocation.clone(), records),
    };
    let mut joined = JoinedRooms {
        sources: vec![Arc::new(apps.user_tokens.clone())],
        others: vec![magic_codes.clone(), statements.clone(), Arc::new(codes.clone()), Arc::new(apps.users.clone())],
        ..JoinedRooms::default()
    };
    if let Some(directories) = directories {
        directories.join_sign_out(&mut joined);
    }
    let tokens = TokenSignOut::new(vault.clone(), cards.clone(), requirements.clone(), revocation, unkept.clone());
    (SignOut::new(tokens, registrations.clone(), joined, metrics.counters().observation.clone()), codes)
}

fn build_registrations(config: &Configuration) -> Arc<Registrations> {
    let connections = config.connections.iter().map(|section| section.connection.clone()).collect();
    let add_ins = config.add_ins.iter().map(|section| section.add_in.clone()).collect();
    let back_ends = config.back_ends.iter().map(|section| section.back_end.clone()).collect();
    let apps = config.apps.iter().map(|section| section.app.clone()).collect();
    let registrations = Registrations::new(config.bots.clone(), connections).with_skills(config.skills.clone());
    Arc::new(registrations.with_add_ins(add_ins).with_back_ends(back_ends).with_apps(apps))
}

impl Services {
    /// The counters of the process.
    pub(in crate::app) fn counters(&self) -> &Arc<Counters> {
        self.metrics.counters()
    }
}

/// The limits of users: those that were counted before, if the limit is the same.
fn build_user_rates(sources: ServiceSources<'_>) -> Arc<UserRates> {
    let ServiceSources { config, lasting, earlier } = sources;
    let per_minute = config.limits.user_exchanges_per_minute;
    if let Some(earlier) = earlier.filter(|earlier| earlier.user_exchanges_per_minute == per_minute) {
        return earlier.rates.clone();
    }
    let (clock, counters) = (lasting.ambient.clock.clone(), lasting.metrics.counters().clone());
    Arc::new(UserRates::new(per_minute, clock, counters, &lasting.records))
}
