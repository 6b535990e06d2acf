//! Authorization codes, by [`GrantRedemption`].

use super::grant_checks::{
    CODE_CHALLENGE_ABSENT, CODE_REDIRECT, CODE_REPLAYED, CODE_UNKNOWN, CODE_USER, CODE_VERIFIER, CODE_VERIFIER_ABSENT,
    GrantCheck,
};
use super::{BeginningGrant, GrantRedemption, GrantRefusal, GrantRequest, GrantedTokens, log_outage};
use crate::domain::{Application, DirectoryUser};
use crate::observability::AuditEvent;
use crate::token_issuer::{CodeContent, TakenCode, UserGrant};

/// A code, and what its application sends beside it (RFC 6749 §4.1.3, RFC 7636 §4.5).
#[derive(Clone, Copy)]
pub struct PresentedCode<'a> {
    /// The code.
    pub code: &'a str,
    /// The redirect URI of the authorization request.
    pub redirect_uri: Option<&'a str>,
    /// The verifier of the request's challenge.
    pub code_verifier: Option<&'a str>,
}

impl GrantRedemption {
    /// Redeems a code (RFC 6749 §4.1.3). A code is used up by its first request, whatever becomes of that.
    ///
    /// # Errors
    /// [`GrantRefusal`].
    pub async fn redeem_code(
        &self,
        request: GrantRequest<'_>,
        presented: PresentedCode<'_>,
    ) -> Result<GrantedTokens, GrantRefusal> {
        let content = self.take_code(request, presented.code).await?;
        check_code(&content, presented, request.application).map_err(|check| request.refuse(check))?;
        let user = self.find_user_of(request, &content).await?.ok_or_else(|| request.refuse(&CODE_USER))?;
        let (content, now) = (*content, self.ambient.now());
        let nonce = content.nonce;
        let grant = UserGrant {
            id: content.grant_id,
            client_id: request.application.client_id.clone(),
            user_id: user.id.clone(),
            scope: content.scope,
            session_id: content.session_id,
            method: content.method,
            auth_time: content.auth_time,
            revoked_grants: content.revoked_grants,
            begun_at: now,
            last_used_at: now,
        };
        let beginning = BeginningGrant { grant, user: &user, nonce: nonce.as_deref(), user_check: &CODE_USER };
        self.begin(request, beginning).await
    }

    /// Uses the code up. A second use ends what the first one gave (RFC 9700 §4.14.2).
    async fn take_code(&self, request: GrantRequest<'_>, code: &str) -> Result<Box<CodeContent>, GrantRefusal> {
        let (directory, client_id) = (&request.view.directory, &request.application.client_id);
        match self.parts.codes.take(&directory.tenant, client_id, code).await.map_err(log_outage)? {
            TakenCode::Fresh(content) => Ok(content),
            TakenCode::Replayed { client_id: owner, grant_id, user_id } if owner == *client_id => {
                self.parts.grants.end(&directory.tenant, &grant_id).await.map_err(log_outage)?;
                request.audit(AuditEvent::DirectoryCodeReplayed).user(&directory.user_key(&user_id)).write();
                Err(request.refuse(&CODE_REPLAYED))
            }
            TakenCode::Replayed { .. } | TakenCode::Unknown => Err(request.refuse(&CODE_UNKNOWN)),
        }
    }

    /// The user of the code, if nothing has ended the sign-in since.
    async fn find_user_of(
        &self,
        request: GrantRequest<'_>,
        content: &CodeContent,
    ) -> Result<Option<DirectoryUser>, GrantRefusal> {
        let user = self.find_active_user(request, &content.user_id).await?;
        let is_as_then = |user: &DirectoryUser| {
            user.ended_sessions == content.ended_sessions && user.revoked_grants == content.revoked_grants
        };
        Ok(user.filter(is_as_then))
    }
}

/// Checks that the request is the one that the code was issued for.
fn check_code(
    content: &CodeContent,
    presented: PresentedCode<'_>,
    application: &Application,
) -> Result<(), &'static GrantCheck> {
    if presented.redirect_uri != Some(content.redirect_uri.as_str()) {
        return Err(&CODE_REDIRECT);
    }
    match (&content.challenge, presented.code_verifier) {
        (Some(challenge), Some(verifier)) if challenge.fits(verifier) => Ok(()),
        (Some(_), Some(_)) => Err(&CODE_VERIFIER),
        (Some(_), None) => Err(&CODE_VERIFIER_ABSENT),
        // RFC 9700 §2.1.1: else a code that was stolen with its challenge taken out could be redeemed.
        (None, Some(_)) => Err(&CODE_CHALLENGE_ABSENT),
        (None, None) if application.is_public() => Err(&CODE_VERIFIER_ABSENT),
        (None, None) => Ok(()),
    }
}
