use actix_web::{HttpRequest, HttpResponse, web};

use super::replies::{LogoutRefusal, done};
use super::{BackChannelLogout, PROVIDER};
use crate::domain::Secret;
use crate::inbound::{
    ClientNetwork, Form, RequestId, TrustedProxies, announces_form, read_body, read_segment, run_to_end,
};
use crate::observability::{AuditEntry, AuditEvent};
use crate::sign_in::{ProviderLogout, ProviderLogoutError};
use crate::sign_out::{SignOutCause, SignOutOrigin};

/// The check that fails for a body without one logout token.
const FORM_CHECK: &str = "form";
/// The check that fails for a name that no identity provider has.
const PROVIDER_CHECK: &str = "identity_provider";
/// The check that fails for a token that was used before.
const USED_CHECK: &str = "jti_used";

/// A request of an identity provider.
struct LogoutCall<'a> {
    door: &'a web::Data<BackChannelLogout>,
    cause: SignOutCause,
}

/// `POST /backchannel-logout/{identity_provider}`.
pub(super) async fn answer(
    http: HttpRequest,
    payload: web::Payload,
    door: web::Data<BackChannelLogout>,
) -> HttpResponse {
    let cause = SignOutCause {
        correlation_id: RequestId::get_or_draw(&http, &door.ambient.entropy),
        client: TrustedProxies::client_address(&http),
        origin: SignOutOrigin::IdentityProvider,
    };
    let call = LogoutCall { door: &door, cause };
    match call.carry_out(&http, payload).await {
        Ok(()) => done(),
        Err(refusal) => refusal.respond(),
    }
}

impl LogoutCall<'_> {
    async fn carry_out(&self, http: &HttpRequest, payload: web::Payload) -> Result<(), LogoutRefusal> {
        let token = self.read_token(http, payload).await?;
        let provider = read_segment(http, PROVIDER).unwrap_or_default();
        let logout = match self.door.parts.logouts.read(&provider, &token).await {
            Ok(logout) => logout,
            Err(error) => return Err(self.refuse(&error).await),
        };
        let is_used = self.door.parts.uses.is_used(&logout.issuer, &logout.token_id).await.map_err(|error| {
            tracing::error!(correlation_id = self.cause.correlation_id, %error, "the uses of logout tokens cannot be read");
            LogoutRefusal::Unavailable
        })?;
        if is_used {
            return Err(self.refuse_check(USED_CHECK).await);
        }
        let (door, cause) = (self.door.clone(), self.cause.clone());
        let ended = run_to_end(async move { door.use_token(&logout, cause).await }).await;
        ended.unwrap_or(Err(LogoutRefusal::Unavailable))
    }

    /// Reads the form, which has one parameter of our concern.
    async fn read_token(&self, http: &HttpRequest, payload: web::Payload) -> Result<Secret, LogoutRefusal> {
        let body = read_body(http, payload, self.door.limits).await.map_err(LogoutRefusal::Body)?;
        let form = Form::parse(&body).ok().filter(|_| announces_form(http.headers()));
        let token = form.as_ref().filter(|form| !form.is_repeated("logout_token"));
        let token = token.and_then(|form| form.find("logout_token")).map(Secret::from);
        match token {
            Some(token) => Ok(token),
            None => Err(self.refuse_check(FORM_CHECK).await),
        }
    }

    async fn refuse(&self, error: &ProviderLogoutError) -> LogoutRefusal {
        match error {
            ProviderLogoutError::UnknownProvider => self.refuse_check(PROVIDER_CHECK).await,
            ProviderLogoutError::Rejected { check } => self.refuse_check(check).await,
            ProviderLogoutError::KeyNotKnownYet => {
                self.log_unchecked(error);
                // The key is made up more often than new. The provider of a new one sends the token again after either answer.
                self.charge(LogoutRefusal::Unavailable).await
            }
            ProviderLogoutError::KeysUnavailable => {
                self.log_unchecked(error);
                LogoutRefusal::Unavailable
            }
            // Only a genuine token comes to the store.
            ProviderLogoutError::Store(_) => {
                tracing::error!(correlation_id = self.cause.correlation_id, %error, "a logout token cannot be checked");
                LogoutRefusal::Unavailable
            }
        }
    }

    /// Logs that a token cannot be checked, for the first ones of each address: whoever sends it has proved nothing.
    fn log_unchecked(&self, error: &ProviderLogoutError) {
        let SignOutCause { correlation_id, client, .. } = &self.cause;
        if let Some(refusals) = self.door.lines.note(*client) {
            tracing::error!(correlation_id, %error, refusals, "a logout token cannot be checked");
        }
    }

    /// Counts a token among the refused ones of its address, and answers `refusal` while there are few.
    async fn charge(&self, refusal: LogoutRefusal) -> LogoutRefusal {
        match self.door.parts.guesses.charge(self.cause.client.map(ClientNetwork::from_address)).await {
            Ok(()) => refusal,
            Err(limited) => LogoutRefusal::TooMany { retry_after: limited.retry_after },
        }
    }

    /// Counts a refused token, and tells log and audit stream of the first ones of each address.
    async fn refuse_check(&self, check: &'static str) -> LogoutRefusal {
        let SignOutCause { correlation_id, client, .. } = &self.cause;
        if let Some(refusals) = self.door.lines.note(*client) {
            let event = AuditEvent::ProviderLogoutRefused;
            tracing::warn!(
                correlation_id,
                check,
                refusals,
                security = event.is_security(),
                hint = "a provider signs out by a logout token for a client id that bot-sso has there, at /backchannel-logout/<name of \
                        the identity provider>",
                "a logout token was refused"
            );
            AuditEntry::new(event).correlation_id(correlation_id).client(*client).detail(check).write();
        }
        self.charge(LogoutRefusal::Token).await
    }
}

impl BackChannelLogout {
    /// Signs the person out, and notes the use of the token afterwards: a token whose sign-out is incomplete, or was stopped half
    /// way, can be sent again. A repetition that comes in between signs the same person out once more, which changes nothing.
    async fn use_token(&self, logout: &ProviderLogout, cause: SignOutCause) -> Result<(), LogoutRefusal> {
        let correlation_id = cause.correlation_id.clone();
        if let Some(user) = &logout.user {
            self.parts.sign_out.everywhere(user, cause).await.map_err(|error| {
                tracing::error!(correlation_id, %error, "a user may still have tokens after a sign-out at the provider");
                LogoutRefusal::Unavailable
            })?;
        }
        self.parts.uses.note(&logout.issuer, &logout.token_id, logout.ends_at).await.map_err(|error| {
            tracing::error!(correlation_id, %error, "the use of a logout token cannot be kept: the provider has to send it again");
            LogoutRefusal::Unavailable
        })
    }
}
