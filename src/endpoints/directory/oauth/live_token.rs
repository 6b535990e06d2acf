use super::OAuthDoor;
use super::call::{DirectoryCall, log_outage};
use super::replies::OAuthRefusal;
use crate::accounts::DirectoryView;
use crate::domain::DirectoryUser;
use crate::inbound::{Problem, read_bearer};
use crate::token_issuer::{AccessTokenClaims, UserGrant};

/// `provider` of the tokens of users that an application has signed in by itself. No other provider has such a name.
const CUSTOM_PROVIDER: &str = "appid_custom";

/// An access token that is good at the moment.
pub(super) struct LiveToken {
    pub(super) claims: AccessTokenClaims,
    /// The user; `None` for a user that an application has signed in by itself, and for the application itself.
    pub(super) user: Option<DirectoryUser>,
}

/// A grant that is good at the moment, with its user.
pub(super) struct LiveGrant {
    pub(super) grant: UserGrant,
    pub(super) user: DirectoryUser,
}

impl DirectoryCall<'_> {
    /// The access token that is the bearer of the request.
    pub(super) async fn find_bearer(&self) -> Result<LiveToken, OAuthRefusal> {
        let raw = read_bearer(self.http.headers()).map_err(|problem| match problem {
            Problem::MissingAuthorization => OAuthRefusal::NoBearer,
            _ => OAuthRefusal::InvalidToken,
        })?;
        self.door.find_live_token(&self.view, raw).await?.ok_or(OAuthRefusal::InvalidToken)
    }
}

impl OAuthDoor {
    /// The access token `raw`, if it is one of the directory, and nothing has ended it: its application still exists, and so
    /// does its grant with a user who may sign in.
    pub(super) async fn find_live_token(
        &self,
        view: &DirectoryView,
        raw: &str,
    ) -> Result<Option<LiveToken>, OAuthRefusal> {
        let claims = match self.parts.tokens.check_access_token(&view.directory, raw) {
            Ok(claims) => claims,
            Err(refusal) => {
                tracing::info!(tenant = view.directory.tenant.as_str(), check = refusal.0, "a token is not accepted");
                return Ok(None);
            }
        };
        if view.find_application(&claims.client_id).is_none() {
            return Ok(None);
        }
        if claims.provider.as_deref().is_none_or(|provider| provider == CUSTOM_PROVIDER) {
            return Ok(Some(LiveToken { claims, user: None }));
        }
        let Some(id) = &claims.grant_id else { return Ok(None) };
        let grant = self.parts.grants.find(&view.directory.tenant, id).await.map_err(log_outage)?;
        let Some(grant) = grant.filter(|grant| grant.client_id == claims.client_id) else { return Ok(None) };
        let live = self.check_grant(view, grant).await?;
        Ok(live.map(|live| LiveToken { claims, user: Some(live.user) }))
    }

    /// The grant of the refresh token `raw`, if it is the newest one and nothing has ended it.
    pub(super) async fn find_live_grant(
        &self,
        view: &DirectoryView,
        raw: &str,
    ) -> Result<Option<LiveGrant>, OAuthRefusal> {
        let found = self.parts.grants.find_by_refresh_token(&view.directory.tenant, raw).await.map_err(log_outage)?;
        let of_known = found.filter(|grant| view.find_application(&grant.client_id).is_some());
        let Some(grant) = of_known.filter(|_| view.settings.tokens.refresh_enabled) else { return Ok(None) };
        self.check_grant(view, grant).await
    }

    async fn check_grant(&self, view: &DirectoryView, grant: UserGrant) -> Result<Option<LiveGrant>, OAuthRefusal> {
        let user = self.find_active_user(view, &grant.user_id).await?;
        let user = user.filter(|user| user.revoked_grants == grant.revoked_grants);
        Ok(user.map(|user| LiveGrant { grant, user }))
    }
}
