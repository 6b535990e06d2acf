use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::OAuthDoor;
use super::call::{DirectoryCall, unknown_tenant};
use super::live_token::{LiveGrant, LiveToken};
use super::replies::{OAuthRefusal, ok};
use crate::domain::{Application, DirectoryUser};
use crate::inbound::ClientRefusal;

/// What is said of a token of the directory. Of a token that is not good at the moment, nothing else is said.
// RFC 7662 §2.2.
#[derive(Default, Serialize, ToSchema)]
pub(super) struct DirectoryIntrospection {
    /// Whether the token is good at the moment.
    active: bool,
    /// What was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// The application that the token was issued to.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// The name or address that the user signs in with.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// `Bearer` for an access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    /// The end of the token's lifetime, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// The time of its issue.
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    /// The user's id; for a token of an application itself its client id.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    /// The applications that the token is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<[String; 1]>,
    /// The issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    /// The id of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
}

/// `POST /oauth/v4/{tenant}/introspect`.
pub(super) async fn introspect(http: HttpRequest, payload: Payload, door: Data<OAuthDoor>) -> HttpResponse {
    let Some(call) = DirectoryCall::of_path(&http, door) else { return unknown_tenant() };
    call.finish(call.introspect(payload).await)
}

impl DirectoryCall<'_> {
    async fn introspect(&self, payload: Payload) -> Result<HttpResponse, OAuthRefusal> {
        let form = self.read(payload).await?;
        let application = self.authenticate(&form).await?;
        if application.is_public() {
            // A client id is no authentication (RFC 7662 §2.1).
            return Err(OAuthRefusal::Client(ClientRefusal::InvalidClient { used_header: false }));
        }
        let token = form.find("token").ok_or(OAuthRefusal::InvalidRequest("The parameter token is required."))?;
        Ok(ok().json(self.describe(application, token).await?.unwrap_or_default()))
    }

    /// What is said of the token `raw`; `None` if it is not active. Each application of the directory may ask about access tokens
    /// of every other one, because it may be the resource server that they are presented at; a refresh token concerns its own
    /// application only (RFC 7662 §4).
    async fn describe(
        &self,
        application: &Application,
        raw: &str,
    ) -> Result<Option<DirectoryIntrospection>, OAuthRefusal> {
        if let Some(live) = self.door.find_live_grant(&self.view, raw).await? {
            return Ok(Some(live)
                .filter(|live| live.grant.client_id == application.client_id)
                .map(|live| self.of_grant(live)));
        }
        Ok(self.door.find_live_token(&self.view, raw).await?.map(|live| self.of_token(live)))
    }

    fn of_token(&self, live: LiveToken) -> DirectoryIntrospection {
        let LiveToken { claims, user } = live;
        DirectoryIntrospection {
            active: true,
            scope: Some(claims.scope),
            username: user.as_ref().and_then(name_login),
            token_type: Some("Bearer"),
            exp: Some(claims.expires_at.unix_seconds()),
            iat: Some(claims.issued_at.unix_seconds()),
            sub: Some(claims.subject),
            aud: Some([claims.client_id.clone()]),
            client_id: Some(claims.client_id),
            iss: Some(self.view.directory.issuer.clone()),
            jti: Some(claims.token_id),
        }
    }

    fn of_grant(&self, live: LiveGrant) -> DirectoryIntrospection {
        let LiveGrant { grant, user } = live;
        DirectoryIntrospection {
            active: true,
            scope: Some(grant.scope),
            client_id: Some(grant.client_id),
            username: name_login(&user),
            sub: Some(grant.user_id),
            iss: Some(self.view.directory.issuer.clone()),
            ..DirectoryIntrospection::default()
        }
    }
}

fn name_login(user: &DirectoryUser) -> Option<String> {
    user.user_name.clone().or_else(|| user.email().map(str::to_owned))
}
