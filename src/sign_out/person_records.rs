use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::unfinished_erasures::UnfinishedErasures;
use super::{EndedEverywhere, EndedRecords, SignOut, SignOutCause, SignOutFailure, run_to_end};
use crate::domain::{DataSubject, PersonalData, SharedClock, Timestamp, UserKey};
use crate::exchange::PersonTokens;
use crate::observability::{AuditEvent, conceal};
use crate::records::{RecordError, Records};

/// Everything that is kept of persons, in all rooms: exported, and erased. Clones share the same state.
///
/// A key is one person at one issuer. What is kept under another key of the same person is exported and erased by that key.
#[derive(Clone)]
pub struct PersonRecords {
    sign_out: SignOut,
    pub(super) tokens: PersonTokens,
    clock: SharedClock,
    collections: Vec<Arc<dyn PersonalData>>,
    unfinished: Arc<UnfinishedErasures>,
}

/// What is kept of a person.
#[derive(Clone, Debug)]
pub struct PersonExport {
    /// The person's key.
    pub user: UserKey,
    /// When it was read.
    pub exported_at: Timestamp,
    /// The other keys of the same person that are known.
    pub linked_keys: Vec<UserKey>,
    /// The records, without tokens, by the name of their collection.
    pub records: BTreeMap<&'static str, Vec<Value>>,
}

/// What was removed of a person.
#[derive(Clone, Debug)]
pub struct ErasedPerson {
    /// The other keys of the same person that are known. What is kept under them has ended, and is not erased.
    pub linked_keys: Vec<UserKey>,
    /// What the sign-out everywhere has ended.
    pub ended: EndedEverywhere,
    /// The records that were removed afterwards, by the name of their collection. A collection without any is left out.
    pub removed: Vec<EndedRecords>,
}

impl PersonRecords {
    /// Exports and erases the records of `collections`, after a sign-out by `sign_out`. The accounts of a person are read from
    /// `tokens`. What an interrupted erasure has to find again is kept in `records` if other replicas use them.
    #[must_use]
    pub fn new(
        sign_out: SignOut,
        tokens: PersonTokens,
        records: &Records,
        collections: Vec<Arc<dyn PersonalData>>,
    ) -> Self {
        let unfinished = Arc::new(UnfinishedErasures::new(records));
        Self { sign_out, tokens, clock: records.clock().clone(), collections, unfinished }
    }

    /// Lists everything that is kept under the key `user`. There is no unknown person: of some, nothing is kept.
    ///
    /// # Errors
    /// [`SignOutFailure`] if the store fails.
    pub async fn export(&self, user: &UserKey, cause: &SignOutCause) -> Result<PersonExport, SignOutFailure> {
        let linked_keys = self.list_linked_keys(user).await?;
        let person = self.find_person(user).await?;
        let mut records: BTreeMap<&'static str, Vec<Value>> = BTreeMap::new();
        for collection in &self.collections {
            let exported = collection.export(&person).await.map_err(SignOutFailure)?;
            records.entry(collection.name()).or_default().extend(exported);
        }
        let count = records.values().map(Vec::len).sum();
        let event = AuditEvent::PersonExported;
        cause.audit(event).user(user).count(count).write();
        let (correlation_id, security) = (cause.correlation_id.as_str(), event.is_security());
        tracing::info!(correlation_id, user = %conceal(user), count, security, "the records of a person were exported");
        Ok(PersonExport { user: user.clone(), exported_at: self.clock.now(), linked_keys, records })
    }

    /// Signs the person with the key `user` out everywhere, and removes everything that is kept under this key. It is no error if
    /// nothing is kept.
    ///
    /// # Errors
    /// [`SignOutFailure`] if the store fails. Call again to remove the rest.
    pub async fn erase(&self, user: &UserKey, cause: SignOutCause) -> Result<ErasedPerson, SignOutFailure> {
        let (records, user) = (self.clone(), user.clone());
        run_to_end(async move { records.erase_now(&user, &cause).await }).await
    }

    async fn erase_now(&self, user: &UserKey, cause: &SignOutCause) -> Result<ErasedPerson, SignOutFailure> {
        let linked_keys = self.list_linked_keys(user).await?;
        // Tokens and pins name the accounts, and the sign-out removes them.
        let person = self.find_person(user).await?;
        self.unfinished.begin(user, &person.accounts).await.map_err(store_failed)?;
        let ended = self.sign_out.everywhere(user, cause.clone()).await?;
        for account in &person.accounts {
            // This ends what belongs to the account: cards, codes, statements, and what the next sign-in must ask for.
            self.sign_out.of_account(account, None).await?;
        }
        let removed = self.remove_all(&person).await?;
        self.unfinished.end(user).await.map_err(store_failed)?;
        let count = ended.ended.iter().chain(&removed).map(|records| records.count).sum();
        let all = removed.iter().map(|records| (records.name, records.count)).collect();
        let event = AuditEvent::PersonErased;
        cause.audit(event).user(user).count(count).ended(all).write();
        let (correlation_id, security) = (cause.correlation_id.as_str(), event.is_security());
        tracing::info!(correlation_id, user = %conceal(user), count, security, "the records of a person were erased");
        Ok(ErasedPerson { linked_keys, ended, removed })
    }

    /// Removes the person's records from all collections, also if one fails.
    async fn remove_all(&self, person: &DataSubject) -> Result<Vec<EndedRecords>, SignOutFailure> {
        let mut removed = Vec::new();
        let mut failure = None;
        for collection in &self.collections {
            match collection.erase(person).await {
                Ok(0) => {}
                Ok(count) => removed.push(EndedRecords { name: collection.name(), count }),
                Err(error) => failure = Some(SignOutFailure(error)),
            }
        }
        failure.map_or(Ok(removed), Err)
    }

    pub(super) async fn find_person(&self, user: &UserKey) -> Result<DataSubject, SignOutFailure> {
        let mut accounts = self.tokens.list_accounts(user).await?;
        for known in self.unfinished.find(user).await.map_err(store_failed)? {
            if !accounts.contains(&known) {
                accounts.push(known);
            }
        }
        Ok(DataSubject { user: user.clone(), accounts })
    }

    pub(super) async fn list_linked_keys(&self, user: &UserKey) -> Result<Vec<UserKey>, SignOutFailure> {
        let mut keys = self.sign_out.list_keys(user).await?.keys;
        keys.retain(|key| key != user);
        Ok(keys)
    }
}

fn store_failed(error: RecordError) -> SignOutFailure {
    SignOutFailure(error.into())
}
