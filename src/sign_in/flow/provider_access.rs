use std::sync::Arc;

use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::records::AtProvider;
use super::{PROVIDER_BUDGET, SignInError, SignInFailure};
use crate::domain::{Account, Connection, Secret, UserKey};
use crate::exchange::{Redemption, SignInNeed};
use crate::identity_provider::{Attempt, AuthorizationRequest, Grant, IdentityProvider, RedeemError, RedeemedToken};
use crate::sign_in::identification::IdTokenValidators;
use crate::token_validation::IdentifiedUser;

/// The browser's side of the identity providers: authorization URLs, codes and ID tokens.
#[derive(Clone)]
pub struct ProviderAccess {
    redemption: Redemption,
    id_tokens: Arc<IdTokenValidators>,
    /// The redirect URI, exactly as it is registered at the providers.
    redirect_uri: Url,
}

/// The authorization code that a browser brought back.
pub(super) struct ReturnedCode<'a> {
    pub(super) code: &'a Secret,
    /// What was kept when the browser was sent to the provider.
    pub(super) record: &'a AtProvider,
    /// The account that signs in; the provider's throttle counts by it.
    pub(super) account: &'a Account,
}

impl ProviderAccess {
    /// Uses the providers of `redemption`, which send browsers back to `redirect_uri`; `id_tokens` validates their ID
    /// tokens.
    #[must_use]
    pub fn new(redemption: Redemption, id_tokens: Arc<IdTokenValidators>, redirect_uri: Url) -> Self {
        Self { redemption, id_tokens, redirect_uri }
    }

    /// The provider of `connection`.
    pub(super) fn find(&self, connection: &Connection) -> Result<&Arc<dyn IdentityProvider>, SignInError> {
        self.redemption.find_provider(connection).ok_or(SignInError::Misconfigured)
    }

    /// Builds the authorization URL for the browser whose step has the handle `state`.
    pub(super) async fn authorize_url(
        &self,
        connection: &Connection,
        state: &Secret,
        record: &AtProvider,
        need: &SignInNeed,
    ) -> Result<Url, SignInFailure> {
        let request = AuthorizationRequest {
            redirect_uri: &self.redirect_uri,
            state,
            nonce: &record.nonce,
            code_challenge: &record.code_challenge(),
            ask_consent: need.consent,
            choose_account: need.choose_account,
            claims: need.claims.as_ref(),
            tenant: record.tenant.as_deref(),
        };
        let url = timeout(PROVIDER_BUDGET, self.find(connection)?.authorize_url(connection, request)).await;
        Ok(url.map_err(|_| SignInError::Unavailable)??)
    }

    /// Redeems the code within the attempt's deadline.
    pub(super) async fn redeem(
        &self,
        connection: &Connection,
        returned: ReturnedCode<'_>,
        attempt: Attempt,
    ) -> Result<RedeemedToken, RedeemError> {
        let ReturnedCode { code, record, account } = returned;
        let throttled_as = account.key_parts().join(" ");
        let (code_verifier, redirect_uri) = (&record.code_verifier, &self.redirect_uri);
        let (throttled_as, tenant) = (throttled_as.as_str(), record.tenant.as_deref());
        let grant = Grant::AuthorizationCode { code, code_verifier, redirect_uri, throttled_as, tenant };
        self.redemption.redeem(connection, grant, attempt).await
    }

    /// The user that the ID token of `redeemed` names, unverified.
    pub(super) fn presume_user(&self, connection: &Connection, redeemed: &RedeemedToken) -> Option<UserKey> {
        self.id_tokens.presume_user(connection, redeemed.id_token.as_ref()?)
    }

    /// Identifies the user by the ID token that came with `redeemed`. If the ID token holds no name, the provider is
    /// asked for one, which is only shown.
    pub(super) async fn identify(
        &self,
        connection: &Connection,
        redeemed: &RedeemedToken,
        nonce: &Secret,
        deadline: Instant,
    ) -> Result<IdentifiedUser, SignInFailure> {
        let raw = redeemed.id_token.as_ref().ok_or(SignInError::IdTokenRejected { check: "absent" })?;
        let validated = timeout_at(deadline, self.id_tokens.validate(connection, raw, nonce)).await;
        let user = validated.map_err(|_| SignInError::Unavailable)??;
        if user.has_name() {
            return Ok(user);
        }
        let provider = self.find(connection)?;
        let names = provider.find_names(&redeemed.access_token, user.user.subject(), deadline);
        let names = timeout_at(deadline, names).await.ok().flatten();
        Ok(match names {
            Some(names) => {
                user.with_names(names.name.as_deref(), names.preferred_username.as_deref().or(names.email.as_deref()))
            }
            None => user,
        })
    }
}
