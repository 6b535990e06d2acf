//! The grants of a [`TokenCall`] for which no user of the directory signs in.

use super::call::log_outage;
use super::replies::OAuthRefusal;
use super::token::TokenCall;
use crate::endpoints::directory::granted_scope::grant_scope;
use crate::endpoints::directory::redemption::{ASSERTION, ASSERTION_USED, GrantedTokens};
use crate::token_issuer::{CheckedAssertion, TokenSubject};

/// What an application may do as itself.
const APPLICATION_SCOPE: &str = "appid_default";

impl TokenCall {
    /// A token of the application itself (RFC 6749 §4.4). Another scope than its own is not granted, as the answer says.
    pub(super) fn issue_for_application(&self) -> Result<GrantedTokens, OAuthRefusal> {
        self.require_secret()?;
        let scope = APPLICATION_SCOPE;
        self.sign(&TokenSubject::Application { scope }, scope.to_owned())
    }

    /// Tokens of a user that the application has signed in by itself and vouches for (RFC 7523 §2.1). They cannot be refreshed:
    /// the application signs another assertion.
    pub(super) async fn redeem_assertion(&self) -> Result<GrantedTokens, OAuthRefusal> {
        self.require_secret()?;
        if self.application.assertion_key.is_none() {
            return Err(OAuthRefusal::UnauthorizedClient);
        }
        let assertion = self.get("assertion", "The parameter assertion is required.")?;
        let checked = self.door.parts.tokens.check_assertion(&self.view.directory, &self.application, assertion);
        let checked = checked.map_err(|refusal| {
            let (correlation_id, check) = (self.correlation_id.as_str(), refusal.0);
            tracing::warn!(correlation_id, check, "an application's assertion was refused");
            self.refuse(&ASSERTION)
        })?;
        self.use_assertion(&checked).await?;
        let scope = grant_scope(self.form.find("scope"));
        self.sign(&TokenSubject::Custom { claims: &checked.claims, scope: &scope }, scope.clone())
    }

    /// Refuses an assertion that was used before. One without an id can be used until it ends (RFC 7523 §3).
    async fn use_assertion(&self, checked: &CheckedAssertion) -> Result<(), OAuthRefusal> {
        let Some(token_id) = &checked.token_id else { return Ok(()) };
        let (uses, client_id) = (&self.door.parts.assertion_uses, &self.application.client_id);
        let begun = uses.begin_at_directory(self.tenant(), client_id, token_id, checked.ends_at).await;
        if begun.map_err(log_outage)? { Ok(()) } else { Err(self.refuse(&ASSERTION_USED)) }
    }
}
