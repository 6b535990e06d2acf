use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::BackEndDoor;
use super::replies::{OAuthError, ok};
use super::request::BackEndCall;
use crate::domain::{ExchangeableToken, StatedClaims, Timestamp, UserKey, UserToken};
use crate::exchange::{GivenToken, read_stated_claims};

const TOKEN_ABSENT: &str = "The parameter token is required.";

/// What is said of a token. Of a token that is not active, or not for this back end, nothing else is said.
// RFC 7662 §2.2.
#[derive(Default, Serialize, ToSchema)]
pub(super) struct IntrospectionBody {
    /// Whether the token is valid at the moment, and for this back end.
    active: bool,
    /// What the token was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// The application that has requested the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// The name that the user signs in with. It is no key: use `iss` and `sub`, or `tid` and `oid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// `Bearer`, of a token that was given by the token endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    /// The end of the token's lifetime, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// The time of its issue.
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    /// The time from which it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    /// The issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    /// The user's id at the issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    /// Whom the token is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<Audience>,
    /// The user's tenant, where the issuer is Entra.
    #[serde(skip_serializing_if = "Option::is_none")]
    tid: Option<String>,
    /// The user's object id, where the issuer is Entra.
    #[serde(skip_serializing_if = "Option::is_none")]
    oid: Option<String>,
}

/// One audience is a text, several are a list, as in a JWT.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// `POST /oauth2/introspect`.
pub(super) async fn introspect(http: HttpRequest, payload: web::Payload, door: web::Data<BackEndDoor>) -> HttpResponse {
    door.introspect(&http, payload).await.unwrap_or_else(OAuthError::respond)
}

impl BackEndDoor {
    async fn introspect(&self, http: &HttpRequest, payload: web::Payload) -> Result<HttpResponse, OAuthError> {
        let body = self.read(http, payload).await?;
        let call = self.authenticate(http, &body, &[]).await?;
        let found = call.describe(call.get("token", TOKEN_ABSENT)?).await?;
        Ok(ok().json(found.unwrap_or_else(IntrospectionBody::inactive)))
    }
}

impl BackEndCall<'_> {
    /// What is said of the token `raw`: a token of a user that this back end may exchange, or one that it was given and that is
    /// still kept. `None` for every other token. One that it was given and that is not kept any more is not judged as a user's,
    /// although a user's token may look alike: a revocation would have no effect then.
    async fn describe(&self, raw: &str) -> Result<Option<IntrospectionBody>, OAuthError> {
        match self.find_given(raw).await? {
            Some(GivenToken::Held(kept)) if !kept.has_ended(self.door.ambient.now()) => {
                return Ok(Some(IntrospectionBody::of_kept(&kept, &self.connection.scopes)));
            }
            Some(_) => return Ok(None),
            None => {}
        }
        let subject = self.find_subject(raw).await?;
        Ok(subject.and_then(|token| Some(IntrospectionBody::of_subject(&token, read_stated_claims(&token)?))))
    }

    async fn find_given(&self, raw: &str) -> Result<Option<GivenToken>, OAuthError> {
        self.door.exchange.given.find(&self.connection, raw).await.map_err(|error| {
            tracing::error!(%error, "a token cannot be looked up");
            OAuthError::Unavailable
        })
    }
}

impl IntrospectionBody {
    fn inactive() -> Self {
        Self::default()
    }

    fn of_kept(token: &UserToken, requested: &[String]) -> Self {
        Self {
            scope: Some(token.granted_scope.clone().unwrap_or_else(|| requested.join(" "))),
            token_type: Some("Bearer"),
            exp: Some(token.expires_at.unix_seconds()),
            iat: Some(token.obtained_at.unix_seconds()),
            sub: Some(token.user.subject().to_owned()),
            ..Self::of_user(&token.user)
        }
    }

    fn of_subject(token: &ExchangeableToken, claims: StatedClaims) -> Self {
        let StatedClaims { issuer, subject, mut audience, scope, client_id, username, issued_at, not_before } = claims;
        let audience = match (audience.pop(), audience.is_empty()) {
            (Some(only), true) => Some(Audience::One(only)),
            (Some(last), false) => Some(Audience::Several(audience.into_iter().chain([last]).collect())),
            (None, _) => None,
        };
        Self {
            scope,
            client_id,
            username,
            exp: Some(token.expires_at.unix_seconds()),
            iat: issued_at.map(Timestamp::unix_seconds),
            nbf: not_before.map(Timestamp::unix_seconds),
            iss: Some(issuer),
            sub: Some(subject),
            aud: audience,
            ..Self::of_user(&token.user)
        }
    }

    /// An active token, with the members that name its person.
    fn of_user(user: &UserKey) -> Self {
        let tenant = user.tenant_id().map(str::to_owned);
        let object_id = tenant.is_some().then(|| user.subject().to_owned());
        let issuer = tenant.is_none().then(|| user.issuer().to_owned());
        Self { active: true, tid: tenant, oid: object_id, iss: issuer, ..Self::default() }
    }
}
