use std::time::Duration;

use quick_cache::sync::Cache;

use crate::domain::{RecordKey, Timestamp};

/// After this time a slot's token counts as renewable again, so that the next request tries it.
const DEFERRED_FOR: Duration = Duration::from_mins(1);
/// At most this many slots are remembered. A forgotten one costs another attempt to renew its token.
const MAX_REMEMBERED_SLOTS: usize = 16_384;

/// The slots whose token could not be renewed a moment ago. They are kept in memory only: a restart forgets them, and the
/// next request tries to renew the token. Each replica has its own: at worst, each tries once.
pub(super) struct Deferrals {
    until: Cache<RecordKey, Timestamp>,
}

impl Default for Deferrals {
    fn default() -> Self {
        Self { until: Cache::new(MAX_REMEMBERED_SLOTS) }
    }
}

impl Deferrals {
    pub(super) fn add(&self, key: RecordKey, now: Timestamp) {
        self.until.insert(key, now.plus(DEFERRED_FOR));
    }

    pub(super) fn holds(&self, key: RecordKey, now: Timestamp) -> bool {
        self.until.get(&key).is_some_and(|until| now < until)
    }
}
