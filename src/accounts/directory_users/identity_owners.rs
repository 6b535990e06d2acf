//! Which user of a directory a person at another identity provider is.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{RecordKey, TenantId, UserKey};
use crate::records::{Collection, Content, Kind, Plaintext, RecordError, Records, catalogue, encode_json};

/// The users of persons at other identity providers. An entry counts only if that user has the identity, too.
pub(super) struct IdentityOwners(Collection<OwnerRecord>);

#[derive(Serialize, Deserialize)]
struct OwnerRecord {
    user_id: String,
}

impl IdentityOwners {
    pub(super) fn new(records: &Records) -> Self {
        Self(Collection::new(records))
    }

    /// The id of the user who may be the person `identity`.
    pub(super) async fn find(&self, tenant: &TenantId, identity: &UserKey) -> Result<Option<String>, RecordError> {
        let found = self.0.get(self.key(tenant, identity)).await?;
        Ok(found.map(|owner| owner.content.user_id))
    }

    pub(super) async fn put(&self, tenant: &TenantId, identity: &UserKey, user_id: &str) -> Result<(), RecordError> {
        let record = OwnerRecord { user_id: user_id.to_owned() };
        self.0.put(self.0.seal(self.key(tenant, identity), &record)?).await
    }

    pub(super) async fn remove(&self, tenant: &TenantId, identities: &[UserKey]) -> Result<(), RecordError> {
        self.0.remove(identities.iter().map(|identity| self.key(tenant, identity)).collect()).await
    }

    fn key(&self, tenant: &TenantId, identity: &UserKey) -> RecordKey {
        self.0.key(&[tenant.as_str(), identity.issuer(), identity.subject()].map(str::as_bytes))
    }
}

impl Content for OwnerRecord {
    const KIND: &'static Kind = &catalogue::DIRECTORY_IDENTITY;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}
