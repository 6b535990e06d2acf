//! The services from which the doors are built, from the lowest room to the highest.

mod back_ends;
mod directories;
mod key_rotation;
mod mail;
mod outbound;
mod verification;

#[cfg(test)]
mod sign_out_tests;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use self::back_ends::BackEndServices;
pub(in crate::app) use self::directories::DirectoryServices;
pub(in crate::app) use self::key_rotation::KeyRotation;
pub(in crate::app) use self::mail::build_mailer;
pub(in crate::app) use self::outbound::outbound_settings;
pub(in crate::app) use self::verification::build_token_validators;
use self::verification::{KeySets, TrustContext, Verification, build_verification};
use crate::accounts::AppUsers;
use crate::app::BuildError;
use crate::app::caller_secrets::CallerSecrets;
use crate::app::callers::caller_limits;
use crate::app::credentials::CredentialBuilder;
use crate::app::operator_tokens::OperatorTokens;
use crate::app::providers::{BuiltProviders, ProviderSources, build_providers};
use crate::app::renewal::RenewableCredential;
use crate::bot_connector::{
    BotClient, ContinuationClaims, ContinuationDelivery, ParentTokens, SkillClient, SkillConversations,
};
use crate::cards::PendingSignIns;
use crate::config::Configuration;
use crate::domain::{BotName, ClockAndEntropy, Registrations, SharedClock};
use crate::exchange::{
    Acquisition, Admission, AssertionExchange, ChannelStatements, ClaimsChallenges, CurrentTokens, ExchangeNames,
    Redemption, ResourceExchange, ResourceTokens, SignInNeeds, SignInRequirements, Speakers, TokenRevocation,
    TokenSignOut, TokenValidators, UnkeptTokens, UserRates,
};
use crate::identity_provider::{AppClient, ThrottleBoard};
use crate::inbound::{CallerRates, Callers};
use crate::observability::{Counters, Metrics};
use crate::outbound::Outbound;
use crate::records::Records;
use crate::sign_in::{
    AuthorizationCodes, BrowserFlow, BrowserSignIns, CodeRedemption, IdTokenValidators, MagicCodes, ProviderSessions,
    SignedInTokens,
};
use crate::sign_out::{AgentLifecycle, JoinedRooms, LogoutTokenUses, SignOut};
use crate::token_issuer::AppUserTokens;
use crate::vault::TokenVault;

