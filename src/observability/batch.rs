use std::io::{self, Write};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long a line may wait for others: what a process that is killed outright loses at most.
const WAIT: Duration = Duration::from_millis(100);
/// So many bytes wait for nobody. Who logs on while they cannot be written waits: no line is left out.
const FULL_BYTES: usize = 64 * 1024;

/// Gathers lines and writes many at once, since a system call for each costs more than all else about it.
///
/// Warnings and errors are written before whoever logs them goes on, after everything that waits. Other lines follow
/// within a tenth of a second.
pub(super) struct Batch<W> {
    waiting: Mutex<Vec<u8>>,
    begun: Condvar,
    output: Mutex<Output<W>>,
    at_once: AtomicBool,
}

/// Locked before `waiting` is emptied, so that lines keep their order.
struct Output<W> {
    writer: W,
    /// The other buffer, empty: the two take turns.
    spare: Vec<u8>,
}

impl<W: Write + Send + 'static> Batch<W> {
    /// Gathers for `writer`, with a thread that writes what has waited.
    pub(super) fn start(writer: W) -> io::Result<Arc<Self>> {
        let batch = Arc::new(Self::over(writer));
        let tending = Arc::clone(&batch);
        thread::Builder::new().name("log-writer".to_owned()).spawn(move || {
            loop {
                tending.wait_for_a_line();
                thread::sleep(WAIT);
                tending.write();
            }
        })?;
        Ok(batch)
    }

    fn over(writer: W) -> Self {
        let output = Mutex::new(Output { writer, spare: Vec::new() });
        Self { waiting: Mutex::new(Vec::new()), begun: Condvar::new(), output, at_once: AtomicBool::new(false) }
    }

    fn wait_for_a_line(&self) {
        let waiting = locked(&self.waiting);
        drop(self.begun.wait_while(waiting, |waiting| waiting.is_empty()).unwrap_or_else(PoisonError::into_inner));
    }
}

impl<W: Write> Batch<W> {
    fn add(&self, line: &[u8], urgent: bool) {
        let mut waiting = locked(&self.waiting);
        let is_first = waiting.is_empty();
        waiting.extend_from_slice(line);
        let is_full = waiting.len() >= FULL_BYTES;
        drop(waiting);
        if urgent || is_full || self.at_once.load(Ordering::SeqCst) {
            self.write();
        } else if is_first {
            self.begun.notify_one();
        }
    }

    /// Writes everything that waits.
    fn write(&self) {
        self.write_to(&mut locked(&self.output));
    }

    /// The same for a thread that panics, and so perhaps holds what it would have to wait for.
    pub(super) fn write_if_free(&self) {
        match self.output.try_lock() {
            Ok(mut output) => self.write_to(&mut output),
            Err(TryLockError::Poisoned(poisoned)) => self.write_to(&mut poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {}
        }
    }

    /// From here on nothing waits: for the end of the process.
    pub(super) fn finish(&self) {
        self.at_once.store(true, Ordering::SeqCst);
        self.write();
    }

    fn write_to(&self, output: &mut Output<W>) {
        mem::swap(&mut *locked(&self.waiting), &mut output.spare);
        let lines = mem::take(&mut output.spare);
        // Where logs cannot be written there is nobody to be told.
        let _ = output.writer.write_all(&lines);
        output.spare = lines;
        output.spare.clear();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A way into a batch for whoever formats lines.
pub(super) struct Batched<W>(pub(super) Arc<Batch<W>>);

impl<'w, W: Write + 'w> MakeWriter<'w> for Batched<W> {
    type Writer = LineWriter<'w, W>;

    fn make_writer(&'w self) -> Self::Writer {
        LineWriter { batch: &self.0, urgent: true }
    }

    fn make_writer_for(&'w self, metadata: &Metadata<'_>) -> Self::Writer {
        LineWriter { batch: &self.0, urgent: *metadata.level() <= Level::WARN }
    }
}

/// Takes one line, written as a whole.
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
    fn a_warning_is_written_before_its_logger_goes_on_and_after_what_waited() {
        let written = Written::default();
        let batch = Batch::over(written.clone());
        batch.add(b"one\n", false);
        batch.add(b"two\n", false);
        assert!(written.texts().is_empty());
        batch.add(b"warning\n", true);
        assert_eq!(written.texts(), ["one\ntwo\nwarning\n"]);
    }

    #[test]
    fn many_lines_wait_for_nobody() {
        let written = Written::default();
        let batch = Batch::over(written.clone());
        for _ in 0..65 {
            batch.add(&[b'x'; 1024], false);
        }
        assert_eq!(written.texts().iter().map(String::len).collect::<Vec<_>>(), [64 * 1024]);
    }

    #[test]
    fn at_the_end_everything_is_written_and_nothing_waits_any_more() {
        let written = Written::default();
        let batch = Batch::over(written.clone());
        batch.add(b"waits\n", false);
        batch.finish();
        batch.add(b"late\n", false);
        assert_eq!(written.texts(), ["waits\n", "late\n"]);
    }

    #[test]
    fn a_line_that_nothing_follows_is_written_all_the_same() {
        let written = Written::default();
        let batch = Batch::start(written.clone()).unwrap();
        for line in ["one\n", "two\n"] {
            batch.add(line.as_bytes(), false);
            written.wait_for(line);
        }
    }

    #[test]
    fn who_panics_while_lines_are_written_does_not_wait_for_itself() {
        let batch = Batch::over(Written::default());
        let _held = batch.output.lock().unwrap();
        batch.write_if_free();
    }
}
