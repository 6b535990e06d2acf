//! Validation of the ID tokens that a browser sign-in ends with, for Entra and for any other `OpenID` Connect issuer.
//!
//! Owns the step from an ID token to an identified user. It does not redeem codes and does not know sessions.

mod explanation;
#[cfg(test)]
mod openid_tests;
mod own_directory;
#[cfg(test)]
mod own_directory_tests;
mod statements;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(super) use explanation::HINTS;

pub use own_directory::{DirectorySignatures, OwnDirectory};
pub use statements::{IdTokenStatements, ShownNames};

use std::sync::Arc;

use subtle::ConstantTimeEq;

use super::IdTokenError;
use super::algorithms::SignaturePolicy;
use super::check_explanation::SightedToken;
use super::claims::{Claims, MAX_CLOCK_SKEW};
use super::issuer::{EntraTrust, IssuerVersion, is_guid};
use super::key_set::KeySet;
use super::security_context::derive_security_context;
use super::verifier::{SignatureVerifier, VerificationFailure, VerifiedToken};
use crate::domain::{Secret, SecurityContext, SharedClock, TenantPolicy, Timestamp, UserKey};

/// Longer ID tokens are refused unread. Providers put every group of a user into the token (some hundred groups are 20 KiB).
const TOKEN_LIMIT_BYTES: usize = 64 * 1024;
/// The longest `sub` that `OpenID` Connect Core §2 allows.
const MAX_SUBJECT_BYTES: usize = 255;
/// The longest id of a session that is kept, in bytes.
const MAX_SESSION_ID_BYTES: usize = 255;
/// A page shows at most this many letters of a name.
const MAX_NAME_CHARS: usize = 128;

/// Who signed in in a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifiedUser {
    /// The person.
    pub user: UserKey,
    /// `oid`, lower-case. Only for users of Entra, because other issuers may use the claim name for something else.
    pub object_id: Option<String>,
    /// `tid`, lower-case. Only for users of Entra.
    pub tenant_id: Option<String>,
    /// `name`, to be shown and never compared.
    pub display_name: Option<String>,
    /// `preferred_username` or `email`, to be shown and never compared.
    pub account_name: Option<String>,
    /// `given_name`, to be shown and never compared.
    pub given_name: Option<String>,
    /// `family_name`, to be shown and never compared.
    pub family_name: Option<String>,
    /// `auth_time`: when the provider asked the user to sign in, if the token says so.
    pub authenticated_at: Option<Timestamp>,
    /// `sid`: the id of the user's session at the provider, if the token has one that can be kept.
    pub session_id: Option<String>,
    /// How the user signed in.
    pub security_context: SecurityContext,
}

impl IdentifiedUser {
    /// Whether the ID token holds a name to show.
    #[must_use]
    pub fn has_name(&self) -> bool {
        self.display_name.is_some() || self.account_name.is_some()
    }

    /// The same user with names of another source, which are shown as those of the ID token are.
    #[must_use]
    pub fn with_names(self, display_name: Option<&str>, account_name: Option<&str>) -> Self {
        Self {
            display_name: display_name.and_then(shown_text),
            account_name: account_name.and_then(shown_text),
            ..self
        }
    }
}

/// The issuer whose ID tokens are accepted.
#[derive(Clone)]
pub enum TrustedIdTokenIssuer {
    /// An Entra cloud. The policy of each connection says which tenants are admitted.
    Entra(EntraTrust),
    /// Any other `OpenID` Connect issuer.
    OpenIdConnect {
        /// `iss`, compared exactly.
        issuer: String,
        /// Its keys.
        key_set: Arc<KeySet>,
    },
    /// One of our own directories.
    Directory(OwnDirectory),
}

/// Validates the ID tokens that codes are redeemed for. The only maker of [`IdentifiedUser`].
pub struct IdTokenValidator {
    trust: TrustedIdTokenIssuer,
    verifier: SignatureVerifier<()>,
    clock: SharedClock,
}

impl IdTokenValidator {
    /// Creates a validator that accepts the ID tokens of `trust`.
    #[must_use]
    pub fn new(trust: TrustedIdTokenIssuer, clock: SharedClock) -> Self {
        let policy = match trust {
            TrustedIdTokenIssuer::Entra(_) | TrustedIdTokenIssuer::Directory(_) => SignaturePolicy::Rs256WithKeyId,
            TrustedIdTokenIssuer::OpenIdConnect { .. } => SignaturePolicy::AnnouncedAsymmetric,
        };
        Self { trust, verifier: SignatureVerifier::with_policy(TOKEN_LIMIT_BYTES, policy), clock }
    }

