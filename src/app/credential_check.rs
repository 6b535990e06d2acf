use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::BuildError;
use super::credentials::CredentialBuilder;
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

/// The time limit for the check of one credential, retries included.
const CREDENTIAL_CHECK_TIMEOUT: Duration = Duration::from_secs(8);

/// The identity provider's answer to one configured credential. `Display` writes one line for the operator, without
/// secrets.
#[derive(Clone, Debug)]
pub struct CredentialCheck {
    place: String,
    index: usize,
    kind: &'static str,
    outcome: Option<Result<(), RedeemError>>,
}

impl CredentialCheck {
    /// Whether the identity provider issued an app token with this credential, or the check was skipped because the
    /// connection's tenant is unknown.
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
                .write_str("not checked: the connection accepts users of any organization, so no tenant is known");
        };
        let Err(RedeemError { failure, diagnostics }) = outcome else { return formatter.write_str("accepted") };
        formatter.write_str(match failure {
            RedeemFailure::Transient | RedeemFailure::Unavailable { .. } | RedeemFailure::Throttled { .. } => {
                "unknown: "
            }
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

/// Requests an app token with every configured credential, one at a time. Each credential is checked alone, so a
/// credential that works cannot hide one that does not.
///
/// # Errors
/// [`BuildError`] if the HTTP client or a credential cannot be set up.
pub async fn check_credentials(
    config: &Configuration,
    ambient: &ClockAndEntropy,
) -> Result<Vec<CredentialCheck>, BuildError> {
    let client_parts = token_client_parts(
        &Outbound::new(outbound_settings(config))?,
        ambient,
        ThrottleBoard::for_single_command(ambient.clock.clone()),
    );
    let mut credentials = CredentialBuilder::new(ambient.clock.clone(), config.outbound.connect_timeout);
    let mut checks = Vec::new();
    for section in config.app_identities() {
        for (index, credential) in credentials.build_all(&section.credentials)?.into_iter().enumerate() {
            let (place, kind) = (section.place.clone(), credential.kind());
            let outcome = match &section.tenant {
                Some(tenant) => Some(check_one(&section, tenant, credential, client_parts.clone()).await),
                None => None,
            };
            checks.push(CredentialCheck { place, index, kind, outcome });
        }
    }
    Ok(checks)
}

async fn check_one(
    section: &AppIdentitySection,
    tenant: &str,
    credential: ClientCredential,
    client_parts: TokenClientParts,
) -> Result<(), RedeemError> {
    let settings = AppSettings {
        provider: section.identity_provider.clone(),
        token_endpoint: section.token_endpoint.clone(),
        tenant: tenant.to_owned(),
    };
    let client = RedeemingClient { client_id: section.client_id.clone(), credentials: vec![credential] };
    let attempt = Attempt {
        correlation_id: client_parts.entropy.uuid(),
        deadline: Instant::now() + CREDENTIAL_CHECK_TIMEOUT,
        claims: None,
    };
    // Each check has its own token cache: a token that another credential obtained for the same client proves nothing
    // about this one.
    let tokens = AppTokens::new(client_parts.clock.clone());
    let client = Arc::new(AppClient::new(settings, client, client_parts));
    tokens.get(&client, &section.scope, &attempt).await.map(drop)
}
