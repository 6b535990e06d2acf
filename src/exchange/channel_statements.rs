use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use crate::cards::StatedIdentity;
use crate::domain::{
    Account, CountFuture, DataSubject, EndFuture, EndedAtSignOut, ExportFuture, PersonalData, RecordKey, Timestamp,
    TokenSlot, UserKey,
};
use crate::records::catalogue::{self, CHANNEL_STATEMENT_LIFETIME};
use crate::records::{
    Collection, Content, Kind, Plaintext, RecordError, Records, SingleWriter, StoredRecord, encode_json,
};

/// A statement that repeats the stored one is written again only after this time: a user who writes many messages costs
/// four writes an hour.
const WRITE_INTERVAL: Duration = Duration::from_mins(15);
/// How far the clock may be set back without a statement being forgotten.
const MAX_CLOCK_STEP: Duration = Duration::from_mins(1);
/// Accounts whose statements are kept in memory at the same time; each takes some 300 bytes.
const MAX_RECENT_STATEMENTS: usize = 65_536;

/// The Entra identities that channels have stated for their users within the last hour. A bot that got a client's token in an
/// invoke which was passed on may exchange it without a card, because the channel itself says whose account it is
/// (docs/protocols/sign-in-invokes.md §6).
///
/// The memory has every statement since the start. The store has it at most `WRITE_INTERVAL` late, for the time after a
/// restart.
pub struct ChannelStatements {
    records: Records,
    statements: Collection<StatementRecord>,
    recent: Cache<Account, Arc<RecentStatement>>,
}

struct RecentStatement {
    stated: StatedIdentity,
    /// When it was last made, in milliseconds since the Unix epoch.
    made_at: AtomicI64,
    written_at: Timestamp,
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
    /// Keeps statements in `records`. What is in memory is correct only while no other process signs users out.
    #[must_use]
    pub fn new(records: &Records, _: SingleWriter) -> Self {
        let recent = Cache::new(MAX_RECENT_STATEMENTS);
        Self { records: records.clone(), statements: Collection::new(records), recent }
    }

    /// Notes that the channel of `account` has stated `stated` just now. An identity without object id or without tenant is
    /// not noted. The store is written in the background: a later call of the bot finds the statement in memory.
    pub fn note(self: &Arc<Self>, account: &Account, stated: StatedIdentity) {
        let Some(record) = StatementRecord::of(&stated) else { return };
        let now = self.records.clock().now();
        if let Some(recent) = self.recent.get(account).filter(|recent| recent.stated == stated) {
            recent.made_at.fetch_max(now.unix_millis(), Ordering::AcqRel);
            // A time after `now` is of a clock that was ahead.
            if recent.written_at <= now && now < recent.written_at.plus(WRITE_INTERVAL) {
                return;
            }
        }
        let made_at = AtomicI64::new(now.unix_millis());
        let noted = Arc::new(RecentStatement { stated, made_at, written_at: now });
        self.recent.insert(account.clone(), Arc::clone(&noted));
        let (statements, account) = (Arc::clone(self), account.clone());
        tokio::spawn(async move {
            if let Err(error) = statements.write(&account, &record, &noted).await {
                let bot = account.holder.as_str();
                tracing::warn!(bot, %error, "a channel's statement about a user is lost at the next restart");
            }
        });
    }