    /// The user that the ID token `raw` names. Nothing of the token is verified, so the answer may only end what waits for
    /// that user's identification.
    #[must_use]
    pub fn presume_user(&self, raw: &Secret) -> Option<UserKey> {
        let claims = SightedToken::read(raw.expose()).claims;
        match &self.trust {
            TrustedIdTokenIssuer::Entra(trust) => {
                let object_id = claims.text("oid").filter(|oid| is_guid(oid))?.to_ascii_lowercase();
                Some(UserKey::entra(&object_id, &trust.origin(&claims).ok()?.tenant_id))
            }
            TrustedIdTokenIssuer::OpenIdConnect { issuer, .. } => {
                identify_openid_user(&claims, issuer).ok().map(|identified| identified.user)
            }
            TrustedIdTokenIssuer::Directory(directory) => {
                directory.identify(&claims).ok().map(|identified| identified.user)
            }
        }
    }

    /// Proves that `raw` was issued to `client_id` for the sign-in that `nonce` was made for, and says whose it is
    /// (`OpenID` Connect Core §3.1.3.7). `tenants` are Entra's.
    ///
    /// # Errors
    /// [`IdTokenError`].
    pub async fn validate(
        &self,
        raw: &Secret,
        client_id: &str,
        nonce: &Secret,
        tenants: &TenantPolicy,
    ) -> Result<IdentifiedUser, IdTokenError> {
        if raw.expose().len() > TOKEN_LIMIT_BYTES {
            return Err(rejected("too_long"));
        }
        if let TrustedIdTokenIssuer::Directory(directory) = &self.trust {
            let identified = directory.verify(raw).and_then(|claims| {
                self.check_request(&claims, client_id, nonce)?;
                directory.identify(&claims)
            });
            return identified.map_err(rejected);
        }
        let choose = |claims: &Claims| self.choose_key_set(claims, tenants);
        let token = self.verifier.verify(raw.expose(), self.clock.now(), choose).await?;
        self.check_request(&token.claims, client_id, nonce).map_err(rejected)?;
        match &self.trust {
            TrustedIdTokenIssuer::Entra(trust) => identify_entra_user(&token, trust, tenants),
            TrustedIdTokenIssuer::OpenIdConnect { issuer, .. } => identify_openid_user(&token.claims, issuer),
            TrustedIdTokenIssuer::Directory(directory) => directory.identify(&token.claims),
        }
        .map_err(rejected)
    }

    /// Checks that the token is of the present, for `client_id`, and for the sign-in that `nonce` was made for.
    fn check_request(&self, claims: &Claims, client_id: &str, nonce: &Secret) -> Result<(), &'static str> {
        self.check_times(claims)?;
        check_audience(claims, client_id)?;
        check_nonce(claims, nonce)
    }

    /// Issuer and tenant are compared before anything is fetched.
    fn choose_key_set(&self, claims: &Claims, tenants: &TenantPolicy) -> Result<Arc<KeySet>, &'static str> {
        match &self.trust {
            TrustedIdTokenIssuer::Entra(trust) => {
                let origin = trust.origin(claims)?;
                if !origin.is_admitted_by(tenants) {
                    return Err("tid");
                }
                Ok(trust.key_set_for(origin.version).clone())
            }
            TrustedIdTokenIssuer::OpenIdConnect { issuer, key_set } if claims.text("iss") == Some(issuer) => {
                Ok(Arc::clone(key_set))
            }
            TrustedIdTokenIssuer::OpenIdConnect { .. } | TrustedIdTokenIssuer::Directory(_) => Err("iss"),
        }
    }

    fn check_times(&self, claims: &Claims) -> Result<(), &'static str> {
        let lifetime = claims.lifetime()?;
        if lifetime.issued.is_none() {
            return Err("iat");
        }
        let now = self.clock.now();
        match lifetime.find_future_claim(now) {
            Some(check) => Err(check),
            None if now > lifetime.ends.plus(MAX_CLOCK_SKEW) => Err("exp"),
            None => Ok(()),
        }
    }
}

