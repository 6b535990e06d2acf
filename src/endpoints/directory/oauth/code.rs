//! The grant `authorization_code` of a [`TokenCall`].

use super::call::log_outage;
use super::grant_checks::{
    CODE_CHALLENGE_ABSENT, CODE_REDIRECT, CODE_REPLAYED, CODE_UNKNOWN, CODE_USER, CODE_VERIFIER, CODE_VERIFIER_ABSENT,
    GrantCheck,
};
use super::replies::OAuthRefusal;
use super::token::{NewTokens, TokenCall};
use crate::domain::DirectoryUser;
use crate::observability::AuditEvent;
use crate::token_issuer::{CodeContent, TakenCode, UserGrant};

impl TokenCall {
    /// Redeems a code (RFC 6749 §4.1.3). A code is used up by its first request, whatever becomes of that.
    pub(super) async fn redeem_code(&self) -> Result<NewTokens, OAuthRefusal> {
        let content = self.take_code(self.get("code", "The parameter code is required.")?).await?;
        self.check_code(&content).map_err(|check| self.refuse(check))?;
        let user = self.find_user_of(&content).await?.ok_or_else(|| self.refuse(&CODE_USER))?;
        let CodeContent { grant_id, session_id, auth_time, revoked_grants, scope, nonce, .. } = *content;
        let client_id = self.application.client_id.clone();
        let user_id = user.id.clone();
        let grant = UserGrant { id: grant_id, client_id, user_id, scope, session_id, auth_time, revoked_grants };
        self.begin_grant(grant, &user, nonce.as_deref()).await
    }

    /// Uses the code up. A second use ends what the first one gave (RFC 9700 §4.14.2).
    async fn take_code(&self, code: &str) -> Result<Box<CodeContent>, OAuthRefusal> {
        let client_id = &self.application.client_id;
        match self.door.parts.codes.take(self.tenant(), client_id, code).await.map_err(log_outage)? {
            TakenCode::Fresh(content) => Ok(content),
            TakenCode::Replayed { client_id: owner, grant_id, user_id } if owner == *client_id => {
                self.door.parts.grants.end(self.tenant(), &grant_id).await.map_err(log_outage)?;
                let user = self.view.directory.user_key(&user_id);
                self.audit(AuditEvent::DirectoryCodeReplayed).user(&user).write();
                Err(self.refuse(&CODE_REPLAYED))
            }
            TakenCode::Replayed { .. } | TakenCode::Unknown => Err(self.refuse(&CODE_UNKNOWN)),
        }
    }

    /// Checks that the request is the one that the code was issued for.
    fn check_code(&self, content: &CodeContent) -> Result<(), &'static GrantCheck> {
        if self.form.find("redirect_uri") != Some(content.redirect_uri.as_str()) {
            return Err(&CODE_REDIRECT);
        }
        match (&content.challenge, self.form.find("code_verifier")) {
            (Some(challenge), Some(verifier)) if challenge.fits(verifier) => Ok(()),
            (Some(_), Some(_)) => Err(&CODE_VERIFIER),
            (Some(_), None) => Err(&CODE_VERIFIER_ABSENT),
            // RFC 9700 §2.1.1: else a code that was stolen with its challenge taken out could be redeemed.
            (None, Some(_)) => Err(&CODE_CHALLENGE_ABSENT),
            (None, None) if self.application.is_public() => Err(&CODE_VERIFIER_ABSENT),
            (None, None) => Ok(()),
        }
    }

    /// The user of the code, if nothing has ended the sign-in since.
    async fn find_user_of(&self, content: &CodeContent) -> Result<Option<DirectoryUser>, OAuthRefusal> {
        let user = self.door.find_active_user(&self.view, &content.user_id).await?;
        let is_as_then = |user: &DirectoryUser| {
            user.ended_sessions == content.ended_sessions && user.revoked_grants == content.revoked_grants
        };
        Ok(user.filter(is_as_then))
    }
}
