use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::domain::{Connection, ConnectionRevision, Registrations, Secret, SharedEntropy, UserKey};
use crate::exchange::Redemption;
use crate::identity_provider::{IdentityProvider, RevocableTokens, RevocationOutcome};
use crate::observability::{carry, conceal};
use crate::vault::KeptToken;

/// All requests that revoke the tokens of one slot end within this time.
const REVOCATION_BUDGET: Duration = Duration::from_secs(10);
/// How many slots' tokens are revoked at the same time. Tokens beyond this number are not revoked, so that a mass
/// sign-out while a provider hangs costs no memory without limit.
const MAX_REVOCATIONS: usize = 256;

/// Revokes the tokens of signed-out users at their identity providers (RFC 7009), in the background and best effort: a
/// sign-out is complete without it and never waits for it.
#[derive(Clone)]
pub struct TokenRevocation {
    redemption: Redemption,
    registrations: Arc<Registrations>,
    entropy: SharedEntropy,
    free: Arc<Semaphore>,
}

/// Tokens that a sign-out has ended here, and that are good at their issuer still.
#[derive(Clone, Debug)]
pub struct EndedTokens {
    /// The revision of the connection that they were obtained for.
    pub revision: ConnectionRevision,
    /// The user that they were issued for.
    pub user: UserKey,
    /// The access token.
    pub access_token: Secret,
    /// The refresh token, if there is one.
    pub refresh_token: Option<Secret>,
}

impl From<KeptToken> for EndedTokens {
    fn from(kept: KeptToken) -> Self {
        let KeptToken { revision, token, .. } = kept;
        Self { revision, user: token.user, access_token: token.access_token, refresh_token: token.refresh_token }
    }
}

impl TokenRevocation {
    /// Revokes at the providers of `redemption`, for the connections in `registrations`.
    #[must_use]
    pub fn new(redemption: Redemption, registrations: Arc<Registrations>, entropy: SharedEntropy) -> Self {
        Self { redemption, registrations, entropy, free: Arc::new(Semaphore::new(MAX_REVOCATIONS)) }
    }

    /// Begins to revoke `removed`, which are kept and held no longer, and returns at once. A token of a connection that
    /// is configured no more, or in another way, is not revoked.
    pub fn begin(&self, removed: impl IntoIterator<Item = impl Into<EndedTokens>>) {
        for ended in removed {
            let ended = ended.into();
            let Some(connection) = self.find_connection(ended.revision) else { continue };
            let Some(provider) = self.redemption.find_provider(connection) else { continue };
            let Ok(slot) = Arc::clone(&self.free).try_acquire_owned() else {
                tracing::warn!(
                    connection = connection.name.as_str(),
                    hint = "many users were signed out while the identity provider was slow",
                    "tokens were not revoked"
                );
                continue;
            };
            let (provider, connection) = (Arc::clone(provider), Arc::clone(connection));
            let correlation_id = self.entropy.uuid();
            tokio::spawn(carry(async move {
                revoke(provider.as_ref(), &connection, &ended, &correlation_id).await;
                drop(slot);
            }));
        }
    }

    /// Of several connections with this revision each will do: they have the same provider and the same client.
    fn find_connection(&self, revision: ConnectionRevision) -> Option<&Arc<Connection>> {
        self.registrations.connections().find(|connection| connection.revision == revision)
    }
}

async fn revoke(provider: &dyn IdentityProvider, connection: &Connection, ended: &EndedTokens, correlation_id: &str) {
    let deadline = Instant::now() + REVOCATION_BUDGET;
    let tokens = RevocableTokens {
        refresh_token: ended.refresh_token.as_ref(),
        access_token: &ended.access_token,
        user: &ended.user,
        correlation_id,
        deadline,
    };
    let (bot, name) = (connection.holder.as_str(), connection.name.as_str());
    match timeout_at(deadline, provider.revoke(tokens)).await {
        Ok(Ok(RevocationOutcome::NotSupported)) => {}
        Ok(Ok(RevocationOutcome::Revoked)) => {
            tracing::info!(correlation_id, bot, connection = name, user = %conceal(&ended.user), "tokens were revoked");
        }
        Ok(Err(error)) => {
            let (http_status, hint) = (error.diagnostics.http_status, error.diagnostics.hint);
            tracing::warn!(correlation_id, bot, connection = name, http_status, hint, "tokens were not revoked");
        }
        Err(_) => {
            let hint = "the identity provider did not answer in time";
            tracing::warn!(correlation_id, bot, connection = name, hint, "tokens were not revoked");
        }
    }
}
