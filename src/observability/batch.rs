use std::io::{self, Write};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// The longest delay of a line that waits for others, and so the most that a killed process loses.
const MAX_LINE_DELAY: Duration = Duration::from_millis(100);
/// At this size waiting lines are written at once. A thread that logs while they cannot be written blocks, so no line
/// is lost.
const MAX_WAITING_BYTES: usize = 64 * 1024;

/// Collects log lines and writes many of them at once, because a system call for each line would cost more than
/// composing the line.
///
/// Warnings and errors are written before the call that logs them returns, together with all waiting lines. Other lines
/// are written within a tenth of a second.
pub(super) struct Batch<W> {
    waiting: Mutex<Vec<u8>>,
    line_added: Condvar,
    output: Mutex<Output<W>>,
    unbuffered: AtomicBool,
}

/// The output. It is locked before `waiting` is emptied, so that lines keep their order.
struct Output<W> {
    writer: W,
    /// The second buffer, empty: it is exchanged with `waiting` at each write.
    spare: Vec<u8>,
}

impl<W: Write + Send + 'static> Batch<W> {
    /// Collects lines for `writer`, and starts the thread that writes them.
    pub(super) fn start(writer: W) -> io::Result<Arc<Self>> {
        let batch = Arc::new(Self::without_thread(writer));
        let writer_batch = Arc::clone(&batch);
        thread::Builder::new().name("log-writer".to_owned()).spawn(move || {
            loop {
                writer_batch.wait_for_a_line();
                thread::sleep(MAX_LINE_DELAY);
                writer_batch.write();
            }
        })?;
        Ok(batch)
    }

    fn without_thread(writer: W) -> Self {
        let output = Mutex::new(Output { writer, spare: Vec::new() });
        Self { waiting: Mutex::new(Vec::new()), line_added: Condvar::new(), output, unbuffered: AtomicBool::new(false) }
    }

    fn wait_for_a_line(&self) {
        let waiting = lock(&self.waiting);
        drop(self.line_added.wait_while(waiting, |waiting| waiting.is_empty()).unwrap_or_else(PoisonError::into_inner));
    }
}

impl<W: Write> Batch<W> {
    fn add(&self, line: &[u8], urgent: bool) {
        let mut waiting = lock(&self.waiting);
        let is_first = waiting.is_empty();
        waiting.extend_from_slice(line);
        let is_full = waiting.len() >= MAX_WAITING_BYTES;
        drop(waiting);
        if urgent || is_full || self.unbuffered.load(Ordering::SeqCst) {
            self.write();
        } else if is_first {
            self.line_added.notify_one();
        }
    }

    /// Writes all waiting lines.
    fn write(&self) {
        self.write_to(&mut lock(&self.output));
    }

    /// Writes all waiting lines unless the output is locked: a panicking thread may hold that lock itself.
    pub(super) fn write_if_free(&self) {
        match self.output.try_lock() {
            Ok(mut output) => self.write_to(&mut output),
            Err(TryLockError::Poisoned(poisoned)) => self.write_to(&mut poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {}
        }
    }

    /// Writes all waiting lines, and every later line at once. Called at the end of the process.
    pub(super) fn finish(&self) {
        self.unbuffered.store(true, Ordering::SeqCst);
        self.write();
    }

    fn write_to(&self, output: &mut Output<W>) {
        mem::swap(&mut *lock(&self.waiting), &mut output.spare);
        let lines = mem::take(&mut output.spare);
        // A log that cannot be written cannot report that either.
        let _ = output.writer.write_all(&lines);
        output.spare = lines;
        output.spare.clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The writer through which a subscriber adds its lines to a batch.
pub(super) struct BatchWriter<W>(pub(super) Arc<Batch<W>>);

impl<'w, W: Write + 'w> MakeWriter<'w> for BatchWriter<W> {
    type Writer = LineWriter<'w, W>;

    fn make_writer(&'w self) -> Self::Writer {
        LineWriter { batch: &self.0, urgent: true }
    }

    fn make_writer_for(&'w self, metadata: &Metadata<'_>) -> Self::Writer {
        LineWriter { batch: &self.0, urgent: *metadata.level() <= Level::WARN }
    }
}

/// Adds one line to the batch; each `write` call must bring a whole line.
pub(super) struct LineWriter<'b, W> {
    batch: &'b Batch<W>,
    urgent: bool,
}

impl<W: Write> Write for LineWriter<'_, W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.batch.add(line, self.urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Writes>);

    #[derive(Default)]
    struct Writes {
        made: Mutex<Vec<Vec<u8>>>,
        changed: Condvar,
    }

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !bytes.is_empty() {
                self.0.made.lock().unwrap().push(bytes.to_vec());
                self.0.changed.notify_all();
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        fn wait_for(&self, line: &str) {
            let made = self.0.made.lock().unwrap();
            let is_missing = |made: &mut Vec<Vec<u8>>| made.last().is_none_or(|last| last != line.as_bytes());
            drop(self.0.changed.wait_while(made, is_missing).unwrap());
        }

        fn texts(&self) -> Vec<String> {
            self.0.made.lock().unwrap().iter().map(|bytes| String::from_utf8(bytes.clone()).unwrap()).collect()
        }
    }

    #[test]
    fn a_warning_is_written_at_once_after_all_waiting_lines() {
        let written = Written::default();
        let batch = Batch::without_thread(written.clone());
        batch.add(b"one\n", false);
        batch.add(b"two\n", false);
        assert!(written.texts().is_empty());
        batch.add(b"warning\n", true);
        assert_eq!(written.texts(), ["one\ntwo\nwarning\n"]);
    }

    #[test]
    fn waiting_lines_are_written_when_they_fill_the_buffer() {
        let written = Written::default();
        let batch = Batch::without_thread(written.clone());
        for _ in 0..65 {
            batch.add(&[b'x'; 1024], false);
        }
        assert_eq!(written.texts().iter().map(String::len).collect::<Vec<_>>(), [64 * 1024]);
    }

    #[test]
    fn after_finish_waiting_and_later_lines_are_written_at_once() {
        let written = Written::default();
        let batch = Batch::without_thread(written.clone());
        batch.add(b"waits\n", false);
        batch.finish();
        batch.add(b"late\n", false);
        assert_eq!(written.texts(), ["waits\n", "late\n"]);
    }

    #[test]
    fn a_single_line_is_written_although_no_other_follows() {
        let written = Written::default();
        let batch = Batch::start(written.clone()).unwrap();
        for line in ["one\n", "two\n"] {
            batch.add(line.as_bytes(), false);
            written.wait_for(line);
        }
    }

    #[test]
    fn write_if_free_returns_while_the_output_is_locked() {
        let batch = Batch::without_thread(Written::default());
        let _held = batch.output.lock().unwrap();
        batch.write_if_free();
    }
}
