use serde::{Deserialize, Serialize};

use crate::domain::{ChannelId, ClaimsChallenge};
use crate::exchange::{Outage, RateLimited};
use crate::identity_provider::{AuthorizationRefusal, Diagnostics, RedeemError, RedeemFailure, RefusalMeaning};
use crate::records::{LeaseError, RecordError};
use crate::sign_in::SignedInTokensError;
use crate::sign_in::identification::IdentificationError;
use crate::sign_in::magic_code::MagicCodeError;
use crate::token_validation::{CheckExplanation, IdTokenError};
use crate::vault::VaultError;

/// Why an identity provider refused a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderRefusal {
    /// The user cancelled or declined, and the provider or our own page says so.
    Cancelled,
    /// The user or the provider refused access; the provider does not say which of them.
    AccessRefused,
    /// The user or an administrator has to consent.
    ConsentMissing,
    /// The user has to satisfy a claims challenge or to take another step. The next sign-in asks for it.
    InteractionRequired,
    /// The user has to sign in again.
    SignInAgain,
    /// The provider's sign-in page had expired, also at the second request.
    PageExpired,
    /// The user asked for a new password.
    PasswordForgotten,
    /// The user has to choose an account.
    AccountSelection,
    /// The account that is signed in at the provider cannot be used, and another may be.
    WrongAccount,
    /// The user may not use the application.
    Denied,
    /// Any other reason.
    Other,
}

/// Why a browser's sign-in cannot continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// The link leads to no pending sign-in: it was made up, or its card has expired, was answered, or ended at a
    /// sign-out.
    #[error("the link leads to no pending sign-in")]
    LinkUnknown,
    /// Another browser began the sign-in, or this browser keeps no cookie.
    #[error("the sign-in was begun in another browser, or the browser keeps no cookie")]
    OtherBrowser,
    /// The step is unknown: its handle was made up, or the step or what came of it has ended.
    #[error("the step of the sign-in is unknown or has ended")]
    StateUnknown,
    /// The form data is too large, arrives too slowly, or does not have the fields of the page's form.
    #[error("the form of the page cannot be read")]
    FormUnreadable,
    /// The identity provider refused the sign-in.
    #[error("the identity provider refused")]
    ProviderRefused(ProviderRefusal),
    /// The answer names another issuer than the connection's identity provider (RFC 9207).
    #[error("the answer came from another issuer")]
    IssuerMismatch,
    /// The ID token failed validation.
    #[error("the ID token was rejected: {check}")]
    IdTokenRejected {
        /// The check that failed.
        check: &'static str,
    },
    /// The connection admits no users of that tenant.
    #[error("the user's tenant is not one of the connection's")]
    TenantNotAllowed,
    /// Teams states another person for the chat than the one who has signed in, and the connection allows no other
    /// accounts.
    #[error("the chat belongs to another account")]
    OtherAccount,
    /// The account exceeds its rate limit.
    #[error("the account asks too often")]
    Throttled {
        /// Seconds until the next attempt is accepted.
        retry_after: u64,
    },
    /// The identity provider is not available.
    #[error("the identity provider is unavailable")]
    Unavailable,
    /// The configuration is wrong, here or at the identity provider: the operator must change it.
    #[error("the connection is not set up correctly")]
    Misconfigured,
    /// The store failed.
    #[error("the store failed")]
    Storage,
}

/// An error, and what the page and the log need to know about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInFailure {
    /// Why the sign-in cannot continue.
    pub error: SignInError,
    /// The channel that the sign-in began in, if it is known.
    pub channel: Option<ChannelId>,
    /// Seconds until another attempt makes sense, if that is known.
    pub retry_after: Option<u64>,
    /// What the identity provider answered, for the operator's log.
    pub diagnostics: Box<Diagnostics>,
}

