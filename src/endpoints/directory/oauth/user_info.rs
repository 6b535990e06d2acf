use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::OAuthDoor;
use super::call::{DirectoryCall, unknown_tenant};
use super::live_token::LiveToken;
use super::replies::{OAuthRefusal, ok};
use crate::domain::{DirectoryUser, NamedIdentity, UserStatus};
use crate::token_issuer::AccessTokenClaims;

/// The user of an access token.
// OpenID Connect Core §5.3.2.
#[derive(Serialize, ToSchema)]
pub(super) struct DirectoryUserInfo<'a> {
    /// The user's id, as in the ID token.
    sub: &'a str,
    /// The name to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The first name.
    #[serde(skip_serializing_if = "Option::is_none")]
    given_name: Option<&'a str>,
    /// The last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<&'a str>,
    /// The user name, or the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<&'a str>,
    /// The primary e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    /// Whether the address was confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    /// Where the user signs in; empty for a user that an application has signed in by itself.
    identities: Vec<DirectoryIdentity<'a>>,
}

/// Where a user signs in.
#[derive(Serialize, ToSchema)]
struct DirectoryIdentity<'a> {
    /// `cloud_directory`, or the name of another identity provider.
    provider: &'a str,
    /// The user's id there.
    id: &'a str,
}

/// `GET` and `POST /oauth/v4/{tenant}/userinfo`.
pub(super) async fn read(http: HttpRequest, door: Data<OAuthDoor>) -> HttpResponse {
    let Some(call) = DirectoryCall::of_path(&http, door) else { return unknown_tenant() };
    call.finish(call.read_user().await)
}

impl DirectoryCall<'_> {
    async fn read_user(&self) -> Result<HttpResponse, OAuthRefusal> {
        let live = self.find_bearer().await?;
        if live.claims.scope.split_ascii_whitespace().all(|scope| scope != "openid") {
            return Err(OAuthRefusal::InsufficientScope);
        }
        Ok(ok().json(DirectoryUserInfo::of(&live)))
    }
}

/// The identities of `user`, as the ID token beside the access token of `claims` has them.
fn list_identities<'a>(user: &'a DirectoryUser, claims: &AccessTokenClaims) -> Vec<DirectoryIdentity<'a>> {
    let identities = user.list_identities(claims.provider.as_deref().unwrap_or_default()).into_iter();
    identities.map(|NamedIdentity { provider, id }| DirectoryIdentity { provider, id }).collect()
}

impl<'a> DirectoryUserInfo<'a> {
    fn of(live: &'a LiveToken) -> Self {
        let user = live.user.as_ref();
        Self {
            sub: &live.claims.subject,
            name: user.map(DirectoryUser::shown_name),
            given_name: user.and_then(|user| user.names.given.as_deref()),
            family_name: user.and_then(|user| user.names.family.as_deref()),
            preferred_username: user.and_then(|user| user.user_name.as_deref().or_else(|| user.email())),
            email: user.and_then(|user| user.email()),
            email_verified: user.filter(|user| user.email().is_some()).map(|user| user.status == UserStatus::Confirmed),
            identities: user.map(|user| list_identities(user, &live.claims)).unwrap_or_default(),
        }
    }
}
