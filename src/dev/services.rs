use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::addresses::Addresses;
use super::admission::PageOrigins;
use super::app_users::{AppUserLinks, Preparation};
use super::bots::{BotServices, DemoBots, HostedConversations};
use super::calls::CallLog;
use super::channel::{ChannelIssuer, ChannelKeys, ConnectorSink, Conversations, SentTokens};
use super::directories::{AppSessions, MailOutbox, UserMaker};
use super::error::StageError;
use super::faults::FaultSwitches;
use super::guide::StageFacts;
use super::playground::{EventList, WebChatLibraries};
use super::signing_key::{SigningKey, SigningKeyOnDemand};
use super::tenant::{
    Consents, Directory, EntraRefusalReplies, IssuedClaims, LoginState, RedirectUris, RegisteredCertificate,
    SessionSwitches, Stories, TenantKeys, TokenIssuer,
};
use super::workload::{BackEndKey, WorkloadIssuer};
use crate::domain::{SharedClock, SharedEntropy};
use crate::outbound::{Outbound, OutboundSettings, ProxyExceptions};

/// The parts from which the services of a stage are built.
pub(super) struct StageParts {
    pub(super) addresses: Addresses,
    pub(super) clock: SharedClock,
    pub(super) entropy: SharedEntropy,
    pub(super) tenant_key: Arc<SigningKey>,
    pub(super) channel_keys: ChannelKeys,
    pub(super) client_certificate: RegisteredCertificate,
    pub(super) ca_file: PathBuf,
    pub(super) outbox: MailOutbox,
    pub(super) back_end_key: BackEndKey,
    pub(super) directory: Directory,
}

/// The services of a stage, built once before the listeners open. Only [`Stage`](super::stage::Stage) and the listeners
/// see all of them; an endpoint holds the ones that it uses.
pub(super) struct StageServices {
    pub(super) entropy: SharedEntropy,
    pub(super) directory: Arc<Directory>,
    pub(super) client_certificate: RegisteredCertificate,
    pub(super) tokens: Arc<TokenIssuer>,
    pub(super) redirect_uris: Arc<RedirectUris>,
    pub(super) consents: Arc<Consents>,
    pub(super) stories: Arc<Stories>,
    pub(super) logins: Arc<LoginState>,
    pub(super) sessions: Arc<SessionSwitches>,
    pub(super) channel: Arc<ChannelIssuer>,
    pub(super) sent_tokens: Arc<SentTokens>,
    pub(super) sink: Arc<ConnectorSink>,
    pub(super) bots: Arc<DemoBots>,
    pub(super) conversations: Arc<Conversations>,
    pub(super) page_origins: Arc<PageOrigins>,
    pub(super) web_chat_libraries: Arc<WebChatLibraries>,
    pub(super) events: Arc<EventList>,
    pub(super) workload: WorkloadIssuer,
    pub(super) calls: Arc<CallLog>,
    pub(super) faults: Arc<FaultSwitches>,
    pub(super) facts: Arc<StageFacts>,
    pub(super) app_user_links: Arc<AppUserLinks>,
    pub(super) directory_users: Arc<UserMaker>,
    pub(super) directory_app_sessions: Arc<AppSessions>,
    pub(super) preparation: Arc<Preparation>,
    pub(super) refusals: Arc<EntraRefusalReplies>,
}

impl StageServices {
    /// Builds the services.
    ///
    /// # Errors
    /// When the demo bots' HTTP client cannot be set up.
    pub(super) fn new(parts: StageParts) -> Result<Self, StageError> {
        let StageParts { clock, entropy, tenant_key, channel_keys, client_certificate, .. } = parts;
        let (addresses, directory) = (Arc::new(parts.addresses), Arc::new(parts.directory));
        let facts = Arc::new(StageFacts {
            addresses: addresses.clone(),
            directory: directory.clone(),
            ca_file: parts.ca_file,
            outbox: parts.outbox,
            back_end_key: parts.back_end_key,
            operator_listener: Mutex::default(),
            replicas: Mutex::default(),
            directory_user_ids: Arc::default(),
        });
        let stories: Arc<Stories> = Arc::default();
        let tokens = Arc::new(TokenIssuer {
            addresses: addresses.clone(),
            keys: TenantKeys::new(tenant_key),
            clock: clock.clone(),
            entropy: entropy.clone(),
            issued: IssuedClaims::default(),
            stories: stories.clone(),
        });
        let channel =
            Arc::new(ChannelIssuer { addresses: addresses.clone(), keys: channel_keys, clock: clock.clone() });
        let bots = BotServices {
            addresses: addresses.clone(),
            directory: directory.clone(),
            tokens: tokens.clone(),
            gateway: Arc::default(),
            outbound: loopback_client()?,
            hosted: HostedConversations::new(entropy.clone()),
        };
        Ok(Self {
            client_certificate,
            redirect_uris: Arc::new(RedirectUris::of(&directory)),
            consents: Arc::new(Consents::new(stories.clone())),
            sent_tokens: Arc::new(SentTokens::new(tokens.clone())),
            events: Arc::new(EventList::new(clock.clone())),
            stories,
            logins: Arc::new(LoginState::new(clock.clone(), entropy.clone())),
            sessions: Arc::default(),
            sink: Arc::default(),
            conversations: Arc::new(Conversations::new(clock.clone())),
            page_origins: Arc::default(),
            web_chat_libraries: Arc::default(),
            workload: workload_issuer(&addresses, &clock),
            calls: Arc::default(),
            faults: Arc::default(),
            app_user_links: Arc::new(AppUserLinks::new(facts.clone(), bots.outbound.clone())),
            directory_users: Arc::new(UserMaker::new(facts.directory_user_ids.clone(), bots.outbound.clone())),
            directory_app_sessions: Arc::new(AppSessions::new(entropy.clone())),
            preparation: Arc::default(),
            facts,
            bots: Arc::new(DemoBots::new(bots, channel.clone())),
            refusals: Arc::new(EntraRefusalReplies { addresses, clock, entropy: entropy.clone() }),
            entropy,
            directory,
            tokens,
            channel,
        })
    }
}

fn workload_issuer(addresses: &Addresses, clock: &SharedClock) -> WorkloadIssuer {
    let key = Arc::new(SigningKeyOnDemand::default());
    WorkloadIssuer { issuer: addresses.workload_issuer(), key, clock: clock.clone() }
}

/// The HTTP client of the demo bots, which call loopback addresses only.
fn loopback_client() -> Result<Outbound, StageError> {
    let loopback = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    Ok(Outbound::new(&OutboundSettings {
        ca_certificates_pem: Vec::new(),
        egress_proxy: None,
        proxy_exceptions: ProxyExceptions::default(),
        connect_timeout: Duration::from_secs(2),
        plain_http_hosts: loopback.clone(),
        private_hosts: loopback,
        private_networks: Vec::new(),
        max_connections_per_host: 256,
        threads: 1,
    })?)
}