impl SignInError {
    /// Whether the same step may succeed later without the user, because only an outage, a limit or the operator's mistake
    /// is in the way.
    pub(in crate::sign_in) const fn may_pass(self) -> bool {
        matches!(self, Self::Throttled { .. } | Self::Unavailable | Self::Misconfigured | Self::Storage)
    }

    /// Whether the user means another account: the user cancelled, or has chosen an account of a tenant that the connection
    /// does not admit, or one that the provider refuses for good.
    pub(in crate::sign_in) const fn is_of_account(self) -> bool {
        matches!(
            self,
            Self::TenantNotAllowed
                | Self::ProviderRefused(
                    ProviderRefusal::Cancelled
                        | ProviderRefusal::WrongAccount
                        | ProviderRefusal::AccountSelection
                        | ProviderRefusal::Denied
                )
        )
    }
}

impl SignInFailure {
    /// Logs that a browser's sign-in failed: one line, by the door that answers the browser. `code` is the reason that the page
    /// names, and `holder` the add-in or app whose page began the sign-in.
    pub fn report(&self, code: &str, holder: Option<&str>, correlation_id: &str) {
        let diagnostics = &self.diagnostics;
        let security = matches!(self.error, SignInError::IssuerMismatch | SignInError::IdTokenRejected { .. });
        tracing::warn!(
            correlation_id,
            bot = holder,
            code,
            reason = %self.error,
            channel = self.channel.as_ref().map(ChannelId::as_str),
            http_status = diagnostics.http_status,
            error = diagnostics.error.as_deref(),
            suberror = diagnostics.suberror.as_deref(),
            aadsts = diagnostics.aadsts,
            trace_id = diagnostics.trace_id.as_deref(),
            description = diagnostics.description.as_deref(),
            seen = diagnostics.seen.as_deref(),
            expected = diagnostics.expected.as_deref(),
            hint = self.hint(),
            security,
            "a browser sign-in failed"
        );
    }

    /// Whether the browser may begin again from the step that failed: the provider or the connection refused the account
    /// or the attempt, and may accept another one.
    #[must_use]
    pub fn may_begin_again(&self) -> bool {
        matches!(
            self.error,
            SignInError::ProviderRefused(_) | SignInError::TenantNotAllowed | SignInError::OtherAccount
        )
    }

    /// Whether the provider's page had expired, so that a new request may succeed at once.
    pub(in crate::sign_in) fn is_page_expired(&self) -> bool {
        self.error == SignInError::ProviderRefused(ProviderRefusal::PageExpired)
    }

    /// The same failure with a hint for the operator that is more exact than that of the error.
    pub(in crate::sign_in) fn explained(mut self, hint: &'static str) -> Self {
        self.diagnostics.hint = hint;
        self
    }

    /// The same failure with the channel that the sign-in began in.
    pub(super) fn on(self, channel: Option<&ChannelId>) -> Self {
        Self { channel: channel.cloned(), ..self }
    }
}

impl From<SignInError> for SignInFailure {
    fn from(error: SignInError) -> Self {
        let retry_after = match error {
            SignInError::Throttled { retry_after } => Some(retry_after),
            _ => None,
        };
        Self { error, channel: None, retry_after, diagnostics: Box::default() }
    }
}

impl From<RecordError> for SignInFailure {
    fn from(error: RecordError) -> Self {
        tracing::error!(%error, "a browser's sign-in cannot be kept or read");
        SignInError::Storage.into()
    }
}

