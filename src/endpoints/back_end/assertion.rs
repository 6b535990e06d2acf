use actix_web::HttpResponse;

use super::replies::OAuthError;
use super::request::BackEndCall;
use super::token::IssuedTokenBody;
use crate::domain::{ExchangeableToken, Secret, UserToken};
use crate::exchange::{AssertionRequest, Reason, Refusal, may_be_asked_for};
use crate::observability::ExchangeOutcome;

pub(super) const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT_TYPE: &str = "urn:ietf:params:oauth:token-type:jwt";

/// How an error about the user's token is named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TokenParameter {
    /// `subject_token`: `invalid_request` (RFC 8693 §2.2.2).
    SubjectToken,
    /// `assertion`: `invalid_grant` (RFC 7523 §3.1).
    Assertion,
}

impl BackEndCall<'_> {
    /// The token exchange of RFC 8693.
    pub(super) async fn exchange_subject_token(&self) -> Result<HttpResponse, OAuthError> {
        let token = self.get("subject_token", "The parameter subject_token is required.")?;
        match self.get("subject_token_type", "The parameter subject_token_type is required.")? {
            ACCESS_TOKEN_TYPE | JWT_TYPE => {}
            _ => {
                let sentence = "The subject_token_type must be that of an access token or of a JWT.";
                return Err(OAuthError::InvalidRequest(sentence));
            }
        }
        if ["actor_token", "actor_token_type"].iter().any(|name| self.form.find(name).is_some()) {
            return Err(OAuthError::InvalidRequest("An actor_token is not supported."));
        }
        if self.form.find("requested_token_type").is_some_and(|requested| requested != ACCESS_TOKEN_TYPE) {
            return Err(OAuthError::InvalidRequest("The requested_token_type must be that of an access token."));
        }
        let token = self.exchange(token, TokenParameter::SubjectToken).await?;
        Ok(self.answer(&token, Some(ACCESS_TOKEN_TYPE)))
    }

    /// The same exchange by the grant of RFC 7523 §2.1, as Entra's clients write it.
    pub(super) async fn exchange_assertion(&self) -> Result<HttpResponse, OAuthError> {
        let assertion = self.get("assertion", "The parameter assertion is required.")?;
        let token = self.exchange(assertion, TokenParameter::Assertion).await?;
        Ok(self.answer(&token, None))
    }

    async fn exchange(&self, raw: &str, parameter: TokenParameter) -> Result<std::sync::Arc<UserToken>, OAuthError> {
        self.check_targets()?;
        if !self.named_scopes().all(|scope| may_be_asked_for(&self.connection, scope)) {
            return Err(OAuthError::InvalidScope("A scope is not one that this client may get tokens for."));
        }
        let raw = Secret::from(raw);
        let token = self.door.exchange.validators.validate(&self.connection, &raw).await;
        let token = token.map_err(|refusal| self.refuse(refusal, parameter))?;
        let request = AssertionRequest {
            connection: self.connection.clone(),
            token,
            correlation_id: self.correlation_id.clone(),
            deadline: self.deadline,
        };
        let token = self.door.exchange.assertions.exchange(request).await;
        let token = token.map_err(|refusal| self.refuse(refusal, parameter))?;
        let (holder, connection) = (self.connection.holder.as_str(), self.connection.name.as_str());
        self.door.counters.exchanges.add(holder, Some(connection), ExchangeOutcome::Kept);
        if let Err(error) = self.door.exchange.given.note(&self.connection.holder, &token).await {
            let correlation_id = self.correlation_id.as_str();
            tracing::warn!(correlation_id, bot = holder, %error, "a token that was given will not be found by introspection");
        }
        Ok(token)
    }

    /// Logs the refusal. The user's token is at fault where its form, time or user is refused; then the grant names the error.
    fn refuse(&self, refusal: Refusal, parameter: TokenParameter) -> OAuthError {
        self.report(&refusal);
        let sentence = match refusal.reason {
            Reason::AssertionExpired => "The user's token has expired, or is about to.",
            Reason::BadRequest | Reason::AssertionRejected(_) | Reason::IdentityMismatch(_) => {
                "The user's token is not one that is exchanged for this client."
            }
            _ => return OAuthError::Refused(Box::new(refusal)),
        };
        match parameter {
            TokenParameter::SubjectToken => OAuthError::InvalidRequest(sentence),
            TokenParameter::Assertion => OAuthError::InvalidAssertion(sentence),
        }
    }

    fn answer(&self, token: &UserToken, issued_token_type: Option<&'static str>) -> HttpResponse {
        let scope = token.granted_scope.clone().unwrap_or_else(|| self.connection.scopes.join(" "));
        IssuedTokenBody {
            access_token: token.access_token.expose(),
            issued_token_type,
            token_type: "Bearer",
            expires_in: self.door.seconds_until(token.expires_at),
            scope,
        }
        .respond()
    }

    /// The token `raw`, if it is one that could be exchanged for this back end. `Ok(None)`: it is not.
    pub(super) async fn find_subject(&self, raw: &str) -> Result<Option<ExchangeableToken>, OAuthError> {
        match self.door.exchange.validators.validate(&self.connection, &Secret::from(raw)).await {
            Ok(token) => Ok(Some(token)),
            Err(refusal) if matches!(refusal.reason, Reason::TemporarilyUnavailable(_)) => {
                self.report(&refusal);
                Err(OAuthError::Refused(Box::new(refusal)))
            }
            Err(_) => Ok(None),
        }
    }
}
