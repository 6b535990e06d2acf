use std::sync::Arc;

use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::domain::{
    Account, Connection, CountFuture, DataSubject, ExportFuture, Fingerprint, Fingerprints, HolderName, PersonalData,
    RecordKey, TokenSlot, UserKey, UserToken,
};
use crate::exchange::StorageFailure;
use crate::records::{
    ChangeListener, Collection, Content, Kind, Plaintext, RecordError, Records, StoredRecord, catalogue, encode_json,
};
use crate::vault::TokenVault;

/// As many tokens are remembered as noted already.
const MAX_REMEMBERED: usize = 65_536;

/// Finds the slot of a token that a back end was given, by the token alone: an introspection and a revocation name no user,
/// and a provider's token may be opaque. What is kept for it is the user's key under a keyed digest of the token, never the
/// token. Clones share the same state.
#[derive(Clone)]
pub struct GivenTokens {
    owners: Collection<TokenOwnerRecord>,
    vault: Arc<TokenVault>,
    noted: Arc<NotedTokens>,
}

/// A token that a back end was given.
pub enum GivenToken {
    /// Its slot still holds it.
    Held(Arc<UserToken>),
    /// It was replaced in its slot, or ended there: by a sign-out, a revocation or its lifetime.
    Dropped,
}

/// The tokens whose record was written by this process. Another replica writes the same record again, once for each token.
struct NotedTokens {
    fingerprints: Fingerprints,
    cache: Cache<Fingerprint, ()>,
}

/// The user of a token.
#[derive(Serialize, Deserialize)]
struct TokenOwnerRecord {
    issuer: String,
    subject: String,
    /// The add-in or back end. `None` in a record of an earlier version.
    #[serde(default)]
    holder: Option<String>,
}

impl Content for TokenOwnerRecord {
    const KIND: &'static Kind = &catalogue::GIVEN_TOKEN;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

impl ChangeListener for NotedTokens {
    fn changed(&self, _: RecordKey, _: &[u8]) {}

    /// The store may have lost its records.
    fn all_may_have_changed(&self) {
        self.cache.clear();
    }
}

impl GivenTokens {
    /// Keeps owners in `records`, and finds their tokens in `vault`.
    #[must_use]
    pub fn new(records: &Records, vault: Arc<TokenVault>) -> Self {
        let noted = NotedTokens { fingerprints: Fingerprints::new(), cache: Cache::new(MAX_REMEMBERED) };
        let noted = Arc::new(noted);
        if let Some(replicas) = records.replicas() {
            let listener: Arc<dyn ChangeListener> = noted.clone();
            replicas.listen(Arc::downgrade(&listener));
        }
        Self { owners: Collection::new(records), vault, noted }
    }

    /// Notes that `holder` is given `token`. A token that was noted before costs no access to the store.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails. The token serves all the same, but is not found.
    pub async fn note(&self, holder: &HolderName, token: &UserToken) -> Result<(), StorageFailure> {
        let text = token.access_token.expose();
        let fingerprint = self.noted.fingerprints.compute_for_parts(&[holder.as_str(), text]);
        if self.noted.cache.get(&fingerprint).is_some() {
            return Ok(());
        }
        let (issuer, subject) = (token.user.issuer().to_owned(), token.user.subject().to_owned());
        let key = self.owners.key(&[holder.as_str().as_bytes(), text.as_bytes()]);
        let owner = TokenOwnerRecord { issuer, subject, holder: Some(holder.to_string()) };
        let record = self.owners.seal_until(key, &owner, token.expires_at)?;
        self.owners.put(record.listed_by(self.index(&token.user))).await?;
        self.noted.cache.insert(fingerprint, ());
        Ok(())
    }

    /// The account whose token `text` was given to the holder of `connection`, whether it is still kept or not.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails.
    pub async fn find_account(&self, connection: &Connection, text: &str) -> Result<Option<Account>, StorageFailure> {
        let key = self.owners.key(&[connection.holder.as_str().as_bytes(), text.as_bytes()]);
        let owner = match self.owners.get(key).await {
            Ok(found) => found,
            // A later version of the program wrote it.
            Err(RecordError::Unreadable { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let user = owner.map(|owner| UserKey::from_parts(&owner.content.issuer, &owner.content.subject));
        Ok(user.map(|user| Account::of_back_end(connection.holder.clone(), &user)))
    }

    /// The token `text`; `None` if the holder of `connection` was not given it.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails.
    pub async fn find(&self, connection: &Connection, text: &str) -> Result<Option<GivenToken>, StorageFailure> {
        let Some(account) = self.find_account(connection, text).await? else { return Ok(None) };
        let slot = TokenSlot::new(&account, &connection.name);
        let kept = self.vault.find_unended(&slot, connection.revision).await?;
        let held = kept.filter(|kept| kept.access_token.expose().as_bytes().ct_eq(text.as_bytes()).into());
        Ok(Some(held.map_or(GivenToken::Dropped, GivenToken::Held)))
    }

    fn index(&self, user: &UserKey) -> RecordKey {
        self.owners.index([user.issuer(), user.subject()])
    }
}

impl PersonalData for GivenTokens {
    fn name(&self) -> &'static str {
        "tokensGivenToBackEnds"
    }

    fn export<'a>(&'a self, person: &'a DataSubject) -> ExportFuture<'a> {
        Box::pin(async move {
            let mut exported = Vec::new();
            for stored in self.owners.members(self.index(&person.user)).await? {
                exported.push(json!({ "holder": self.owners.open(&stored)?.holder }));
            }
            Ok(exported)
        })
    }

    /// A token that is not known any more is answered as one that has ended.
    fn erase<'a>(&'a self, person: &'a DataSubject) -> CountFuture<'a> {
        Box::pin(async move {
            let keys: Vec<_> = self.owners.members(self.index(&person.user)).await?;
            let keys: Vec<_> = keys.iter().map(StoredRecord::key).collect();
            let count = keys.len();
            self.owners.remove(keys).await?;
            Ok(count)
        })
    }
}
