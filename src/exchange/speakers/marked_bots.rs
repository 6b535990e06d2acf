use std::time::Duration;

use dashmap::DashMap;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{BotName, HolderName, Timestamp};
use crate::records::{Collection, Content, Kind, Plaintext, RecordError, Records, catalogue, encode_json};

/// A mark is written again after this time, while records that name a parent are written.
const RENEWAL_INTERVAL: Duration = Duration::from_hours(24);

/// The bots of which a record may say that a parent spoke. A mark outlives the records, so that they are read also when the
/// configuration has no parent any more, and the records of other bots are never read.
pub(super) struct MarkedBots {
    marks: Collection<BotMark>,
    marked_at: DashMap<HolderName, Timestamp>,
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
        Self { marks: Collection::new(records), marked_at: DashMap::new() }
    }

    /// Reads the mark of `bot` that an earlier process has written.
    pub(super) async fn recall(&self, bot: &BotName) -> Result<(), RecordError> {
        let holder = HolderName::from(bot);
        if let Some(record) = self.marks.get(self.marks.key(&[holder.as_str().as_bytes()])).await? {
            self.marked_at.insert(holder, Timestamp::from_unix_millis(record.content.marked_at));
        }
        Ok(())
    }

    pub(super) fn contains(&self, bot: &BotName) -> bool {
        self.marked_at.contains_key(bot.as_str())
    }

    /// Marks `holder`, unless its mark is recent.
    pub(super) async fn mark(&self, holder: &HolderName, now: Timestamp) -> Result<(), RecordError> {
        let is_recent = |marked_at: Timestamp| now < marked_at.plus(RENEWAL_INTERVAL);
        if self.marked_at.get(holder).is_some_and(|marked_at| is_recent(*marked_at)) {
            return Ok(());
        }
        let key = self.marks.key(&[holder.as_str().as_bytes()]);
        self.marks.put(self.marks.seal(key, &BotMark { marked_at: now.unix_millis() })?).await?;
        self.marked_at.insert(holder.clone(), now);
        Ok(())
    }
}
