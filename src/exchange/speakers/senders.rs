use std::sync::Arc;

use quick_cache::sync::Cache;

use super::MAX_RECENT_USERS;
use crate::domain::{Account, RecordKey};
use crate::records::{ChangeListener, Records, Replicas, catalogue};

/// What a note of a sender begins with; the parent's app id follows, or nothing if it is the channel.
const NOTE_PREFIX: &[u8] = b"sender ";

/// Who sent the last activity under a user id, where it was a parent whose user ids count as the channel's. It says to whose
/// limit a guess counts, so it is in memory only.
pub(super) enum Senders {
    /// By the channel's account. No other process gets activities.
    Own(Cache<Account, Account>),
    /// Other replicas get activities, too, and tell of them.
    Told(ToldSenders),
}

/// The app ids of parents, by the MAC of the channel's account.
pub(super) struct ToldSenders {
    records: Records,
    replicas: Arc<Replicas>,
    parents: Arc<Parents>,
}

struct Parents(Cache<RecordKey, String>);

impl Senders {
    pub(super) fn new(records: &Records) -> Self {
        let Some(replicas) = records.replicas() else { return Self::Own(Cache::new(MAX_RECENT_USERS)) };
        let parents = Arc::new(Parents(Cache::new(MAX_RECENT_USERS)));
        let listener: Arc<dyn ChangeListener> = parents.clone();
        replicas.listen(Arc::downgrade(&listener));
        Self::Told(ToldSenders { records: records.clone(), replicas: Arc::clone(replicas), parents })
    }

    /// Notes that `sender` has sent the last activity under its user id.
    pub(super) async fn note(&self, sender: &Account) {
        let account = sender.as_channel_account();
        match (self, sender.parent()) {
            (Self::Own(senders), Some(_)) => senders.insert(account.into_owned(), sender.clone()),
            (Self::Own(senders), None) => drop(senders.remove(&*account)),
            (Self::Told(told), parent) => told.note(&account, parent.unwrap_or_default()).await,
        }
    }

    /// The parent's account that has sent the last activity under the user id of the channel's `account`.
    pub(super) fn find(&self, account: &Account) -> Option<Account> {
        match self {
            Self::Own(senders) => senders.get(account),
            Self::Told(told) => {
                told.parents.0.get(&told.name(account)).map(|parent| account.as_parent_account(&parent))
            }
        }
    }

    /// Forgets who has sent the last activity under the user id of the channel's `account`.
    pub(super) async fn forget(&self, account: &Account) {
        match self {
            Self::Own(senders) => drop(senders.remove(account)),
            Self::Told(told) => told.note(account, "").await,
        }
    }
}

impl ToldSenders {
    /// Notes that `parent` has sent the last activity; the channel, if it is empty. What is known already is not told again.
    async fn note(&self, account: &Account, parent: &str) {
        let name = self.name(account);
        if self.parents.0.get(&name).unwrap_or_default() == parent {
            return;
        }
        self.parents.set(name, parent);
        if self.replicas.is_store_silent() {
            return;
        }
        if let Err(error) = self.replicas.tell(name, &[NOTE_PREFIX, parent.as_bytes()].concat()).await {
            tracing::debug!(%error, "replicas do not learn who sent the last activity under a user id");
        }
    }

    fn name(&self, account: &Account) -> RecordKey {
        let parts = account.key_parts();
        RecordKey(self.records.mac(&catalogue::LAST_SENDER, &parts.each_ref().map(|part| part.as_bytes())))
    }
}

impl Parents {
    /// An empty `parent` says that the channel has sent the last activity.
    fn set(&self, name: RecordKey, parent: &str) {
        if parent.is_empty() {
            self.0.remove(&name);
        } else {
            self.0.insert(name, parent.to_owned());
        }
    }
}

impl ChangeListener for Parents {
    fn changed(&self, key: RecordKey, note: &[u8]) {
        let parent = note.strip_prefix(NOTE_PREFIX).map(std::str::from_utf8);
        if let Some(Ok(parent)) = parent {
            self.set(key, parent);
        }
    }

    fn all_may_have_changed(&self) {
        self.0.clear();
    }
}
