//! The configuration: one TOML file, `BOT_SSO_SECTION__KEY` environment variables on top, read into what the other
//! rooms can rely on.
//!
//! Owns the syntax, the defaults, every check that can be made before anything runs, and the only access to the
//! environment. It deliberately knows nothing of how the settings are used: it opens no store, seals nothing and makes
//! no call. Raw sections (as written) stay in here; validated ones (as meant) go out.

mod connections;
mod credentials;
mod identity_providers;
mod reading;
mod review;
mod sections;

#[cfg(test)]
mod configuration_tests;
#[cfg(test)]
mod sample_tests;
#[cfg(test)]
mod test_samples;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

pub use connections::ConnectionSection;
pub use credentials::{
    AppIdentitySection, CertificateSection, CredentialSection, IdentityEndpointSection, IdentitySection,
};
pub use identity_providers::{EntraSection, OpenIdSection};
pub use reading::{Environment, temporary_directory};
pub use review::{ConfigurationProblem, KeySource, Problems};
pub use sections::{
    BotCredentialsSection, ChannelStatuses, ChannelTrustSection, KeysSection, LimitsSection, LogFormat, LogLevel,
    LoggingSection, OperationsSection, OutboundSection, Server, SignInSection, StoreDurability, StoreSection, TlsPair,
    TokenServiceSection,
};

use url::Url;

use crate::domain::{Bot, ChannelId};

use reading::RawConfiguration;
use review::{CloudDefaults, Context, Findings, Hosts, Review};
use sections::ValidatedBots;

/// A longer file is taken for something other than a configuration.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// A configuration without a problem.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Where bot-sso listens, and how the world sees it.
    pub server: Server,
    /// How it calls out.
    pub outbound: OutboundSection,
    /// Whom it believes to be a channel.
    pub channels: ChannelTrustSection,
    /// Which bearers of bots it takes.
    pub token_service: TokenServiceSection,
    /// What browsers see of a sign-in.
    pub sign_in: SignInSection,
    /// The Entra clouds where users sign in, by name.
    pub identity_providers: BTreeMap<String, EntraSection>,
    /// The other providers where users sign in, by name. A name belongs to one provider, whatever its kind.
    pub openid_providers: BTreeMap<String, OpenIdSection>,
    /// The bots it stands in front of; never empty.
    pub bots: Vec<Bot>,
    /// How bots get tokens of their own; not every bot does.
    pub bot_credentials: Vec<BotCredentialsSection>,
    /// The bots' connections.
    pub connections: Vec<ConnectionSection>,
    /// Other numbers for the gateway's status table, by channel.
    pub statuses: HashMap<ChannelId, ChannelStatuses>,
    /// Where the operator calls; none: nowhere.
    pub operations: Option<OperationsSection>,
    /// How often callers and users may ask.
    pub limits: LimitsSection,
    /// Where it keeps what must survive.
    pub store: StoreSection,
    /// What it seals that with.
    pub keys: KeysSection,
    /// What it logs.
    pub logging: LoggingSection,
    /// What is not wrong, but probably not meant.
    pub warnings: Vec<ConfigurationProblem>,
    /// The file it was read from, if it was.
    pub file: Option<PathBuf>,
    hosts: Hosts,
    cloud: &'static CloudDefaults,
}

impl Configuration {
    /// The hosts that the operator wrote into addresses that we call: these may be private or loopback. Defaults are
    /// not among them. In the form of [`url::Url::host_str`].
    #[must_use]
    pub fn literal_hosts(&self) -> Vec<String> {
        self.hosts.literal.iter().cloned().collect()
    }

    /// The hosts that the operator wrote with plain http where that is allowed. In the form of [`url::Url::host_str`].
    #[must_use]
    pub fn plain_http_hosts(&self) -> Vec<String> {
        self.hosts.plain_http.iter().cloned().collect()
    }

    /// Where the credentials of a provider's clients go, in a form that is compared and not called: a reload of
    /// the configuration must not send a secret to another place than the one that it was written for.
    #[must_use]
    pub fn credentials_go_to(&self, identity_provider: &str) -> Option<String> {
        if let Some(provider) = self.openid_providers.get(identity_provider) {
            let token_endpoint = provider.token_endpoint.as_ref().map_or("", Url::as_str);
            return Some([provider.issuer.as_str(), provider.metadata_url.as_str(), token_endpoint].join(" "));
        }
        self.identity_providers.get(identity_provider).map(|provider| provider.token_endpoint.clone())
    }

    /// Every application that has credentials. A bot asks in its own tenant, or the cloud's own for multi-tenant bots; a
    /// connection's client in the first that is listed.
    #[must_use]
    pub fn app_identities(&self) -> Vec<AppIdentitySection> {
        let of_connections = self.connections.iter().filter_map(|section| {
            section.app_identity(self.identity_providers.get(&section.connection.identity_provider)?)
        });
        let of_bots = self.bot_credentials.iter().filter_map(|section| {
            let bot = self.bots.iter().find(|bot| bot.name == section.bot)?;
            section.app_identity(bot, self.identity_providers.get(&section.identity_provider)?, self.cloud)
        });
        of_connections.chain(of_bots).collect()
    }

