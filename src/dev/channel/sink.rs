use std::collections::VecDeque;
use std::sync::Mutex;

use serde::Serialize;
use serde_json::Value;

use crate::dev::lock::lock_ignoring_poison;

/// The limit for the number of stored calls.
const MAX_RECORDED_CALLS: usize = 2_000;

/// One call that a bot made at its service URL. Tokens are masked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct RecordedCall {
    /// `POST`, `PUT` or `DELETE`.
    pub(super) method: String,
    /// Conversation id.
    pub(super) conversation: String,
    /// Activity id of the path (the one replied to, changed or deleted).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) activity_id: Option<String>,
    /// App id of the bot that called.
    pub(super) bot: String,
    /// The id answered.
    pub(super) id: String,
    /// The activity.
    pub(super) activity: Value,
}

/// The latest calls of the bots at their service URL.
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

    /// Calls of one conversation, or of all, oldest first, as JSON.
    pub(in crate::dev) fn sent(&self, conversation: Option<&str>) -> Vec<Value> {
        lock_ignoring_poison(&self.calls)
            .iter()
            .filter(|call| conversation.is_none_or(|id| id == call.conversation))
            .filter_map(|call| serde_json::to_value(call).ok())
            .collect()
    }

    /// Forgets everything.
    pub(in crate::dev) fn clear(&self) {
        lock_ignoring_poison(&self.calls).clear();
    }
}
