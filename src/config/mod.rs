//! The configuration: one TOML file, `BOT_SSO_SECTION__KEY` environment variables on top, read into what the other
//! rooms can rely on.
//!
//! Owns the syntax, the defaults, every check that can be made before anything runs, and the only access to the
//! environment. It deliberately knows nothing of how the settings are used: it opens no store, seals nothing and calls
//! nobody. Raw sections (as written) stay in here; validated ones (as meant) go out.

mod addresses;
mod app_identities;
mod bots;
mod channels;
mod client_certificate;
mod cloud;
mod connections;
mod credentials;
mod environment;
mod identity_providers;
mod keys;
mod limits;
mod logging;
mod openid_connections;
mod openid_providers;
mod operations;
mod outbound;
mod overlay;
mod problems;
mod raw;
mod read;
mod review;
mod revision;
mod scopes;
mod secrets;
mod server;
mod sign_in;
mod statuses;
mod step;
mod store;
mod suggestion;
mod token_service;
mod values;

#[cfg(test)]
mod credentials_tests;
#[cfg(test)]
mod sample_tests;
#[cfg(test)]
mod validation_tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

pub use addresses::KeySource;
pub use app_identities::AppIdentitySection;
pub use bots::BotCredentialsSection;
pub use channels::ChannelTrustSection;
pub use client_certificate::CertificateSection;
pub use connections::ConnectionSection;
pub use credentials::{CredentialSection, IdentityEndpointSection, IdentitySection};
pub use environment::{Environment, temporary_directory};
pub use identity_providers::EntraSection;
pub use keys::KeysSection;
pub use limits::LimitsSection;
pub use logging::{LogFormat, LogLevel, LoggingSection};
pub use openid_providers::OpenIdSection;
pub use operations::OperationsSection;
pub use outbound::OutboundSection;
pub use problems::{Problem, Problems};
pub use server::{Server, TlsPair};
pub use sign_in::SignInSection;
pub use statuses::ChannelStatuses;
pub use store::{StoreDurability, StoreSection};
pub use token_service::TokenServiceSection;

use url::Url;

use crate::domain::{Bot, ChannelId};

use bots::{BotReferences, ValidatedBots};
use cloud::CloudDefaults;
use connections::References;
use identity_providers::Kind;
use overlay::Overlay;
use problems::Place;
use raw::RawConfiguration;
use review::{Findings, Hosts, Review};

/// No configuration is longer; what is, is some other file.
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
    /// The other providers where they do, by name. None has the name of one of the former.
    pub openid_providers: BTreeMap<String, OpenIdSection>,
    /// The bots it stands in front of; never empty.
    pub bots: Vec<Bot>,
    /// How those of them get tokens of their own that do.
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
    pub warnings: Vec<Problem>,
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

    /// Where the credentials of a provider's clients go, in a form that is compared and not called: whoever reads a
    /// configuration again must not send a secret to another place than the one that it was written for.
    #[must_use]
    pub fn credentials_go_to(&self, identity_provider: &str) -> Option<String> {
        if let Some(provider) = self.openid_providers.get(identity_provider) {
            let token_endpoint = provider.token_endpoint.as_ref().map_or("", Url::as_str);
            return Some([provider.issuer.as_str(), provider.metadata_url.as_str(), token_endpoint].join(" "));
        }
        self.identity_providers.get(identity_provider).map(|provider| provider.token_endpoint.clone())
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
    let whole = |message: String| Problems(vec![Problem { path: String::new(), message }]);
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
    let mut review = Review::new(environment, base);
    let Some(mut table) = read::parse_table(text, &mut review) else { return Err(review.into_problems()) };
    let overrides = environment.overrides().unwrap_or_else(|message| {
        review.report(&Place::root(), message);
        toml::Table::new()
    });
    let mut overlay = Overlay::apply(&mut table, overrides);
    review.note_variables(overlay.variables());
    let raw = read::read_raw(table, &mut overlay, &mut review);
    validate(raw, review)
}

fn validate(mut raw: RawConfiguration, mut review: Review<'_>) -> Result<Configuration, Problems> {
    let defaults = raw.channels.cloud.unwrap_or_default().defaults();
    identity_providers::complete(&mut raw.identity_providers);
    let bot_names = raw.bots.keys().cloned().collect();
    let provider_names: Vec<String> = raw.identity_providers.keys().cloned().collect();
    let server = raw.server.validate(&mut review);
    let outbound = raw.outbound.validate(&mut review);
    let channels = raw.channels.validate(defaults, &mut review);
    let entra_names = identity_providers::names_of(&raw.identity_providers, Kind::Entra);
    let openid_names = identity_providers::names_of(&raw.identity_providers, Kind::Oidc);
    let providers = identity_providers::validate(raw.identity_providers, defaults, &mut review);
    let bot_references = BotReferences { provider_names: &entra_names, openid_names: &openid_names, defaults };
    let ValidatedBots { bots, tenants, credentials, emulator } = bots::validate(raw.bots, &bot_references, &mut review);
    if let Some(server) = &server {
        server.require_loopback_for(&emulator, &mut review);
    }
    let behind_tls = server.as_ref().is_some_and(|server| server.tls.is_some());
    let token_service = raw.token_service.validate(defaults, tenants, behind_tls, &mut review);
    let sign_in = raw.sign_in.validate(&mut review);
    let openid_providers = &providers.openid;
    let references = References { bot_names, provider_names, openid_names, openid_providers, bots: &bots, defaults };
    let connections = connections::validate(raw.connections, &references, &mut review);
    let statuses = statuses::validate(raw.statuses, &mut review);
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
        cloud: defaults,
    })
}
