use std::net::IpAddr;
use std::sync::Arc;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::OAuthDoor;
use super::call::{DirectoryCall, log_outage, unknown_tenant};
use super::replies::{OAuthRefusal, ok};
use crate::accounts::DirectoryView;
use crate::domain::{Application, DirectoryUser, Secret, TenantId};
use crate::endpoints::directory::redemption::{
    BeginningGrant, GrantCheck, GrantRefusal, GrantRequest, GrantedTokens, PASSWORD_USER, PresentedCode,
};
use crate::inbound::{Form, TrustedProxies, run_to_end};
use crate::observability::DirectoryCount;
use crate::token_issuer::{TokenSubject, UserGrant};

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
        let application = self.authenticate(&form).await?.clone();
        let call = TokenCall {
            door: self.door.clone(),
            view: Arc::clone(&self.view),
            application,
            form,
            correlation_id: self.correlation_id(),
            client: TrustedProxies::client_address(self.http),
        };
        let tokens = run_to_end(async move { call.grant().await }).await;
        Ok(respond(&tokens.unwrap_or(Err(OAuthRefusal::Unavailable))?))
    }
}

impl TokenCall {
    async fn grant(&self) -> Result<GrantedTokens, OAuthRefusal> {
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

    /// Redeems the code of the request.
    async fn redeem_code(&self) -> Result<GrantedTokens, OAuthRefusal> {
        let presented = PresentedCode {
            code: self.get("code", "The parameter code is required.")?,
            redirect_uri: self.form.find("redirect_uri"),
            code_verifier: self.form.find("code_verifier"),
        };
        Ok(self.door.parts.redemption.redeem_code(self.request(), presented).await?)
    }

    /// Replaces the refresh token of the request.
    async fn refresh(&self) -> Result<GrantedTokens, OAuthRefusal> {
        let presented = self.get("refresh_token", "The parameter refresh_token is required.")?;
        Ok(self.door.parts.redemption.refresh(self.request(), presented, self.form.find("scope")).await?)
    }

    /// Begins `grant`, for which `user` has proved the password, and issues its first tokens.
    pub(super) async fn begin_grant(
        &self,
        grant: UserGrant,
        user: &DirectoryUser,
    ) -> Result<GrantedTokens, OAuthRefusal> {
        let beginning = BeginningGrant { grant, user, nonce: None, user_check: &PASSWORD_USER };
        Ok(self.door.parts.redemption.begin(self.request(), beginning).await?)
    }

    /// Signs tokens that cannot be refreshed.
    pub(super) fn sign(&self, subject: &TokenSubject<'_>, scope: String) -> Result<GrantedTokens, OAuthRefusal> {
        let issued = self.door.parts.redemption.sign(self.request(), subject).map_err(log_outage)?;
        Ok(GrantedTokens { issued, refresh_token: None, scope })
    }

    /// Logs that `check` has failed.
    pub(super) fn refuse(&self, check: &'static GrantCheck) -> OAuthRefusal {
        self.request().refuse(check).into()
    }

    fn request(&self) -> GrantRequest<'_> {
        let Self { view, application, correlation_id, client, .. } = self;
        GrantRequest { view, application, correlation_id, client: *client }
    }
}

impl From<GrantRefusal> for OAuthRefusal {
    fn from(refusal: GrantRefusal) -> Self {
        match refusal {
            GrantRefusal::Refused(check) => Self::InvalidGrant(check.sentence),
            GrantRefusal::WiderScope => Self::InvalidScope,
            GrantRefusal::Unavailable => Self::Unavailable,
        }
    }
}

fn respond(tokens: &GrantedTokens) -> HttpResponse {
    ok().json(DirectoryTokenBody {
        access_token: tokens.issued.access_token.expose(),
        id_token: tokens.issued.id_token.as_ref().map(Secret::expose),
        refresh_token: tokens.refresh_token.as_ref().map(Secret::expose),
        token_type: "Bearer",
        expires_in: tokens.issued.expires_in,
        scope: &tokens.scope,
    })
}
