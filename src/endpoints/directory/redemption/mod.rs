//! The redemption of codes and refresh tokens, for the token endpoint and for the connections of bots.
//!
//! Owns which code and which refresh token gives tokens, and the audit lines of those that are stolen. It deliberately does not
//! know how an application proves who it is.

mod codes;
mod grant_checks;
mod refresh_tokens;

use std::fmt::Display;
use std::net::IpAddr;

use crate::accounts::{DirectoryUsers, DirectoryView};
use crate::domain::{Application, ClockAndEntropy, DirectoryUser, Secret};
use crate::observability::{AuditEntry, AuditEvent};
use crate::token_issuer::{
    AuthorizationCodeStore, DirectoryTokens, Grants, IssuedTokens, NewGrant, TokenRefusal, TokenSubject, UserGrant,
};

pub use codes::PresentedCode;
pub use grant_checks::GrantCheck;
#[cfg(test)]
pub use grant_checks::list_hints;
pub(in crate::endpoints::directory) use grant_checks::{ASSERTION, ASSERTION_USED, PASSWORD_USER};

use grant_checks::CODE_REPLAYED;

/// What codes and refresh tokens are redeemed from.
#[derive(Clone)]
pub struct RedemptionParts {
    /// The users.
    pub users: DirectoryUsers,
    /// Authorization codes.
    pub codes: AuthorizationCodeStore,
    /// The grants of applications.
    pub grants: Grants,
    /// The tokens of the directories.
    pub tokens: DirectoryTokens,
}

/// Redeems the codes and refresh tokens of directories.
#[derive(Clone)]
pub struct GrantRedemption {
    parts: RedemptionParts,
    ambient: ClockAndEntropy,
}

/// The request of an application that has proved who it is.
#[derive(Clone, Copy)]
pub struct GrantRequest<'a> {
    /// The directory.
    pub view: &'a DirectoryView,
    /// The application.
    pub application: &'a Application,
    /// The id of the request.
    pub correlation_id: &'a str,
    /// The address that the request came from; `None` if it came from inside of this process.
    pub client: Option<IpAddr>,
}

/// A grant that is about to begin.
pub(in crate::endpoints::directory) struct BeginningGrant<'a> {
    /// The grant.
    pub(in crate::endpoints::directory) grant: UserGrant,
    /// The user, as read before.
    pub(in crate::endpoints::directory) user: &'a DirectoryUser,
    /// `nonce` of the authorization request.
    pub(in crate::endpoints::directory) nonce: Option<&'a str>,
    /// What has failed if the user has been signed out meanwhile.
    pub(in crate::endpoints::directory) user_check: &'static GrantCheck,
}

/// What a redemption gives.
#[derive(Clone, Debug)]
pub struct GrantedTokens {
    /// The signed tokens.
    pub issued: IssuedTokens,
    /// The refresh token, if the directory issues them. It is good once.
    pub refresh_token: Option<Secret>,
    /// What was granted.
    pub scope: String,
}

/// Why there are no tokens.
#[derive(Debug)]
pub enum GrantRefusal {
    /// The code or the refresh token is not good here. The log has the line.
    Refused(&'static GrantCheck),
    /// A refresh asks for more than was granted.
    WiderScope,
    /// The store fails. The log has the line.
    Unavailable,
}

impl GrantRedemption {
    /// Redeems from `parts`.
    #[must_use]
    pub fn new(parts: RedemptionParts, ambient: ClockAndEntropy) -> Self {
        Self { parts, ambient }
    }

