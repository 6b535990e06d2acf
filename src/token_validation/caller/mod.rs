//! Authentication of callers: channels with a token of their issuer, applications with an app-only Entra token, and the
//! users of agents.
//!
//! Owns the rules that decide which issuers, tenants and kinds of token are admitted. The doors compare the audience,
//! the service URL and the endorsements, because only they know what was asked for.

mod agent_claims;
#[cfg(test)]
mod agent_tests;
mod explanation;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(super) use explanation::HINTS;

use std::collections::HashMap;
use std::sync::Arc;

use super::CallerTokenError;
use super::claims::{Claims, Lifetime, MAX_CLOCK_SKEW};
use super::issuer::{ChannelTrust, EntraOrigin, EntraTrust, read_client_id};
use super::key_set::{AbsenceProof, KeySet};
use super::verifier::{SignatureVerifier, UnknownToken, VerificationFailure, VerifiedToken};
use crate::domain::{SharedClock, Timestamp};

/// Longer tokens are refused unread (docs/protocols/bot-auth-and-skills.md §2 rule 5).
const TOKEN_LIMIT_BYTES: usize = 16 * 1024;
/// Claims that only users' tokens have (docs/protocols/bot-auth-and-skills.md §2 rule 21).
const USER_TOKEN_CLAIMS: [&str; 6] = ["scp", "upn", "preferred_username", "unique_name", "nonce", "acct"];
/// Claims that say how the client has authenticated, in tokens of version 2 and of version 1.
const CLIENT_AUTHENTICATION_CLAIMS: [&str; 2] = ["azpacr", "appidacr"];

/// An authenticated caller. Its claims are read once for each token; all requests with the token share them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifiedCaller {
    /// A channel (Azure Bot Service).
    Channel(Arc<ChannelClaims>),
    /// An application with an app-only Entra token.
    App(Arc<AppClaims>),
    /// An agent, with a token of its agent user. It is a user's token, so only a door that knows agents may accept it.
    AgentUser(Arc<AppClaims>),
}

/// A caller's token whose signature has not been verified before, or with other keys than those of today.
pub struct UnknownCallerToken(UnknownToken);

/// The claims of a channel's verified token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelClaims {
    /// `aud`, a single string; whether it is one of our bots is the caller's to compare (as GUIDs).
    pub audience: String,
    /// `serviceurl`, to be compared with the activity's `serviceUrl`.
    pub service_url: String,
    /// The channels that the signing key may speak for.
    pub endorsements: Arc<[String]>,
}

/// The claims of the verified token of an application, or of an agent's user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppClaims {
    /// `aud`, a single string; whether it is ours is the caller's to compare.
    pub audience: String,
    /// The application: `appid` or `azp`, lower-case.
    pub app_id: String,
    /// Its tenant, lower-case.
    pub tenant_id: String,
    /// The app id of the blueprint, lower-case, if the application is an agent identity.
    pub blueprint_id: Option<String>,
}

/// Validates callers' bearers. The rules are chosen by `iss` out of a table that is fixed at start-up; neither the
/// request's body nor an unverified claim chooses anything else (docs/protocols/bot-auth-and-skills.md §1.2).
pub struct CallerTokenValidator {
    channels: HashMap<String, Arc<KeySet>>,
    entra: Vec<EntraCallers>,
    verifier: SignatureVerifier<CallerFacts>,
    clock: SharedClock,
}

/// The applications of one Entra cloud that may call.
#[derive(Clone)]
pub struct EntraCallers {
    /// The cloud.
    pub trust: EntraTrust,
    /// The tenants whose applications are admitted, in any letter case.
    pub tenants: Vec<String>,
    /// The app ids (lower-case GUIDs) of the cloud's Agent 365 platforms; empty if no bot has agents. Then a token of an
    /// agent is one like any other.
    pub agent_platforms: Vec<String>,
}

/// What follows from the token alone, so it is the same each time the token is presented.
struct CallerFacts {
    has_audience: bool,
    lifetime: Result<Lifetime, &'static str>,
    caller: CallerResult,
}

/// Who the caller is, or why its token is refused.
pub type CallerResult = Result<VerifiedCaller, CallerTokenError>;

