//! Validation of the user tokens that clients hand in to be exchanged on behalf of the user.
//!
//! Owns the rules of docs/protocols/entra-obo.md §1 for tokens of Entra, and those of RFC 9068 §4 for access tokens of other
//! providers. The policy of the connection is a parameter of each validation.

mod explanation;
mod provider_token;
mod provider_token_explanation;
#[cfg(test)]
mod provider_token_tests;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(super) use explanation::{HINTS, OTHER_HINTS};
pub use provider_token::ProviderTokenValidator;
#[cfg(test)]
pub(super) use provider_token_explanation::{HINTS as PROVIDER_TOKEN_HINTS, OTHER_HINTS as OTHER_PROVIDER_TOKEN_HINTS};

use std::sync::Arc;
use std::time::Duration;

use super::claims::{Claims, Lifetime};
use super::issuer::{EntraOrigin, EntraTrust, IssuerVersion, is_guid, read_client_id};
use super::security_context::{derive_policy_context, derive_security_context};
use super::verifier::{SignatureVerifier, VerificationFailure, VerifiedToken};
use super::{EXCHANGEABLE_TOKEN_LIMIT_BYTES, ExchangeableTokenError};
use crate::domain::{
    AudienceRule, DisplayedNames, ExchangePolicy, ExchangeableToken, Secret, SecurityContext, SharedClock, Timestamp,
    UserKey,
};

/// Entra applies `exp` itself while the exchange is on its way (docs/protocols/entra-obo.md §1 rule 15).
const MIN_REMAINING_LIFETIME: Duration = Duration::from_secs(30);
/// Names have at most 256 characters in Entra. They are kept in memory with the result of the signature check.
const MAX_DISPLAYED_BYTES: usize = 1024;

/// Validates the tokens of Entra that clients hand in to be exchanged.
pub struct ExchangeableTokenValidator {
    trust: EntraTrust,
    verifier: SignatureVerifier<TokenFacts>,
    clock: SharedClock,
}

/// What follows from the token alone. It depends neither on the policy nor on the time, so it is derived once.
struct TokenFacts {
    origin: Result<EntraOrigin, &'static str>,
    fits_version: bool,
    key_may_sign: bool,
    client: Result<Option<String>, &'static str>,
    subject: Result<Subject, &'static str>,
    lifetime: Result<Lifetime, &'static str>,
    user_check: Result<(), &'static str>,
}

/// The user that the token belongs to.
struct Subject {
    user: UserKey,
    security_context: SecurityContext,
    policy_context: SecurityContext,
    displayed: Arc<DisplayedNames>,
}

impl ExchangeableTokenValidator {
    /// Trusts the tenants of one Entra cloud; which of them is each connection's policy.
    #[must_use]
    pub fn new(trust: EntraTrust, clock: SharedClock) -> Self {
        Self { trust, verifier: SignatureVerifier::new(EXCHANGEABLE_TOKEN_LIMIT_BYTES), clock }
    }

    /// Proves that `raw` is a user's genuine token, live, and meant for a connection with this policy
    /// (docs/protocols/entra-obo.md §1 rules 1–20). Issuer and tenant are compared before anything is fetched.
    ///
    /// # Errors
    /// [`ExchangeableTokenError`].
    pub async fn validate(
        &self,
        raw: &Secret,
        policy: &ExchangePolicy,
    ) -> Result<ExchangeableToken, ExchangeableTokenError> {
        let choose = |claims: &Claims| {
            let origin = self.trust.origin(claims)?;
            let fits_version = origin.fits_version(claims);
            admit_origin(&origin, fits_version, claims, policy).map(|()| self.trust.key_set_for(origin.version).clone())
        };
        let now = self.clock.now();
        let (token, now) = match self.verifier.find_verified(raw.expose().as_bytes(), now) {
            Ok(token) => (token, now),
            // Boxed, so that it adds nothing to the state of a request whose token is known.
            Err(unknown) => {
                let token = Box::pin(self.verifier.verify_unknown(raw.expose(), unknown, choose)).await?;
                (token, self.clock.now())
            }
        };
        let claims = &token.claims;
        let TokenFacts { origin, fits_version, key_may_sign, client, subject, lifetime, user_check } =
            token.derived(|token| self.derive_facts(token));
        let origin = origin.as_ref().map_err(|check| rejected(check))?;
        // Checked again, because a cached signature may have been verified under the policy of another connection.
        admit_origin(origin, *fits_version, claims, policy).map_err(rejected)?;
        if !key_may_sign {
            return Err(rejected("iss"));
        }
        check_audience(claims, origin.version, policy)?;
        let expires_at = check_times(lifetime.map_err(|_| rejected("time"))?, now)?;
        user_check.map_err(rejected)?;
        if !policy.required_scopes.iter().all(|scope| claims.has_scope(scope)) {
            return Err(rejected("scp"));
        }
        check_client(client.as_ref().map_err(|check| rejected(check))?.as_deref(), policy)?;
        let subject = subject.as_ref().map_err(|check| rejected(check))?;
        Ok(ExchangeableToken {
            raw: raw.clone(),
            user: subject.user.clone(),
            expires_at,
            security_context: subject.security_context,
            policy_context: subject.policy_context,
            displayed: Arc::clone(&subject.displayed),
        })
    }

