use std::sync::{Arc, Mutex};

use super::directories::DirectoryServices;
use super::outbound::outbound_settings;
use super::{AppServices, OpenedCollections};
use crate::accounts::AppUsers;
use crate::app::BuildError;
use crate::app::credentials::CredentialBuilder;
use crate::app::metrics::read_store_size;
use crate::app::operator_tokens::OperatorTokens;
use crate::bot_connector::{BotClient, ContinuationClaims, ContinuationDelivery, SkillClient, SkillConversations};
use crate::cards::PendingSignIns;
use crate::config::Configuration;
use crate::domain::ClockAndEntropy;
use crate::exchange::{
    ChannelStatements, ClaimsChallenges, ExchangeNames, GivenTokens, SignInNeeds, SignInRequirements, Speakers,
    UnkeptTokens,
};
use crate::identity_provider::ThrottleBoard;
use crate::inbound::{ClientAssertionUses, SharedLimits};
use crate::observability::Metrics;
use crate::outbound::Outbound;
use crate::records::Records;
use crate::sign_in::{BrowserSignIns, MagicCodes, ProviderSessions};
use crate::sign_out::{KeptCounter, LogoutTokenUses};
use crate::token_issuer::AppUserTokens;
use crate::vault::TokenVault;

/// What is built once for the process: state in the store and in memory, and what does work in the background. A reload builds
/// new services over it, so that there is never a second vault over one store, nor a second count of one thing.
#[derive(Clone)]
pub(in crate::app) struct Lasting {
    pub(in crate::app) ambient: ClockAndEntropy,
    pub(in crate::app) records: Records,
    pub(in crate::app) metrics: Arc<Metrics>,
    pub(super) collections: Collections,
    pub(in crate::app) outbound: Outbound,
    pub(super) throttle: ThrottleBoard,
    pub(super) bots: BotClient,
    pub(super) delivery: ContinuationDelivery,
    pub(super) skill_client: SkillClient,
    pub(super) exchange_names: ExchangeNames,
    pub(super) provider_sessions: ProviderSessions,
    pub(super) logout_token_uses: LogoutTokenUses,
    pub(super) assertion_uses: ClientAssertionUses,
    pub(super) given: GivenTokens,
    /// What the limits of the doors are made from.
    pub(in crate::app) shared_limits: SharedLimits,
    pub(in crate::app) operator_tokens: OperatorTokens,
    /// Counts what is kept; a count that is under way goes on through a reload.
    pub(in crate::app) kept_counter: KeptCounter,
    /// Has built the credentials that are in use. An assertion file that is away at the moment of a reload must not end the
    /// assertion that was read from it, so the same builder builds them again.
    pub(in crate::app) credential_builder: Arc<Mutex<CredentialBuilder>>,
    /// Development mode only: the Bot Framework Emulator on this machine may call without a token.
    pub(super) anonymous: bool,
}

/// The collections of records.
#[derive(Clone)]
pub(super) struct Collections {
    pub(super) vault: Arc<TokenVault>,
    pub(super) cards: Arc<PendingSignIns>,
    pub(super) statements: Arc<ChannelStatements>,
    pub(super) requirements: SignInRequirements,
    pub(super) speakers: Speakers,
    pub(super) skill_conversations: SkillConversations,
    pub(super) magic_codes: Arc<MagicCodes>,
    pub(super) browsers: Arc<BrowserSignIns>,
    pub(super) unkept: UnkeptTokens,
    pub(super) apps: AppServices,
    pub(super) directories: Option<DirectoryServices>,
}

impl Lasting {
    pub(super) fn build(
        config: &Configuration,
        ambient: ClockAndEntropy,
        opened: OpenedCollections<'_>,
        metrics: Arc<Metrics>,
        anonymous: bool,
    ) -> Result<Self, BuildError> {
        let records = opened.records.clone();
        let collections = Collections::open(opened, config, &ambient);
        let (clock, counters) = (&ambient.clock, metrics.counters());
        let outbound = Outbound::new(&outbound_settings(config))?;
        let bots = BotClient::new(outbound.clone(), counters.observation.clone());
        let bots = bots.among_replicas(&records, &ambient.entropy);
        let claims = Arc::new(ContinuationClaims::new(&records));
        let credential_builder = CredentialBuilder::new(clock.clone(), config.outbound.connect_timeout);
        Ok(Self {
            throttle: ThrottleBoard::new(clock.clone(), &records),
            delivery: ContinuationDelivery::new(bots.clone(), claims, counters.clone()),
            bots,
            skill_client: SkillClient::new(&outbound, counters.observation.clone()),
            exchange_names: ExchangeNames::new(&records),
            provider_sessions: ProviderSessions::new(&records),
            logout_token_uses: LogoutTokenUses::new(&records),
            assertion_uses: ClientAssertionUses::new(&records),
            given: GivenTokens::new(&records, collections.vault.clone()),
            shared_limits: SharedLimits::new(&records, clock.clone()),
            operator_tokens: OperatorTokens::new(config.operations.as_ref()),
            kept_counter: KeptCounter::new(records.clone(), read_store_size(config)),
            credential_builder: Arc::new(Mutex::new(credential_builder)),
            outbound,
            collections,
            ambient,
            records,
            metrics,
            anonymous,
        })
    }

    /// Lets the HTTP client call the private and plain http hosts that `configurations` name, and no others.
    pub(in crate::app) fn permit_hosts(&self, configurations: &[&Configuration]) {
        let (mut plain_http, mut private) = (Vec::new(), Vec::new());
        for config in configurations {
            plain_http.extend(config.plain_http_hosts());
            private.extend(config.literal_hosts());
        }
        self.outbound.replace_hosts(&plain_http, &private);
    }
}

impl Collections {
    fn open(opened: OpenedCollections<'_>, config: &Configuration, ambient: &ClockAndEntropy) -> Self {
        let OpenedCollections { records, directories } = opened;
        let entropy = &ambient.entropy;
        Self {
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
}
