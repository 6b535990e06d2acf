//! The remote identity providers: their capabilities, the redemption of grants, and the classification of their errors.
//!
//! Owns the calls of token endpoints and the classification of their responses. It deliberately knows neither
//! activities nor the store nor the callers: it takes a connection and a grant and returns a token or one error of a
//! closed list.

mod app_client;
mod authorization;
mod claims;
mod classification;
mod client_auth;
mod discovery;
mod entra;
mod generic;
mod revocation;
mod throttle;
mod token_client;
mod token_endpoint;
mod token_request;
mod userinfo;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use app_client::{AppClient, AppSettings};
pub use authorization::{AdmissionFuture, AuthorizationRequest, AuthorizeFuture, build_authorize_url, join_scopes};
use classification::is_same_word;
#[cfg(test)]
pub use classification::list_hints;
pub use classification::{
    AuthorizationError, AuthorizationRefusal, RefusalMeaning, classify_authorization_error, judge,
};
pub use client_auth::{
    AssertionAlgorithm, AssertionFile, ClientCertificate, ClientCredential, FederatedIdentity, IdentityEndpoint,
    ManagedIdentity,
};
pub use discovery::{Discovery, DiscoverySettings, DocumentError, Endpoints};
pub use entra::{Entra, EntraSettings};
pub use generic::{Generic, GenericSettings, TokenExchangeSettings, UserTokenGrant};
pub use revocation::{RevocableTokens, RevocationFuture, RevocationOutcome};
pub use throttle::ThrottleBoard;
pub use token_client::{RedeemingClient, TokenClientParts};
pub use token_endpoint::SecretMethod;
pub use userinfo::{NamesFuture, ProvidedNames, read_names};

use tokio::time::Instant;
use url::Url;

use crate::domain::{
    ClaimsChallenge, Connection, ConnectionName, ExchangeableToken, HolderName, Secret, Timestamp, UserKey,
};

/// A grant to redeem. [`Capabilities`] says which kinds a provider supports.
#[derive(Clone, Copy, Debug)]
pub enum Grant<'a> {
    /// Exchanges a user's token for a token of another resource: RFC 7523 §2.1 with Entra's `requested_token_use` at Entra,
    /// RFC 8693 or RFC 7523 at other providers, as the connection says.
    OnBehalfOf(&'a ExchangeableToken),
    /// Redeems a refresh token for a new access token of the same user (RFC 6749 §6).
    RefreshToken {
        /// The refresh token.
        refresh_token: &'a Secret,
        /// The user that the refresh token was issued for.
        user: &'a UserKey,
    },
    /// Redeems an authorization code (RFC 6749 §4.1.3) with its PKCE verifier (RFC 7636 §4.5).
    AuthorizationCode {
        /// The code.
        code: &'a Secret,
        /// The verifier from which the request's `code_challenge` was computed.
        code_verifier: &'a Secret,
        /// The redirect URI of the authorization request, unchanged.
        redirect_uri: &'a Url,
        /// The account that signs in. It is the user of the throttle key and is not sent to the provider.
        throttled_as: &'a str,
        /// The tenant that the browser was sent to, as [`AuthorizationRequest::tenant`].
        tenant: Option<&'a str>,
    },
}

/// The grants that a provider supports. Start-up checks each connection against them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether the provider supports [`Grant::OnBehalfOf`].
    pub on_behalf_of: bool,
    /// Whether the provider supports [`Grant::RefreshToken`].
    pub refresh_token: bool,
    /// Whether the provider supports [`Grant::AuthorizationCode`].
    pub authorization_code: bool,
}

/// The parameters of one redemption that do not depend on the grant.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The id that is sent as `client-request-id` and logged.
    pub correlation_id: String,
    /// The end of all calls and retries of the redemption.
    pub deadline: Instant,
    /// The claims challenge that the token must satisfy.
    pub claims: Option<ClaimsChallenge>,
}

/// The tokens of a redeemed grant.
#[derive(Clone, Debug)]
pub struct RedeemedToken {
    /// The access token.
    pub access_token: Secret,
    /// When the access token expires. The lifetime is already validated and capped.
    pub expires_at: Timestamp,
    /// The granted scopes, if the issuer states them.
    pub granted_scope: Option<String>,
    /// The refresh token, if the issuer issued one.
    pub refresh_token: Option<Secret>,
    /// The time from which the issuer recommends a refresh. It is always before `expires_at`.
    pub refresh_at: Option<Timestamp>,
    /// The ID token, if the grant was an authorization code (`OpenID` Connect Core §3.1.3.3). It is not validated yet.
    pub id_token: Option<Secret>,
}

impl RedeemedToken {
    /// The bytes of its tokens.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let optional = [&self.refresh_token, &self.id_token].into_iter().flatten();
        std::iter::once(&self.access_token).chain(optional).map(|token| token.expose().len()).sum()
    }
}