/// The services from which the doors are built. They are built once.
pub(in crate::app) struct Services {
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
    /// Builds the credentials again at SIGHUP.
    pub(in crate::app) credential_builder: CredentialBuilder,
    pub(in crate::app) operator_tokens: OperatorTokens,
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

/// The collections of records.
struct Collections {
    records: Records,
    vault: Arc<TokenVault>,
    cards: Arc<PendingSignIns>,
    statements: Arc<ChannelStatements>,
    requirements: SignInRequirements,
    speakers: Speakers,
    skill_conversations: SkillConversations,
    magic_codes: Arc<MagicCodes>,
    browsers: Arc<BrowserSignIns>,
    unkept: UnkeptTokens,
    apps: AppServices,
    directories: Option<DirectoryServices>,
}

/// What the services are built on: the way out, what is configured, and the checks of tokens.
struct Foundation {
    outbound: Outbound,
    registrations: Arc<Registrations>,
    /// Without their registry, which the redemption has.
    providers: BuiltProviders,
    redemption: Redemption,
    rates: Arc<UserRates>,
    verification: Verification,
}

fn lay_foundation(
    config: &Configuration,
    ambient: &ClockAndEntropy,
    collections: &Collections,
    metrics: &Metrics,
    anonymous: bool,
) -> Result<Foundation, BuildError> {
    let outbound = Outbound::new(outbound_settings(config))?;
    let registrations = build_registrations(config);
    let throttle = ThrottleBoard::new(ambient.clock.clone(), &collections.records);
    let opened = collections.directories.as_ref();
    let directories = opened.map(|opened| opened.build_provider_parts(metrics.directories().clone(), ambient));
    let sources = ProviderSources { outbound: &outbound, ambient, directories: directories.as_ref() };
    let mut providers = build_providers(config, &sources, throttle, metrics)?;
    let registry = Arc::new(std::mem::take(&mut providers.registry));
    let redemption = Redemption::new(registry, collections.requirements.clone());
    let (clock, counters) = (&ambient.clock, metrics.counters());
    let rates = build_user_rates(config, clock, counters, &collections.records);
    let caller_rates = build_caller_rates(config, &registrations, clock, counters, &collections.records);
    let trust =
        TrustContext { outbound: &outbound, ambient, registrations: &registrations, anonymous, directories: opened };
    let verification = build_verification(config, &trust, caller_rates);
    Ok(Foundation { outbound, registrations, providers, redemption, rates, verification })
}

impl Foundation {
    fn build_resource_exchange(&self, collections: &Collections, ambient: &ClockAndEntropy) -> ResourceExchange {
        ResourceExchange {
            vault: collections.vault.clone(),
            validators: self.verification.validators.clone(),
            redemption: self.redemption.clone(),
            rates: self.rates.clone(),
            unkept: collections.unkept.clone(),
            ambient: ambient.clone(),
        }
    }
}

/// Builds everything that the doors use over `records`, from the lowest room to the highest.
pub(in crate::app) fn build_services(
    config: &Configuration,
    ambient: ClockAndEntropy,
    opened: OpenedCollections<'_>,
    metrics: Arc<Metrics>,
    anonymous: bool,
) -> Result<Services, BuildError> {
    let records = opened.records;
    let collections = open_collections(opened, config, &ambient);
    let foundation = lay_foundation(config, &ambient, &collections, &metrics, anonymous)?;
    let resource_exchange = foundation.build_resource_exchange(&collections, &ambient);
    let Foundation { outbound, registrations, providers, redemption, rates, verification } = foundation;
    let Verification { key_sets, validators, id_tokens, callers } = verification;
    let (clock, counters) = (&ambient.clock, metrics.counters());
    let (sign_out, authorization_codes) = build_sign_out(&collections, &redemption, &registrations, &ambient, counters);
    let Collections { vault, cards, statements, requirements, speakers, magic_codes, unkept, .. } = collections;
    let tokens = CurrentTokens::new(records, vault.clone(), redemption.clone(), unkept, ambient.clone());
    let signed_in_tokens = SignedInTokens::new(vault.clone(), requirements, registrations.clone(), speakers.clone());
    let acquisition = Acquisition::new(vault.clone(), redemption.clone(), rates.clone(), ambient.clone());
    let bots = BotClient::new(outbound.clone(), counters.observation.clone());
    let bots = bots.among_replicas(records, &ambient.entropy);
    Ok(Services {
        resources: ResourceTokens::new(tokens.clone(), resource_exchange),
        admission: Admission::new(vault.clone(), cards.clone(), rates.clone()),
        assertions: AssertionExchange::new(acquisition.clone(), vault.clone(), records),
        acquisition,
        skills: SkillServices::new(&outbound, counters, collections.skill_conversations, providers.parents, clock),
        outbound,
        agents: AgentLifecycle::new(sign_out.clone(), records),
        sign_out,
        provider_sessions: ProviderSessions::new(records),
        browser_flow: BrowserFlow::new(cards.clone(), collections.browsers, registrations.clone()),
        codes: CodeRedemption::new(magic_codes.clone(), signed_in_tokens.clone(), cards.clone()),
        delivery: ContinuationDelivery::new(bots.clone(), Arc::new(ContinuationClaims::new(records)), counters.clone()),
        apps: collections.apps,
        back_ends: BackEndServices::new(records, &vault, providers.back_ends, clock),
        operator_tokens: OperatorTokens::new(config.operations.as_ref()),
        caller_secrets: CallerSecrets::new(config, ambient.clock.clone()),
        exchange_names: ExchangeNames::new(records),
        logout_token_uses: LogoutTokenUses::new(records),
        ambient,
        records: records.clone(),
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
        credentials: providers.renewable,
        credential_builder: providers.credentials,
        directories: collections.directories,
    })
}

impl SkillServices {
    fn new(
        outbound: &Outbound,
        counters: &Counters,
        conversations: SkillConversations,
        parents: HashMap<BotName, Arc<AppClient>>,
        clock: &SharedClock,
    ) -> Self {
        Self {
            client: SkillClient::new(outbound, counters.observation.clone()),
            conversations,
            tokens: ParentTokens::new(parents, clock.clone()),
        }
    }
}

/// Builds the sign-out, and the codes of browsers, which revoke what waits for them as a sign-out does.
fn build_sign_out(
    collections: &Collections,
    redemption: &Redemption,
    registrations: &Arc<Registrations>,
    ambient: &ClockAndEntropy,
    counters: &Counters,
) -> (SignOut, AuthorizationCodes) {
    let Collections { records, vault, cards, requirements, magic_codes, statements, unkept, apps, directories, .. } =
        collections;
    let revocation = TokenRevocation::new(redemption.clone(), registrations.clone(), ambient.entropy.clone());
    let codes = AuthorizationCodes::new(vault.clone(), revocation.clone(), records);
    let mut joined = JoinedRooms {
        sources: vec![Arc::new(apps.user_tokens.clone())],
        others: vec![magic_codes.clone(), statements.clone(), Arc::new(codes.clone()), Arc::new(apps.users.clone())],
        ..JoinedRooms::default()
    };
    if let Some(directories) = directories {
        directories.join_sign_out(&mut joined);
    }
    let tokens = TokenSignOut::new(vault.clone(), cards.clone(), requirements.clone(), revocation, unkept.clone());
    (SignOut::new(tokens, registrations.clone(), joined, counters.observation.clone()), codes)
}

/// Opens the collections in `records`.
fn open_collections(opened: OpenedCollections<'_>, config: &Configuration, ambient: &ClockAndEntropy) -> Collections {
    let OpenedCollections { records, directories } = opened;
    let entropy = &ambient.entropy;
    Collections {
        records: records.clone(),
        vault: Arc::new(TokenVault::new(records, config.store.l1_bytes)),
        cards: Arc::new(PendingSignIns::new(records, entropy.clone())),
        statements: Arc::new(ChannelStatements::new(records)),
        requirements: SignInRequirements::new(
            Arc::new(ClaimsChallenges::new(records)),
            Arc::new(SignInNeeds::new(records)),
        ),
        speakers: Speakers::new(records),
        skill_conversations: SkillConversations::new(records, entropy.clone()),
        magic_codes: Arc::new(MagicCodes::new(records)),
        browsers: Arc::new(BrowserSignIns::new(records, entropy.clone())),
        unkept: UnkeptTokens::new(ambient.clock.clone()),
        apps: AppServices {
            users: AppUsers::new(records, entropy.clone()),
            user_tokens: AppUserTokens::new(records, entropy.clone()),
        },
        directories,
    }
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

fn build_caller_rates(
    config: &Configuration,
    registrations: &Registrations,
    clock: &SharedClock,
    counters: &Arc<Counters>,
    records: &Records,
) -> CallerRates {
    CallerRates::new(caller_limits(config), registrations, clock.clone(), counters.clone(), records)
}

fn build_user_rates(
    config: &Configuration,
    clock: &SharedClock,
    counters: &Arc<Counters>,
    records: &Records,
) -> Arc<UserRates> {
    let per_minute = config.limits.user_exchanges_per_minute;
    Arc::new(UserRates::new(per_minute, clock.clone(), counters.clone(), records))
}
