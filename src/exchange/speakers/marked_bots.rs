use std::sync::{Arc, Weak};
use std::time::Duration;

use dashmap::DashMap;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{BotName, HolderName, RecordKey, Timestamp};
use crate::records::{
    ChangeListener, Collection, Content, Kind, Plaintext, RecordError, Records, catalogue, encode_json,
};

/// A mark is written again after this time, while records that name a parent are written.
const RENEWAL_INTERVAL: Duration = Duration::from_hours(24);

/// The bots of which a record may say that a parent spoke. A mark outlives the records, so that they are read also when the
/// configuration has no parent any more, and the records of other bots are never read.
///
/// A replica with another configuration may mark a bot at any time, while the replicas are replaced one by one. It tells the
/// others.
pub(super) struct MarkedBots {
    records: Records,
    marks: Arc<Marks>,
}

/// The marks that are known.
struct Marks {
    stored: Collection<BotMark>,
    marked_at: DashMap<HolderName, Timestamp>,
    /// The bots whose marks were recalled.
    names: DashMap<RecordKey, HolderName>,
    this: Weak<Self>,
}

/// That a record of the bot may name a parent.
#[derive(Serialize, Deserialize)]
struct BotMark {
    /// In milliseconds since the Unix epoch.
    marked_at: i64,
}

impl Content for BotMark {
    const KIND: &'static Kind = &catalogue::BOT_WITH_PARENTS;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

impl MarkedBots {
    pub(super) fn new(records: &Records) -> Self {
        let marks = Arc::new_cyclic(|this| Marks {
            stored: Collection::new(records),
            marked_at: DashMap::new(),
            names: DashMap::new(),
            this: this.clone(),
        });
        if let Some(replicas) = records.replicas() {
            let listener: Arc<dyn ChangeListener> = marks.clone();
            replicas.listen(Arc::downgrade(&listener));
        }
        Self { records: records.clone(), marks }
    }

    /// Reads the mark of `bot` that an earlier process, or another replica, has written.
    pub(super) async fn recall(&self, bot: &BotName) -> Result<(), RecordError> {
        let holder = HolderName::from(bot);
        self.marks.names.insert(self.marks.key(&holder), holder.clone());
        self.marks.recall(&holder).await
    }

    pub(super) fn contains(&self, bot: &BotName) -> bool {
        self.marks.marked_at.contains_key(bot.as_str())
    }

    /// Marks `holder`, unless its mark is recent.
    pub(super) async fn mark(&self, holder: &HolderName, now: Timestamp) -> Result<(), RecordError> {
        let is_recent = |marked_at: Timestamp| now < marked_at.plus(RENEWAL_INTERVAL);
        if self.marks.marked_at.get(holder).is_some_and(|marked_at| is_recent(*marked_at)) {
            return Ok(());
        }
        let (key, stored) = (self.marks.key(holder), &self.marks.stored);
        stored.put(stored.seal(key, &BotMark { marked_at: now.unix_millis() })?).await?;
        if let Some(replicas) = self.records.replicas() {
            replicas.tell(key, &[]).await?;
        }
        self.marks.marked_at.insert(holder.clone(), now);
        Ok(())
    }
}

impl Marks {
    async fn recall(&self, holder: &HolderName) -> Result<(), RecordError> {
        if let Some(record) = self.stored.get(self.key(holder)).await? {
            self.marked_at.insert(holder.clone(), Timestamp::from_unix_millis(record.content.marked_at));
        }
        Ok(())
    }

    fn key(&self, holder: &HolderName) -> RecordKey {
        self.stored.key(&[holder.as_str().as_bytes()])
    }
}

impl ChangeListener for Marks {
    /// The bot counts as marked long ago, so this replica marks it again when it writes a record that names a parent.
    fn changed(&self, key: RecordKey, _: &[u8]) {
        if let Some(holder) = self.names.get(&key) {
            self.marked_at.entry(holder.clone()).or_insert(Timestamp::from_unix_millis(0));
        }
    }

    fn all_may_have_changed(&self) {
        let Some(marks) = self.this.upgrade() else { return };
        tokio::spawn(async move {
            let holders: Vec<HolderName> = marks.names.iter().map(|entry| entry.value().clone()).collect();
            for holder in holders {
                if let Err(error) = marks.recall(&holder).await {
                    tracing::warn!(%error, bot = holder.as_str(), "it is not known whether the bot keeps parents apart");
                }
            }
        });
    }
}
