//! The grant `client_credentials` of a [`BackEndCall`]: a token of the back end as itself.

use actix_web::HttpResponse;

use super::replies::OAuthError;
use super::request::BackEndCall;
use super::token::IssuedTokenBody;
use crate::bot_connector::BackEndAppTokenError;
use crate::domain::AppScope;

impl BackEndCall<'_> {
    /// A token of the back end's application itself (RFC 6749 §4.4), where the configuration lists scopes for it.
    pub(super) async fn issue_app_token(&self) -> Result<HttpResponse, OAuthError> {
        if self.back_end.app_scopes.is_empty() {
            return Err(OAuthError::UnauthorizedClient);
        }
        let scope = self.choose_app_scope()?;
        self.check_app_targets(scope)?;
        let (tokens, back_end) = (&self.door.exchange.app_tokens, &self.back_end.name);
        let token = tokens.get(back_end, scope, &self.correlation_id, self.deadline).await.map_err(|error| {
            let (bot, correlation_id) = (self.connection.holder.as_str(), self.correlation_id.as_str());
            if error != BackEndAppTokenError::NoClient {
                tracing::warn!(correlation_id, bot, scope = scope.as_str(), %error, "a back end got no app token");
            }
            OAuthError::AppToken(error)
        })?;
        let body = IssuedTokenBody {
            access_token: token.access_token.expose(),
            issued_token_type: None,
            token_type: "Bearer",
            expires_in: self.door.seconds_until(token.expires_at),
            scope: scope.as_str().to_owned(),
        };
        Ok(body.respond())
    }

    /// The scope that the request names, or the only one that there is. A token is for one resource.
    fn choose_app_scope(&self) -> Result<&AppScope, OAuthError> {
        let listed = &self.back_end.app_scopes;
        let mut named = self.named_scopes();
        match (named.next(), named.next()) {
            (Some(named), None) => {
                let found = listed.iter().find(|scope| scope.as_str() == named);
                found.ok_or(OAuthError::InvalidScope("The scope is not one that this client may get tokens for."))
            }
            (Some(_), Some(_)) => Err(OAuthError::InvalidScope("A token of an application has one scope.")),
            (None, _) => match listed.as_slice() {
                [only] => Ok(only),
                _ => Err(OAuthError::InvalidScope("The parameter scope is required, as there are several.")),
            },
        }
    }

    /// `resource` may repeat the resource of the scope (RFC 8707 §2).
    fn check_app_targets(&self, scope: &AppScope) -> Result<(), OAuthError> {
        let mut named = ["audience", "resource"].into_iter().flat_map(|name| self.form.list(name));
        if named.all(|target| target == scope.resource()) { Ok(()) } else { Err(OAuthError::InvalidTarget) }
    }
}
