//! The configuration: one TOML file, overridden by `BOT_SSO_SECTION__KEY` environment variables, and validated before
//! another room sees it.
//!
//! Owns the syntax, the defaults, every check that can be made before anything runs, and the only access to the
//! environment. It deliberately knows nothing of how the settings are used: it opens no store, seals nothing and makes
//! no call. Raw sections (`Raw…`, as the file says) stay in this room; other rooms get validated sections only.

mod back_ends;
mod connections;
mod contradictions;
mod credentials;
mod differences;
mod directories;
mod effective;
mod identity_providers;
mod reading;
mod review;
mod sections;
mod store_location;
mod validation;

#[cfg(test)]
mod configuration_tests;
#[cfg(test)]
mod follow_up_tests;
#[cfg(test)]
mod proposal_tests;
#[cfg(test)]
mod sample_tests;
#[cfg(test)]
mod shape_tests;
#[cfg(test)]
mod test_samples;
#[cfg(test)]
mod variable_tests;
#[cfg(test)]
mod wrong_text_tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

pub use back_ends::{AddInSection, AppSection, BackEndProof, BackEndSection, ClientSection, OWN_PATHS};
pub use connections::ConnectionSection;
pub use credentials::{
    AppIdentitySection, CertificateSection, CredentialSection, IdentityEndpointSection, IdentitySection,
};
pub use differences::{Change, ChangedKey, Difference};
pub use directories::{DirectorySection, PasswordHashesSection};
pub use effective::show as show_effective;
pub use identity_providers::{EntraSection, OpenIdSection};
pub use reading::{Environment, explain_complaint, temporary_directory};
pub use review::{
    ClientAuthentication, ConfigurationProblem, ExchangeGrant, KeySource, OpenIdOptions, Problems, TokenExchangeOptions,
};
pub use sections::{
    AuditSection, BotCredentialsSection, ChannelStatuses, ChannelTrustSection, KeysSection, LimitsSection, LogFormat,
    LogLevel, LogSubjects, LoggingSection, MailCredentialsSection, MailDeliverySection, MailSection,
    MailServerEncryption, MailServerSection, NoProxySection, OperationsSection, OutboundSection, Server,
    SharedStoreSection, SignInSection, StoreDurability, StoreFileSection, StorePlace, StoreSection, TlsPair,
    TokenServiceSection, TracesSection,
};
pub use store_location::find_store;

use url::Url;

use crate::domain::{Bot, ChannelId, CredentialEnd, Skill};

use differences::WrittenSections;
use reading::Source;
use review::{CloudDefaults, Finding, Hosts, KeyFileCheck, Place, Review};
use validation::validate;

/// The size limit of a configuration file; a longer file is probably a wrong path.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// A configuration without a problem.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Where bot-sso listens, and its public address.
    pub server: Server,
    /// How bot-sso calls other services.
    pub outbound: OutboundSection,
    /// Which tokens prove that a channel calls.
    pub channels: ChannelTrustSection,
    /// Which bearer tokens of bots the Token Service accepts.
    pub token_service: TokenServiceSection,
    /// The sign-in pages.
    pub sign_in: SignInSection,
    /// The Entra clouds where users sign in, by name.
    pub identity_providers: BTreeMap<String, EntraSection>,
    /// The `OpenID` Connect providers where users sign in, by name. No name is in `identity_providers`, too.
    pub openid_providers: BTreeMap<String, OpenIdSection>,
    /// The bots that bot-sso stands in front of; empty only if there is an add-in, a back end or an app.
    pub bots: Vec<Bot>,
    /// The credentials of the bots that request tokens for themselves.
    pub bot_credentials: Vec<BotCredentialsSection>,
    /// The connections of bots, and the only connection of each add-in, back end and app. The sections of connections that only
    /// back ends and apps name are not among them.
    pub connections: Vec<ConnectionSection>,
    /// The Office add-ins.
    pub add_ins: Vec<AddInSection>,
    /// The back ends that exchange tokens by the standard doors.
    pub back_ends: Vec<BackEndSection>,
    /// The apps with a service role.
    pub apps: Vec<AppSection>,
    /// The directories of users who share one sign-on session between web apps.
    pub directories: Vec<DirectorySection>,
    /// What a hash of a password costs.
    pub password_hashes: PasswordHashesSection,
    /// The skills that the bots may call through bot-sso.
    pub skills: Vec<Skill>,
    /// Changes of the gateway's status table, by channel.
    pub statuses: HashMap<ChannelId, ChannelStatuses>,
    /// The operator's listener; `None` if there is none.
    pub operations: Option<OperationsSection>,
    /// How directories send mail; `None` if they send none.
    pub mail: Option<MailSection>,
    /// Rate limits.
    pub limits: LimitsSection,
    /// The persistent store.
    pub store: StoreSection,
    /// The keys that seal the records of the store.
    pub keys: KeysSection,
    /// The log.
    pub logging: LoggingSection,
    /// The audit stream; `None` if there is none.
    pub audit: Option<AuditSection>,
    /// Where traces go; `None` if there are none.
    pub traces: Option<TracesSection>,
    /// Settings that are valid but probably a mistake.
    pub warnings: Vec<ConfigurationProblem>,
    /// When secrets and client certificates end, as far as the file and the certificates say, in the order of their places.
    pub credential_ends: Vec<CredentialEnd>,
    /// The file that the configuration was read from; `None` if it was read from a text.
    pub file: Option<PathBuf>,
    hosts: Hosts,
    cloud: &'static CloudDefaults,
    written: WrittenSections,
}

