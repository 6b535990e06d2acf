use std::sync::Arc;

use super::MIN_REMAINING_LIFETIME;
use crate::domain::{
    AudienceRule, ExchangePolicy, ExchangeableToken, Secret, SecurityContext, SharedClock, Timestamp, UserKey,
};
use crate::token_validation::algorithms::SignaturePolicy;
use crate::token_validation::claims::{Claims, Lifetime};
use crate::token_validation::id_token::read_openid_user;
use crate::token_validation::key_set::KeySet;
use crate::token_validation::security_context::{derive_policy_context, derive_security_context};
use crate::token_validation::verifier::{SignatureVerifier, VerifiedToken};
use crate::token_validation::{EXCHANGEABLE_TOKEN_LIMIT_BYTES, ExchangeableTokenError};

/// Validates the access tokens of a provider other than Entra that clients hand in to be exchanged at that provider
/// (RFC 9068 §4). The token must be a JSON Web Token: what an opaque one says is known to its issuer alone.
pub struct ProviderTokenValidator {
    pub(super) issuer: String,
    key_set: Arc<KeySet>,
    verifier: SignatureVerifier<TokenFacts>,
    pub(super) clock: SharedClock,
}

/// What follows from the token alone. It depends neither on the policy nor on the time, so it is derived once.
struct TokenFacts {
    user: Result<UserKey, &'static str>,
    security_context: SecurityContext,
    policy_context: SecurityContext,
    lifetime: Result<Lifetime, &'static str>,
    kind_check: Result<(), &'static str>,
}

impl ProviderTokenValidator {
    /// Trusts the access tokens of `issuer`, which is compared exactly, signed with a key of `key_set`.
    #[must_use]
    pub fn new(issuer: String, key_set: Arc<KeySet>, clock: SharedClock) -> Self {
        let policy = SignaturePolicy::AnnouncedAsymmetric;
        let verifier = SignatureVerifier::with_policy(EXCHANGEABLE_TOKEN_LIMIT_BYTES, policy);
        Self { issuer, key_set, verifier, clock }
    }

    /// Proves that `raw` is a user's genuine access token, live, and meant for a connection with this policy. The issuer is
    /// compared before anything is fetched.
    ///
    /// # Errors
    /// [`ExchangeableTokenError`].
    pub async fn validate(
        &self,
        raw: &Secret,
        policy: &ExchangePolicy,
    ) -> Result<ExchangeableToken, ExchangeableTokenError> {
        let choose = |claims: &Claims| match claims.text("iss") {
            Some(issuer) if issuer == self.issuer => Ok(Arc::clone(&self.key_set)),
            _ => Err("iss"),
        };
        let token = match self.verifier.find_verified(raw.expose().as_bytes(), self.clock.now()) {
            Ok(token) => token,
            // Boxed, so that it adds nothing to the state of a request whose token is known.
            Err(unknown) => Box::pin(self.verifier.verify_unknown(raw.expose(), unknown, choose)).await?,
        };
        let claims = &token.claims;
        let facts = token.derived(|token| self.derive_facts(token));
        check_audience(claims, policy).map_err(rejected)?;
        let expires_at = self.check_times(facts.lifetime.map_err(|_| rejected("time"))?)?;
        facts.kind_check.map_err(rejected)?;
        let granted = read_scopes(claims);
        if !policy.required_scopes.iter().all(|required| granted.contains(required)) {
            return Err(rejected("scp"));
        }
        check_client(claims, policy).map_err(rejected)?;
        let user = facts.user.clone().map_err(rejected)?;
        Ok(ExchangeableToken {
            raw: raw.clone(),
            user,
            expires_at,
            security_context: facts.security_context,
            policy_context: facts.policy_context,
            displayed: Arc::default(),
        })
    }

    fn derive_facts(&self, token: &VerifiedToken<TokenFacts>) -> TokenFacts {
        TokenFacts {
            user: read_openid_user(&token.claims, &self.issuer),
            security_context: derive_security_context(&token.claims),
            policy_context: derive_policy_context(&token.claims),
            lifetime: token.claims.lifetime(),
            kind_check: check_kind(&token.claims),
        }
    }

