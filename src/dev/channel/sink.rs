use std::sync::Mutex;

use serde::Serialize;
use serde_json::Value;

use crate::dev::lock::lock_ignoring_poison;
use crate::dev::recent_json::RecentJson;

/// The maximum number of recorded calls; a further one replaces the oldest.
const MAX_RECORDED_CALLS: usize = 2_000;
/// The bytes of all recorded calls; further ones replace the oldest. A call has at most 512 KiB.
const MAX_RECORDED_BYTES: usize = 16 * 1024 * 1024;

/// One call of a bot to the Bot Connector, with tokens masked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct RecordedCall {
    /// `POST`, `PUT` or `DELETE`.
    pub(super) method: String,
    /// Conversation id.
    pub(super) conversation: String,
    /// Activity id in the path: the activity that the call replies to, changes or deletes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) activity_id: Option<String>,
    /// App id of the bot that called.
    pub(super) bot: String,
    /// The id in the answer.
    pub(super) id: String,
    /// The activity.
    pub(super) activity: Value,
}

/// Records the latest calls of bots to the Bot Connector.
#[derive(Debug)]
pub(in crate::dev) struct ConnectorSink {
    calls: Mutex<RecentJson>,
}

impl Default for ConnectorSink {
    fn default() -> Self {
        Self { calls: Mutex::new(RecentJson::new(MAX_RECORDED_CALLS, MAX_RECORDED_BYTES)) }
    }
}

impl ConnectorSink {
    pub(super) fn record(&self, call: &RecordedCall) {
        lock_ignoring_poison(&self.calls).push(call);
    }

    /// The calls for one conversation, or for all of them, oldest first, as JSON.
    pub(in crate::dev) fn calls(&self, conversation: Option<&str>) -> Vec<Value> {
        let calls = lock_ignoring_poison(&self.calls);
        let is_asked_for =
            |call: &Value| conversation.is_none_or(|id| call.get("conversation").and_then(Value::as_str) == Some(id));
        calls.values().filter(is_asked_for).collect()
    }

    /// Removes all recorded calls.
    pub(in crate::dev) fn clear(&self) {
        lock_ignoring_poison(&self.calls).clear();
    }
}
