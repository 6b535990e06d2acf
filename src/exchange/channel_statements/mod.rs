//! The Entra identities that channels have stated for their users within the last hour.
//!
//! Owns the record of a statement, when it is written, and its end at a sign-out. It deliberately does not know which
//! activities state an identity, nor what an exchange makes of it.

mod recent;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::timeout;
use zeroize::Zeroizing;

use self::recent::{RecentStatement, RecentStatements};
use crate::cards::StatedIdentity;
use crate::domain::{
    Account, CountFuture, DataSubject, EndFuture, EndedAtSignOut, ExportFuture, PersonalData, RecordKey, Timestamp,
    TokenSlot, UserKey,
};
use crate::records::catalogue::{self, CHANNEL_STATEMENT_LIFETIME};
use crate::records::{Collection, Content, Kind, Plaintext, RecordError, Records, Replicas, StoredRecord, encode_json};

/// A statement that repeats the stored one is written again only after this time: a user who writes many messages costs
/// four writes an hour.
const WRITE_INTERVAL: Duration = Duration::from_mins(15);
/// How long an activity waits for a statement to be stored, if other replicas need it.
const WRITE_PATIENCE: Duration = Duration::from_secs(1);
/// How far the clock may be set back without a statement being forgotten.
const MAX_CLOCK_STEP: Duration = Duration::from_mins(1);

/// The Entra identities that channels have stated for their users within the last hour. A bot that got a client's token in an
/// invoke which was passed on may exchange it without a card, because the channel itself says whose account it is
/// (docs/protocols/sign-in-invokes.md §6).
///
/// The memory has every statement since the start. The store has it at most `WRITE_INTERVAL` late, for the time after a
/// restart. Over a shared store the record alone counts, and the memory says only what need not be written again.
pub struct ChannelStatements {
    records: Records,
    statements: Collection<StatementRecord>,
    recent: Arc<RecentStatements>,
}

/// The stored form of a statement. The kind's lifetime counts from the time at which it was written.
#[derive(Serialize, Deserialize)]
struct StatementRecord {
    object_id: String,
    tenant_ids: Vec<String>,
    in_group: bool,
}

impl Content for StatementRecord {
    const KIND: &'static Kind = &catalogue::CHANNEL_STATEMENT;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

impl ChannelStatements {
    /// Keeps statements in `records`.
    #[must_use]
    pub fn new(records: &Records) -> Self {
        let recent = RecentStatements::new(records);
        Self { records: records.clone(), statements: Collection::new(records), recent }
    }

    /// Notes that the channel of `account` has stated `stated` just now. An identity without object id or without tenant is
    /// not noted. The store is written in the background: a later call of the bot finds the statement in memory. Over a
    /// shared store this waits for the write, since another replica may get that call.
    pub async fn note(self: &Arc<Self>, account: &Account, stated: &StatedIdentity) {
        if !StatementRecord::is_complete(stated) {
            return;
        }
        let now = self.records.clock().now();
        if let Some(recent) = self.recent.by_account.get(account).filter(|recent| recent.stated == *stated) {
            recent.made_at.fetch_max(now.unix_millis(), Ordering::AcqRel);
            // A time after `now` is of a clock that was ahead.
            if recent.written_at <= now && now < recent.written_at.plus(WRITE_INTERVAL) {
                return;
            }
        }
        let Some(record) = StatementRecord::of(stated) else { return };
        let made_at = AtomicI64::new(now.unix_millis());
        let noted = Arc::new(RecentStatement { stated: stated.clone(), made_at, written_at: now });
        self.recent.by_account.insert(account.clone(), Arc::clone(&noted));
        let (statements, account) = (Arc::clone(self), account.clone());
        let write = tokio::spawn(async move { statements.write_or_log(&account, &record, &noted).await });
        if self.records.replicas().is_some_and(|replicas| !replicas.is_store_silent()) {
            // A write that takes longer goes on.
            drop(timeout(WRITE_PATIENCE, write).await);
        }
    }

