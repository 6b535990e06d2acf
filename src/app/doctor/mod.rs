//! `bot-sso doctor`: walks a sign-in as the program would, and says in one line for each step what was seen and what to change.
//! `check --online` asks the quick half of it: the identity providers about each credential, the publishers of keys, the bots,
//! the mail server, and a store on a server.

mod app_tokens;
mod bots;
mod clock;
mod exchange;
mod finding;
mod key_sets;
mod mail;
mod manifest;
mod openid;
mod redirect;
mod selection;
mod settings;
mod store;
mod token;

pub use self::finding::{DoctorCheck, Finding, Verdict};
use self::manifest::Manifest;
use self::selection::{Selection, narrow};

use std::time::Duration;

use super::BuildError;
use super::credentials::CredentialBuilder;
use super::metrics::build_metrics;
use super::providers::{ProviderSources, build_providers, token_client_parts};
use super::services::{build_token_validators, outbound_settings};
use crate::config::Configuration;
use crate::domain::{ClockAndEntropy, ExchangeObservation, ExchangeableToken, Secret, UserKey};
use crate::exchange::TokenValidators;
use crate::identity_provider::{ProviderRegistry, RedeemError, RedeemFailure, ThrottleBoard, TokenClientParts};
use crate::observability::ProviderMetrics;
use crate::outbound::Outbound;

/// The time limit for one question, retries included.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(8);

/// What the doctor is asked to look at.
#[derive(Clone, Debug, Default)]
pub struct DoctorRequest {
    /// The only bot to look at; `None` for all.
    pub bot: Option<String>,
    /// The only connection to look at: its key, its place or its name; `None` for all.
    pub connection: Option<String>,
    /// A manifest to compare with the configuration.
    pub manifest: Option<GivenManifest>,
    /// A client's token, which is validated and exchanged.
    pub token: Option<Secret>,
    /// The user whose sign-in fails.
    pub user: Option<UserKey>,
}

/// A manifest as it was given.
#[derive(Clone, Debug)]
pub struct GivenManifest {
    /// The name of its file.
    pub name: String,
    /// What the file holds.
    pub text: String,
}

