use std::sync::Arc;

use super::{IdentifiedUser, TOKEN_LIMIT_BYTES, build_user, read_openid_user};
use crate::domain::{Secret, UserKey};
use crate::token_validation::algorithms::SignaturePolicy;
use crate::token_validation::claims::Claims;
use crate::token_validation::unverified::UnverifiedToken;

/// The signatures of one of our own directories. Its keys are in this process, so none is fetched.
pub trait DirectorySignatures: Send + Sync {
    /// Whether the published key `key_id` has made `signature` (base64url) of `message`, with RS256.
    fn is_signed(&self, key_id: &str, message: &[u8], signature: &str) -> bool;
}

/// One of our own directories as an issuer of ID tokens.
#[derive(Clone)]
pub struct OwnDirectory {
    /// `iss`, compared exactly.
    pub issuer: String,
    /// The tenant id, which the keys of its users have.
    pub tenant: String,
    /// What checks its signatures.
    pub signatures: Arc<dyn DirectorySignatures>,
}

impl OwnDirectory {
    /// The claims of `raw`, which the directory has signed.
    pub(super) fn verify(&self, raw: &Secret) -> Result<Claims, &'static str> {
        let token = UnverifiedToken::parse_by(raw.expose(), TOKEN_LIMIT_BYTES, SignaturePolicy::Rs256WithKeyId)?;
        if token.claims.text("iss") != Some(&self.issuer) {
            return Err("iss");
        }
        let key_id = token.key_id.as_deref().ok_or("kid")?;
        if !self.signatures.is_signed(key_id, token.signed, token.signature) {
            return Err("signature");
        }
        Ok(token.claims)
    }

    /// The user whom the claims name. Its key is that of the directory, and not one of an `OpenID` Connect issuer.
    pub(super) fn identify(&self, claims: &Claims) -> Result<IdentifiedUser, &'static str> {
        let named = read_openid_user(claims, &self.issuer)?;
        Ok(build_user(UserKey::of_directory(&self.tenant, named.subject()), claims))
    }
}