    /// The identity that the channel has stated for `account` within the last hour.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find(&self, account: &Account) -> Result<Option<StatedIdentity>, RecordError> {
        let recent = self.recent.by_account.get(account).filter(|_| self.records.replicas().is_none());
        if let Some(recent) = recent {
            let made_at = Timestamp::from_unix_millis(recent.made_at.load(Ordering::Acquire));
            let now = self.records.clock().now();
            // A clock that was far ahead does not make a statement count for longer.
            let counts = made_at <= now.plus(MAX_CLOCK_STEP) && now < made_at.plus(CHANNEL_STATEMENT_LIFETIME);
            return Ok(counts.then(|| recent.stated.clone()));
        }
        Ok(self.statements.get(self.key(account)).await?.map(|record| record.content.into_identity()))
    }

    async fn write_or_log(&self, account: &Account, record: &StatementRecord, noted: &RecentStatement) {
        let Err(error) = self.write(account, record, noted).await else { return };
        let bot = account.holder.as_str();
        if self.records.replicas().is_some() {
            self.recent.by_account.remove(account);
            tracing::warn!(bot, %error, "a channel's statement about a user is lost until the channel repeats it");
        } else {
            tracing::warn!(bot, %error, "a channel's statement about a user is lost at the next restart");
        }
    }

    async fn write(
        &self,
        account: &Account,
        record: &StatementRecord,
        noted: &RecentStatement,
    ) -> Result<(), RecordError> {
        let key = self.key(account);
        self.put(account, key, record).await?;
        // A sign-out or another statement during the write may have come to the store first.
        match self.recent.by_account.get(account) {
            None => self.statements.remove(vec![key]).await,
            Some(recent) if recent.stated != noted.stated => match StatementRecord::of(&recent.stated) {
                Some(record) => self.put(account, key, &record).await,
                None => Ok(()),
            },
            Some(_) => Ok(()),
        }
    }

    async fn put(&self, account: &Account, key: RecordKey, record: &StatementRecord) -> Result<(), RecordError> {
        let index = self.statements.index([&record.object_id.to_ascii_lowercase()]);
        let sealed = self.statements.seal(key, record)?.listed_by(index);
        let Some(replicas) = self.records.replicas() else { return self.statements.put(sealed).await };
        let digest = self.records.mac(&catalogue::CHANNEL_STATEMENT_DIGEST, &record.parts());
        self.recent.note_written(key, account, digest);
        self.statements.put(sealed).await?;
        tell(replicas, &[key], &digest).await;
        Ok(())
    }

    /// Removes the statements under `keys`.
    async fn remove(&self, keys: Vec<RecordKey>) -> Result<(), RecordError> {
        let Some(replicas) = self.records.replicas() else { return self.statements.remove(keys).await };
        // Told before, so that a replica that is writing one of them removes it; told afterwards, so that one that was
        // written meanwhile, and removed, is written again when it is repeated.
        tell(replicas, &keys, &[]).await;
        self.statements.remove(keys.clone()).await?;
        tell(replicas, &keys, &[]).await;
        Ok(())
    }

    /// The stored statements with the object id of `user`, of any tenant; none if `user` is no Entra user.
    async fn list_by_object_id(&self, user: &UserKey) -> Result<Vec<StoredRecord<StatementRecord>>, RecordError> {
        let Some(object_id) = user.object_id() else { return Ok(Vec::new()) };
        self.statements.members(self.statements.index([&object_id.to_ascii_lowercase()])).await
    }

    fn key(&self, account: &Account) -> RecordKey {
        self.statements.key_from_texts(&account.key_parts())
    }
}

