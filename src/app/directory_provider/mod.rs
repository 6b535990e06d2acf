//! Directories as the identity providers of bots' connections.
//!
//! Owns the way from a connection to a directory of this process: no request leaves it, and codes and refresh tokens are redeemed
//! by the checks of the token endpoint. It deliberately keeps nothing: sessions, grants and users are those of the directory.

mod own_applications;
mod signatures;

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::accounts::{Directories, DirectoryView};
use crate::domain::{Connection, Directory, Secret, SharedClock, TenantId, Timestamp, UserKey};
use crate::endpoints::directory::redemption::{
    GrantRedemption, GrantRefusal, GrantRequest, GrantedTokens, PresentedCode,
};
use crate::identity_provider::{
    AdmissionFuture, Attempt, AuthorizationRequest, AuthorizeFuture, Capabilities, Diagnostics, Grant,
    IdentityProvider, RedeemError, RedeemFailure, RedeemFuture, RedeemedToken, RevocableTokens, RevocationFuture,
    RevocationOutcome, build_authorize_url, join_scopes,
};
use crate::observability::{DirectoryCount, DirectoryCounts};

pub(super) use own_applications::list_own_applications;
pub(super) use signatures::TenantSignatures;

/// The word of `prompt` that shows the page, on which another user can sign in.
const SELECT_ACCOUNT: &str = "select_account";

/// What all connections to directories share.
#[derive(Clone)]
pub(super) struct ProviderParts {
    pub(super) directories: Directories,
    pub(super) redemption: GrantRedemption,
    pub(super) counts: DirectoryCounts,
    pub(super) clock: SharedClock,
}

/// A directory as the identity provider of one connection.
pub(super) struct DirectoryProvider {
    parts: ProviderParts,
    tenant: TenantId,
    issuer: String,
    /// `prompt` of every request, as the connection says it; empty for none.
    prompt: String,
}

impl DirectoryProvider {
    /// The provider of a connection whose users are those of `directory`, and which sends `prompt` with every request.
    pub(super) fn new(parts: ProviderParts, directory: &Directory, prompt: Option<&str>) -> Self {
        let (tenant, issuer) = (directory.tenant.clone(), directory.issuer.clone());
        Self { parts, tenant, issuer, prompt: prompt.unwrap_or_default().to_owned() }
    }

    fn build_url(&self, connection: &Connection, request: &AuthorizationRequest<'_>) -> Result<Url, RedeemError> {
        let endpoint = Url::parse(&format!("{}/authorization", self.issuer));
        let endpoint = endpoint.map_err(|_| refusal(RedeemFailure::Misconfigured, "server.public_url is no URL"))?;
        let scope = join_scopes(connection, &["openid", "appid_default"]);
        let mut url = build_authorize_url(endpoint, &connection.client_id, &scope, None, request);
        let asks_for_account = request.choose_account && self.prompt.is_empty();
        let prompt = if asks_for_account { SELECT_ACCOUNT } else { &self.prompt };
        if !prompt.is_empty() {
            url.query_pairs_mut().append_pair("prompt", prompt);
        }
        Ok(url)
    }

    async fn redeem_grant(
        &self,
        connection: &Connection,
        grant: Grant<'_>,
        attempt: &Attempt,
    ) -> Result<RedeemedToken, RedeemError> {
        let view = self.find_view()?;
        let request = request_of(&view, connection, &attempt.correlation_id)?;
        // Tokens end a number of seconds after the whole second of their issue, which is this one or a later one.
        let now = Timestamp::from_unix_seconds(self.parts.clock.now().unix_seconds());
        let redemption = &self.parts.redemption;
        let (granted, count) = match grant {
            Grant::AuthorizationCode { code, code_verifier, redirect_uri, .. } => {
                let presented = PresentedCode {
                    code: code.expose(),
                    redirect_uri: Some(redirect_uri.as_str()),
                    code_verifier: Some(code_verifier.expose()),
                };
                (redemption.redeem_code(request, presented).await, DirectoryCount::TokensByCode)
            }
            Grant::RefreshToken { refresh_token, user } => {
                self.require_own(user)?;
                (redemption.refresh(request, refresh_token.expose(), None).await, DirectoryCount::TokensByRefreshToken)
            }
            Grant::OnBehalfOf(_) => {
                let hint =
                    "the connection's users are those of a directory, which exchanges no tokens of other issuers";
                return Err(refusal(RedeemFailure::Misconfigured, hint));
            }
        };
        let granted = granted.map_err(|refused| explain(&refused))?;
        self.parts.counts.add(&view.directory.name, count);
        Ok(to_redeemed(granted, now))
    }