    /// The identity that the channel has stated for `account` within the last hour.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find(&self, account: &Account) -> Result<Option<StatedIdentity>, RecordError> {
        if let Some(recent) = self.recent.get(account) {
            let made_at = Timestamp::from_unix_millis(recent.made_at.load(Ordering::Acquire));
            let now = self.records.clock().now();
            // A clock that was far ahead does not make a statement count for longer.
            let counts = made_at <= now.plus(MAX_CLOCK_STEP) && now < made_at.plus(CHANNEL_STATEMENT_LIFETIME);
            return Ok(counts.then(|| recent.stated.clone()));
        }
        Ok(self.statements.get(self.key(account)).await?.map(|record| record.content.into_identity()))
    }

    async fn write(
        &self,
        account: &Account,
        record: &StatementRecord,
        noted: &RecentStatement,
    ) -> Result<(), RecordError> {
        let key = self.key(account);
        self.put(key, record).await?;
        // A sign-out or another statement during the write may have come to the store first.
        match self.recent.get(account) {
            None => self.statements.remove(vec![key]).await,
            Some(recent) if recent.stated != noted.stated => match StatementRecord::of(&recent.stated) {
                Some(record) => self.put(key, &record).await,
                None => Ok(()),
            },
            Some(_) => Ok(()),
        }
    }

    async fn put(&self, key: RecordKey, record: &StatementRecord) -> Result<(), RecordError> {
        let index = self.statements.index([&record.object_id.to_ascii_lowercase()]);
        self.statements.put(self.statements.seal(key, record)?.listed_by(index)).await
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
            self.recent.remove(account);
            Ok(self.statements.remove(vec![self.key(account)]).await?)
        })
    }

    fn end_for_user<'a>(&'a self, user: &'a UserKey) -> CountFuture<'a> {
        Box::pin(async move {
            let is_of_user = |recent: &RecentStatement| {
                let StatedIdentity { object_id, tenant_ids, .. } = &recent.stated;
                object_id.as_deref().is_some_and(|object_id| names_user(object_id, tenant_ids, user))
            };
            self.recent.retain(|_, recent| !is_of_user(recent));
            let mut keys = Vec::new();
            for stored in self.list_by_object_id(user).await? {
                // One that cannot be read is removed too: it may be the user's, and without it another person gets a card.
                let is_of_other = self.statements.open(&stored).is_ok_and(|record| !record.names(user));
                if !is_of_other {
                    keys.push(stored.key());
                }
            }
            let count = keys.len();
            self.statements.remove(keys).await?;
            Ok(count)
        })
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
    /// `stated`, if it is complete.
    fn of(stated: &StatedIdentity) -> Option<Self> {
        let StatedIdentity { object_id, tenant_ids, in_group, .. } = stated;
        let object_id = object_id.clone().filter(|_| !tenant_ids.is_empty())?;
        Some(Self { object_id, tenant_ids: tenant_ids.clone(), in_group: *in_group })
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::{BotName, ChannelId, ConnectionName};
    use crate::records::testing::{ThrowawayRecords, throwaway_records};

    fn ada() -> Account {
        Account::of_channel(&BotName::new("demo"), ChannelId::new("msteams"), "29:ada")
    }

    fn identity(tenant: &str) -> StatedIdentity {
        StatedIdentity { object_id: Some("oid".to_owned()), tenant_ids: vec![tenant.to_owned()], ..Default::default() }
    }

    fn statements(beneath: &ThrowawayRecords) -> Arc<ChannelStatements> {
        Arc::new(ChannelStatements::new(&beneath.records, beneath.records.single_writer().unwrap()))
    }

    /// Waits until no background write is left, and returns what another process would find.
    async fn stored(beneath: &ThrowawayRecords, statements: &Arc<ChannelStatements>) -> Option<StatedIdentity> {
        while Arc::strong_count(statements) > 1 {
            tokio::task::yield_now().await;
        }
        self::statements(beneath).find(&ada()).await.unwrap()
    }

    #[tokio::test]
    async fn a_statement_counts_for_an_hour_after_it_was_last_made() {
        let beneath = throwaway_records();
        let statements = statements(&beneath);
        statements.note(&ada(), identity("t"));
        assert_eq!(statements.find(&ada()).await.unwrap(), Some(identity("t")), "before it is written");
        assert_eq!(stored(&beneath, &statements).await, Some(identity("t")));
        beneath.clock.advance(Duration::from_mins(10));
        statements.note(&ada(), identity("t"));
        beneath.clock.advance(Duration::from_mins(55));
        assert_eq!(statements.find(&ada()).await.unwrap(), Some(identity("t")));
        assert_eq!(stored(&beneath, &statements).await, None, "it was written once");
        beneath.clock.advance(Duration::from_mins(6));
        assert_eq!(statements.find(&ada()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_statement_is_written_again_after_a_quarter_of_an_hour_or_when_it_changes() {
        let beneath = throwaway_records();
        let statements = statements(&beneath);
        statements.note(&ada(), identity("t"));
        statements.note(&ada(), identity("u"));
        assert_eq!(stored(&beneath, &statements).await, Some(identity("u")));
        beneath.clock.advance(Duration::from_mins(16));
        statements.note(&ada(), identity("u"));
        stored(&beneath, &statements).await;
        beneath.clock.advance(Duration::from_mins(50));
        assert_eq!(stored(&beneath, &statements).await, Some(identity("u")));
    }

    #[tokio::test]
    async fn an_incomplete_statement_is_not_noted_and_a_sign_out_ends_a_statement() {
        let beneath = throwaway_records();
        let statements = statements(&beneath);
        statements.note(&ada(), StatedIdentity { tenant_ids: Vec::new(), ..identity("t") });
        statements.note(&ada(), StatedIdentity { object_id: None, ..identity("t") });
        assert_eq!(statements.find(&ada()).await.unwrap(), None);
        statements.note(&ada(), identity("t"));
        stored(&beneath, &statements).await;
        statements.end(&[TokenSlot::new(&ada(), &ConnectionName::new("graph"))]).await.unwrap();
        assert_eq!(statements.find(&ada()).await.unwrap(), None);
        assert_eq!(stored(&beneath, &statements).await, None);
    }

    #[tokio::test]
    async fn a_statement_is_of_the_entra_user_of_one_of_its_tenants_and_of_nobody_else() {
        let beneath = throwaway_records();
        let statements = statements(&beneath);
        let stated = StatedIdentity { tenant_ids: vec!["host".to_owned(), "Home".to_owned()], ..identity("") };
        statements.note(&ada(), stated.clone());
        stored(&beneath, &statements).await;
        let subject = |user: &UserKey| DataSubject { user: user.clone(), accounts: Vec::new() };
        for other in [
            UserKey::entra("oid", "elsewhere"),
            UserKey::entra("other", "home"),
            UserKey::from_parts("https://issuer.example", "oid"),
            UserKey::of_directory("home", "oid"),
        ] {
            assert!(statements.export(&subject(&other)).await.unwrap().is_empty(), "{other}");
            assert_eq!(statements.erase(&subject(&other)).await.unwrap(), 0, "{other}");
        }
        assert_eq!(statements.find(&ada()).await.unwrap(), Some(stated.clone()));
        assert_eq!(stored(&beneath, &statements).await, Some(stated));
        let user = UserKey::entra("OID", "HOME");
        assert_eq!(statements.export(&subject(&user)).await.unwrap().len(), 1);
        assert_eq!(statements.end_for_user(&user).await.unwrap(), 1);
        assert_eq!(statements.find(&ada()).await.unwrap(), None);
        assert_eq!(stored(&beneath, &statements).await, None);
    }
}
