//! The ID tokens that are kept for apps; an `impl` of [`CurrentTokens`].

use super::current::{CurrentTokens, await_refresh};
use super::refresh::REFRESH_BUDGET;
use super::refresh_aim::RefreshAim;
use crate::domain::IdToken;
use crate::exchange::{ObtainedToken, Outage, StorageFailure, TokenPlace};
use crate::token_validation::{IdTokenStatements, ShownNames};
use crate::vault::KeptRecord;

/// The answer to a request for a user's ID token.
#[derive(Clone, Debug)]
pub enum ObtainedIdToken {
    /// This ID token has not ended.
    Token(IdToken),
    /// The user is signed in, and the issuer has given no ID token.
    NotGiven,
    /// No ID token can be obtained before the user signs in.
    UserNeeded,
    /// No ID token can be obtained at the moment.
    Unavailable(Outage),
}

impl CurrentTokens {
    /// The user's ID token. If it has ended, the tokens are refreshed first; not every issuer then renews the ID token
    /// (docs/service-role.md §ID tokens). A failure of the store is an outage; it is logged here.
    pub async fn get_id_token(&self, wanted: TokenPlace<'_>) -> ObtainedIdToken {
        match self.try_get_id_token(wanted).await {
            Ok(obtained) => obtained,
            Err(error) => {
                tracing::error!(%error, "an ID token cannot be read");
                ObtainedIdToken::Unavailable(Outage::FAULT)
            }
        }
    }

    async fn try_get_id_token(&self, wanted: TokenPlace<'_>) -> Result<ObtainedIdToken, StorageFailure> {
        let now = self.shared.tokens.ambient.now();
        let found = self.shared.tokens.vault.find(wanted.slot, wanted.connection.revision).await?;
        if let Some(id_token) = found.as_ref().and_then(|token| token.unended_id_token(now)) {
            return Ok(ObtainedIdToken::Token(id_token.clone()));
        }
        let Some(KeptRecord { token, .. }) = self.read(wanted).await? else { return Ok(ObtainedIdToken::UserNeeded) };
        if let Some(id_token) = token.unended_id_token(now) {
            return Ok(ObtainedIdToken::Token(id_token.clone()));
        }
        if token.id_token.is_none() {
            return Ok(ObtainedIdToken::NotGiven);
        }
        if token.refresh_token.is_none() || RefreshAim::IdToken.is_met_by(&token, now) {
            return Ok(ObtainedIdToken::UserNeeded);
        }
        let refreshed = await_refresh(self.shared.start_refresh(wanted, RefreshAim::IdToken), REFRESH_BUDGET).await;
        let now = self.shared.tokens.ambient.now();
        Ok(match refreshed {
            ObtainedToken::Token(token) => {
                let id_token = token.unended_id_token(now).cloned();
                id_token.map_or(ObtainedIdToken::UserNeeded, ObtainedIdToken::Token)
            }
            ObtainedToken::UserNeeded => ObtainedIdToken::UserNeeded,
            ObtainedToken::Unavailable(outage) => ObtainedIdToken::Unavailable(outage),
        })
    }

    /// How the user's ID token names its user, even if it has ended; no names if there is no ID token.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails.
    pub async fn find_names(&self, wanted: TokenPlace<'_>) -> Result<ShownNames, StorageFailure> {
        let id_token = self.read(wanted).await?.and_then(|record| record.token.id_token);
        Ok(id_token
            .and_then(|id_token| IdTokenStatements::read(&id_token.raw))
            .map_or_else(ShownNames::default, |says| says.names))
    }

    async fn read(&self, wanted: TokenPlace<'_>) -> Result<Option<KeptRecord>, StorageFailure> {
        Ok(self.shared.tokens.vault.read(wanted.slot, wanted.connection.revision).await?)
    }
}
