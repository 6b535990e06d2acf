use crate::domain::TenantId;
use crate::token_issuer::DirectoryKeyRing;
use crate::token_validation::DirectorySignatures;

/// The signatures of the directory `tenant`, by its present keys.
pub(in crate::app) struct TenantSignatures {
    pub(in crate::app) keys: DirectoryKeyRing,
    pub(in crate::app) tenant: TenantId,
}

impl DirectorySignatures for TenantSignatures {
    fn is_signed(&self, key_id: &str, message: &[u8], signature: &str) -> bool {
        self.keys.find(&self.tenant).is_some_and(|keys| keys.is_signed(key_id, message, signature))
    }
}
