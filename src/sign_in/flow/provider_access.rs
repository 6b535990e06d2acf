use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::{PROVIDER_BUDGET, ProviderAnswer, SignInError, SignInFailure};
use crate::domain::{Account, Connection, Secret, UserKey};
use crate::exchange::{Redemption, SignInNeed};
use crate::identity_provider::{
    Attempt, AuthorizationRequest, Grant, IdentityProvider, RedeemError, RedeemedToken, classify_authorization_error,
};
use crate::sign_in::identification::IdTokenValidators;
use crate::sign_in::provider_sessions::ProviderSessions;
use crate::token_validation::IdentifiedUser;

/// The browser's side of the identity providers: authorization URLs, codes and ID tokens.
#[derive(Clone)]
pub struct ProviderAccess {
    redemption: Redemption,
    id_tokens: Arc<IdTokenValidators>,
    sessions: ProviderSessions,
    /// The redirect URI of the sign-ins of cards, exactly as it is registered at the providers.
    redirect_uri_of_cards: Url,
}

/// What was drawn and chosen for one browser's way to the provider. Its authorization request and the redemption of its code
/// both depend on it.
#[derive(Clone, Copy)]
pub(in crate::sign_in) struct ProviderRequest<'a> {
    /// The redirect URI, exactly as it is registered at the provider.
    pub(in crate::sign_in) redirect_uri: &'a Url,
    pub(in crate::sign_in) nonce: &'a Secret,
    pub(in crate::sign_in) code_verifier: &'a Secret,
    /// The Entra tenant that the browser is sent to, if it is not the one that the connection alone says.
    pub(in crate::sign_in) tenant: Option<&'a str>,
    /// Whether the provider must ask the user to sign in even if it has a session of the user.
    pub(in crate::sign_in) asks_anew: bool,
}

/// The authorization code that a browser brought back.
pub(in crate::sign_in) struct ReturnedCode<'a> {
    pub(in crate::sign_in) code: &'a Secret,
    /// What the browser was sent to the provider with.
    pub(in crate::sign_in) request: ProviderRequest<'a>,
    /// The account that signs in; the provider's throttle counts by it.
    pub(in crate::sign_in) account: &'a Account,
}

impl ProviderRequest<'_> {
    /// The hash of the code verifier for the authorization request (RFC 7636 §4.2, `S256`).
    fn code_challenge(self) -> String {
        hash_code_verifier(self.code_verifier)
    }
}

impl ProviderAccess {
    /// Uses the providers of `redemption`; `id_tokens` validates their ID tokens, and `sessions` keeps whose sessions these name.
    /// The providers send the browsers of cards back to `redirect_uri_of_cards`.
    #[must_use]
    pub fn new(
        redemption: Redemption,
        id_tokens: Arc<IdTokenValidators>,
        sessions: ProviderSessions,
        redirect_uri_of_cards: Url,
    ) -> Self {
        Self { redemption, id_tokens, sessions, redirect_uri_of_cards }
    }

    /// The redirect URI of the sign-ins of cards.
    pub(super) const fn redirect_uri_of_cards(&self) -> &Url {
        &self.redirect_uri_of_cards
    }

    /// The provider of `connection`.
    pub(super) fn find(&self, connection: &Connection) -> Result<&Arc<dyn IdentityProvider>, SignInError> {
        self.redemption.find_provider(connection).ok_or(SignInError::Misconfigured)
    }

    /// Builds the authorization URL for the browser whose step has the handle `state`.
    pub(in crate::sign_in) async fn authorize_url(
        &self,
        connection: &Connection,
        state: &Secret,
        request: ProviderRequest<'_>,
        need: &SignInNeed,
    ) -> Result<Url, SignInFailure> {
        let request = AuthorizationRequest {
            redirect_uri: request.redirect_uri,
            state,
            nonce: request.nonce,
            code_challenge: &request.code_challenge(),
            ask_consent: need.consent,
            choose_account: need.choose_account,
            asks_anew: request.asks_anew,
            claims: need.claims.as_ref(),
            tenant: request.tenant,
        };
        let url = timeout(PROVIDER_BUDGET, self.find(connection)?.authorize_url(connection, request)).await;
        Ok(url.map_err(|_| SignInError::Unavailable)??)
    }

    /// Reads the code from the answer that a browser brings back. The issuer is checked first, because an error from another
    /// issuer must not count as this issuer's error either (RFC 9207 §2.4). Uses nothing up, so a refusal may be repeated,
    /// and the browser may still return with a code.
    pub(in crate::sign_in) async fn read_code(
        &self,
        connection: &Connection,
        answer: &ProviderAnswer<'_>,
    ) -> Result<Secret, SignInFailure> {
        let admitted = timeout(PROVIDER_BUDGET, self.find(connection)?.admits_issuer(answer.iss)).await;
        if !admitted.map_err(|_| SignInError::Unavailable)?? {
            return Err(SignInError::IssuerMismatch.into());
        }
        match (answer.error, answer.code.filter(|code| !code.is_empty())) {
            (None, Some(code)) => Ok(Secret::from(code)),
            _ => Err(classify_authorization_error(&answer.error()).into()),
        }
    }

    /// Redeems the code within the attempt's deadline.
    pub(in crate::sign_in) async fn redeem(
        &self,
        connection: &Connection,
        returned: ReturnedCode<'_>,
        attempt: Attempt,
    ) -> Result<RedeemedToken, RedeemError> {
        let ReturnedCode { code, request, account } = returned;
        let throttled_as = account.key_parts().join(" ");
        let ProviderRequest { code_verifier, redirect_uri, tenant, .. } = request;
        let throttled_as = throttled_as.as_str();
        let grant = Grant::AuthorizationCode { code, code_verifier, redirect_uri, throttled_as, tenant };
        self.redemption.redeem(connection, grant, attempt).await
    }

    /// The user that the ID token of `redeemed` names, unverified.
    pub(in crate::sign_in) fn presume_user(
        &self,
        connection: &Connection,
        redeemed: &RedeemedToken,
    ) -> Option<UserKey> {
        self.id_tokens.presume_user(connection, redeemed.id_token.as_ref()?)
    }

    /// Identifies the user by the ID token that came with `redeemed`. If the ID token holds no name, the provider is
    /// asked for one, which is only shown.
    pub(in crate::sign_in) async fn identify(
        &self,
        connection: &Connection,
        redeemed: &RedeemedToken,
        nonce: &Secret,
        deadline: Instant,
    ) -> Result<IdentifiedUser, SignInFailure> {
        let raw = redeemed.id_token.as_ref().ok_or(SignInError::IdTokenRejected { check: "absent" })?;
        let validated = timeout_at(deadline, self.id_tokens.validate(connection, raw, nonce)).await;
        let user = validated.map_err(|_| SignInError::Unavailable)??;
        self.sessions.note(&user).await?;
        if user.has_name() {
            return Ok(user);
        }
        let provider = self.find(connection)?;
        let names = provider.find_names(&redeemed.access_token, user.user.subject(), deadline);
        let names = timeout_at(deadline, names).await.ok().flatten();
        Ok(match names {
            Some(names) => {
                user.with_names(names.name.as_deref(), names.preferred_username.as_deref().or(names.email.as_deref()))
            }
            None => user,
        })
    }
}

fn hash_code_verifier(code_verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, code_verifier.expose().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_challenge_matches_the_example_of_the_rfc() {
        // RFC 7636, appendix B.
        let challenge = hash_code_verifier(&Secret::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