    fn derive_facts(&self, token: &VerifiedToken<TokenFacts>) -> TokenFacts {
        let origin = self.trust.origin(&token.claims);
        let origin_ref = origin.as_ref().map_err(|check| *check);
        TokenFacts {
            fits_version: origin_ref.is_ok_and(|origin| origin.fits_version(&token.claims)),
            key_may_sign: origin_ref.is_ok_and(|origin| self.trust.key_may_sign(&token.key, origin)),
            client: origin_ref.and_then(|origin| read_client_id(&token.claims, origin.version)),
            subject: origin_ref.and_then(|origin| read_subject(&token.claims, origin)),
            lifetime: token.claims.lifetime(),
            user_check: check_user(&token.claims),
            origin,
        }
    }
}

impl From<VerificationFailure> for ExchangeableTokenError {
    fn from(failure: VerificationFailure) -> Self {
        match failure {
            VerificationFailure::Refused(check) => Self::Rejected { check },
            VerificationFailure::KeysUnavailable => Self::KeysUnavailable,
            VerificationFailure::KeyNotKnownYet => Self::KeyNotKnownYet,
        }
    }
}

fn rejected(check: &'static str) -> ExchangeableTokenError {
    ExchangeableTokenError::Rejected { check }
}

fn check_times(lifetime: Lifetime, now: Timestamp) -> Result<Timestamp, ExchangeableTokenError> {
    if lifetime.not_before.is_none() || lifetime.issued.is_none() {
        return Err(rejected("time"));
    }
    match lifetime.find_future_claim(now) {
        Some("exp") => return Err(rejected("time")),
        Some(_) => return Err(ExchangeableTokenError::Expired),
        None => {}
    }
    if lifetime.ends > now.plus(MIN_REMAINING_LIFETIME) {
        Ok(lifetime.ends)
    } else {
        Err(ExchangeableTokenError::Expired)
    }
}

/// Whether a connection with `policy` takes tokens of this origin; `fits_version` is [`EntraOrigin::fits_version`].
fn admit_origin(
    origin: &EntraOrigin,
    fits_version: bool,
    claims: &Claims,
    policy: &ExchangePolicy,
) -> Result<(), &'static str> {
    if !fits_version {
        return Err("ver");
    }
    if origin.version == IssuerVersion::V1 && !policy.allow_v1 {
        // Another version would not help a token that is meant for another application, as Microsoft Graph's are.
        return Err(if check_audience(claims, origin.version, policy).is_ok() { "ver" } else { "aud" });
    }
    if origin.is_admitted_by(&policy.tenants) { Ok(()) } else { Err("tid") }
}

/// Whole-string comparison (docs/architecture.md §Security rules, rule 7); v1.0 tokens may spell a URI with a trailing
/// slash (docs/protocols/entra-obo.md §1 rule 14).
fn check_audience(
    claims: &Claims,
    version: IssuerVersion,
    policy: &ExchangePolicy,
) -> Result<(), ExchangeableTokenError> {
    let audience = claims.text("aud").ok_or(rejected("aud"))?;
    let fits = policy.audiences.iter().any(|rule| match rule {
        AudienceRule::ClientId(client_id) => audience.eq_ignore_ascii_case(client_id) && is_guid(audience),
        AudienceRule::Uri(uri) => {
            audience == uri || (version == IssuerVersion::V1 && audience.strip_suffix('/') == Some(uri))
        }
    });
    if fits { Ok(()) } else { Err(rejected("aud")) }
}

/// On-behalf-of is for users (docs/protocols/entra-obo.md §1 rule 16), and not for ID tokens (rule 4).
fn check_user(claims: &Claims) -> Result<(), &'static str> {
    let without_scope = !claims.has("scp");
    let same_subject = claims.text("oid").is_some() && claims.text("oid") == claims.text("sub");
    let app_only = claims.text("idtyp") == Some("app") || (without_scope && (claims.has("roles") || same_subject));
    if app_only {
        return Err("app_only");
    }
    if without_scope {
        return Err("scp");
    }
    if claims.has("nonce") { Err("form") } else { Ok(()) }
}

fn check_client(client: Option<&str>, policy: &ExchangePolicy) -> Result<(), ExchangeableTokenError> {
    let authorized = policy.authorized_clients.is_empty()
        || client.is_some_and(|client| policy.authorized_clients.iter().any(|listed| listed == client));
    if authorized { Ok(()) } else { Err(rejected("azp")) }
}

fn read_subject(claims: &Claims, origin: &EntraOrigin) -> Result<Subject, &'static str> {
    let object_id = claims.text("oid").filter(|oid| is_guid(oid)).ok_or("oid")?;
    let named = |claim| claims.text(claim).filter(|text| text.len() <= MAX_DISPLAYED_BYTES).map(str::to_owned);
    Ok(Subject {
        displayed: Arc::new(DisplayedNames { name: named("name"), preferred_username: named("preferred_username") }),
        user: UserKey::entra(object_id, &origin.tenant_id),
        security_context: derive_security_context(claims),
        policy_context: derive_policy_context(claims),
    })
}
