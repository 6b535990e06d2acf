use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::history::{Speaker, SpeakerHistory};
use crate::domain::{RecordKey, Timestamp};

/// What this process knows of the accounts that spoke under one user id. Over an exclusive store it is authoritative, because
/// every write to the store goes through this process. Over a shared store it says only what this process has written last.
pub(super) struct SpeakersCell {
    /// The key of the record.
    pub(super) key: RecordKey,
    state: Mutex<CellState>,
}

#[derive(Default)]
struct CellState {
    history: SpeakerHistory,
    /// `None` until the record has been read.
    written: Option<WrittenHistory>,
}

/// What the store holds.
pub(super) struct WrittenHistory {
    pub(super) history: SpeakerHistory,
    /// `None` if the store holds no record.
    pub(super) written_at: Option<Timestamp>,
}

impl WrittenHistory {
    /// What was read from the store. The record is as old as its last account at most; it may have been written again later.
    pub(super) fn read(stored: Option<SpeakerHistory>) -> Self {
        let written_at = stored.as_ref().and_then(SpeakerHistory::last).map(Speaker::spoke_at);
        Self { history: stored.unwrap_or_default(), written_at }
    }

    /// Whether `history` has to be written: the store lacks an account or a report, or its record is older than `age`, or
    /// was written at a time that the clock has not reached, since it was ahead then.
    pub(super) fn is_outdated(&self, history: &SpeakerHistory, now: Timestamp, age: Duration) -> bool {
        let is_old = self.written_at.is_none_or(|written_at| written_at > now || written_at.plus(age) <= now);
        history.last().is_some() && (is_old || !self.history.covers(history))
    }
}

impl SpeakersCell {
    pub(super) fn new(key: RecordKey) -> Self {
        Self { key, state: Mutex::default() }
    }

    /// Reads or changes the history.
    pub(super) fn with_history<R>(&self, work: impl FnOnce(&mut SpeakerHistory) -> R) -> R {
        work(&mut self.lock().history)
    }

    /// Whether the record has been read.
    pub(super) fn is_loaded(&self) -> bool {
        self.lock().written.is_some()
    }

    /// Adds what the store holds to what was noted before it was read.
    pub(super) fn set_loaded(&self, stored: Option<SpeakerHistory>) {
        let mut state = self.lock();
        if state.written.is_some() {
            return;
        }
        let written = WrittenHistory::read(stored);
        state.history.append(written.history.clone());
        state.written = Some(written);
    }

    /// Whether the record has to be written ([`WrittenHistory::is_outdated`]).
    pub(super) fn is_write_due(&self, now: Timestamp, age: Duration) -> bool {
        let state = self.lock();
        state.written.as_ref().is_some_and(|written| written.is_outdated(&state.history, now, age))
    }

    /// When this process wrote the record last, if it did.
    pub(super) fn written_at(&self) -> Option<Timestamp> {
        self.lock().written.as_ref().and_then(|written| written.written_at)
    }

    /// Notes that the store holds `history` since `now`.
    pub(super) fn set_written(&self, history: SpeakerHistory, now: Timestamp) {
        self.lock().written = Some(WrittenHistory { history, written_at: Some(now) });
    }

    /// Forgets all accounts that spoke. The caller then removes the record.
    pub(super) fn clear(&self) {
        let mut state = self.lock();
        state.history = SpeakerHistory::default();
        state.written = Some(WrittenHistory { history: SpeakerHistory::default(), written_at: None });
    }

    fn lock(&self) -> MutexGuard<'_, CellState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
