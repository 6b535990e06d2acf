use crate::domain::{ChannelId, ClaimsChallenge};
use crate::exchange::RateLimited;
use crate::identity_provider::{Diagnostics, RedeemError, RedeemFailure};
use crate::records::RecordError;
use crate::sign_in::SignedInTokensError;
use crate::sign_in::identification::IdentificationError;
use crate::sign_in::magic_code::MagicCodeError;
use crate::token_validation::IdTokenError;
use crate::vault::VaultError;

/// Why an identity provider refused a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderRefusal {
    /// The user cancelled or declined.
    Cancelled,
    /// The user or an administrator has to consent.
    ConsentMissing,
    /// The user has to satisfy a claims challenge. The next sign-in asks for it.
    InteractionRequired,
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
    /// What the identity provider answered, for the operator's log.
    pub diagnostics: Box<Diagnostics>,
}

impl SignInError {
    /// Whether the same step may succeed a little later, because only an outage or a limit is in the way.
    pub(super) const fn is_passing(self) -> bool {
        matches!(self, Self::Throttled { .. } | Self::Unavailable | Self::Storage)
    }
}

impl SignInFailure {
    /// The failure of a sign-in whose response holds no ID token.
    pub(super) fn id_token_absent() -> Self {
        let hint = "the token endpoint's response holds no ID token: check that the provider grants the scope openid";
        let diagnostics = Box::new(Diagnostics { hint, ..Diagnostics::default() });
        Self { error: SignInError::IdTokenRejected { check: "absent" }, channel: None, diagnostics }
    }

    /// The same failure with the channel that the sign-in began in.
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
        let sign_in_error = match error.failure {
            RedeemFailure::ConsentRequired => SignInError::ProviderRefused(ProviderRefusal::ConsentMissing),
            RedeemFailure::Denied => SignInError::ProviderRefused(ProviderRefusal::Denied),
            RedeemFailure::InteractionRequired { claims: Some(claims) }
                if ClaimsChallenge::parse(&claims).is_some() =>
            {
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
        Self { error: sign_in_error, channel: None, diagnostics: error.diagnostics }
    }
}

impl From<IdentificationError> for SignInFailure {
    fn from(error: IdentificationError) -> Self {
        let (sign_in_error, hint) = match error {
            IdentificationError::Token(IdTokenError::Rejected { check: "tid" }) => {
                (SignInError::TenantNotAllowed, "the user's tenant is none of the connection's tenants")
            }
            IdentificationError::Token(IdTokenError::Rejected { check }) => {
                (SignInError::IdTokenRejected { check }, hint_of_id_token_check(check))
            }
            IdentificationError::Token(IdTokenError::KeysUnavailable) => (
                SignInError::Unavailable,
                "the provider's key set cannot be fetched: check jwks_url and the outbound section",
            ),
            IdentificationError::Token(IdTokenError::KeyNotKnownYet) => (
                SignInError::Unavailable,
                "the ID token names a key that the provider's key set does not have yet: the set is fetched again within 10 seconds",
            ),
            IdentificationError::NoIssuer => {
                (SignInError::Misconfigured, "the connection's identity provider issues no ID tokens")
            }
        };
        let diagnostics = Box::new(Diagnostics { hint, ..Diagnostics::default() });
        Self { error: sign_in_error, channel: None, diagnostics }
    }
}

/// What the operator can do about an ID token that failed `check` (`OpenID` Connect Core §3.1.3.7).
fn hint_of_id_token_check(check: &str) -> &'static str {
    match check {
        "too_long" => "the ID token is longer than 64 KiB: let the provider put fewer claims (groups) into it",
        "alg" => {
            "the ID token's algorithm is not one that the provider announces for its key and that is asymmetric: RS, PS \
             and ES 256 to 512 (without ES512) or EdDSA; of Entra RS256"
        }
        "kid" => "the ID token names no key, and not exactly one key of the provider's key set fits",
        "signature" => "no key of the provider's key set has signed the ID token: check jwks_url",
        "iss" => "the ID token is another issuer's: write issuer exactly as the provider does",
        "aud" => "the ID token is for another client: check the connection's client_id",
        "azp" => "the ID token was issued to another client than the connection's: check client_id",
        "nonce" => "the ID token was issued for another sign-in",
        "exp" => "the ID token has expired, or lives longer than two days: compare this machine's clock",
        "iat" => "the ID token does not say when it was issued, or says a time to come: compare this machine's clock",
        "nbf" => "the ID token is not valid yet: compare this machine's clock with the provider's",
        "ver" => "the ID token's version does not fit its issuer: check issuer and v1_issuer",
        "oid" => "the ID token of Entra names no user: the claim oid is missing",
        "sub" => "the ID token names no user: the claim sub is missing or too long",
        "crit" => "the ID token has a critical header that is not known here",
        "typ" => "the ID token's type is not JWT",
        _ => "the ID token is not a JSON Web Token, or a claim occurs twice in it",
    }
}
