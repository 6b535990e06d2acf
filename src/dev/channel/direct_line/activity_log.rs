use std::collections::VecDeque;

use serde_json::{Map, Value, json};

/// The maximum number of activities that a conversation keeps; a further one replaces the oldest.
pub(super) const MAX_ACTIVITIES: usize = 500;
/// The maximum size of the activities that a conversation keeps, in bytes of JSON.
pub(super) const MAX_LOG_BYTES: usize = 2 * 1024 * 1024;

/// Activities in the order in which a client gets them.
#[derive(Default)]
pub(super) struct ActivityLog {
    kept: VecDeque<KeptActivity>,
    bytes: usize,
    /// The position of the newest activity; the first activity of a conversation has the position 1.
    newest: u64,
    /// The number of ids that were drawn.
    ids: u64,
}

struct KeptActivity {
    position: u64,
    bytes: usize,
    members: Map<String, Value>,
}

/// What a client has not seen yet.
#[derive(Debug, PartialEq)]
pub(super) struct ActivityBatch {
    pub(super) activities: Vec<Value>,
    /// The position of the newest activity.
    pub(super) watermark: u64,
}

impl ActivityBatch {
    /// The batch as clients get it. The watermark is a text, which clients do not read.
    pub(super) fn into_json(self) -> Value {
        json!({ "activities": self.activities, "watermark": self.watermark.to_string() })
    }
}

impl ActivityLog {
    /// An empty log whose positions and ids come after `earlier`, as do those of a conversation that ended and that a
    /// client begins again.
    pub(super) fn starting_after(earlier: u64) -> Self {
        Self { newest: earlier, ids: earlier, ..Self::default() }
    }

    /// The highest position and id.
    pub(super) fn last_number(&self) -> u64 {
        self.newest.max(self.ids)
    }

    /// The number in the next activity's id.
    pub(super) fn next_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// Adds an activity, and returns its position.
    pub(super) fn append(&mut self, members: Map<String, Value>) -> u64 {
        self.newest += 1;
        let bytes = size_of(&members);
        self.kept.push_back(KeptActivity { position: self.newest, bytes, members });
        self.bytes += bytes;
        self.drop_old();
        self.newest
    }

    /// The activities after the position `watermark`, oldest first.
    pub(super) fn after(&self, watermark: u64) -> ActivityBatch {
        let unseen = self.kept.iter().filter(|activity| activity.position > watermark);
        let activities = unseen.map(|activity| Value::Object(activity.members.clone())).collect();
        ActivityBatch { activities, watermark: self.newest }
    }

    /// Replaces the activity with the same `id`; `false` if there is none.
    pub(super) fn replace(&mut self, id: &str, members: Map<String, Value>) -> bool {
        let Some(activity) = self.kept.iter_mut().find(|activity| has_id(&activity.members, id)) else { return false };
        let bytes = size_of(&members);
        self.bytes = self.bytes - activity.bytes + bytes;
        (activity.bytes, activity.members) = (bytes, members);
        self.drop_old();
        true
    }

    /// Removes the activity with this id; `false` if there is none.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        let Some(index) = self.kept.iter().position(|activity| has_id(&activity.members, id)) else { return false };
        if let Some(removed) = self.kept.remove(index) {
            self.bytes -= removed.bytes;
        }
        true
    }

    fn drop_old(&mut self) {
        while self.kept.len() > MAX_ACTIVITIES || self.bytes > MAX_LOG_BYTES {
            let Some(oldest) = self.kept.pop_front() else { return };
            self.bytes -= oldest.bytes;
        }
    }
}

fn has_id(members: &Map<String, Value>, id: &str) -> bool {
    members.get("id").and_then(Value::as_str) == Some(id)
}

/// The size of an activity as JSON.
fn size_of(members: &Map<String, Value>) -> usize {
    serde_json::to_string(members).map_or(0, |text| text.len())
}
