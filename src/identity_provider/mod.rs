//! The remote issuers: what they can do, how a grant is redeemed there, and what their refusals mean.
//!
//! Owns the token-endpoint conversation and the classification of its answers. It deliberately knows neither activities
//! nor storage nor who is waiting: it is given a connection and a grant and returns a token or one closed error.

mod app_client;
mod authorization;
mod claims;
mod classification;
mod client_auth;
mod discovery;
mod entra;
mod generic;
mod throttle;
mod token_client;
mod token_endpoint;
mod token_request;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use app_client::{AppClient, AppSettings};
pub use authorization::{AdmissionFuture, AuthorizationRequest, AuthorizeFuture};
pub use classification::judge;
pub use client_auth::{
    AssertionAlgorithm, AssertionFile, ClientCertificate, ClientCredential, FederatedIdentity, IdentityEndpoint,
    ManagedIdentity,
};
pub use discovery::{Discovery, DiscoverySettings};
pub use entra::{Entra, EntraSettings};
pub use generic::Generic;
pub use throttle::ThrottleBoard;
pub use token_client::{RedeemingClient, TokenClientParts};

use url::Url;

use crate::domain::{
    BotName, ClaimsChallenge, Connection, ConnectionName, ExchangeableToken, Secret, Timestamp, UserKey,
};

/// What is redeemed. Closed: a provider says which kinds it supports ([`Capabilities`]).
#[derive(Clone, Copy, Debug)]
pub enum Grant<'a> {
    /// A user's token for a token of another resource (RFC 7523 §2.1 with Entra's `requested_token_use`).
    OnBehalfOf(&'a ExchangeableToken),
    /// A refresh token for a new access token of the same user (RFC 6749 §6).
    RefreshToken {
        /// The refresh token.
        refresh_token: &'a Secret,
        /// Whose it is.
        user: &'a UserKey,
    },
    /// What a browser brought back from the authorization endpoint (RFC 6749 §4.1.3), with its proof key (RFC 7636 §4.5).
    AuthorizationCode {
        /// The code.
        code: &'a Secret,
        /// What the request's `code_challenge` was made of.
        code_verifier: &'a Secret,
        /// Exactly the one of the request.
        redirect_uri: &'a Url,
        /// Whose sign-in this is: if the issuer asks for patience, it is theirs. Sent nowhere.
        asker: &'a str,
    },
}

/// What a provider supports, as data that start-up checks connections against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// [`Grant::OnBehalfOf`].
    pub on_behalf_of: bool,
    /// [`Grant::RefreshToken`].
    pub refresh_token: bool,
    /// [`Grant::AuthorizationCode`].
    pub authorization_code: bool,
}

/// The frame of one redemption.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Sent as `client-request-id` and logged.
    pub correlation_id: String,
    /// Nothing is waited for beyond this point: calls and retries fit in.
    pub deadline: tokio::time::Instant,
    /// What a resource wants of the token beyond the connection's scopes.
    pub claims: Option<ClaimsChallenge>,
}

/// What a redeemed grant brought.
#[derive(Clone, Debug)]
pub struct RedeemedToken {
    /// The access token.
    pub access_token: Secret,
    /// When it ends; already capped and sanitised.
    pub expires_at: Timestamp,
    /// The scopes the issuer says it granted, where it says so.
    pub granted_scope: Option<String>,
    /// What the next token can be had for, if the issuer gave one.
    pub refresh_token: Option<Secret>,
    /// From when the issuer would like to see it refreshed; always before `expires_at`.
    pub refresh_at: Option<Timestamp>,
    /// Who signed in, where the grant was an authorization code (`OpenID` Connect Core §3.1.3.3). Not validated yet.
    pub id_token: Option<Secret>,
}

/// Why a grant was not redeemed: the closed list that the doors answer from (DESIGN §4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedeemFailure {
    /// The user or an administrator has not consented.
    ConsentRequired,
    /// The user must interact: MFA, a claims challenge, a new password.
    InteractionRequired {
        /// The challenge, verbatim, for the interactive path.
        claims: Option<String>,
    },
    /// The assertion's lifetime is over (or has not begun).
    AssertionExpired,
    /// The issuer refused the assertion for what it is.
    AssertionRejected,
    /// The operator must change something: credential, permission, registration.
    Misconfigured,
    /// Nobody present can cure it: disabled, blocked, unassigned, wrong account.
    Denied,
    /// Too many requests.
    Throttled {
        /// How long the issuer asked us to stay away.
        retry_after: Option<Duration>,
    },
    /// An outage, a time-out, an answer that makes no sense.
    Transient,
}

/// What the operator needs in order to act; goes to the log, never outward. Holds no token, claim or secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    /// The answer's HTTP status, if there was an answer.
    pub http_status: Option<u16>,
    /// `error`.
    pub error: Option<String>,
    /// `suberror`.
    pub suberror: Option<String>,
    /// The AADSTS number the classification used.
    pub aadsts: Option<u32>,
    /// `trace_id`.
    pub trace_id: Option<String>,
    /// What to change and where, or what happened if nothing was answered.
    pub hint: &'static str,
}

/// A failed redemption.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", diagnostics.hint)]
pub struct RedeemError {
    /// What it means.
    pub failure: RedeemFailure,
    /// What to tell the operator. Boxed: an error travels through many hands, its details are read once.
    pub diagnostics: Box<Diagnostics>,
}

/// What a redemption returns.
pub type RedeemFuture<'a> = Pin<Box<dyn Future<Output = Result<RedeemedToken, RedeemError>> + Send + 'a>>;

/// A remote issuer.
pub trait IdentityProvider: Send + Sync {
    /// What it supports.
    fn capabilities(&self) -> Capabilities;

    /// Redeems `grant` for the connection's scopes, within the attempt's deadline.
    fn redeem<'a>(&'a self, connection: &'a Connection, grant: Grant<'a>, attempt: Attempt) -> RedeemFuture<'a>;

    /// Where a browser is sent so that its user signs in for `connection` (RFC 6749 §4.1.1).
    fn authorize_url<'a>(
        &'a self,
        connection: &'a Connection,
        request: AuthorizationRequest<'a>,
    ) -> AuthorizeFuture<'a>;

    /// Whether the `iss` parameter of an authorization response, or its absence, is this issuer's (RFC 9207 §2.4).
    fn admits_issuer<'a>(&'a self, iss: Option<&'a str>) -> AdmissionFuture<'a>;
}

/// Which provider serves which connection. Built once at start-up.
#[derive(Clone, Default)]
pub struct ProviderRegistry {
    providers: HashMap<(BotName, ConnectionName), Arc<dyn IdentityProvider>>,
}

impl ProviderRegistry {
    /// Registers the provider that serves `connection`, replacing an earlier one.
    pub fn register(&mut self, connection: &Connection, provider: Arc<dyn IdentityProvider>) {
        self.providers.insert((connection.bot.clone(), connection.name.clone()), provider);
    }

    /// The provider of `connection`.
    #[must_use]
    pub fn find(&self, connection: &Connection) -> Option<&Arc<dyn IdentityProvider>> {
        self.providers.get(&(connection.bot.clone(), connection.name.clone()))
    }
}

fn refusal(failure: RedeemFailure, hint: &'static str) -> RedeemError {
    RedeemError { failure, diagnostics: Box::new(Diagnostics { hint, ..Diagnostics::default() }) }
}
