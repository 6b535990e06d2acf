use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::Value;

use crate::dev::lock::lock_ignoring_poison;
use crate::dev::masking::mask_tokens;
use crate::dev::recent_json::RecentJson;

/// The maximum number of activities that the stage stores for one demo bot.
const MAX_ACTIVITIES_PER_BOT: usize = 200;
/// The bytes of these activities. An activity has at most 512 KiB.
const MAX_BYTES_PER_BOT: usize = 4 * 1024 * 1024;

/// The activities that the demo bots received, with tokens masked.
#[derive(Debug, Default)]
pub(in crate::dev) struct Inboxes(Mutex<BTreeMap<&'static str, RecentJson>>);

impl Inboxes {
    /// Stores an activity that `bot` received. When a limit is reached, it replaces the oldest ones.
    pub(super) fn record(&self, bot: &'static str, activity: &Value) {
        let mut masked = activity.clone();
        mask_tokens(&mut masked);
        let mut inboxes = lock_ignoring_poison(&self.0);
        let inbox = inboxes.entry(bot).or_insert_with(|| RecentJson::new(MAX_ACTIVITIES_PER_BOT, MAX_BYTES_PER_BOT));
        inbox.push(&masked);
    }

    /// The activities of one bot, oldest first.
    pub(in crate::dev) fn activities(&self, bot: &str) -> Vec<Value> {
        lock_ignoring_poison(&self.0).get(bot).map(|inbox| inbox.values().collect()).unwrap_or_default()
    }

    /// Removes all activities.
    pub(in crate::dev) fn clear(&self) {
        lock_ignoring_poison(&self.0).clear();
    }
}