impl Configuration {
    /// The hosts that the file names in addresses that bot-sso calls; these may be private or loopback. Hosts of
    /// default addresses are not included. In the form of [`url::Url::host_str`].
    #[must_use]
    pub fn literal_hosts(&self) -> Vec<String> {
        self.hosts.literal.iter().cloned().collect()
    }

    /// The hosts that the file names in allowed plain http addresses. In the form of [`url::Url::host_str`].
    #[must_use]
    pub fn plain_http_hosts(&self) -> Vec<String> {
        self.hosts.plain_http.iter().cloned().collect()
    }

    /// A text that names the endpoint to which `identity_provider` receives its clients' credentials. A reload compares
    /// the texts of the old and the new configuration, so that no secret is sent to another endpoint.
    #[must_use]
    pub fn find_credentials_destination(&self, identity_provider: &str) -> Option<String> {
        if let Some(provider) = self.openid_providers.get(identity_provider) {
            let token_endpoint = provider.token_endpoint.as_ref().map_or("", Url::as_str);
            let revocation_endpoint = provider.revocation_endpoint.as_ref().map_or("", Url::as_str);
            let parts = [&provider.issuer, provider.metadata_url.as_str(), token_endpoint, revocation_endpoint];
            return Some(parts.join(" "));
        }
        self.identity_providers.get(identity_provider).map(|provider| provider.token_endpoint.clone())
    }

    /// The connections, without those that have the client of an earlier one because they are derived from the same section.
    #[must_use]
    pub fn connections_by_client(&self) -> Vec<&ConnectionSection> {
        let mut by_client: Vec<&ConnectionSection> = Vec::new();
        for section in &self.connections {
            let place = section.client_place();
            let is_derived = section.derived_from.is_some();
            if !(is_derived && by_client.iter().any(|earlier| earlier.client_place() == place)) {
                by_client.push(section);
            }
        }
        by_client
    }

    /// The client of each back end that may have tokens as itself, once for each scope.
    #[must_use]
    pub fn app_token_clients(&self) -> Vec<AppIdentitySection> {
        let of_back_end = |section: &BackEndSection| {
            let client = section.app_client.clone();
            section
                .back_end
                .app_scopes
                .iter()
                .filter_map(move |scope| {
                    let client = client.clone()?;
                    Some(AppIdentitySection { scope: scope.clone(), ..client })
                })
                .collect::<Vec<_>>()
        };
        self.back_ends.iter().flat_map(of_back_end).collect()
    }

    /// Every application that has credentials. A bot requests tokens in its own tenant, a multi-tenant bot in the
    /// cloud's default tenant, and the client of a connection in the first tenant that the connection lists.
    #[must_use]
    pub fn app_identities(&self) -> Vec<AppIdentitySection> {
        let of_connections = self.connections_by_client().into_iter().filter_map(|section| {
            section.app_identity(self.identity_providers.get(&section.connection.identity_provider)?)
        });
        let of_bots = self.bot_credentials.iter().filter_map(|section| {
            let bot = self.bots.iter().find(|bot| bot.name == section.bot)?;
            section.app_identity(bot, self.identity_providers.get(&section.identity_provider)?, self.cloud)
        });
        of_connections.chain(of_bots).collect()
    }

    /// Every bot that has credentials, as the application that requests tokens for one of its skills.
    #[must_use]
    pub fn skill_callers(&self) -> Vec<AppIdentitySection> {
        let of_bots = self.bot_credentials.iter().flat_map(|section| {
            let bot = self.bots.iter().find(|bot| bot.name == section.bot);
            let provider = self.identity_providers.get(&section.identity_provider);
            let identity =
                bot.zip(provider).and_then(|(bot, provider)| section.app_identity(bot, provider, self.cloud));
            let skills = self.skills.iter().filter(|skill| skill.has_parent(&section.bot));
            skills.filter_map(move |skill| Some(identity.clone()?.for_skill(skill)))
        });
        of_bots.collect()
    }