/// Why nothing was looked at.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// The HTTP client, a credential or a provider cannot be set up.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The configuration has no bot of this name.
    #[error("--bot: there is no bot {name:?}: write one of {known}")]
    UnknownBot {
        /// The name that was given.
        name: String,
        /// The bots that there are.
        known: String,
    },
    /// The configuration has no connection of this name, or the bot has not.
    #[error("--connection: there is no connection {name:?} to look at: write one of {known}")]
    UnknownConnection {
        /// The name that was given.
        name: String,
        /// The connections that there are.
        known: String,
    },
    /// The file that was named as manifest is not one.
    #[error("--manifest: {name} {problem}")]
    Manifest {
        /// The name of the file.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// What questions are asked with.
struct Instruments {
    outbound: Outbound,
    ambient: ClockAndEntropy,
    parts: TokenClientParts,
}

impl Instruments {
    fn prepare(config: &Configuration, ambient: &ClockAndEntropy) -> Result<Self, BuildError> {
        let outbound = Outbound::new(&outbound_settings(config))?;
        let throttle = ThrottleBoard::for_single_command(ambient.clock.clone());
        let parts = token_client_parts(&outbound, ambient, throttle, ProviderMetrics::default());
        Ok(Self { outbound, ambient: ambient.clone(), parts })
    }
}

/// The program's own judges of tokens, and its clients of identity providers.
struct Program {
    validators: TokenValidators,
    providers: ProviderRegistry,
}

impl Program {
    fn build(config: &Configuration, instruments: &Instruments) -> Result<Self, BuildError> {
        let Instruments { outbound, ambient, .. } = instruments;
        let sources = ProviderSources { outbound, ambient, directories: None };
        let throttle = ThrottleBoard::for_single_command(ambient.clock.clone());
        let metrics = build_metrics(config, ambient.clock.as_ref(), ExchangeObservation::default());
        let mut credentials = CredentialBuilder::new(ambient.clock.clone(), config.outbound.connect_timeout);
        let providers = build_providers(config, &sources, throttle, &metrics, &mut credentials)?.registry;
        Ok(Self { validators: build_token_validators(config, outbound, ambient), providers })
    }
}

/// Asks everything that the configuration names, one question at a time, each within a time limit: the keys of the
/// channels and of the identity providers, each credential of each connection and bot, a token of each bot for each of
/// its skills, each bot's endpoint, the mail server, and a store on a server. Each credential is checked alone, so a credential that works cannot hide one that does not.
///
/// # Errors
/// [`BuildError`] if the HTTP client or a credential cannot be set up.
pub async fn check_online(config: &Configuration, ambient: &ClockAndEntropy) -> Result<Vec<Finding>, BuildError> {
    let Instruments { outbound, parts, .. } = Instruments::prepare(config, ambient)?;
    let mut findings = key_sets::check(config, &outbound, ambient).await;
    findings.extend(app_tokens::check(config, &parts).await?);
    findings.extend(openid::check(config, &parts).await?);
    findings.extend(bots::check(&config.bots.iter().collect::<Vec<_>>(), &outbound).await);
    findings.extend(mail::check(config, ambient).await?);
    findings.extend(store::check(config, ambient).await);
    Ok(findings)
}

/// Walks a sign-in from the manifest to the store (docs/troubleshooting.md §Ask the doctor). A token that is given is really
/// exchanged; what the provider answers is dropped. The findings are in the order in which the program meets their subjects.
///
/// # Errors
/// [`DoctorError`] if something is named that there is not, or if the questions cannot be set up.
pub async fn examine(
    config: &Configuration,
    request: &DoctorRequest,
    ambient: &ClockAndEntropy,
) -> Result<Vec<Finding>, DoctorError> {
    let config = &narrow(config, request.bot.as_deref(), request.connection.as_deref())?;
    let selection = Selection::of(config);
    let instruments = Instruments::prepare(config, ambient)?;
    let program = Program::build(config, &instruments)?;
    let mut findings = settings::list_warnings(config);
    findings.extend(examine_manifest(config, request, &selection)?);
    findings.extend(settings::check(&selection));
    findings.extend(examine_token(request, &selection, &program, ambient).await);
    findings.extend(app_tokens::check(config, &instruments.parts).await?);
    findings.extend(openid::check(config, &instruments.parts).await?);
    findings.extend(settings::list_ends(config, ambient.clock.as_ref()));
    findings.extend(examine_redirects(config, &selection, &program, &instruments).await);
    findings.extend(key_sets::check(config, &instruments.outbound, ambient).await);
    findings.extend(clock::check(config, &instruments.outbound, &ambient.clock).await);
    findings.extend(bots::check(&selection.bots, &instruments.outbound).await);
    findings.extend(selection.bots.iter().map(|bot| settings::check_after_exchange(bot)));
    findings.extend(mail::check(config, ambient).await?);
    findings.extend(store::examine(config, ambient).await);
    // Grouped, each group in its own order.
    findings.sort_by_key(|finding| finding.check);
    Ok(findings)
}

fn examine_manifest(
    config: &Configuration,
    request: &DoctorRequest,
    selection: &Selection<'_>,
) -> Result<Vec<Finding>, DoctorError> {
    let Some(GivenManifest { name, text }) = &request.manifest else {
        let seen = "not given: --manifest FILE compares a Teams or add-in manifest with the configuration";
        return Ok(vec![Finding::skipped(DoctorCheck::ManifestId, "manifest", seen)]);
    };
    let manifest = Manifest::read(text).map_err(|problem| DoctorError::Manifest { name: name.clone(), problem })?;
    Ok(manifest::compare(&manifest, name, config, selection))
}

async fn examine_token(
    request: &DoctorRequest,
    selection: &Selection<'_>,
    program: &Program,
    ambient: &ClockAndEntropy,
) -> Vec<Finding> {
    let Some(raw) = &request.token else {
        let seen = "not given: --token - reads a client's token from standard input, checks it and tries its exchange";
        let mut findings = vec![Finding::skipped(DoctorCheck::TokenForm, "token", seen)];
        findings.extend(selection.connections.iter().map(|section| {
            Finding::skipped(
                DoctorCheck::Consent,
                format!("{} exchange", section.place()),
                "not tried without a client's token",
            )
        }));
        return findings;
    };
    let mut findings = Vec::new();
    for section in token::choose(&selection.connections, raw, &program.validators) {
        let examined = token::examine(section, raw, &program.validators, ambient.clock.as_ref()).await;
        findings.extend(examined.findings);
        let provider = program.providers.find(&section.connection);
        let consent = if let (Some(token), Some(provider)) = (&examined.token, provider) {
            exchange::check(section, token, provider, &ambient.entropy).await
        } else {
            let subject = format!("{} exchange", section.place());
            vec![Finding::skipped(DoctorCheck::Consent, subject, "not tried, since a check refuses the token")]
        };
        findings.extend(consent);
        findings.extend(compare_user(examined.token.as_ref(), request.user.as_ref()));
    }
    findings
}

fn compare_user(token: Option<&ExchangeableToken>, user: Option<&UserKey>) -> Option<Finding> {
    Some(token::compare_user(token?, user?))
}

/// Each redirect URI once for each client.
async fn examine_redirects(
    config: &Configuration,
    selection: &Selection<'_>,
    program: &Program,
    instruments: &Instruments,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Ok(redirect_uri) = config.server.public_url.join("/.auth/web/redirect") else { return findings };
    let mut asked = Vec::new();
    for section in &selection.connections {
        // Only bots have cards; panes and back ends sign their users in themselves.
        let client = (&section.connection.identity_provider, &section.connection.client_id);
        let Some(provider) = program.providers.find(&section.connection) else { continue };
        if selection.bot_of(section).is_none() || asked.contains(&client) {
            continue;
        }
        asked.push(client);
        let Instruments { outbound, ambient, .. } = instruments;
        findings.push(redirect::check(section, provider, &redirect_uri, outbound, &ambient.entropy).await);
    }
    findings
}

/// A refusal of an identity provider in the operator's words.
struct Refused {
    /// What came.
    seen: String,
    /// What to change.
    hint: &'static str,
    /// Whether the provider does not want to be asked so often now. That says nothing of a sign-in, as an outage does.
    is_throttled: bool,
}

impl Refused {
    fn into_finding(self, check: DoctorCheck, subject: String) -> Finding {
        let finding = if self.is_throttled { Finding::skipped } else { Finding::failed };
        finding(check, subject, self.seen).advise(self.hint)
    }
}

fn describe(error: &RedeemError) -> Refused {
    let RedeemError { failure, diagnostics } = error;
    let is_throttled = matches!(failure, RedeemFailure::Throttled { .. });
    let is_away = matches!(failure, RedeemFailure::Transient | RedeemFailure::Unavailable { .. });
    let verdict = if is_throttled || is_away { "unknown" } else { "refused" };
    let number = diagnostics.aadsts.map(|number| format!(": AADSTS{number}")).unwrap_or_default();
    // The word that came tells the operator what to look up where no number does.
    let word = diagnostics.error.as_ref().filter(|_| diagnostics.aadsts.is_none());
    let word = word.map(|word| format!(": error {word}")).unwrap_or_default();
    let trace_id = diagnostics.trace_id.as_ref().map(|id| format!(" (trace id {id})")).unwrap_or_default();
    Refused { seen: format!("{verdict}{number}{word}{trace_id}"), hint: diagnostics.hint, is_throttled }
}

fn report_refusal(check: DoctorCheck, subject: String, error: &RedeemError) -> Finding {
    describe(error).into_finding(check, subject)
}
