//! The grant `password` of a [`TokenCall`].

use super::call::log_outage;
use super::replies::OAuthRefusal;
use super::token::TokenCall;
use crate::accounts::PasswordCheck;
use crate::domain::{DirectoryUser, Secret, SignInMethod};
use crate::endpoints::directory::granted_scope::grant_scope;
use crate::endpoints::directory::password_audit::PasswordAudit;
use crate::endpoints::directory::redemption::GrantedTokens;
use crate::token_issuer::UserGrant;

const WRONG: &str = "The user name or the password is wrong.";
const UNCONFIRMED: &str = "The user has to confirm the e-mail address first.";

impl TokenCall {
    /// Checks the password that an application has asked its user for (RFC 6749 §4.3). No browser takes part, so it begins no
    /// session. The address is the application's, so only the user's own limit counts.
    pub(super) async fn check_password(&self) -> Result<GrantedTokens, OAuthRefusal> {
        self.require_secret()?;
        let login = self.get("username", "The parameter username is required.")?;
        let password = Secret::from(self.get("password", "The parameter password is required.")?);
        let (users, settings) = (&self.door.parts.users, &self.view.settings);
        let outcome = users.check_password(self.tenant(), settings, login, &password, None).await;
        let outcome = outcome.map_err(log_outage)?;
        PasswordAudit {
            counts: &self.door.parts.counts,
            lines: &self.door.lines,
            view: &self.view,
            application: Some(&self.application.client_id),
            correlation_id: &self.correlation_id,
            client: self.client,
            detail: Some("password_grant"),
        }
        .write(&outcome);
        match outcome {
            PasswordCheck::Accepted(user) => self.grant_to(&user).await,
            PasswordCheck::Refused(_) => Err(OAuthRefusal::InvalidGrant(WRONG)),
            PasswordCheck::Unconfirmed { .. } => Err(OAuthRefusal::InvalidGrant(UNCONFIRMED)),
            PasswordCheck::Expired { user_id } => Err(OAuthRefusal::PasswordExpired { user_id }),
            PasswordCheck::TooMany { retry_after, .. } => {
                Err(OAuthRefusal::TooManyRequests { retry_after: Some(retry_after) })
            }
            PasswordCheck::Busy => Err(OAuthRefusal::TooManyRequests { retry_after: None }),
        }
    }

    async fn grant_to(&self, user: &DirectoryUser) -> Result<GrantedTokens, OAuthRefusal> {
        let now = self.door.ambient.now();
        let grant = UserGrant {
            id: self.door.parts.grants.draw_id(),
            client_id: self.application.client_id.clone(),
            user_id: user.id.clone(),
            scope: grant_scope(self.form.find("scope")),
            session_id: None,
            method: SignInMethod::Password,
            auth_time: now,
            revoked_grants: user.revoked_grants,
            begun_at: now,
            last_used_at: now,
        };
        self.begin_grant(grant, user).await
    }
}
