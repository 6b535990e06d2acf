//! Lines for the log and for the audit stream, written by a thread of their own.
//!
//! Owns the buffer, its bound, and the count of the lines that were left out. It deliberately knows no form of a line.

mod recent_warnings;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use self::recent_warnings::RecentWarnings;
use crate::domain::{Clock, SystemClock};

/// The longest delay of a line that waits for others, and so the most that a killed process loses.
const MAX_LINE_DELAY: Duration = Duration::from_millis(100);
/// At this size waiting lines are written without that delay.
const WRITTEN_AT_BYTES: usize = 64 * 1024;
/// At this size no further line is taken until waiting lines have been written.
const MAX_WAITING_BYTES: usize = 256 * 1024;
/// The longest time for which a thread that logs waits for the output. Afterwards no thread waits until the output has
/// taken lines again.
const MAX_WAIT: Duration = Duration::from_millis(500);

/// Collects log lines, and writes many of them at once on a thread of its own, because a system call for each line would
/// cost more than composing the line, and because the output may block for ever.
///
/// A call that logs an error returns when the line is written, together with all earlier lines, and so does one that logs a
/// warning, unless there are many. Other lines are written within a tenth of a second. If the output blocks, a call waits only a moment; lines beyond the buffer are
/// left out and counted, and the count is reported when the output takes lines again.
pub(super) struct Batch {
    state: Mutex<State>,
    /// Wakes the thread that writes.
    line_added: Condvar,
    /// Wakes the threads that wait for the output.
    output_changed: Condvar,
    /// The thread that writes. It logs the count of lines that were left out, and must not wait for itself.
    writer_thread: OnceLock<ThreadId>,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    /// The lines that were taken, and those of them that were written, since the start.
    added: u64,
    written: u64,
    /// Whether waiting lines are written without delay.
    is_urgent: bool,
    /// Whether every line is urgent.
    is_unbuffered: bool,
    warnings: RecentWarnings,
    output: OutputState,
    /// When the write under way began, by [`Clock::elapsed`]; `None` while nothing is written.
    writing_since: Option<Duration>,
    /// The lines that were left out and not reported yet.
    unreported: u64,
    /// The lines that were left out since the start.
    left_out: u64,
}

/// What is known of the output.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum OutputState {
    /// It took the last lines, or has not been asked yet.
    #[default]
    Open,
    /// A thread has waited for it in vain since its last progress.
    Blocked,
    /// It refused the last lines.
    Refusing,
}

impl State {
    fn has_room_for(&self, line: &[u8]) -> bool {
        self.waiting.is_empty() || self.waiting.len() + line.len() <= MAX_WAITING_BYTES
    }

    /// Whether a thread has waited in vain, or a write takes longer than any thread would wait. Lines that are not urgent
    /// let no thread wait.
    fn is_blocked(&self) -> bool {
        let takes_long = |since: Duration| SystemClock.elapsed().saturating_sub(since) > MAX_WAIT;
        self.output == OutputState::Blocked || self.writing_since.is_some_and(takes_long)
    }

    fn leave_out(&mut self, lines: u64) {
        self.unreported += lines;
        self.left_out += lines;
    }
}

impl Batch {
    /// Collects lines for `writer`, and starts the thread `name`, which writes them. `report_left_out` is called on that
    /// thread.
    pub(super) fn start(
        name: &str,
        writer: impl Write + Send + 'static,
        report_left_out: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Arc<Self>> {
        let batch = Arc::new(Self {
            state: Mutex::default(),
            line_added: Condvar::new(),
            output_changed: Condvar::new(),
            writer_thread: OnceLock::new(),
        });
        let of_thread = Arc::clone(&batch);
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || of_thread.write_for_ever(writer, report_left_out))?;
        Ok(batch)
    }

    /// Whether the output has blocked for longer than a moment and has taken no line since.
    pub(super) fn is_blocked(&self) -> bool {
        self.lock().is_blocked()
    }

    /// Whether the output is blocked, or refused the last lines.
    pub(super) fn is_failing(&self) -> bool {
        let state = self.lock();
        state.output == OutputState::Refusing || state.is_blocked()
    }

    /// How many lines have been left out since the start.
    pub(super) fn left_out(&self) -> u64 {
        self.lock().left_out
    }

    /// Adds a line. An urgent one is written before this returns, unless the output blocks.
    pub(super) fn add(&self, line: &[u8], urgent: bool) {
        let mut state = self.lock();
        // The line that reports lines left out finds the buffer full, and must not be left out itself.
        if !state.has_room_for(line) && !self.is_writer_thread() {
            self.hurry(&mut state);
            state = self.wait_while(state, |state| !state.has_room_for(line));
            if !state.has_room_for(line) {
                state.leave_out(1);
                return;
            }
        }
        let is_first = state.waiting.is_empty();
        state.waiting.extend_from_slice(line);
        state.added += 1;
        if urgent || state.is_unbuffered {
            self.hurry(&mut state);
            let number = state.added;
            drop(self.wait_while(state, |state| state.written < number));
        } else if state.waiting.len() >= WRITTEN_AT_BYTES {
            self.hurry(&mut state);
        } else if is_first {
            self.line_added.notify_one();
        }
    }