impl From<LeaseError> for SignInFailure {
    fn from(error: LeaseError) -> Self {
        match error {
            LeaseError::Held => SignInError::Unavailable.into(),
            LeaseError::Store(error) => RecordError::from(error).into(),
        }
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

impl From<AuthorizationRefusal> for SignInFailure {
    fn from(refusal: AuthorizationRefusal) -> Self {
        use ProviderRefusal as Because;
        let error = match refusal.meaning {
            RefusalMeaning::Cancelled => SignInError::ProviderRefused(Because::Cancelled),
            RefusalMeaning::AccessRefused => SignInError::ProviderRefused(Because::AccessRefused),
            RefusalMeaning::Consent => SignInError::ProviderRefused(Because::ConsentMissing),
            RefusalMeaning::Interaction => SignInError::ProviderRefused(Because::InteractionRequired),
            RefusalMeaning::SignInAgain | RefusalMeaning::AssertionExpired => {
                SignInError::ProviderRefused(Because::SignInAgain)
            }
            RefusalMeaning::PageExpired => SignInError::ProviderRefused(Because::PageExpired),
            RefusalMeaning::PasswordForgotten => SignInError::ProviderRefused(Because::PasswordForgotten),
            RefusalMeaning::AccountSelection => SignInError::ProviderRefused(Because::AccountSelection),
            RefusalMeaning::WrongAccount => SignInError::ProviderRefused(Because::WrongAccount),
            RefusalMeaning::Denied => SignInError::ProviderRefused(Because::Denied),
            RefusalMeaning::AssertionRejected | RefusalMeaning::Refused | RefusalMeaning::Unknown => {
                SignInError::ProviderRefused(Because::Other)
            }
            RefusalMeaning::Misconfigured => SignInError::Misconfigured,
            RefusalMeaning::Throttled
            | RefusalMeaning::TenantThrottled
            | RefusalMeaning::Transient
            | RefusalMeaning::ServerFault => SignInError::Unavailable,
        };
        Self { diagnostics: refusal.diagnostics, ..error.into() }
    }
}

impl From<RedeemError> for SignInFailure {
    fn from(error: RedeemError) -> Self {
        let sign_in_error = match &error.failure {
            RedeemFailure::ConsentRequired => SignInError::ProviderRefused(ProviderRefusal::ConsentMissing),
            RedeemFailure::Denied => SignInError::ProviderRefused(ProviderRefusal::Denied),
            RedeemFailure::Refused => SignInError::ProviderRefused(ProviderRefusal::Other),
            RedeemFailure::InteractionRequired { claims: Some(claims) } if ClaimsChallenge::parse(claims).is_some() => {
                SignInError::ProviderRefused(ProviderRefusal::InteractionRequired)
            }
            // The code has expired, was used, or belongs to another client: the user has to begin a new sign-in.
            RedeemFailure::InteractionRequired { .. }
            | RedeemFailure::AssertionExpired
            | RedeemFailure::AssertionRejected => SignInError::StateUnknown,
            RedeemFailure::Misconfigured => SignInError::Misconfigured,
            RedeemFailure::Throttled { .. } | RedeemFailure::Unavailable { .. } | RedeemFailure::Transient => {
                SignInError::Unavailable
            }
        };
        let retry_after = Outage::of_failure(&error.failure).and_then(Outage::retry_after);
        Self { retry_after, diagnostics: error.diagnostics, ..sign_in_error.into() }
    }
}

impl From<IdentificationError> for SignInFailure {
    fn from(error: IdentificationError) -> Self {
        let (error, explanation) = match error {
            IdentificationError::Token { error, explanation } => (error, explanation),
            IdentificationError::NoIssuer => return SignInError::Misconfigured.into(),
        };
        let retry_after = match error {
            IdTokenError::KeyNotKnownYet => Outage::KEY_NOT_KNOWN_YET.retry_after(),
            IdTokenError::KeysUnavailable | IdTokenError::Rejected { .. } => None,
        };
        let error = match error {
            IdTokenError::Rejected { check: "tid" } => SignInError::TenantNotAllowed,
            IdTokenError::Rejected { check } => SignInError::IdTokenRejected { check },
            IdTokenError::KeysUnavailable | IdTokenError::KeyNotKnownYet => SignInError::Unavailable,
        };
        let CheckExplanation { hint, seen, expected } = *explanation;
        let diagnostics = Diagnostics { hint, seen, expected, ..Diagnostics::default() };
        Self { retry_after, diagnostics: Box::new(diagnostics), ..error.into() }
    }
}
