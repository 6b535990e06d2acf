//! The operator's hints for errors of [`SignInFailure`] that no check and no provider explains.

use super::failure::{SignInError, SignInFailure};

impl SignInFailure {
    /// What the operator can do: the hint of the check or refusal, or that of the error itself.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        if self.diagnostics.hint.is_empty() { find_hint(self.error) } else { self.diagnostics.hint }
    }
}

/// The operator's hint for an error of a browser's sign-in that has no more exact one.
const fn find_hint(error: SignInError) -> &'static str {
    match error {
        SignInError::LinkUnknown => {
            "the link belongs to no pending sign-in: its card has expired (15 minutes), was answered, or ended at a sign-out"
        }
        SignInError::OtherBrowser => {
            "the browser sent no cookie of this sign-in: another browser or application opened the page, or cookies are \
             blocked; public_url must be the address that browsers use"
        }
        SignInError::StateUnknown => {
            "the step was made up, has expired (15 minutes), or has led to the next step already"
        }
        SignInError::FormUnreadable => "the browser sent no form of our page: something else posted to it",
        SignInError::ProviderRefused(_) => "the identity provider refused the sign-in",
        SignInError::IssuerMismatch => {
            "the answer's iss names another issuer than the connection's: compare the identity provider's issuer, and look \
             for a mix-up attack (RFC 9207)"
        }
        SignInError::IdTokenRejected { .. } => {
            "the token endpoint's response holds no ID token: check that the provider grants the scope openid"
        }
        SignInError::TenantNotAllowed => "the user's tenant is not one of the connection's tenants",
        SignInError::OtherAccount => {
            "Teams states another person for the chat than the one who signed in: see allow_other_accounts of the connection"
        }
        SignInError::Throttled { .. } => {
            "one browser followed the links of one user too often: see limits.user_exchanges_per_minute"
        }
        SignInError::Unavailable => {
            "the identity provider did not answer within 10 seconds: check egress, and the provider's status page"
        }
        SignInError::Misconfigured => {
            "the connection has no identity provider that signs users in: check the connection's identity_provider"
        }
        SignInError::Storage => "the store failed: see the error logged before this",
    }
}

/// Every error of a browser's sign-in, and its hint.
#[cfg(test)]
#[must_use]
pub fn list_hints() -> Vec<(String, &'static str)> {
    let errors = [
        SignInError::LinkUnknown,
        SignInError::OtherBrowser,
        SignInError::StateUnknown,
        SignInError::FormUnreadable,
        SignInError::ProviderRefused(super::ProviderRefusal::Other),
        SignInError::IssuerMismatch,
        SignInError::IdTokenRejected { check: "absent" },
        SignInError::TenantNotAllowed,
        SignInError::OtherAccount,
        SignInError::Throttled { retry_after: 1 },
        SignInError::Unavailable,
        SignInError::Misconfigured,
        SignInError::Storage,
    ];
    errors.into_iter().map(|error| (error.to_string(), find_hint(error))).collect()
}
