use std::future::Future;
use std::pin::Pin;

use tokio::time::Instant;

use super::RedeemError;
use crate::domain::{Secret, UserKey};

/// The tokens of a user who was signed out.
#[derive(Clone, Copy, Debug)]
pub struct RevocableTokens<'a> {
    /// The refresh token. It is revoked first, because that also ends the access tokens of the same grant at many
    /// providers (RFC 7009 §2.1).
    pub refresh_token: Option<&'a Secret>,
    /// The access token.
    pub access_token: &'a Secret,
    /// The user that both were issued for.
    pub user: &'a UserKey,
    /// The id of the requests in the log.
    pub correlation_id: &'a str,
    /// The end of all requests.
    pub deadline: Instant,
}

/// The future that [`IdentityProvider::revoke`](super::IdentityProvider::revoke) returns.
pub type RevocationFuture<'a> = Pin<Box<dyn Future<Output = Result<RevocationOutcome, RedeemError>> + Send + 'a>>;

/// What became of a revocation that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationOutcome {
    /// The provider confirmed it (RFC 7009 §2.2).
    Revoked,
    /// The provider has no revocation endpoint, or the tokens are another issuer's. Nothing was sent.
    NotSupported,
}