    /// Adds a warning. It is urgent unless there are many.
    fn add_warning(&self, line: &[u8]) {
        let is_urgent = self.lock().warnings.hurries(SystemClock.elapsed());
        self.add(line, is_urgent);
    }

    /// Has the waiting lines written at once, and waits for that for a moment, unless the lines are locked: a panicking
    /// thread may hold that lock itself.
    pub(super) fn write_if_free(&self) {
        let state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        self.write_waiting(state);
    }

    /// Has all waiting lines, and every later line, written at once. Called at the end of the process, which an output
    /// that blocks delays only for a moment.
    pub(super) fn finish(&self) {
        let mut state = self.lock();
        state.is_unbuffered = true;
        self.write_waiting(state);
    }

    fn write_waiting(&self, mut state: MutexGuard<'_, State>) {
        self.hurry(&mut state);
        let number = state.added;
        drop(self.wait_while(state, |state| state.written < number));
    }

    /// Wakes the thread that writes, so that it does not wait for further lines.
    fn hurry(&self, state: &mut State) {
        state.is_urgent = true;
        self.line_added.notify_one();
    }

    /// Waits for the output while `is_early` holds; not at all if the output is blocked, and at most for a moment.
    fn wait_while<'s>(&self, state: MutexGuard<'s, State>, is_early: impl Fn(&State) -> bool) -> MutexGuard<'s, State> {
        if self.is_writer_thread() {
            return state;
        }
        let waits = |state: &mut State| is_early(state) && state.output != OutputState::Blocked;
        let waited = self.output_changed.wait_timeout_while(state, MAX_WAIT, waits);
        let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            state.output = OutputState::Blocked;
            self.output_changed.notify_all();
        }
        state
    }

    fn write_for_ever(&self, mut writer: impl Write, report_left_out: impl Fn(u64)) {
        // This is the only place that sets the thread.
        let _ = self.writer_thread.set(thread::current().id());
        let mut lines = Vec::new();
        loop {
            let number = self.take_lines(&mut lines);
            let refused = if writer.write_all(&lines).is_err() { count_lines(&lines) } else { 0 };
            lines.clear();
            let left_out = self.note_progress(number, refused);
            if left_out > 0 {
                report_left_out(left_out);
            }
        }
    }

    /// Waits for lines, and exchanges them with `lines`, which is empty. Returns the number of the last line.
    fn take_lines(&self, lines: &mut Vec<u8>) -> u64 {
        let state = self.lock();
        let state = self.line_added.wait_while(state, |state| state.waiting.is_empty());
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let delayed = self.line_added.wait_timeout_while(state, MAX_LINE_DELAY, |state| !state.is_urgent);
        let (mut state, _) = delayed.unwrap_or_else(PoisonError::into_inner);
        mem::swap(&mut state.waiting, lines);
        state.is_urgent = false;
        state.writing_since = Some(SystemClock.elapsed());
        self.output_changed.notify_all();
        state.added
    }

    /// Notes that the lines up to `number` are written, but for the last `refused` ones. Returns how many lines were left
    /// out before, as soon as the output takes lines again: an output that refuses lines cannot report that either.
    fn note_progress(&self, number: u64, refused: u64) -> u64 {
        let mut state = self.lock();
        state.written = number;
        state.writing_since = None;
        state.output = if refused > 0 { OutputState::Refusing } else { OutputState::Open };
        state.leave_out(refused);
        self.output_changed.notify_all();
        if refused > 0 { 0 } else { mem::take(&mut state.unreported) }
    }

    fn is_writer_thread(&self) -> bool {
        self.writer_thread.get() == Some(&thread::current().id())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count_lines(lines: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', lines).count() as u64
}

/// The writer through which a subscriber adds its lines to a batch.
pub(super) struct BatchWriter(pub(super) Arc<Batch>);

impl<'w> MakeWriter<'w> for BatchWriter {
    type Writer = LineWriter<'w>;

    fn make_writer(&'w self) -> Self::Writer {
        LineWriter { batch: &self.0, level: Level::ERROR }
    }

    fn make_writer_for(&'w self, metadata: &Metadata<'_>) -> Self::Writer {
        LineWriter { batch: &self.0, level: *metadata.level() }
    }
}

/// Adds one line to the batch; each `write` call must bring a whole line.
pub(super) struct LineWriter<'b> {
    batch: &'b Batch,
    level: Level,
}

impl Write for LineWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.level == Level::WARN {
            self.batch.add_warning(line);
        } else {
            self.batch.add(line, self.level == Level::ERROR);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
