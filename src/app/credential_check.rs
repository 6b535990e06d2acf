use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::BuildError;
use super::credentials::Credentials;
use super::providers::token_client_parts;
use super::services::outbound_settings;
use crate::bot_connector::AppTokens;
use crate::config::{AppIdentitySection, Configuration};
use crate::domain::ClockAndEntropy;
use crate::identity_provider::{
    AppClient, AppSettings, Attempt, ClientCredential, RedeemError, RedeemFailure, RedeemingClient, ThrottleBoard,
    TokenClientParts,
};
use crate::outbound::Outbound;

/// How long each credential's try may take, retries included.
const TRY_LIMIT: Duration = Duration::from_secs(8);

/// What the identity provider says to one configured credential. Displayed as a line for the operator; holds no secret.
#[derive(Clone, Debug)]
pub struct CredentialCheck {
    place: String,
    index: usize,
    kind: &'static str,
    outcome: Option<Result<(), RedeemError>>,
}

impl CredentialCheck {
    /// Whether an app token was given for it, or nothing says in which tenant to ask for one.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.outcome.as_ref().is_none_or(Result::is_ok)
    }
}

impl fmt::Display for CredentialCheck {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, index, kind, outcome } = self;
        write!(formatter, "{place} credentials[{index}] ({kind}): ")?;
        let Some(outcome) = outcome else {
            return formatter
                .write_str("not asked: the connection takes any organization's users, so no tenant is known");
        };
        let Err(RedeemError { failure, diagnostics }) = outcome else { return formatter.write_str("accepted") };
        formatter.write_str(match failure {
            RedeemFailure::Transient | RedeemFailure::Throttled { .. } => "not known: ",
            _ => "refused: ",
        })?;
        if let Some(number) = diagnostics.aadsts {
            write!(formatter, "AADSTS{number} ")?;
        }
        formatter.write_str(diagnostics.hint)?;
        match &diagnostics.trace_id {
            Some(trace_id) => write!(formatter, " (trace id {trace_id})"),
            None => Ok(()),
        }
    }
}

/// Asks for an app token with every configured credential, one at a time and each by itself, so that one that does not
/// serve is not hidden by the next.
///
/// # Errors
/// [`BuildError`] if nothing can be asked at all.
pub async fn check_credentials(
    config: &Configuration,
    ambient: &ClockAndEntropy,
) -> Result<Vec<CredentialCheck>, BuildError> {
    let means = token_client_parts(
        &Outbound::new(outbound_settings(config))?,
        ambient,
        ThrottleBoard::for_single_command(ambient.clock.clone()),
    );
    let mut credentials = Credentials::new(ambient.clock.clone(), config.outbound.connect_timeout);
    let mut checks = Vec::new();
    for section in config.app_identities() {
        for (index, credential) in credentials.of(&section.credentials)?.into_iter().enumerate() {
            let (place, kind) = (section.place.clone(), credential.kind());
            let outcome = match &section.tenant {
                Some(tenant) => Some(try_one(&section, tenant, credential, means.clone()).await),
                None => None,
            };
            checks.push(CredentialCheck { place, index, kind, outcome });
        }
    }
    Ok(checks)
}

async fn try_one(
    section: &AppIdentitySection,
    tenant: &str,
    credential: ClientCredential,
    means: TokenClientParts,
) -> Result<(), RedeemError> {
    let settings = AppSettings {
        provider: section.identity_provider.clone(),
        token_endpoint: section.token_endpoint.clone(),
        tenant: tenant.to_owned(),
    };
    let client = RedeemingClient { client_id: section.client_id.clone(), credentials: vec![credential] };
    let attempt = Attempt { correlation_id: means.entropy.uuid(), deadline: Instant::now() + TRY_LIMIT, claims: None };
    // Tokens of its own for each: another credential's token for the same client proves nothing for this one.
    let tokens = AppTokens::new(means.clock.clone());
    let client = Arc::new(AppClient::new(settings, client, means));
    tokens.get(&client, &section.scope, &attempt).await.map(drop)
}
