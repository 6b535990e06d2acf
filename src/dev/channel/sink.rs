use std::collections::VecDeque;
use std::sync::Mutex;

use serde::Serialize;
use serde_json::Value;

use crate::dev::lock::lock_ignoring_poison;

/// The maximum number of recorded calls; a further one replaces the oldest.
const MAX_RECORDED_CALLS: usize = 2_000;

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
#[derive(Debug, Default)]
pub(in crate::dev) struct ConnectorSink {
    calls: Mutex<VecDeque<RecordedCall>>,
}

impl ConnectorSink {
    pub(super) fn record(&self, call: RecordedCall) {
        let mut calls = lock_ignoring_poison(&self.calls);
        if calls.len() == MAX_RECORDED_CALLS {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    /// The calls for one conversation, or for all of them, oldest first, as JSON.
    pub(in crate::dev) fn calls(&self, conversation: Option<&str>) -> Vec<Value> {
        lock_ignoring_poison(&self.calls)
            .iter()
            .filter(|call| conversation.is_none_or(|id| id == call.conversation))
            .filter_map(|call| serde_json::to_value(call).ok())
            .collect()
    }

    /// Removes all recorded calls.
    pub(in crate::dev) fn clear(&self) {
        lock_ignoring_poison(&self.calls).clear();
    }
}