    /// The tenants (lower-case GUIDs) whose app tokens may authenticate a caller: those of the Token Service's bots, those
    /// of every listed parent bot, and the emulator's. Which caller comes from which of them is checked against its entry.
    #[must_use]
    pub fn app_token_tenants(&self) -> Vec<String> {
        let callers = self.bots.iter().flat_map(|bot| &bot.callers).map(|caller| &caller.tenant_id);
        let emulators = self.bots.iter().flat_map(|bot| &bot.emulator_tenants);
        let all: BTreeSet<&String> = self.token_service.tenants.iter().chain(callers).chain(emulators).collect();
        all.into_iter().cloned().collect()
    }
}

/// Reads the file at `path`, with the process's environment on top. Relative paths in the file count from its directory.
///
/// # Errors
/// Every problem that can be seen at once.
pub fn load(path: &Path) -> Result<Configuration, Problems> {
    let directory = path.parent().unwrap_or(Path::new(""));
    let configuration = parse_in(directory, &read_file(path)?, &Environment::of_process())?;
    Ok(Configuration { file: Some(path.to_owned()), ..configuration })
}

/// Reads `text`, with `environment` on top. Relative paths count from the process's directory.
///
/// # Errors
/// Every problem that can be seen at once.
pub fn parse(text: &str, environment: &Environment) -> Result<Configuration, Problems> {
    parse_in(Path::new(""), text, environment)
}

fn read_file(path: &Path) -> Result<String, Problems> {
    let whole = |message: String| Problems(vec![ConfigurationProblem { path: String::new(), message }]);
    let about =
        std::fs::metadata(path).map_err(|error| whole(format!("{} cannot be read: {error}", path.display())))?;
    if about.len() > MAX_FILE_BYTES {
        return Err(whole(format!(
            "{} is longer than {MAX_FILE_BYTES} bytes: that is no configuration",
            path.display()
        )));
    }
    std::fs::read_to_string(path).map_err(|error| whole(format!("{} cannot be read: {error}", path.display())))
}

fn parse_in(base: &Path, text: &str, environment: &Environment) -> Result<Configuration, Problems> {
    let mut review = Review::new(environment.variables(), base);
    match reading::read(text, environment, &mut review) {
        Some(raw) => validate(raw, review),
        None => Err(review.into_problems()),
    }
}

fn context_of(raw: &RawConfiguration) -> Context {
    Context {
        cloud: raw.channels.cloud.unwrap_or_default().defaults(),
        bots: sections::written_app_ids(&raw.bots),
        identity_providers: identity_providers::written_providers(&raw.identity_providers),
    }
}

/// Checks every section, so that all problems are found; what one section needs of another comes before it.
fn validate(mut raw: RawConfiguration, mut review: Review<'_>) -> Result<Configuration, Problems> {
    identity_providers::complete(&mut raw.identity_providers);
    let context = context_of(&raw);
    let cloud = context.cloud;
    let server = raw.server.validate(&mut review);
    let outbound = raw.outbound.validate(&mut review);
    let channels = raw.channels.validate(cloud, &mut review);
    let providers = identity_providers::validate(raw.identity_providers, cloud, &mut review);
    let ValidatedBots { bots, tenants, credentials, emulator } =
        sections::validate_bots(raw.bots, &context, &mut review);
    if let Some(server) = &server {
        server.require_loopback_for(&emulator, &mut review);
    }
    let behind_tls = server.as_ref().is_some_and(|server| server.tls.is_some());
    let token_service = raw.token_service.validate(cloud, tenants, behind_tls, &mut review);
    let sign_in = raw.sign_in.validate(&mut review);
    let connections = connections::validate(raw.connections, &context, &mut review);
    let statuses = sections::validate_statuses(raw.statuses, &mut review);
    let operations = raw.operations.and_then(|operations| operations.validate(behind_tls, &mut review));
    let limits = raw.limits.validate(&mut review);
    let store = raw.store.validate(&mut review);
    let keys = raw.keys.validate(&mut review);
    let logging = raw.logging.validate();
    let complete = || Some((server?, outbound?, channels?, sign_in?, limits?, store?, keys?));
    let Some((server, outbound, channels, sign_in, limits, store, keys)) = complete() else {
        return Err(review.into_problems());
    };
    let Findings { hosts, warnings } = review.conclude()?;
    Ok(Configuration {
        server,
        outbound,
        channels,
        token_service,
        sign_in,
        identity_providers: providers.entra,
        openid_providers: providers.openid,
        bots,
        bot_credentials: credentials,
        connections,
        statuses,
        operations,
        limits,
        store,
        keys,
        logging,
        warnings,
        file: None,
        hosts,
        cloud,
    })
}
