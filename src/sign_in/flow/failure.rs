use crate::domain::{ChannelId, ClaimsChallenge};
use crate::exchange::RateLimited;
use crate::identity_provider::{Diagnostics, RedeemError, RedeemFailure};
use crate::records::RecordError;
use crate::sign_in::SignedInTokensError;
use crate::sign_in::identification::IdentificationError;
use crate::sign_in::magic_code::MagicCodeError;
use crate::token_validation::IdTokenError;
use crate::vault::VaultError;

/// What an identity provider's refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderRefusal {
    /// The user has cancelled, or declined.
    Cancelled,
    /// Somebody has to consent, an administrator perhaps.
    ConsentMissing,
    /// The user has to prove more: the next try asks for it.
    MoreWanted,
    /// This user may not.
    Denied,
    /// Anything else.
    Other,
}

/// Why a browser does not get on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// The link leads to no sign-in: made up, over, answered, or signed out since.
    #[error("the link leads to no pending sign-in")]
    LinkUnknown,
    /// The sign-in is another browser's, or this browser keeps no cookie.
    #[error("the sign-in was begun in another browser, or the browser keeps no cookie")]
    OtherBrowser,
    /// The step is unknown: made up, over, or taken already.
    #[error("the step of the sign-in is unknown, over, or was taken already")]
    StateUnknown,
    /// What the page's form brought is too large, too slow, or not from that form.
    #[error("the form of the page cannot be read")]
    FormUnreadable,
    /// The identity provider says no.
    #[error("the identity provider refused")]
    ProviderRefused(ProviderRefusal),
    /// The answer is not the identity provider's (RFC 9207).
    #[error("the answer came from another issuer")]
    IssuerMismatch,
    /// The ID token proves nothing.
    #[error("the ID token was rejected: {check}")]
    IdTokenRejected {
        /// The check that failed.
        check: &'static str,
    },
    /// The connection takes no users of that tenant.
    #[error("the user's tenant is not one of the connection's")]
    TenantNotAllowed,
    /// The account asks too often.
    #[error("the account asks too often")]
    Throttled {
        /// Seconds until it may go on.
        retry_after: u64,
    },
    /// The identity provider cannot be asked just now.
    #[error("the identity provider is unavailable")]
    Unavailable,
    /// The operator has to change something.
    #[error("the connection is not set up correctly")]
    Misconfigured,
    /// Something kept cannot be read or written.
    #[error("the store failed")]
    Storage,
}

/// An error and where it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInFailure {
    /// What happened.
    pub error: SignInError,
    /// The channel that the sign-in was for, where that is known.
    pub channel: Option<ChannelId>,
    /// What the identity provider said, for the operator's log.
    pub diagnostics: Box<Diagnostics>,
}

impl SignInFailure {
    /// The same, of a sign-in that was for `channel`, if it was for one.
    pub(super) fn on(self, channel: Option<&ChannelId>) -> Self {
        Self { channel: channel.cloned(), ..self }
    }
}

impl From<SignInError> for SignInFailure {
    fn from(error: SignInError) -> Self {
        Self { error, channel: None, diagnostics: Box::default() }
    }
}

impl From<RecordError> for SignInFailure {
    fn from(error: RecordError) -> Self {
        tracing::error!(%error, "a browser's sign-in cannot be kept or read");
        SignInError::Storage.into()
    }
}

impl From<VaultError> for SignInFailure {
    fn from(error: VaultError) -> Self {
        if matches!(error, VaultError::SignedOut) {
            return SignInError::LinkUnknown.into();
        }
        tracing::error!(%error, "the vault failed");
        SignInError::Storage.into()
    }
}

impl From<MagicCodeError> for SignInFailure {
    fn from(error: MagicCodeError) -> Self {
        tracing::error!(%error, "a magic code cannot be issued");
        SignInError::Storage.into()
    }
}

impl From<RateLimited> for SignInFailure {
    fn from(limited: RateLimited) -> Self {
        SignInError::Throttled { retry_after: limited.retry_after }.into()
    }
}

impl From<SignedInTokensError> for SignInFailure {
    fn from(error: SignedInTokensError) -> Self {
        match error {
            SignedInTokensError::Vault(error) => error.into(),
            SignedInTokensError::Requirements(error) => error.into(),
        }
    }
}

impl From<RedeemError> for SignInFailure {
    fn from(error: RedeemError) -> Self {
        let meaning = match error.failure {
            RedeemFailure::ConsentRequired => SignInError::ProviderRefused(ProviderRefusal::ConsentMissing),
            RedeemFailure::Denied => SignInError::ProviderRefused(ProviderRefusal::Denied),
            RedeemFailure::InteractionRequired { claims: Some(claims) }
                if ClaimsChallenge::parse(&claims).is_some() =>
            {
                SignInError::ProviderRefused(ProviderRefusal::MoreWanted)
            }
            // The code is over, was used, or is another's: the sign-in has to begin anew.
            RedeemFailure::InteractionRequired { .. }
            | RedeemFailure::AssertionExpired
            | RedeemFailure::AssertionRejected => SignInError::StateUnknown,
            RedeemFailure::Misconfigured => SignInError::Misconfigured,
            RedeemFailure::Throttled { .. } | RedeemFailure::Transient => SignInError::Unavailable,
        };
        Self { error: meaning, channel: None, diagnostics: error.diagnostics }
    }
}

impl From<IdentificationError> for SignInFailure {
    fn from(error: IdentificationError) -> Self {
        match error {
            IdentificationError::Token(IdTokenError::Rejected { check: "tid" }) => SignInError::TenantNotAllowed,
            IdentificationError::Token(IdTokenError::Rejected { check }) => SignInError::IdTokenRejected { check },
            IdentificationError::Token(IdTokenError::KeysUnavailable) => SignInError::Unavailable,
            IdentificationError::NoIssuer => SignInError::Misconfigured,
        }
        .into()
    }
}