    /// The tenants (lower-case GUIDs) whose app tokens may authenticate a caller: those of the Token Service's bots,
    /// those of every listed parent bot, of skills and of agents, and the emulator's. A later check compares a caller's
    /// tenant with the caller's own entry.
    #[must_use]
    pub fn app_token_tenants(&self) -> Vec<String> {
        let callers = self.bots.iter().flat_map(|bot| &bot.callers).map(|caller| &caller.tenant_id);
        let emulators = self.bots.iter().flat_map(|bot| &bot.emulator_tenants);
        let of_agents = self.bots.iter().filter_map(|bot| bot.agent_365.as_ref()).flat_map(|agents| &agents.tenants);
        let tenants = self.token_service.tenants.iter();
        let of_skills = self.skills.iter().map(|skill| &skill.tenant_id);
        let all: BTreeSet<&String> =
            tenants.chain(callers).chain(of_skills).chain(emulators).chain(of_agents).collect();
        all.into_iter().cloned().collect()
    }

    /// The app ids (lower-case GUIDs) of the cloud's Agent 365 platforms; empty if no bot serves agents.
    #[must_use]
    pub fn agent_platforms(&self) -> Vec<String> {
        let served = self.bots.iter().any(|bot| bot.agent_365.is_some());
        self.cloud.agent_platforms.iter().filter(|_| served).map(|app_id| (*app_id).to_owned()).collect()
    }

    /// The audiences of the tokens with which agents call the Token Service; empty if no bot serves agents.
    #[must_use]
    pub fn agent_audiences(&self) -> Vec<String> {
        let platforms = self.agent_platforms();
        let others: &[&str] = if platforms.is_empty() { &[] } else { self.cloud.agent_audiences };
        platforms.into_iter().chain(others.iter().map(|audience| (*audience).to_owned())).collect()
    }
}

/// Reads the file at `path`, overridden by the process's environment. Relative paths in the file start at its
/// directory.
///
/// # Errors
/// All problems of the configuration.
pub fn load(path: &Path) -> Result<Configuration, Problems> {
    let directory = path.parent().unwrap_or(Path::new(""));
    let configuration = parse_in(directory, &read_file(path)?, &Environment::of_process())?;
    Ok(Configuration { file: Some(path.to_owned()), ..configuration })
}

/// As [`load`]; `key_file` says why the file of the key ring cannot be used, which this room does not know.
///
/// # Errors
/// All problems of the configuration.
pub fn load_with_keys(path: &Path, key_file: fn(&Path) -> Result<(), String>) -> Result<Configuration, Problems> {
    let directory = path.parent().unwrap_or(Path::new(""));
    let configuration = parse_with(directory, &read_file(path)?, &Environment::of_process(), Some(key_file))?;
    Ok(Configuration { file: Some(path.to_owned()), ..configuration })
}

/// Reads `text`, overridden by `environment`. Relative paths start at the process's working directory.
///
/// # Errors
/// All problems of the configuration.
pub fn parse(text: &str, environment: &Environment) -> Result<Configuration, Problems> {
    parse_in(Path::new(""), text, environment)
}

fn read_file(path: &Path) -> Result<String, Problems> {
    let whole = |message: String| {
        Problems::with_warnings(vec![ConfigurationProblem { path: String::new(), message }], Vec::new())
    };
    let about =
        std::fs::metadata(path).map_err(|error| whole(format!("{} cannot be read: {error}", path.display())))?;
    if about.len() > MAX_FILE_BYTES {
        return Err(whole(format!(
            "{} is longer than {MAX_FILE_BYTES} bytes, so it is not a configuration: give the path of the \
             configuration file",
            path.display()
        )));
    }
    std::fs::read_to_string(path).map_err(|error| whole(format!("{} cannot be read: {error}", path.display())))
}

fn parse_in(base: &Path, text: &str, environment: &Environment) -> Result<Configuration, Problems> {
    parse_with(base, text, environment, None)
}

fn parse_with(
    base: &Path,
    text: &str,
    environment: &Environment,
    key_file: Option<KeyFileCheck>,
) -> Result<Configuration, Problems> {
    let mut review = Review::new(environment.variables(), base).check_key_file_with(key_file);
    let Some(mut source) = Source::parse(text, environment, &mut review) else {
        return Err(review.into_problems(&|_| Vec::new()));
    };
    let raw = source.read(&mut review);
    let validated = validate(raw, review).map(|configuration| {
        let written = WrittenSections::new(source.readable().clone());
        Configuration { written, ..configuration }
    });
    validated.map_err(|review| {
        review.into_problems(&|proposal| {
            let trial = Review::new(environment.variables(), base);
            source.with(proposal).map_or_else(Vec::new, |changed| find_problems(changed, trial, proposal.place()))
        })
    })
}

/// The problems of `source` at `place`.
fn find_problems(mut source: Source, mut review: Review<'_>, place: &Place) -> Vec<Finding> {
    let raw = source.read(&mut review);
    validate(raw, review).err().map_or_else(Vec::new, |review| review.into_findings_at(place))
}
