#[cfg(test)]
mod tests;

use std::time::Duration;

use super::ExchangeableTokenError;
use super::claims::{Claims, Lifetime};
use super::issuer::{EntraOrigin, EntraTrust, IssuerVersion, client_of, is_guid};
use super::security_context::context_of;
use super::verifier::{SignatureVerifier, Unproven, VerifiedToken};
use crate::domain::{
    AudienceRule, ExchangePolicy, ExchangeableToken, Secret, SecurityContext, SharedClock, Timestamp, UserKey,
};

/// docs/protocols/entra-obo.md §1 rule 1: 16 to 32 KiB is enough for a bot.
const TOKEN_LIMIT_BYTES: usize = 32 * 1024;
/// Entra applies `exp` itself while the exchange is on its way (docs/protocols/entra-obo.md §1 rule 15).
const LIFE_NEEDED: Duration = Duration::from_secs(30);
/// A real `uti` has 22 characters; it goes to the log.
const LONGEST_TOKEN_ID: usize = 64;

/// Validates the tokens that clients hand in to be exchanged. The only maker of [`ExchangeableToken`].
pub struct ExchangeableTokenValidator {
    trust: EntraTrust,
    verifier: SignatureVerifier<Conclusions>,
    clock: SharedClock,
}

/// What follows from a token alone, under whichever policy and whenever it is shown.
struct Conclusions {
    origin: Result<EntraOrigin, &'static str>,
    key_may_sign: bool,
    client: Result<Option<String>, &'static str>,
    subject: Result<Subject, &'static str>,
    lifetime: Result<Lifetime, &'static str>,
    of_a_user: Result<(), &'static str>,
}

/// Whose token it is.
struct Subject {
    user: UserKey,
    object_id: String,
    security_context: SecurityContext,
    token_id: Option<String>,
}

impl ExchangeableTokenValidator {
    /// Trusts the tenants of one Entra cloud; which of them is each connection's policy.
    #[must_use]
    pub fn new(trust: EntraTrust, clock: SharedClock) -> Self {
        Self { trust, verifier: SignatureVerifier::new(TOKEN_LIMIT_BYTES), clock }
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
            admit_origin(&origin, claims, policy).map(|()| self.trust.keys_of(origin.version).clone())
        };
        let token = self.verifier.verify(raw.expose(), choose).await?;
        let claims = &token.claims;
        let Conclusions { origin, key_may_sign, client, subject, lifetime, of_a_user } =
            token.derived(|token| self.conclude(token));
        let origin = origin.as_ref().map_err(|check| rejected(check))?;
        // Again, for a remembered signature was perhaps proven under another connection's policy.
        admit_origin(origin, claims, policy).map_err(rejected)?;
        if !key_may_sign {
            return Err(rejected("iss"));
        }
        check_audience(claims, origin.version, policy)?;
        let expires_at = self.check_times(lifetime.map_err(|_| rejected("time"))?)?;
        of_a_user.map_err(rejected)?;
        if !policy.required_scopes.iter().all(|scope| claims.has_scope(scope)) {
            return Err(rejected("scp"));
        }
        check_client(client.as_ref().map_err(|check| rejected(check))?.as_deref(), policy)?;
        let subject = subject.as_ref().map_err(|check| rejected(check))?;
        Ok(ExchangeableToken {
            raw: raw.clone(),
            user: subject.user.clone(),
            object_id: subject.object_id.clone(),
            tenant_id: origin.tenant_id.clone(),
            expires_at,
            security_context: subject.security_context,
            token_id: subject.token_id.clone(),
        })
    }

    fn conclude(&self, token: &VerifiedToken<Conclusions>) -> Conclusions {
        let origin = self.trust.origin(&token.claims);
        let of_origin = origin.as_ref().map_err(|check| *check);
        Conclusions {
            key_may_sign: of_origin.is_ok_and(|origin| self.trust.key_may_sign(&token.key, origin)),
            client: of_origin.and_then(|origin| client_of(&token.claims, origin.version)),
            subject: of_origin.and_then(|origin| subject_of(&token.claims, origin)),
            lifetime: token.claims.lifetime(),
            of_a_user: check_user(&token.claims),
            origin,
        }
    }

    fn check_times(&self, lifetime: Lifetime) -> Result<Timestamp, ExchangeableTokenError> {
        if lifetime.not_before.is_none() || lifetime.issued.is_none() {
            return Err(rejected("time"));
        }
        let now = self.clock.now();
        match lifetime.begins_after(now) {
            Some("exp") => return Err(rejected("time")),
            Some(_) => return Err(ExchangeableTokenError::Expired),
            None => {}
        }
        if lifetime.ends > now.plus(LIFE_NEEDED) { Ok(lifetime.ends) } else { Err(ExchangeableTokenError::Expired) }
    }
}

impl From<Unproven> for ExchangeableTokenError {
    fn from(unproven: Unproven) -> Self {
        match unproven {
            Unproven::Refused(check) => Self::Rejected { check },
            Unproven::KeysUnavailable => Self::KeysUnavailable,
        }
    }
}

fn rejected(check: &'static str) -> ExchangeableTokenError {
    ExchangeableTokenError::Rejected { check }
}

fn admit_origin(origin: &EntraOrigin, claims: &Claims, policy: &ExchangePolicy) -> Result<(), &'static str> {
    if !origin.fits_version(claims) || (origin.version == IssuerVersion::V1 && !policy.allow_v1) {
        return Err("ver");
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
        AudienceRule::ClientId(client_id) => is_guid(audience) && audience.eq_ignore_ascii_case(client_id),
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
    let welcome = policy.authorized_clients.is_empty()
        || client.is_some_and(|client| policy.authorized_clients.iter().any(|listed| listed == client));
    if welcome { Ok(()) } else { Err(rejected("azp")) }
}

fn subject_of(claims: &Claims, origin: &EntraOrigin) -> Result<Subject, &'static str> {
    let object_id = claims.text("oid").filter(|oid| is_guid(oid)).ok_or("oid")?.to_ascii_lowercase();
    let token_id = claims.text("uti").filter(|uti| uti.len() <= LONGEST_TOKEN_ID).map(str::to_owned);
    Ok(Subject {
        user: UserKey::entra(&object_id, &origin.tenant_id),
        object_id,
        security_context: context_of(claims),
        token_id,
    })
}