impl From<VerificationFailure> for IdTokenError {
    fn from(failure: VerificationFailure) -> Self {
        match failure {
            VerificationFailure::Refused(check) => Self::Rejected { check },
            VerificationFailure::KeysUnavailable => Self::KeysUnavailable,
            VerificationFailure::KeyNotKnownYet => Self::KeyNotKnownYet,
        }
    }
}

fn rejected(check: &'static str) -> IdTokenError {
    IdTokenError::Rejected { check }
}

/// `OpenID` Connect Core §3.1.3.7, 3–5. If the token names other audiences too, `azp` must name
/// this client.
fn check_audience(claims: &Claims, client_id: &str) -> Result<(), &'static str> {
    let is_us = |name: &str| name == client_id || (is_guid(client_id) && name.eq_ignore_ascii_case(client_id));
    let audiences = claims.texts("aud").ok_or("aud")?;
    if !audiences.iter().any(|audience| is_us(audience)) {
        return Err("aud");
    }
    let issued_to_us = claims.text("azp").is_some_and(is_us);
    let must_say_so = audiences.len() > 1 || claims.has("azp");
    if must_say_so && !issued_to_us { Err("azp") } else { Ok(()) }
}

fn check_nonce(claims: &Claims, nonce: &Secret) -> Result<(), &'static str> {
    let expected = nonce.expose().as_bytes();
    let same = claims.text("nonce").is_some_and(|said| said.as_bytes().ct_eq(expected).into());
    if same { Ok(()) } else { Err("nonce") }
}

/// docs/protocols/entra-obo.md §1 rules 7–11, 13 and 20.
fn identify_entra_user(
    token: &VerifiedToken<()>,
    trust: &EntraTrust,
    tenants: &TenantPolicy,
) -> Result<IdentifiedUser, &'static str> {
    let claims = &token.claims;
    let origin = trust.origin(claims)?;
    if origin.version != IssuerVersion::V2 || !origin.fits_version(claims) {
        return Err("ver");
    }
    // Checked again, because a cached signature may have been verified under the policy of another connection.
    if !origin.is_admitted_by(tenants) {
        return Err("tid");
    }
    if !trust.key_may_sign(&token.key, &origin) {
        return Err("iss");
    }
    let object_id = claims.text("oid").filter(|oid| is_guid(oid)).ok_or("oid")?.to_ascii_lowercase();
    let user = UserKey::entra(&object_id, &origin.tenant_id);
    Ok(IdentifiedUser { object_id: Some(object_id), tenant_id: Some(origin.tenant_id), ..build_user(user, claims) })
}

fn identify_openid_user(claims: &Claims, issuer: &str) -> Result<IdentifiedUser, &'static str> {
    Ok(build_user(read_openid_user(claims, issuer)?, claims))
}

/// The person that a token of `issuer`, which is not Entra, names by `sub`.
pub(super) fn read_openid_user(claims: &Claims, issuer: &str) -> Result<UserKey, &'static str> {
    let visible =
        |subject: &&str| (1..=MAX_SUBJECT_BYTES).contains(&subject.len()) && !subject.chars().any(char::is_control);
    let subject = claims.text("sub").filter(visible).ok_or("sub")?;
    Ok(UserKey::from_parts(issuer, subject))
}

/// What a page shows of a name; `None` if nothing is left of it. Invisible letters and letters that change the text
/// direction are removed, because a page shows the name inside a sentence.
fn shown_text(text: &str) -> Option<String> {
    let is_shown = |letter: &char| {
        let changes_direction = matches!(letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        !letter.is_control() && !changes_direction
    };
    let text: String = text.chars().filter(is_shown).take(MAX_NAME_CHARS).collect();
    (!text.trim().is_empty()).then_some(text)
}

fn build_user(user: UserKey, claims: &Claims) -> IdentifiedUser {
    let shown = |name: &str| claims.text(name).and_then(shown_text);
    IdentifiedUser {
        user,
        object_id: None,
        tenant_id: None,
        display_name: shown("name"),
        account_name: shown("preferred_username").or_else(|| shown("email")),
        given_name: shown("given_name"),
        family_name: shown("family_name"),
        authenticated_at: claims.time("auth_time"),
        session_id: claims.text("sid").filter(|id| id.len() <= MAX_SESSION_ID_BYTES).map(str::to_owned),
        security_context: derive_security_context(claims),
    }
}
