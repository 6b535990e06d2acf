use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::BackEndDoor;
use super::replies::{OAuthError, ok};
use crate::domain::Timestamp;

/// The grants of the token endpoint.
pub(super) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
pub(super) const CLIENT_CREDENTIALS: &str = "client_credentials";

/// RFC 8693 §2.1 and RFC 8707 §2 let a request name several targets.
const REPEATABLE: [&str; 2] = ["audience", "resource"];

/// A token. There is never a refresh token: the back end presents the user's token again.
// RFC 6749 §5.1, RFC 8693 §2.2.1.
#[derive(Serialize, ToSchema)]
pub(super) struct IssuedTokenBody<'a> {
    /// The token.
    pub(super) access_token: &'a str,
    /// Of a token exchange: `urn:ietf:params:oauth:token-type:access_token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issued_token_type: Option<&'static str>,
    /// `Bearer`.
    pub(super) token_type: &'static str,
    /// The seconds for which the token is valid.
    pub(super) expires_in: u64,
    /// What the token was granted.
    pub(super) scope: String,
}

/// `POST /oauth2/token`.
pub(super) async fn issue(http: HttpRequest, payload: web::Payload, door: web::Data<BackEndDoor>) -> HttpResponse {
    door.issue(&http, payload).await.unwrap_or_else(OAuthError::respond)
}

impl BackEndDoor {
    async fn issue(&self, http: &HttpRequest, payload: web::Payload) -> Result<HttpResponse, OAuthError> {
        let body = self.read(http, payload).await?;
        let call = self.authenticate(http, &body, &REPEATABLE).await?;
        match call.get("grant_type", "The parameter grant_type is required.")? {
            TOKEN_EXCHANGE => call.exchange_subject_token().await,
            JWT_BEARER => call.exchange_assertion().await,
            CLIENT_CREDENTIALS => call.issue_app_token().await,
            _ => Err(OAuthError::UnsupportedGrantType),
        }
    }

    /// The whole seconds from now to `end`.
    pub(super) fn seconds_until(&self, end: Timestamp) -> u64 {
        self.ambient.now().until(end).as_secs()
    }
}

impl IssuedTokenBody<'_> {
    pub(super) fn respond(&self) -> HttpResponse {
        ok().json(self)
    }
}
