//! The revocation of a [`BackEndDoor`].

use actix_web::{HttpRequest, HttpResponse, web};

use super::BackEndDoor;
use super::replies::{OAuthError, ok};
use super::request::BackEndCall;
use crate::domain::Account;

const TOKEN_ABSENT: &str = "The parameter token is required.";

/// `POST /oauth2/revoke`. `token_type_hint` is ignored: both kinds of tokens are tried (RFC 7009 §2.1).
pub(super) async fn revoke(http: HttpRequest, payload: web::Payload, door: web::Data<BackEndDoor>) -> HttpResponse {
    door.revoke(&http, payload).await.unwrap_or_else(OAuthError::respond)
}

impl BackEndDoor {
    async fn revoke(&self, http: &HttpRequest, payload: web::Payload) -> Result<HttpResponse, OAuthError> {
        let body = self.read(http, payload).await?;
        let call = self.authenticate(http, &body, &[]).await?;
        let account = call.find_account(call.get("token", TOKEN_ABSENT)?).await?;
        if let Some(account) = account {
            call.end(&account).await?;
        }
        Ok(ok().finish())
    }
}

impl BackEndCall<'_> {
    /// The account of the token `raw`: one that this back end was given, or a user's that it may exchange. `None` for a token
    /// that this service does not know, which is no error (RFC 7009 §2.2).
    async fn find_account(&self, raw: &str) -> Result<Option<Account>, OAuthError> {
        let given = self.door.exchange.given.find_account(&self.connection, raw).await.map_err(|error| {
            tracing::error!(%error, "a token cannot be looked up");
            OAuthError::Unavailable
        })?;
        if given.is_some() {
            return Ok(given);
        }
        let subject = self.find_subject(raw).await?;
        Ok(subject.map(|token| Account::of_back_end(self.connection.holder.clone(), &token.user)))
    }

    /// Removes the kept token of the slot and revokes its refresh token at the provider, in the background.
    async fn end(&self, account: &Account) -> Result<(), OAuthError> {
        let ended = self.door.exchange.sign_out.of_account(account, Some(&self.connection.name)).await;
        ended.map_err(|error| {
            let correlation_id = self.correlation_id.as_str();
            tracing::error!(correlation_id, %error, "a token may still be kept after its revocation: call again");
            OAuthError::Unavailable
        })
    }
}
