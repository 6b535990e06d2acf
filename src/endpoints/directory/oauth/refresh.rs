//! The grant `refresh_token` of a [`TokenCall`].

use super::call::log_outage;
use super::grant_checks::{REFRESH_OFF, REFRESH_REUSED, REFRESH_UNKNOWN, REFRESH_USER};
use super::replies::OAuthRefusal;
use super::token::{NewTokens, TokenCall};
use crate::domain::DirectoryUser;
use crate::observability::AuditEvent;
use crate::token_issuer::{GrantOutcome, TokenSubject, UserGrant};

/// A refresh that may be made.
struct AdmittedRefresh {
    user: DirectoryUser,
    /// The scope of the new access token.
    scope: String,
}

impl TokenCall {
    /// Replaces a refresh token, and issues tokens with what is known of the user now (RFC 6749 §6).
    pub(super) async fn refresh(&self) -> Result<NewTokens, OAuthRefusal> {
        let presented = self.get("refresh_token", "The parameter refresh_token is required.")?;
        let settings = &self.view.settings.tokens;
        if !settings.refresh_enabled {
            return Err(self.refuse(&REFRESH_OFF));
        }
        let (grants, client_id) = (&self.door.parts.grants, self.application.client_id.as_str());
        let newest = grants.find_by_refresh_token(self.tenant(), presented).await.map_err(log_outage)?;
        // Judged before the token is replaced: a request that is refused for its scope keeps it.
        let admitted = match newest.filter(|grant| grant.client_id == client_id) {
            Some(grant) => Some(self.admit_refresh(&grant).await?),
            None => None,
        };
        let rotated = grants.rotate(self.tenant(), client_id, presented, settings.refresh_seconds).await;
        match (rotated.map_err(log_outage)?, admitted) {
            (GrantOutcome::Rotated { grant, refresh_token }, Some(AdmittedRefresh { user, scope })) => {
                let grant = UserGrant { scope: scope.clone(), ..*grant };
                let subject = TokenSubject::User { user: &user, grant: &grant, nonce: None };
                self.sign(&subject, scope, Some(refresh_token))
            }
            (GrantOutcome::Reused { grant }, _) => {
                let user = self.view.directory.user_key(&grant.user_id);
                self.audit(AuditEvent::DirectoryRefreshTokenReused).user(&user).write();
                Err(self.refuse(&REFRESH_REUSED))
            }
            (GrantOutcome::Rotated { .. } | GrantOutcome::Unknown, _) => Err(self.refuse(&REFRESH_UNKNOWN)),
        }
    }

    /// Checks the user of `grant` and the scope of the request. The grant of a user who has none any more ends.
    async fn admit_refresh(&self, grant: &UserGrant) -> Result<AdmittedRefresh, OAuthRefusal> {
        let user = self.door.find_active_user(&self.view, &grant.user_id).await?;
        let Some(user) = user.filter(|user| user.revoked_grants == grant.revoked_grants) else {
            self.door.parts.grants.end(self.tenant(), &grant.id).await.map_err(log_outage)?;
            return Err(self.refuse(&REFRESH_USER));
        };
        let scope = narrow(&grant.scope, self.form.find("scope")).ok_or(OAuthRefusal::InvalidScope)?;
        Ok(AdmittedRefresh { user, scope })
    }
}

/// The part of `granted` that is `requested`, or all of it; `None` if more is requested.
fn narrow(granted: &str, requested: Option<&str>) -> Option<String> {
    let Some(requested) = requested else { return Some(granted.to_owned()) };
    let requested: Vec<&str> = requested.split_ascii_whitespace().collect();
    let granted: Vec<&str> = granted.split_ascii_whitespace().collect();
    let is_granted = !requested.is_empty() && requested.iter().all(|scope| granted.contains(scope));
    let kept: Vec<&str> = granted.into_iter().filter(|scope| requested.contains(scope)).collect();
    is_granted.then(|| kept.join(" "))
}

#[cfg(test)]
mod tests {
    use super::narrow;

    #[test]
    fn a_scope_is_narrowed_and_never_widened() {
        assert_eq!(narrow("openid appid_default", None).as_deref(), Some("openid appid_default"));
        assert_eq!(
            narrow("openid appid_default", Some("appid_default  openid")).as_deref(),
            Some("openid appid_default")
        );
        assert_eq!(narrow("openid appid_default", Some("openid")).as_deref(), Some("openid"));
        for wider in ["openid email", "email", "OPENID", " "] {
            assert_eq!(narrow("openid appid_default", Some(wider)), None, "{wider}");
        }
    }
}
