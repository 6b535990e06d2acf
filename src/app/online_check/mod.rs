//! What `check --online` asks: the identity providers about each credential, the publishers of keys, the bots, the mail
//! server, and a store on a server.

mod app_tokens;
mod bots;
mod key_sets;
mod mail;
mod openid;
mod store;

use std::fmt;
use std::time::Duration;

use super::BuildError;
use super::providers::token_client_parts;
use super::services::outbound_settings;
use crate::config::Configuration;
use crate::domain::ClockAndEntropy;
use crate::identity_provider::{RedeemError, RedeemFailure, ThrottleBoard};
use crate::observability::ProviderMetrics;
use crate::outbound::Outbound;

/// The time limit for one question, retries included.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(8);

/// The answer to one question. `Display` writes one line for the operator, without secrets and tokens.
#[derive(Clone, Debug)]
pub struct OnlineCheck {
    subject: String,
    answer: String,
    passed: bool,
}

impl OnlineCheck {
    /// Whether the question was answered as the service needs it, or was not asked because no server is configured for it.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.passed
    }

    fn passing(subject: String, answer: impl Into<String>) -> Self {
        Self { subject, answer: answer.into(), passed: true }
    }

    fn failing(subject: String, answer: impl Into<String>) -> Self {
        Self { subject, answer: answer.into(), passed: false }
    }
}

impl fmt::Display for OnlineCheck {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.subject, self.answer)
    }
}

/// Asks everything that the configuration names, one question at a time, each within a time limit: the keys of the
/// channels and of the identity providers, each credential of each connection and bot, a token of each bot for each of
/// its skills, each bot's endpoint, the mail server, and a store on a server. Each credential is checked alone, so a credential that works cannot hide one that does not.
///
/// # Errors
/// [`BuildError`] if the HTTP client or a credential cannot be set up.
pub async fn check_online(config: &Configuration, ambient: &ClockAndEntropy) -> Result<Vec<OnlineCheck>, BuildError> {
    let outbound = Outbound::new(outbound_settings(config))?;
    let throttle = ThrottleBoard::for_single_command(ambient.clock.clone());
    let parts = token_client_parts(&outbound, ambient, throttle, ProviderMetrics::default());
    let mut checks = key_sets::check(config, &outbound, ambient).await;
    checks.extend(app_tokens::check(config, &parts).await?);
    checks.extend(openid::check(config, &parts).await?);
    checks.extend(bots::check(config, &outbound).await);
    checks.extend(mail::check(config, ambient).await?);
    checks.extend(store::check(config, ambient).await);
    Ok(checks)
}

/// The operator's words for a failed request to an identity provider.
fn describe(error: &RedeemError) -> String {
    let RedeemError { failure, diagnostics } = error;
    let verdict = match failure {
        RedeemFailure::Transient | RedeemFailure::Unavailable { .. } | RedeemFailure::Throttled { .. } => "unknown: ",
        _ => "refused: ",
    };
    let number = diagnostics.aadsts.map(|number| format!("AADSTS{number} ")).unwrap_or_default();
    // The word that came tells the operator what to look up where no number does.
    let word = diagnostics.error.as_ref().filter(|_| diagnostics.aadsts.is_none());
    let word = word.map(|word| format!("error {word}: ")).unwrap_or_default();
    let trace_id = diagnostics.trace_id.as_ref().map(|id| format!(" (trace id {id})")).unwrap_or_default();
    format!("{verdict}{number}{word}{}{trace_id}", diagnostics.hint)
}
