//! What a [`BackEndCall`] asks a token for: audiences, resources and scopes.

use super::replies::OAuthError;
use super::request::BackEndCall;

impl BackEndCall<'_> {
    /// Checks that each `audience` and `resource` is one that the back end may get tokens for (RFC 8693 §2.1).
    pub(super) fn check_targets(&self) -> Result<(), OAuthError> {
        let named = ["audience", "resource"].into_iter().flat_map(|name| self.form.list(name));
        let is_known = |target: &str| self.back_end.audiences.iter().any(|audience| audience == target);
        if named.into_iter().all(is_known) { Ok(()) } else { Err(OAuthError::InvalidTarget) }
    }

    /// The scopes that the request names, if any: words with single or more blanks between them.
    pub(super) fn named_scopes(&self) -> impl Iterator<Item = &str> {
        self.form.find("scope").into_iter().flat_map(str::split_ascii_whitespace)
    }
}