    /// Begins a grant and issues its first tokens.
    pub(in crate::endpoints::directory) async fn begin(
        &self,
        request: GrantRequest<'_>,
        beginning: BeginningGrant<'_>,
    ) -> Result<GrantedTokens, GrantRefusal> {
        let BeginningGrant { grant, user, nonce, user_check } = beginning;
        let settings = &request.view.settings.tokens;
        let refresh_seconds = settings.refresh_enabled.then_some(settings.refresh_seconds);
        let new = NewGrant { grant: grant.clone(), access_seconds: settings.access_seconds, refresh_seconds };
        let (grants, tenant) = (&self.parts.grants, &request.view.directory.tenant);
        let begun = grants.begin(tenant, new).await.map_err(log_outage)?;
        let refresh_token = begun.ok_or_else(|| request.refuse(&CODE_REPLAYED))?;
        // A sign-out raises the user's numbers before it ends the grants. One that listed the grants before this grant was there
        // is seen here; a later one ends this grant.
        if !self.is_still_signed_in(request, user).await? {
            grants.end(tenant, &grant.id).await.map_err(log_outage)?;
            return Err(request.refuse(user_check));
        }
        let issued = self.sign(request, &TokenSubject::User { user, grant: &grant, nonce }).map_err(log_outage)?;
        Ok(GrantedTokens { issued, refresh_token, scope: grant.scope })
    }

    /// Signs tokens for `subject`.
    pub(in crate::endpoints::directory) fn sign(
        &self,
        request: GrantRequest<'_>,
        subject: &TokenSubject<'_>,
    ) -> Result<IssuedTokens, TokenRefusal> {
        let DirectoryView { directory, settings } = request.view;
        self.parts.tokens.issue(directory, request.application, &settings.tokens, subject)
    }

    /// Ends the grant that these tokens of one of our own applications belong to. The refresh token may be one that was replaced.
    ///
    /// # Errors
    /// [`GrantRefusal::Unavailable`] if the store fails.
    pub async fn end_grant(
        &self,
        view: &DirectoryView,
        refresh_token: Option<&str>,
        access_token: &str,
    ) -> Result<(), GrantRefusal> {
        let (grants, tenant) = (&self.parts.grants, &view.directory.tenant);
        let by_refresh_token = match refresh_token {
            Some(token) => grants.find_by_any_refresh_token(tenant, token).await.map_err(log_outage)?,
            None => None,
        };
        let of_access_token = || self.parts.tokens.check_access_token(&view.directory, access_token).ok()?.grant_id;
        match by_refresh_token.map(|grant| grant.id).or_else(of_access_token) {
            Some(id) => grants.end(tenant, &id).await.map_err(log_outage),
            None => Ok(()),
        }
    }

    /// Whether nothing has ended the sign-in of `user` since `user` was read.
    async fn is_still_signed_in(&self, request: GrantRequest<'_>, user: &DirectoryUser) -> Result<bool, GrantRefusal> {
        let present = self.find_active_user(request, &user.id).await?;
        Ok(present.is_some_and(|present| {
            present.ended_sessions == user.ended_sessions && present.revoked_grants == user.revoked_grants
        }))
    }

    /// The user with this id, if the user exists and may sign in.
    async fn find_active_user(
        &self,
        request: GrantRequest<'_>,
        user_id: &str,
    ) -> Result<Option<DirectoryUser>, GrantRefusal> {
        let user = self.parts.users.find(&request.view.directory.tenant, user_id).await.map_err(log_outage)?;
        Ok(user.filter(|user| user.active))
    }
}

impl<'a> GrantRequest<'a> {
    /// Logs that `check` has failed.
    pub(in crate::endpoints::directory) fn refuse(self, check: &'static GrantCheck) -> GrantRefusal {
        let GrantCheck { name, hint, .. } = check;
        let (correlation_id, tenant) = (self.correlation_id, self.view.directory.tenant.as_str());
        let application = self.application.client_id.as_str();
        tracing::warn!(correlation_id, tenant, application, check = name, hint, "a grant was refused");
        GrantRefusal::Refused(check)
    }

    /// An entry of the audit stream about this request.
    fn audit(self, event: AuditEvent) -> AuditEntry<'a> {
        let entry = AuditEntry::new(event).tenant(&self.view.directory.tenant).application(&self.application.client_id);
        entry.correlation_id(self.correlation_id).client(self.client)
    }
}

/// Logs that the store failed.
fn log_outage(error: impl Display) -> GrantRefusal {
    tracing::error!(%error, "the records of a directory cannot be read or written");
    GrantRefusal::Unavailable
}