    /// The provider applies `exp` itself while the exchange is on its way, as Entra does. `nbf` need not be there (RFC 9068
    /// §2.2).
    fn check_times(&self, lifetime: Lifetime) -> Result<Timestamp, ExchangeableTokenError> {
        if lifetime.issued.is_none() {
            return Err(rejected("time"));
        }
        let now = self.clock.now();
        match lifetime.find_future_claim(now) {
            Some("exp") => Err(rejected("time")),
            None if lifetime.ends > now.plus(MIN_REMAINING_LIFETIME) => Ok(lifetime.ends),
            _ => Err(ExchangeableTokenError::Expired),
        }
    }
}

fn rejected(check: &'static str) -> ExchangeableTokenError {
    ExchangeableTokenError::Rejected { check }
}

/// Whole-text comparison (RFC 9068 §4). A token may have several audiences.
fn check_audience(claims: &Claims, policy: &ExchangePolicy) -> Result<(), &'static str> {
    let named = claims.texts("aud").ok_or("aud")?;
    let accepts = |audience: &String| {
        policy.audiences.iter().any(|rule| matches!(rule, AudienceRule::Uri(accepted) if accepted == audience))
    };
    if named.iter().any(accepts) { Ok(()) } else { Err("aud") }
}

/// The token must be an access token of a user that everybody who holds it may use.
fn check_kind(claims: &Claims) -> Result<(), &'static str> {
    if is_id_token(claims) {
        return Err("typ");
    }
    // The holder of a bound token has to prove a key (RFC 7800 §3), and no proof comes with an activity.
    if claims.has("cnf") {
        return Err("cnf");
    }
    if is_of_application(claims) { Err("app_only") } else { Ok(()) }
}

/// Whether the token is an ID token, which proves a sign-in to its own client alone. Headers do not tell: most providers
/// write the same `typ` for both.
pub(super) fn is_id_token(claims: &Claims) -> bool {
    match claims.text("typ") {
        // Keycloak says in a claim what the token is.
        Some("ID") => return true,
        Some("Bearer") => return false,
        _ => {}
    }
    // An access token names its scopes or its client (RFC 9068 §2.2); an ID token has hashes and the nonce of its sign-in
    // (OpenID Connect Core §2, §3.3.2.11).
    let names_access = ["scope", "scp", "client_id"].iter().any(|name| claims.has(name));
    !names_access || ["nonce", "at_hash", "c_hash"].iter().any(|name| claims.has(name))
}

/// Whether the token is an application's own. With the grant `client_credentials` `sub` is the client (RFC 9068 §5). Two
/// providers say it in their own words: Auth0 by `gty` and `<client>@clients`, Keycloak by the name of the client's account.
fn is_of_application(claims: &Claims) -> bool {
    let subject = claims.text("sub").unwrap_or_default();
    let name = claims.text("preferred_username").unwrap_or_default();
    let is_account_of = |client: &str| {
        subject == client
            || subject.strip_suffix("@clients") == Some(client)
            || name.strip_prefix("service-account-") == Some(client)
    };
    let says_so = claims.texts("gty").is_some_and(|grants| grants.iter().any(|grant| grant == "client-credentials"));
    says_so || list_clients(claims).any(is_account_of)
}

/// `scope` is a text with spaces (RFC 9068 §2.2.3); some providers write `scp`, as a text or a list.
fn read_scopes(claims: &Claims) -> Vec<String> {
    let listed = ["scope", "scp"].iter().filter_map(|name| claims.texts(name)).flatten();
    listed.flat_map(|text| text.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn list_clients(claims: &Claims) -> impl Iterator<Item = &str> {
    ["client_id", "azp"].into_iter().filter_map(|name| claims.text(name))
}

/// Each client that the token names must be listed.
fn check_client(claims: &Claims, policy: &ExchangePolicy) -> Result<(), &'static str> {
    let is_listed = |client: &str| policy.authorized_clients.iter().any(|listed| listed == client);
    let mut clients = list_clients(claims).peekable();
    let authorized = policy.authorized_clients.is_empty() || clients.peek().is_some() && clients.all(is_listed);
    if authorized { Ok(()) } else { Err("azp") }
}
