#[cfg(test)]
mod tests;

use std::sync::Arc;

use subtle::ConstantTimeEq;

use super::IdTokenError;
use super::claims::{Claims, SKEW};
use super::issuer::{EntraTrust, IssuerVersion, is_guid};
use super::key_set::KeySet;
use super::security_context::context_of;
use super::verifier::{SignatureVerifier, Unproven, VerifiedToken};
use crate::domain::{Secret, SecurityContext, SharedClock, TenantPolicy, UserKey};

/// The same as for access tokens of users' sign-ins, which have more in them.
const TOKEN_LIMIT_BYTES: usize = 16 * 1024;
/// `OpenID` Connect Core §2, `sub`.
const LONGEST_SUBJECT: usize = 255;
/// What a page shows of a name.
const LONGEST_NAME: usize = 128;

/// Who signed in in a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifiedUser {
    /// The person.
    pub user: UserKey,
    /// `oid`, lower-case. Of Entra's users alone: a claim of that name means nothing elsewhere.
    pub object_id: Option<String>,
    /// `tid`, lower-case. Of Entra's users alone.
    pub tenant_id: Option<String>,
    /// `name`, to be shown and never compared.
    pub display_name: Option<String>,
    /// `preferred_username` or `email`, to be shown and never compared.
    pub account_name: Option<String>,
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
pub enum IdTokenTrust {
    /// An Entra cloud's; which of its tenants is each connection's policy.
    Entra(EntraTrust),
    /// One issuer's.
    OpenIdConnect {
        /// `iss`, compared exactly.
        issuer: String,
        /// Its keys.
        key_set: Arc<KeySet>,
    },
}

/// Validates the ID tokens that codes are redeemed for. The only maker of [`IdentifiedUser`].
pub struct IdTokenValidator {
    trust: IdTokenTrust,
    verifier: SignatureVerifier<()>,
    clock: SharedClock,
}

impl IdTokenValidator {
    /// Creates a validator that accepts the ID tokens of `trust`.
    #[must_use]
    pub fn new(trust: IdTokenTrust, clock: SharedClock) -> Self {
        Self { trust, verifier: SignatureVerifier::new(TOKEN_LIMIT_BYTES), clock }
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
        let token = self.verifier.verify(raw.expose(), |claims| self.keys_for(claims, tenants)).await?;
        self.check_times(&token.claims).map_err(rejected)?;
        check_audience(&token.claims, client_id).map_err(rejected)?;
        check_nonce(&token.claims, nonce).map_err(rejected)?;
        match &self.trust {
            IdTokenTrust::Entra(trust) => of_entra(&token, trust, tenants),
            IdTokenTrust::OpenIdConnect { issuer, .. } => of_issuer(&token.claims, issuer),
        }
        .map_err(rejected)
    }

    /// Issuer and tenant are compared before anything is fetched.
    fn keys_for(&self, claims: &Claims, tenants: &TenantPolicy) -> Result<Arc<KeySet>, &'static str> {
        match &self.trust {
            IdTokenTrust::Entra(trust) => {
                let origin = trust.origin(claims)?;
                if !origin.is_admitted_by(tenants) {
                    return Err("tid");
                }
                Ok(trust.keys_of(origin.version).clone())
            }
            IdTokenTrust::OpenIdConnect { issuer, key_set } if claims.text("iss") == Some(issuer) => {
                Ok(Arc::clone(key_set))
            }
            IdTokenTrust::OpenIdConnect { .. } => Err("iss"),
        }
    }

    fn check_times(&self, claims: &Claims) -> Result<(), &'static str> {
        let lifetime = claims.lifetime()?;
        if lifetime.issued.is_none() {
            return Err("iat");
        }
        let now = self.clock.now();
        match lifetime.begins_after(now) {
            Some(check) => Err(check),
            None if now > lifetime.ends.plus(SKEW) => Err("exp"),
            None => Ok(()),
        }
    }
}

impl From<Unproven> for IdTokenError {
    fn from(unproven: Unproven) -> Self {
        match unproven {
            Unproven::Refused(check) => Self::Rejected { check },
            Unproven::KeysUnavailable => Self::KeysUnavailable,
        }
    }
}

fn rejected(check: &'static str) -> IdTokenError {
    IdTokenError::Rejected { check }
}

/// `OpenID` Connect Core §3.1.3.7, 3–5. Audiences beside us are none that we know: then it must be us whom the token
/// was issued to.
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
fn of_entra(
    token: &VerifiedToken<()>,
    trust: &EntraTrust,
    tenants: &TenantPolicy,
) -> Result<IdentifiedUser, &'static str> {
    let claims = &token.claims;
    let origin = trust.origin(claims)?;
    if origin.version != IssuerVersion::V2 || !origin.fits_version(claims) {
        return Err("ver");
    }
    // Again, for a remembered signature was perhaps proven under another connection's policy.
    if !origin.is_admitted_by(tenants) {
        return Err("tid");
    }
    if !trust.key_may_sign(&token.key, &origin) {
        return Err("iss");
    }
    let object_id = claims.text("oid").filter(|oid| is_guid(oid)).ok_or("oid")?.to_ascii_lowercase();
    let user = UserKey::entra(&object_id, &origin.tenant_id);
    Ok(IdentifiedUser { object_id: Some(object_id), tenant_id: Some(origin.tenant_id), ..named(user, claims) })
}

fn of_issuer(claims: &Claims, issuer: &str) -> Result<IdentifiedUser, &'static str> {
    let visible = |subject: &&str| subject.len() <= LONGEST_SUBJECT && !subject.chars().any(char::is_control);
    let subject = claims.text("sub").filter(visible).ok_or("sub")?;
    Ok(named(UserKey::from_parts(issuer, subject), claims))
}

/// What a page shows of a name; `None` if nothing is left of it.
fn shown_text(text: &str) -> Option<String> {
    // Neither what is not seen nor what turns the text around it: a page shows the name in a sentence of its own.
    let is_shown = |letter: &char| {
        let turns = matches!(letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        !letter.is_control() && !turns
    };
    let text: String = text.chars().filter(is_shown).take(LONGEST_NAME).collect();
    (!text.trim().is_empty()).then_some(text)
}

fn named(user: UserKey, claims: &Claims) -> IdentifiedUser {
    let shown = |name: &str| claims.text(name).and_then(shown_text);
    IdentifiedUser {
        user,
        object_id: None,
        tenant_id: None,
        display_name: shown("name"),
        account_name: shown("preferred_username").or_else(|| shown("email")),
        security_context: context_of(claims),
    }
}