/// Why a grant was not redeemed. Each endpoint maps this closed list to its responses
/// (docs/architecture.md §Identity providers).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedeemFailure {
    /// The user or an administrator has not consented.
    ConsentRequired,
    /// The user must sign in interactively, for MFA, a claims challenge or a new password.
    InteractionRequired {
        /// The claims challenge for the browser sign-in, verbatim.
        claims: Option<String>,
    },
    /// The assertion has expired or is not valid yet.
    AssertionExpired,
    /// The issuer rejected the assertion for another reason than its lifetime.
    AssertionRejected,
    /// The operator must correct a credential, a permission or a registration.
    Misconfigured,
    /// The user cannot cure the failure by signing in: the account is disabled, blocked, unassigned or the
    /// wrong one.
    Denied,
    /// The issuer refused the grant for a reason that no table knows. The user may be accepted in a new sign-in.
    Refused,
    /// Too many requests.
    Throttled {
        /// The waiting time that the issuer requested.
        retry_after: Option<Duration>,
    },
    /// An outage; the issuer says when to ask again.
    Unavailable {
        /// The waiting time that the issuer requested, capped by the throttle board.
        retry_after: Duration,
    },
    /// An outage, a timeout or an unusable response.
    Transient,
}

/// Details for the operator's log. They are never sent to a client, and they hold no token and no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    /// The response's HTTP status, if there was a response.
    pub http_status: Option<u16>,
    /// `error` of the response, as it came; only a word.
    pub error: Option<String>,
    /// `suberror` of the response (Entra).
    pub suberror: Option<String>,
    /// The AADSTS number that the classification used.
    pub aadsts: Option<u32>,
    /// `trace_id` of the response (Entra).
    pub trace_id: Option<String>,
    /// `error_description` of an authorization response, cut and printable. The page does not show it.
    pub description: Option<String>,
    /// What the operator should change and where, or what happened if there was no response.
    pub hint: &'static str,
    /// What came, if a check of this program refused it: a claim, an id, a URL. Cut and printable.
    pub seen: Option<String>,
    /// What that check would have accepted, as the configuration says.
    pub expected: Option<String>,
}

impl Diagnostics {
    /// Whether `error` of the response is this registered word, however the provider spells it.
    #[must_use]
    pub fn has_error(&self, word: &str) -> bool {
        self.error.as_deref().is_some_and(|error| is_same_word(error, word))
    }
}

/// A failed redemption.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", diagnostics.hint)]
pub struct RedeemError {
    /// What failed.
    pub failure: RedeemFailure,
    /// Details for the operator's log. They are boxed because many functions return the error and one reads the
    /// details.
    pub diagnostics: Box<Diagnostics>,
}

/// The future that [`IdentityProvider::redeem`] returns.
pub type RedeemFuture<'a> = Pin<Box<dyn Future<Output = Result<RedeemedToken, RedeemError>> + Send + 'a>>;

/// A remote identity provider.
pub trait IdentityProvider: Send + Sync {
    /// The grants that the provider supports.
    fn capabilities(&self) -> Capabilities;

    /// Redeems `grant` for the connection's scopes, within the attempt's deadline.
    fn redeem<'a>(&'a self, connection: &'a Connection, grant: Grant<'a>, attempt: Attempt) -> RedeemFuture<'a>;

    /// Builds the URL that a browser is sent to so that its user signs in for `connection` (RFC 6749 §4.1.1).
    fn authorize_url<'a>(
        &'a self,
        connection: &'a Connection,
        request: AuthorizationRequest<'a>,
    ) -> AuthorizeFuture<'a>;

    /// Whether an authorization response with this `iss` parameter, or without one, may come from this provider
    /// (RFC 9207 §2.4).
    fn admits_issuer<'a>(&'a self, iss: Option<&'a str>) -> AdmissionFuture<'a>;

    /// Finds the names of the user `subject`, whose access token this is, for a page to show. Best effort: `None` if the
    /// provider has no other place for names than the ID token, or does not answer.
    fn find_names<'a>(&'a self, _access_token: &'a Secret, _subject: &'a str, _deadline: Instant) -> NamesFuture<'a> {
        Box::pin(std::future::ready(None))
    }

    /// Revokes the tokens at the provider (RFC 7009). The default is a provider without revocation.
    fn revoke<'a>(&'a self, _tokens: RevocableTokens<'a>) -> RevocationFuture<'a> {
        Box::pin(std::future::ready(Ok(RevocationOutcome::NotSupported)))
    }
}

/// The provider of each connection. The registry is built once at start-up.
#[derive(Clone, Default)]
pub struct ProviderRegistry {
    providers: HashMap<(HolderName, ConnectionName), Arc<dyn IdentityProvider>>,
}

impl ProviderRegistry {
    /// Registers the provider of `connection` and replaces an earlier one.
    pub fn register(&mut self, connection: &Connection, provider: Arc<dyn IdentityProvider>) {
        self.providers.insert((connection.holder.clone(), connection.name.clone()), provider);
    }

    /// Finds the provider of `connection`.
    #[must_use]
    pub fn find(&self, connection: &Connection) -> Option<&Arc<dyn IdentityProvider>> {
        self.providers.get(&(connection.holder.clone(), connection.name.clone()))
    }
}

fn refusal(failure: RedeemFailure, hint: &'static str) -> RedeemError {
    RedeemError { failure, diagnostics: Box::new(Diagnostics { hint, ..Diagnostics::default() }) }
}