    /// A connection that now names another directory must not send it the tokens of the old one.
    fn require_own(&self, user: &UserKey) -> Result<(), RedeemError> {
        let is_own = user.directory_user().is_some_and(|(tenant, _)| tenant == self.tenant.as_str());
        let hint = "the refresh token's user belongs to another directory";
        if is_own { Ok(()) } else { Err(refusal(RedeemFailure::AssertionRejected, hint)) }
    }

    async fn revoke_grant(&self, tokens: RevocableTokens<'_>) -> Result<RevocationOutcome, RedeemError> {
        self.require_own(tokens.user)?;
        let view = self.find_view()?;
        let ended = self.parts.redemption.end_grant(
            &view,
            tokens.refresh_token.map(Secret::expose),
            tokens.access_token.expose(),
        );
        ended.await.map_err(|refused| explain(&refused))?;
        Ok(RevocationOutcome::Revoked)
    }

    fn find_view(&self) -> Result<Arc<DirectoryView>, RedeemError> {
        let found = self.parts.directories.find(self.tenant.as_str());
        found.ok_or_else(|| refusal(RedeemFailure::Misconfigured, "the connection's directory is not served"))
    }
}

/// The request of the application that stands for `connection`. The process itself makes it, so it has no address.
fn request_of<'a>(
    view: &'a DirectoryView,
    connection: &Connection,
    correlation_id: &'a str,
) -> Result<GrantRequest<'a>, RedeemError> {
    let application = view.find_application(&connection.client_id);
    let hint = "the connection is no application of its directory";
    let application = application.ok_or_else(|| refusal(RedeemFailure::Misconfigured, hint))?;
    Ok(GrantRequest { view, application, correlation_id, client: None })
}

fn to_redeemed(granted: GrantedTokens, now: Timestamp) -> RedeemedToken {
    let GrantedTokens { issued, refresh_token, scope } = granted;
    RedeemedToken {
        access_token: issued.access_token,
        expires_at: now.plus(Duration::from_secs(issued.expires_in.into())),
        granted_scope: Some(scope),
        refresh_token,
        refresh_at: None,
        id_token: issued.id_token,
    }
}

/// What a refusal of the directory means, as an answer `invalid_grant` of another provider would.
fn explain(refused: &GrantRefusal) -> RedeemError {
    match refused {
        GrantRefusal::Refused(check) => refusal(RedeemFailure::InteractionRequired { claims: None }, check.hint),
        GrantRefusal::WiderScope => {
            refusal(RedeemFailure::Misconfigured, "a connection asked its directory for more scopes than were granted")
        }
        GrantRefusal::Unavailable => {
            refusal(RedeemFailure::Transient, "the records of the connection's directory cannot be read or written")
        }
    }
}

fn refusal(failure: RedeemFailure, hint: &'static str) -> RedeemError {
    RedeemError { failure, diagnostics: Box::new(Diagnostics { hint, ..Diagnostics::default() }) }
}

impl IdentityProvider for DirectoryProvider {
    fn capabilities(&self) -> Capabilities {
        Capabilities { on_behalf_of: false, refresh_token: true, authorization_code: true }
    }

    fn redeem<'a>(&'a self, connection: &'a Connection, grant: Grant<'a>, attempt: Attempt) -> RedeemFuture<'a> {
        Box::pin(async move { self.redeem_grant(connection, grant, &attempt).await })
    }

    fn authorize_url<'a>(
        &'a self,
        connection: &'a Connection,
        request: AuthorizationRequest<'a>,
    ) -> AuthorizeFuture<'a> {
        Box::pin(std::future::ready(self.build_url(connection, &request)))
    }

    /// The authorization endpoint sends `iss` with every answer (RFC 9207 §2).
    fn admits_issuer<'a>(&'a self, iss: Option<&'a str>) -> AdmissionFuture<'a> {
        Box::pin(std::future::ready(Ok(iss == Some(self.issuer.as_str()))))
    }

    fn revoke<'a>(&'a self, tokens: RevocableTokens<'a>) -> RevocationFuture<'a> {
        Box::pin(self.revoke_grant(tokens))
    }
}