/// The row of the trust table that fits a token's issuer.
enum Trust<'a> {
    Channel(&'a Arc<KeySet>),
    Entra { callers: &'a EntraCallers, origin: EntraOrigin, admitted: bool },
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
            verifier: SignatureVerifier::new(TOKEN_LIMIT_BYTES).with_absence_proof(AbsenceProof::NextFetch),
            clock,
        }
    }

    /// Proves who sent `raw` (docs/protocols/bot-auth-and-skills.md §2 rules 5–15, 20, 21), if the signature of the same bytes
    /// has been verified before. Audience membership, service URL, endorsement and caller lists are for the doors, which know
    /// what was asked for.
    ///
    /// # Errors
    /// [`UnknownCallerToken`] if no such signature is known: then [`CallerTokenValidator::validate_unknown`] proves it. Nothing of
    /// a [`CallerTokenError`] may reach the caller but its kind.
    pub fn validate_known(&self, raw: &[u8]) -> Result<CallerResult, UnknownCallerToken> {
        let now = self.clock.now();
        let token = self.verifier.find_verified(raw, now).map_err(UnknownCallerToken)?;
        Ok(self.judge(&token, now))
    }

    /// Proves who sent `raw`, of which [`CallerTokenValidator::validate_known`] knows no signature.
    ///
    /// # Errors
    /// [`CallerTokenError`]; nothing of an error may reach the caller but its kind.
    pub async fn validate_unknown(&self, raw: &str, unknown: UnknownCallerToken) -> CallerResult {
        let choose = |claims: &Claims| self.find_trust(claims).map(|trust| trust.key_set());
        let token = self.verifier.verify_unknown(raw, unknown.0, choose).await?;
        self.judge(&token, self.clock.now())
    }

    #[cfg(test)]
    async fn validate(&self, raw: &str) -> CallerResult {
        match self.validate_known(raw.as_bytes()) {
            Ok(validated) => validated,
            Err(unknown) => self.validate_unknown(raw, unknown).await,
        }
    }

    fn judge(&self, token: &VerifiedToken<CallerFacts>, now: Timestamp) -> CallerResult {
        let CallerFacts { has_audience, lifetime, caller } = token.derived(|token| self.derive_facts(token));
        if !has_audience {
            return Err(invalid("aud"));
        }
        check_times(lifetime.map_err(invalid)?, now)?;
        caller.clone()
    }

    fn derive_facts(&self, token: &VerifiedToken<CallerFacts>) -> CallerFacts {
        let audience = token.claims.text("aud");
        let identify = |audience: &str| self.identify_caller(token, audience.to_owned());
        CallerFacts {
            has_audience: audience.is_some(),
            lifetime: token.claims.lifetime(),
            caller: audience.ok_or(invalid("aud")).and_then(identify),
        }
    }

    fn identify_caller(&self, token: &VerifiedToken<CallerFacts>, audience: String) -> CallerResult {
        match self.find_trust(&token.claims).map_err(invalid)? {
            Trust::Channel(_) => read_channel(token, audience),
            Trust::Entra { callers, origin, admitted } => read_app(token, audience, callers, &origin, admitted),
        }
    }

    fn find_trust(&self, claims: &Claims) -> Result<Trust<'_>, &'static str> {
        let issuer = claims.text("iss").ok_or("iss")?;
        if let Some(key_set) = self.channels.get(issuer) {
            return Ok(Trust::Channel(key_set));
        }
        let mut refusal = "iss";
        let mut found = None;
        for callers in &self.entra {
            match callers.trust.origin(claims) {
                // Two rows may share a cloud; the one that lists the tenant decides.
                Ok(origin) if callers.tenants.contains(&origin.tenant_id) => {
                    return Ok(Trust::Entra { callers, origin, admitted: true });
                }
                Ok(origin) => found = found.or(Some(Trust::Entra { callers, origin, admitted: false })),
                Err("tid") => refusal = "tid",
                Err(_) => {}
            }
        }
        found.ok_or(refusal)
    }
}

impl Trust<'_> {
    fn key_set(&self) -> Arc<KeySet> {
        match self {
            Self::Channel(key_set) => Arc::clone(key_set),
            Self::Entra { callers, origin, .. } => Arc::clone(callers.trust.key_set_for(origin.version)),
        }
    }
}

