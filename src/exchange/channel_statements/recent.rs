use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use quick_cache::sync::Cache;

use crate::cards::StatedIdentity;
use crate::domain::{Account, RecordKey, Timestamp};
use crate::records::{ChangeListener, Records};

/// Accounts whose statements are kept in memory at the same time; each takes some 300 bytes.
const MAX_RECENT_STATEMENTS: usize = 65_536;

/// What channels have stated at this process.
pub(super) struct RecentStatements {
    pub(super) by_account: Cache<Account, Arc<RecentStatement>>,
    /// Over a shared store: whose statement a record is, and the digest of what this process has written to it.
    written: Cache<RecordKey, WrittenStatement>,
}

pub(super) struct RecentStatement {
    pub(super) stated: StatedIdentity,
    /// When it was last made, in milliseconds since the Unix epoch.
    pub(super) made_at: AtomicI64,
    pub(super) written_at: Timestamp,
}

impl RecentStatement {
    /// The statement, of which the store holds nothing.
    fn as_unwritten(&self) -> Self {
        let made_at = AtomicI64::new(self.made_at.load(Ordering::Acquire));
        Self { stated: self.stated.clone(), made_at, written_at: Timestamp::from_unix_millis(0) }
    }
}

#[derive(Clone)]
struct WrittenStatement {
    account: Account,
    digest: [u8; 32],
}

impl RecentStatements {
    /// Nothing has been stated yet. Over a shared store it follows what other replicas write.
    pub(super) fn new(records: &Records) -> Arc<Self> {
        let max_written = if records.replicas().is_some() { MAX_RECENT_STATEMENTS } else { 0 };
        let by_account = Cache::new(MAX_RECENT_STATEMENTS);
        let recent = Arc::new(Self { by_account, written: Cache::new(max_written) });
        if let Some(replicas) = records.replicas() {
            let listener: Arc<dyn ChangeListener> = recent.clone();
            replicas.listen(Arc::downgrade(&listener));
        }
        recent
    }

    /// Notes that this process writes a statement with this digest about `account` to the record `key`.
    pub(super) fn note_written(&self, key: RecordKey, account: &Account, digest: [u8; 32]) {
        self.written.insert(key, WrittenStatement { account: account.clone(), digest });
    }
}

impl ChangeListener for RecentStatements {
    /// The note is the digest of the statement that a replica has written, and empty if it has ended one. If it differs from
    /// what this process has written, the process writes its statement when that is made again.
    fn changed(&self, key: RecordKey, note: &[u8]) {
        let Some(WrittenStatement { account, digest }) = self.written.get(&key) else { return };
        if note.is_empty() {
            self.by_account.remove(&account);
        } else if digest != note
            && let Some(recent) = self.by_account.get(&account)
        {
            self.by_account.insert(account, Arc::new(recent.as_unwritten()));
        }
    }

    fn all_may_have_changed(&self) {
        self.by_account.clear();
    }
}