impl EndedAtSignOut for ChannelStatements {
    fn record_name(&self) -> &'static str {
        "statements of channels"
    }

    fn end<'a>(&'a self, slots: &'a [TokenSlot]) -> EndFuture<'a> {
        Box::pin(async move {
            // All slots of a sign-out belong to one account.
            let Some(TokenSlot { account, .. }) = slots.first() else { return Ok(()) };
            self.recent.by_account.remove(account);
            Ok(self.remove(vec![self.key(account)]).await?)
        })
    }

    fn end_for_user<'a>(&'a self, user: &'a UserKey) -> CountFuture<'a> {
        Box::pin(async move {
            let is_of_user = |recent: &RecentStatement| {
                let StatedIdentity { object_id, tenant_ids, .. } = &recent.stated;
                object_id.as_deref().is_some_and(|object_id| names_user(object_id, tenant_ids, user))
            };
            self.recent.by_account.retain(|_, recent| !is_of_user(recent));
            let mut keys = Vec::new();
            for stored in self.list_by_object_id(user).await? {
                // One that cannot be read is removed too: it may be the user's, and without it another person gets a card.
                let is_of_other = self.statements.open(&stored).is_ok_and(|record| !record.names(user));
                if !is_of_other {
                    keys.push(stored.key());
                }
            }
            let count = keys.len();
            self.remove(keys).await?;
            Ok(count)
        })
    }
}

/// Tells all replicas what has become of the statements under `keys` ([`RecentStatements`]). A replica that misses it writes
/// a statement that is repeated up to a quarter of an hour late.
async fn tell(replicas: &Replicas, keys: &[RecordKey], note: &[u8]) {
    for key in keys {
        if let Err(error) = replicas.tell(*key, note).await {
            tracing::debug!(%error, "replicas do not learn of a channel's statement");
        }
    }
}

impl PersonalData for ChannelStatements {
    fn name(&self) -> &'static str {
        "channelStatements"
    }

    fn export<'a>(&'a self, person: &'a DataSubject) -> ExportFuture<'a> {
        Box::pin(async move {
            let mut exported = Vec::new();
            for stored in self.list_by_object_id(&person.user).await? {
                let record = self.statements.open(&stored)?;
                if !record.names(&person.user) {
                    continue;
                }
                let StatementRecord { object_id, tenant_ids, in_group } = record;
                exported.push(json!({ "objectId": object_id, "tenantIds": tenant_ids, "inGroup": in_group }));
            }
            Ok(exported)
        })
    }

    fn erase<'a>(&'a self, person: &'a DataSubject) -> CountFuture<'a> {
        self.end_for_user(&person.user)
    }
}

impl StatementRecord {
    /// Whether `stated` has what a record needs.
    fn is_complete(stated: &StatedIdentity) -> bool {
        stated.object_id.is_some() && !stated.tenant_ids.is_empty()
    }

    /// `stated`, if it is complete.
    fn of(stated: &StatedIdentity) -> Option<Self> {
        let StatedIdentity { object_id, tenant_ids, in_group, .. } = stated;
        let object_id = object_id.clone().filter(|_| Self::is_complete(stated))?;
        Some(Self { object_id, tenant_ids: tenant_ids.clone(), in_group: *in_group })
    }

    /// What the record says, for its digest.
    fn parts(&self) -> Vec<&[u8]> {
        let in_group: &[u8] = if self.in_group { b"group" } else { b"personal" };
        let tenants = self.tenant_ids.iter().map(String::as_bytes);
        [self.object_id.as_bytes(), in_group].into_iter().chain(tenants).collect()
    }

    fn names(&self, user: &UserKey) -> bool {
        names_user(&self.object_id, &self.tenant_ids, user)
    }

    fn into_identity(self) -> StatedIdentity {
        let Self { object_id, tenant_ids, in_group } = self;
        StatedIdentity { object_id: Some(object_id), tenant_ids, in_group, name: None }
    }
}

/// Whether a statement is about `user`. A channel may state several tenants, and the object id belongs to one of them. Another
/// issuer's subject that equals an object id is another person.
fn names_user(object_id: &str, tenant_ids: &[String], user: &UserKey) -> bool {
    let (Some(of_user), Some(tenant_of_user)) = (user.object_id(), user.tenant_id()) else { return false };
    object_id.eq_ignore_ascii_case(of_user)
        && tenant_ids.iter().any(|tenant| tenant.eq_ignore_ascii_case(tenant_of_user))
}
