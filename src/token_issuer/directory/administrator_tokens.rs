use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::drawn_secret::has_its_shape;
use crate::domain::{RecordKey, Secret, SecretHash, SharedEntropy, TenantId, draw_256_bits};
use crate::records::{Collection, Content, Kind, Plaintext, RecordError, Records, catalogue, encode_json};

/// The tokens that administrators of directories get for their API key (`POST /identity/token`). Each is opaque, good for an hour,
/// and stands for the administrator's name and API key at one directory: what it may do is what the configuration says of that name
/// now, as long as it still has the key.
#[derive(Clone)]
pub struct AdministratorTokens {
    tokens: Collection<AdministratorRecord>,
    entropy: SharedEntropy,
}

/// Whose a token is, and for which API key it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdministratorKey {
    /// The administrator's name.
    pub name: String,
    /// The hash of the API key.
    pub key: SecretHash,
}

/// The administrator of a token.
#[derive(Serialize, Deserialize)]
struct AdministratorRecord {
    name: String,
    /// The hash of the API key, as [`SecretHash::to_text`] writes it.
    key: String,
}

impl Content for AdministratorRecord {
    const KIND: &'static Kind = &catalogue::ADMINISTRATOR_TOKEN;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

impl AdministratorTokens {
    /// The seconds that a token is good for.
    pub const LIFETIME_SECONDS: u32 = 3600;

    /// Keeps tokens in `records`.
    #[must_use]
    pub fn new(records: &Records, entropy: SharedEntropy) -> Self {
        Self { tokens: Collection::new(records), entropy }
    }

    /// Issues a token for an administrator of `tenant`.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn issue(&self, tenant: &TenantId, owner: &AdministratorKey) -> Result<Secret, RecordError> {
        let token = draw_256_bits(self.entropy.as_ref());
        let record = AdministratorRecord { name: owner.name.clone(), key: owner.key.to_text() };
        self.tokens.put(self.tokens.seal(self.key(tenant, token.expose()), &record)?).await?;
        Ok(token)
    }

    /// Whose `token` is, if it is one of `tenant` that has not ended. The caller checks that the administrator still has the key.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find(&self, tenant: &TenantId, token: &str) -> Result<Option<AdministratorKey>, RecordError> {
        if !has_its_shape(token) {
            return Ok(None);
        }
        let Some(found) = self.tokens.get(self.key(tenant, token)).await? else { return Ok(None) };
        let AdministratorRecord { name, key } = found.content;
        Ok(SecretHash::parse(&key).map(|key| AdministratorKey { name, key }))
    }

    fn key(&self, tenant: &TenantId, token: &str) -> RecordKey {
        self.tokens.key(&[tenant.as_str().as_bytes(), token.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::{AdministratorKey, AdministratorTokens};
    use crate::domain::SecretHash;
    use crate::token_issuer::directory::testing::TestDirectory;

    #[tokio::test]
    async fn a_token_stands_for_one_administrator_of_one_directory_for_an_hour() {
        let test = TestDirectory::new();
        let tokens = AdministratorTokens::new(&test.storage.records, test.ambient().entropy);
        let (tenant, other) = (&test.directory.tenant, &test.other.tenant);
        let owner = AdministratorKey { name: "ops".to_owned(), key: SecretHash::of("the API key") };
        let token = tokens.issue(tenant, &owner).await.unwrap();
        let token = token.expose();
        assert_eq!(tokens.find(tenant, token).await.unwrap(), Some(owner));
        assert_eq!(tokens.find(other, token).await.unwrap(), None);
        for wrong in ["", &token[1..], &format!("{token}0"), &"0".repeat(64)] {
            assert_eq!(tokens.find(tenant, wrong).await.unwrap(), None, "{wrong}");
        }
        test.storage.clock.advance(Duration::from_hours(1));
        assert_eq!(tokens.find(tenant, token).await.unwrap(), None);
    }
}
