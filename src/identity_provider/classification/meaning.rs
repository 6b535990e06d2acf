use crate::identity_provider::RedeemFailure;
use crate::identity_provider::token_endpoint::EndpointRefusal;

/// What a provider's refusal means. The token endpoint and the browser's callback share this list and the tables that
/// lead to it (docs/troubleshooting.md §What the identity provider says).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalMeaning {
    /// The user has cancelled the sign-in or declined to consent. Only a provider's explicit word for that leads here.
    Cancelled,
    /// Access was refused, by the user or by the provider; the provider does not say by which (RFC 6749 §4.1.2.1).
    AccessRefused,
    /// The user or an administrator has not consented.
    Consent,
    /// The user must take a further step: a second factor, a new password, a claims challenge.
    Interaction,
    /// The user must sign in again: the session, the code or the refresh token has ended.
    SignInAgain,
    /// The provider's sign-in page has ended before the user finished, so a new request succeeds at once.
    PageExpired,
    /// The user asked for a new password at a provider that treats this as a sign-in of its own (Azure AD B2C).
    PasswordForgotten,
    /// The user must choose an account.
    AccountSelection,
    /// The account that is signed in at the provider cannot be used here, and another may be.
    WrongAccount,
    /// The token to exchange has expired or is not valid yet.
    AssertionExpired,
    /// The token to exchange is rejected for another reason.
    AssertionRejected,
    /// The provider refuses this user for good. An administrator can change that, the user cannot.
    Denied,
    /// The operator must change a credential, a permission or a registration.
    Misconfigured,
    /// The provider throttles this user, or this client for this user.
    Throttled,
    /// The provider throttles the client for all users of the tenant.
    TenantThrottled,
    /// A temporary fault; an immediate retry usually succeeds.
    Transient,
    /// A fault of the provider that an immediate retry does not cure.
    ServerFault,
    /// The provider refused for a reason that no table knows, and that is neither a fault nor a limit of the provider nor
    /// a mistake of the operator: another sign-in may be accepted.
    Refused,
    /// No table knows the refusal, and it may not be the provider's: a proxy may have answered in its place.
    Unknown,
}

/// A meaning, and the hint that tells the operator what to change and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExplainedMeaning {
    pub(super) meaning: RefusalMeaning,
    pub(super) hint: &'static str,
}

impl RefusalMeaning {
    /// Whether the refusal stands for a fault or a limit of the provider.
    pub(super) fn is_fault(self) -> bool {
        matches!(self, Self::Throttled | Self::TenantThrottled | Self::Transient | Self::ServerFault)
    }

    /// The failure of a redemption with this meaning: `claims` is the challenge for a further step, `refusal` has the
    /// waiting time.
    pub(super) fn to_failure(self, refusal: &EndpointRefusal, claims: Option<&str>) -> RedeemFailure {
        match self {
            Self::Consent | Self::Cancelled => RedeemFailure::ConsentRequired,
            Self::Interaction
            | Self::SignInAgain
            | Self::PageExpired
            | Self::PasswordForgotten
            | Self::AccountSelection => RedeemFailure::InteractionRequired { claims: claims.map(str::to_owned) },
            Self::AssertionExpired => RedeemFailure::AssertionExpired,
            Self::AssertionRejected => RedeemFailure::AssertionRejected,
            Self::Misconfigured => RedeemFailure::Misconfigured,
            Self::Denied | Self::AccessRefused | Self::WrongAccount => RedeemFailure::Denied,
            Self::Throttled | Self::TenantThrottled => RedeemFailure::Throttled { retry_after: refusal.retry_after },
            Self::Transient | Self::ServerFault => refusal.fault(),
            Self::Refused => RedeemFailure::Refused,
            Self::Unknown => RedeemFailure::Transient,
        }
    }
}
