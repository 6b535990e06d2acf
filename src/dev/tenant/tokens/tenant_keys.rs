use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::Value;

use crate::dev::error::StageError;
use crate::dev::signing_key::SigningKey;

/// The maximum number of keys in the key set. Older keys stay in it, so that tokens signed before a rotation stay valid.
const MAX_LISTED_KEYS: usize = 4;

/// The keys that the tenants share. The first one signs; all of them are in the key set.
pub(in crate::dev) struct TenantKeys {
    keys: ArcSwap<Vec<Arc<SigningKey>>>,
}

impl TenantKeys {
    pub(in crate::dev) fn new(first: Arc<SigningKey>) -> Self {
        Self { keys: ArcSwap::from_pointee(vec![first]) }
    }

    /// All listed keys, the signing one first.
    pub(in crate::dev) fn all(&self) -> Arc<Vec<Arc<SigningKey>>> {
        self.keys.load_full()
    }

    /// The key with this `kid`.
    pub(in crate::dev) fn find(&self, kid: &str) -> Option<Arc<SigningKey>> {
        self.keys.load().iter().find(|key| key.kid() == kid).cloned()
    }

    /// Signs with the newest key.
    pub(in crate::dev) fn sign(&self, claims: &Value) -> Result<String, StageError> {
        let keys = self.keys.load();
        let newest =
            keys.first().ok_or_else(|| StageError::KeyMaterial("the tenants have no signing key".to_owned()))?;
        newest.sign(claims)
    }

    /// Generates a new key, which signs from now on. Older keys stay listed, up to [`MAX_LISTED_KEYS`] in all. Returns the
    /// new `kid`.
    pub(in crate::dev) async fn rotate(&self) -> Result<String, StageError> {
        let key = SigningKey::generate_one().await?;
        self.keys.rcu(|keys| {
            let mut next = vec![Arc::clone(&key)];
            next.extend(keys.iter().take(MAX_LISTED_KEYS - 1).cloned());
            next
        });
        Ok(key.kid().to_owned())
    }

    /// Removes all keys but the signing key.
    pub(in crate::dev) fn remove_old(&self) {
        self.keys.rcu(|keys| keys.iter().take(1).cloned().collect::<Vec<_>>());
    }
}
