//! Refresh tokens, by [`GrantRedemption`].

use super::grant_checks::{REFRESH_OFF, REFRESH_REUSED, REFRESH_UNKNOWN, REFRESH_USER};
use super::{GrantRedemption, GrantRefusal, GrantRequest, GrantedTokens, log_outage};
use crate::domain::DirectoryUser;
use crate::observability::AuditEvent;
use crate::token_issuer::{GrantOutcome, TokenSubject, UserGrant};

/// A refresh that may be made.
struct AdmittedRefresh {
    user: DirectoryUser,
    /// The scope of the new access token.
    scope: String,
}

impl GrantRedemption {
    /// Replaces a refresh token, and issues tokens with what is known of the user now (RFC 6749 §6). `scope` may ask for less
    /// than was granted.
    ///
    /// # Errors
    /// [`GrantRefusal`].
    pub async fn refresh(
        &self,
        request: GrantRequest<'_>,
        presented: &str,
        scope: Option<&str>,
    ) -> Result<GrantedTokens, GrantRefusal> {
        let (directory, settings) = (&request.view.directory, &request.view.settings.tokens);
        if !settings.refresh_enabled {
            return Err(request.refuse(&REFRESH_OFF));
        }
        let (grants, client_id) = (&self.parts.grants, request.application.client_id.as_str());
        let newest = grants.find_by_refresh_token(&directory.tenant, presented).await.map_err(log_outage)?;
        // Judged before the token is replaced: a request that is refused for its scope keeps it.
        let admitted = match newest.filter(|grant| grant.client_id == client_id) {
            Some(grant) => Some(self.admit_refresh(request, &grant, scope).await?),
            None => None,
        };
        let rotated = grants.rotate(&directory.tenant, client_id, presented, settings.refresh_seconds).await;
        match (rotated.map_err(log_outage)?, admitted) {
            (GrantOutcome::Rotated { grant, refresh_token }, Some(AdmittedRefresh { user, scope })) => {
                let grant = UserGrant { scope: scope.clone(), ..*grant };
                let subject = TokenSubject::User { user: &user, grant: &grant, nonce: None };
                let issued = self.sign(request, &subject).map_err(log_outage)?;
                Ok(GrantedTokens { issued, refresh_token: Some(refresh_token), scope })
            }
            (GrantOutcome::Reused { grant }, _) => {
                let user = directory.user_key(&grant.user_id);
                request.audit(AuditEvent::DirectoryRefreshTokenReused).user(&user).write();
                Err(request.refuse(&REFRESH_REUSED))
            }
            (GrantOutcome::Rotated { .. } | GrantOutcome::Unknown, _) => Err(request.refuse(&REFRESH_UNKNOWN)),
        }
    }

    /// Checks the user of `grant` and the scope of the request. The grant of a user who has none any more ends.
    async fn admit_refresh(
        &self,
        request: GrantRequest<'_>,
        grant: &UserGrant,
        scope: Option<&str>,
    ) -> Result<AdmittedRefresh, GrantRefusal> {
        let user = self.find_active_user(request, &grant.user_id).await?;
        let Some(user) = user.filter(|user| user.revoked_grants == grant.revoked_grants) else {
            self.parts.grants.end(&request.view.directory.tenant, &grant.id).await.map_err(log_outage)?;
            return Err(request.refuse(&REFRESH_USER));
        };
        let scope = narrow(&grant.scope, scope).ok_or(GrantRefusal::WiderScope)?;
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
