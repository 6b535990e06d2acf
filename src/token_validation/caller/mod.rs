#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use super::CallerTokenError;
use super::claims::{Claims, SKEW};
use super::issuer::{ChannelTrust, EntraOrigin, EntraTrust, client_of};
use super::key_set::KeySet;
use super::verifier::{SignatureVerifier, Unproven, VerifiedToken};
use crate::domain::SharedClock;

/// docs/protocols/bot-auth-and-skills.md §2 rule 5.
const TOKEN_LIMIT_BYTES: usize = 16 * 1024;
/// Claims that only users' tokens have (docs/protocols/bot-auth-and-skills.md §2 rule 21).
const USER_TOKEN_CLAIMS: [&str; 6] = ["scp", "upn", "preferred_username", "unique_name", "nonce", "acct"];

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifiedCaller {
    /// A channel (Azure Bot Service).
    Channel(ChannelClaims),
    /// An application with an app-only Entra token.
    App(AppClaims),
}

/// What a channel's token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelClaims {
    /// `aud`, a single string; whether it is one of our bots is the caller's to compare (as GUIDs).
    pub audience: String,
    /// `serviceurl`, to be compared with the activity's `serviceUrl`.
    pub service_url: String,
    /// The channels that the signing key may speak for.
    pub endorsements: Arc<[String]>,
}

/// What an application's token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppClaims {
    /// `aud`, a single string; whether it is ours is the caller's to compare.
    pub audience: String,
    /// The application: `appid` or `azp`, lower-case.
    pub app_id: String,
    /// Its tenant, lower-case.
    pub tenant_id: String,
}

/// Validates callers' bearers. The rules are chosen by `iss` out of a table that is fixed at start-up; neither the
/// request's body nor an unverified claim chooses anything else (docs/protocols/bot-auth-and-skills.md §1.2).
pub struct CallerTokenValidator {
    channels: HashMap<String, Arc<KeySet>>,
    entra: Vec<EntraCallers>,
    verifier: SignatureVerifier<Conclusion>,
    clock: SharedClock,
}

/// The applications of one Entra cloud that may call.
#[derive(Clone)]
pub struct EntraCallers {
    /// The cloud.
    pub trust: EntraTrust,
    /// The tenants whose applications are admitted, in any letter case.
    pub tenants: Vec<String>,
}

/// What a token says about its bearer, whenever it is shown.
type Conclusion = Result<VerifiedCaller, CallerTokenError>;

/// A row of the table, found by an issuer.
enum Trust<'a> {
    Channel(&'a Arc<KeySet>),
    Entra { trust: &'a EntraTrust, origin: EntraOrigin, admitted: bool },
}

impl CallerTokenValidator {
    /// Trusts these channel issuers, and app-only tokens from these tenants of these Entra clouds.
    #[must_use]
    pub fn new(channels: Vec<ChannelTrust>, entra: Vec<EntraCallers>, clock: SharedClock) -> Self {
        let lower_case = |callers: EntraCallers| EntraCallers {
            tenants: callers.tenants.iter().map(|tenant| tenant.to_ascii_lowercase()).collect(),
            ..callers
        };
        Self {
            channels: channels.into_iter().map(|trust| (trust.issuer, trust.key_set)).collect(),
            entra: entra.into_iter().map(lower_case).collect(),
            verifier: SignatureVerifier::new(TOKEN_LIMIT_BYTES),
            clock,
        }
    }

    /// Proves who sent `raw` (docs/protocols/bot-auth-and-skills.md §2 rules 5–15, 20, 21). Audience membership,
    /// service URL, endorsement and caller lists are for the doors, which know what was asked for.
    ///
    /// # Errors
    /// [`CallerTokenError`]; nothing of an error may reach the caller but its kind.
    pub async fn validate(&self, raw: &str) -> Result<VerifiedCaller, CallerTokenError> {
        let choose = |claims: &Claims| self.trust(claims).map(|trust| trust.key_set());
        let token = self.verifier.verify(raw, choose).await?;
        let audience = token.claims.text("aud").ok_or(invalid("aud"))?;
        self.check_times(&token.claims)?;
        token.derived(|token| self.conclude(token, audience.to_owned())).clone()
    }

    fn conclude(&self, token: &VerifiedToken<Conclusion>, audience: String) -> Conclusion {
        match self.trust(&token.claims).map_err(invalid)? {
            Trust::Channel(_) => channel(token, audience),
            Trust::Entra { trust, origin, admitted } => app(token, audience, trust, &origin, admitted),
        }
    }

    fn trust(&self, claims: &Claims) -> Result<Trust<'_>, &'static str> {
        let issuer = claims.text("iss").ok_or("iss")?;
        if let Some(key_set) = self.channels.get(issuer) {
            return Ok(Trust::Channel(key_set));
        }
        let mut refusal = "iss";
        let mut found = None;
        for EntraCallers { trust, tenants } in &self.entra {
            match trust.origin(claims) {
                // Two rows may share a cloud; the one that lists the tenant decides.
                Ok(origin) if tenants.contains(&origin.tenant_id) => {
                    return Ok(Trust::Entra { trust, origin, admitted: true });
                }
                Ok(origin) => found = found.or(Some(Trust::Entra { trust, origin, admitted: false })),
                Err("tid") => refusal = "tid",
                Err(_) => {}
            }
        }
        found.ok_or(refusal)
    }

    fn check_times(&self, claims: &Claims) -> Result<(), CallerTokenError> {
        let lifetime = claims.lifetime().map_err(invalid)?;
        let now = self.clock.now();
        if let Some(check) = lifetime.begins_after(now) {
            return Err(invalid(check));
        }
        if now > lifetime.ends.plus(SKEW) { Err(CallerTokenError::Expired) } else { Ok(()) }
    }
}

impl Trust<'_> {
    fn key_set(&self) -> Arc<KeySet> {
        match self {
            Self::Channel(key_set) => Arc::clone(key_set),
            Self::Entra { trust, origin, .. } => Arc::clone(trust.keys_of(origin.version)),
        }
    }
}