impl From<VerificationFailure> for CallerTokenError {
    fn from(failure: VerificationFailure) -> Self {
        match failure {
            VerificationFailure::Refused(check) => Self::Invalid { check },
            VerificationFailure::KeysUnavailable => Self::KeysUnavailable,
            VerificationFailure::KeyNotKnownYet => Self::KeyNotKnownYet,
        }
    }
}

fn invalid(check: &'static str) -> CallerTokenError {
    CallerTokenError::Invalid { check }
}

fn check_times(lifetime: Lifetime, now: Timestamp) -> Result<(), CallerTokenError> {
    if let Some(check) = lifetime.find_future_claim(now) {
        return Err(invalid(check));
    }
    if now > lifetime.ends.plus(MAX_CLOCK_SKEW) { Err(CallerTokenError::Expired) } else { Ok(()) }
}

fn read_channel(token: &VerifiedToken<CallerFacts>, audience: String) -> CallerResult {
    let service_url = token.claims.text("serviceurl").ok_or(invalid("serviceurl"))?.to_owned();
    let endorsements = Arc::clone(&token.key.endorsements);
    Ok(VerifiedCaller::Channel(Arc::new(ChannelClaims { audience, service_url, endorsements })))
}

/// Checks for a user's token (403) before it checks the tenant (401): both tokens are genuine, but a user's token with
/// our audience is an attempt to use it as an app token.
fn read_app(
    token: &VerifiedToken<CallerFacts>,
    audience: String,
    callers: &EntraCallers,
    origin: &EntraOrigin,
    admitted: bool,
) -> CallerResult {
    let claims = &token.claims;
    if !callers.trust.key_may_sign(&token.key, origin) {
        return Err(invalid("iss"));
    }
    if !origin.fits_version(claims) {
        return Err(invalid("ver"));
    }
    let app_id = read_client_id(claims, origin.version).map_err(invalid)?.ok_or(invalid("azp"))?;
    let blueprint_id = claims.blueprint_id().filter(|_| !callers.agent_platforms.is_empty());
    let of_user = find_user_token_claim(claims);
    let is_agents = admitted && blueprint_id.is_some() && claims.is_of_agent_user() && !is_of_public_client(claims);
    match of_user {
        Some(check) if !is_agents => return Err(CallerTokenError::Delegated { check, audience }),
        None if !admitted && callers.agent_platforms.contains(&app_id) => {
            return Err(CallerTokenError::UnlistedPlatformTenant { audience });
        }
        None if !admitted => return Err(invalid("tid")),
        _ => {}
    }
    let caller = Arc::new(AppClaims { audience, app_id, tenant_id: origin.tenant_id.clone(), blueprint_id });
    Ok(if of_user.is_some() { VerifiedCaller::AgentUser(caller) } else { VerifiedCaller::App(caller) })
}

/// The claim that shows that this is not an app-only token. `idtyp` is optional, so its absence proves nothing and the
/// other claims are checked too (docs/protocols/bot-auth-and-skills.md §2.2).
fn find_user_token_claim(claims: &Claims) -> Option<&'static str> {
    if let Some(check) = USER_TOKEN_CLAIMS.into_iter().find(|name| claims.has(name)) {
        return Some(check);
    }
    let is_app = claims.text("idtyp") == Some("app");
    if claims.has("idtyp") && !is_app {
        return Some("idtyp");
    }
    if let Some(check) = CLIENT_AUTHENTICATION_CLAIMS.into_iter().find(|name| says_public_client(claims, name)) {
        return Some(check);
    }
    // `idtyp` decides where it is there: `oid` and `sub` of an agent identity's app token differ.
    let differ = claims.has("oid") && claims.has("sub") && claims.canonical("oid") != claims.canonical("sub");
    (differ && !is_app).then_some("oid")
}

fn is_of_public_client(claims: &Claims) -> bool {
    CLIENT_AUTHENTICATION_CLAIMS.into_iter().any(|name| says_public_client(claims, name))
}

/// Whether the claim `name` says that the client has authenticated neither by a secret nor by an assertion.
fn says_public_client(claims: &Claims, name: &str) -> bool {
    claims.string_or_number(name).is_some_and(|authentication| !matches!(authentication.as_str(), "1" | "2"))
}
