use std::net::IpAddr;
use std::sync::Arc;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::OAuthDoor;
use super::call::{DirectoryCall, log_outage, unknown_tenant};
use super::grant_checks::{CODE_REPLAYED, GrantCheck};
use super::replies::{OAuthRefusal, ok};
use crate::accounts::DirectoryView;
use crate::domain::{Application, DirectoryUser, Secret, TenantId};
use crate::inbound::{Form, TrustedProxies, run_to_end};
use crate::observability::{AuditEntry, AuditEvent, DirectoryCount};
use crate::token_issuer::{IssuedTokens, NewGrant, TokenSubject, UserGrant};

/// The grants of the token endpoint.
pub(super) const GRANT_TYPES: [&str; 5] = [AUTHORIZATION_CODE, REFRESH_TOKEN, PASSWORD, CLIENT_CREDENTIALS, JWT_BEARER];
const AUTHORIZATION_CODE: &str = "authorization_code";
const REFRESH_TOKEN: &str = "refresh_token";
const PASSWORD: &str = "password";
const CLIENT_CREDENTIALS: &str = "client_credentials";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A token request of an authenticated application. It owns its parts, because it outlives a caller that hangs up.
pub(super) struct TokenCall {
    pub(super) door: Data<OAuthDoor>,
    pub(super) view: Arc<DirectoryView>,
    pub(super) application: Application,
    pub(super) form: Form<'static>,
    pub(super) correlation_id: String,
    pub(super) client: Option<IpAddr>,
}

/// What a token request gives.
pub(super) struct NewTokens {
    pub(super) issued: IssuedTokens,
    pub(super) refresh_token: Option<Secret>,
    pub(super) scope: String,
}

/// The tokens of a directory.
// RFC 6749 §5.1, OpenID Connect Core §3.1.3.3.
#[derive(Serialize, ToSchema)]
pub(super) struct DirectoryTokenBody<'a> {
    /// The access token, a JWT.
    access_token: &'a str,
    /// The ID token; absent where the application has a token as itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
    /// The refresh token, if the directory issues them. Each is good once.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    /// `Bearer`.
    token_type: &'static str,
    /// The seconds for which the access token and the ID token are valid.
    expires_in: u32,
    /// What was granted.
    scope: &'a str,
}

/// `POST /oauth/v4/{tenant}/token`.
pub(super) async fn issue(http: HttpRequest, payload: Payload, door: Data<OAuthDoor>) -> HttpResponse {
    let Some(call) = DirectoryCall::of_path(&http, door) else { return unknown_tenant() };
    call.finish(call.issue(payload).await)
}

impl DirectoryCall<'_> {
    async fn issue(&self, payload: Payload) -> Result<HttpResponse, OAuthRefusal> {
        let form = self.read(payload).await?;
        let application = self.authenticate(&form)?.clone();
        let call = TokenCall {
            door: self.door.clone(),
            view: Arc::clone(&self.view),
            application,
            form,
            correlation_id: self.correlation_id(),
            client: TrustedProxies::client_address(self.http),
        };
        let tokens = run_to_end(async move { call.grant().await }).await;
        Ok(tokens.unwrap_or(Err(OAuthRefusal::Unavailable))?.respond())
    }
}

impl TokenCall {
    async fn grant(&self) -> Result<NewTokens, OAuthRefusal> {
        let (tokens, count) = match self.get("grant_type", "The parameter grant_type is required.")? {
            AUTHORIZATION_CODE => (self.redeem_code().await?, DirectoryCount::TokensByCode),
            REFRESH_TOKEN => (self.refresh().await?, DirectoryCount::TokensByRefreshToken),
            PASSWORD => (self.check_password().await?, DirectoryCount::TokensByPassword),
            CLIENT_CREDENTIALS => (self.issue_for_application()?, DirectoryCount::TokensByClientCredentials),
            JWT_BEARER => (self.redeem_assertion().await?, DirectoryCount::TokensByAssertion),
            _ => return Err(OAuthRefusal::UnsupportedGrantType),
        };
        self.door.parts.counts.add(&self.view.directory.name, count);
        Ok(tokens)
    }

    /// The tenant id of the directory.
    pub(super) fn tenant(&self) -> &TenantId {
        &self.view.directory.tenant
    }

    /// The value of a required parameter.
    pub(super) fn get(&self, name: &str, absent: &'static str) -> Result<&str, OAuthRefusal> {
        self.form.find(name).ok_or(OAuthRefusal::InvalidRequest(absent))
    }

    /// Refuses a grant that a public application may not use, because nothing proves that it is the application.
    pub(super) fn require_secret(&self) -> Result<(), OAuthRefusal> {
        if self.application.is_public() { Err(OAuthRefusal::UnauthorizedClient) } else { Ok(()) }
    }

    /// Begins `grant` and issues its first tokens.
    pub(super) async fn begin_grant(
        &self,
        grant: UserGrant,
        user: &DirectoryUser,
        nonce: Option<&str>,
    ) -> Result<NewTokens, OAuthRefusal> {
        let settings = &self.view.settings.tokens;
        let refresh_seconds = settings.refresh_enabled.then_some(settings.refresh_seconds);
        let new = NewGrant { grant: grant.clone(), access_seconds: settings.access_seconds, refresh_seconds };
        let begun = self.door.parts.grants.begin(self.tenant(), new).await.map_err(log_outage)?;
        let refresh_token = begun.ok_or_else(|| self.refuse(&CODE_REPLAYED))?;
        self.sign(&TokenSubject::User { user, grant: &grant, nonce }, grant.scope.clone(), refresh_token)
    }

    /// Signs tokens for `subject`.
    pub(super) fn sign(
        &self,
        subject: &TokenSubject<'_>,
        scope: String,
        refresh_token: Option<Secret>,
    ) -> Result<NewTokens, OAuthRefusal> {
        let DirectoryView { directory, settings } = &*self.view;
        let issued = self.door.parts.tokens.issue(directory, &self.application, &settings.tokens, subject);
        let issued = issued.map_err(log_outage)?;
        Ok(NewTokens { issued, refresh_token, scope })
    }

    /// Logs that `check` has failed.
    pub(super) fn refuse(&self, check: &GrantCheck) -> OAuthRefusal {
        let GrantCheck { name, hint, sentence } = check;
        let (correlation_id, tenant) = (self.correlation_id.as_str(), self.tenant().as_str());
        let application = self.application.client_id.as_str();
        tracing::warn!(correlation_id, tenant, application, check = name, hint, "a grant was refused");
        OAuthRefusal::InvalidGrant(sentence)
    }

    /// An entry of the audit stream about this request.
    pub(super) fn audit(&self, event: AuditEvent) -> AuditEntry<'_> {
        let entry = AuditEntry::new(event).tenant(self.tenant()).application(&self.application.client_id);
        entry.correlation_id(&self.correlation_id).client(self.client)
    }
}

impl NewTokens {
    fn respond(&self) -> HttpResponse {
        ok().json(DirectoryTokenBody {
            access_token: self.issued.access_token.expose(),
            id_token: self.issued.id_token.as_ref().map(Secret::expose),
            refresh_token: self.refresh_token.as_ref().map(Secret::expose),
            token_type: "Bearer",
            expires_in: self.issued.expires_in,
            scope: &self.scope,
        })
    }
}