impl From<Unproven> for CallerTokenError {
    fn from(unproven: Unproven) -> Self {
        match unproven {
            Unproven::Refused(check) => Self::Invalid { check },
            Unproven::KeysUnavailable => Self::KeysUnavailable,
        }
    }
}

fn invalid(check: &'static str) -> CallerTokenError {
    CallerTokenError::Invalid { check }
}

fn channel(token: &VerifiedToken<Conclusion>, audience: String) -> Conclusion {
    let service_url = token.claims.text("serviceurl").ok_or(invalid("serviceurl"))?.to_owned();
    let endorsements = Arc::clone(&token.key.endorsements);
    Ok(VerifiedCaller::Channel(ChannelClaims { audience, service_url, endorsements }))
}

/// Checks for a user's token (403) before it checks the tenant (401): both tokens are genuine, but a user's token with
/// our audience is an attempt to use it as an app token.
fn app(
    token: &VerifiedToken<Conclusion>,
    audience: String,
    trust: &EntraTrust,
    origin: &EntraOrigin,
    admitted: bool,
) -> Conclusion {
    let claims = &token.claims;
    if !trust.key_may_sign(&token.key, origin) {
        return Err(invalid("iss"));
    }
    if !origin.fits_version(claims) {
        return Err(invalid("ver"));
    }
    let app_id = client_of(claims, origin.version).map_err(invalid)?.ok_or(invalid("azp"))?;
    if let Some(check) = sign_of_a_user(claims) {
        return Err(CallerTokenError::Delegated { check, audience });
    }
    if !admitted {
        return Err(invalid("tid"));
    }
    Ok(VerifiedCaller::App(AppClaims { audience, app_id, tenant_id: origin.tenant_id.clone() }))
}

/// What says that this is not an app-only token. `idtyp` is optional and its absence proves nothing, hence the list
/// (docs/protocols/bot-auth-and-skills.md §2.2).
fn sign_of_a_user(claims: &Claims) -> Option<&'static str> {
    if let Some(check) = USER_TOKEN_CLAIMS.into_iter().find(|name| claims.has(name)) {
        return Some(check);
    }
    if claims.has("idtyp") && claims.text("idtyp") != Some("app") {
        return Some("idtyp");
    }
    let public_client =
        |name: &str| claims.digits(name).is_some_and(|authentication| !matches!(authentication.as_str(), "1" | "2"));
    if let Some(check) = ["azpacr", "appidacr"].into_iter().find(|name| public_client(name)) {
        return Some(check);
    }
    let differ = claims.has("oid") && claims.has("sub") && claims.canonical("oid") != claims.canonical("sub");
    differ.then_some("oid")
}
