#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use super::*;

/// An output that a test can block.
#[derive(Clone, Default)]
struct Output(Arc<Content>);

#[derive(Default)]
struct Content {
    written: Mutex<Vec<u8>>,
    changed: Condvar,
    gate: Mutex<()>,
    /// Whether each write fails.
    is_full: AtomicBool,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        drop(self.0.gate.lock().unwrap());
        if self.0.is_full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.written.lock().unwrap().extend_from_slice(bytes);
        self.0.changed.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output {
    fn wait_for(&self, end: &str) {
        let written = self.0.written.lock().unwrap();
        let is_missing = |written: &mut Vec<u8>| !written.ends_with(end.as_bytes());
        drop(self.0.changed.wait_while(written, is_missing).unwrap());
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.written.lock().unwrap().clone()).unwrap()
    }
}

/// A batch that reports lines left out to the receiver and, as the log does, in a line of its own.
fn start(output: &Output) -> (Arc<Batch>, mpsc::Receiver<u64>) {
    let (reports, received) = mpsc::channel();
    let started = Arc::new(OnceLock::<Arc<Batch>>::new());
    let own = Arc::clone(&started);
    let report = move |lines| {
        own.wait().add(format!("left out: {lines}\n").as_bytes(), true);
        reports.send(lines).unwrap();
    };
    let batch = Batch::start("test-writer", output.clone(), report).unwrap();
    assert!(started.set(Arc::clone(&batch)).is_ok());
    (batch, received)
}

#[test]
fn a_warning_is_written_when_the_call_returns_after_all_waiting_lines() {
    let output = Output::default();
    let (batch, _reports) = start(&output);
    batch.add(b"one\n", false);
    batch.add(b"two\n", false);
    batch.add(b"warning\n", true);
    assert_eq!(output.text(), "one\ntwo\nwarning\n");
}

#[test]
fn after_finish_waiting_and_later_lines_are_written_when_the_call_returns() {
    let output = Output::default();
    let (batch, _reports) = start(&output);
    batch.add(b"waits\n", false);
    batch.finish();
    assert_eq!(output.text(), "waits\n");
    batch.add(b"late\n", false);
    assert_eq!(output.text(), "waits\nlate\n");
}

#[test]
fn a_single_line_is_written_although_no_other_follows() {
    let output = Output::default();
    let (batch, _reports) = start(&output);
    for line in ["one\n", "two\n"] {
        batch.add(line.as_bytes(), false);
        output.wait_for(line);
    }
}

#[test]
fn threads_that_log_go_on_while_the_output_blocks_and_the_lines_left_out_are_reported_afterwards() {
    const LINES: u64 = 2000;
    let output = Output::default();
    let (batch, reports) = start(&output);
    let gate = output.0.gate.lock().unwrap();
    let line = format!("{}\n", "x".repeat(1023));
    for number in 0..LINES {
        batch.add(line.as_bytes(), number % 2 == 0);
    }
    assert!(batch.is_blocked());
    batch.finish();
    batch.write_if_free();
    drop(gate);
    let left_out = reports.recv().unwrap();
    assert!(!batch.is_blocked());
    batch.add(b"end\n", true);
    output.wait_for("end\n");
    let written = output.text().lines().filter(|line| line.starts_with('x')).count() as u64;
    assert_eq!(written + left_out, LINES);
    assert!(output.text().ends_with(&format!("x\nleft out: {left_out}\nend\n")));
    assert!(left_out > LINES / 2 && written > 200, "{written} lines were written, {left_out} left out");
}

#[test]
fn an_output_that_hangs_is_noticed_while_no_line_is_urgent() {
    let output = Output::default();
    let (batch, _reports) = start(&output);
    let gate = output.0.gate.lock().unwrap();
    batch.add(b"one\n", false);
    while !batch.is_blocked() {
        std::thread::yield_now();
    }
    drop(gate);
    output.wait_for("one\n");
    batch.add(b"two\n", true);
    assert!(!batch.is_blocked());
}

#[test]
fn lines_that_the_output_refuses_are_counted_and_reported_when_it_takes_lines_again() {
    let output = Output::default();
    let (batch, reports) = start(&output);
    output.0.is_full.store(true, Ordering::SeqCst);
    batch.add(b"one\n", false);
    batch.add(b"two\n", true);
    // The writer notes the refusal before it wakes the thread that has added an urgent line.
    assert!(batch.is_failing() && !batch.is_blocked());
    assert_eq!((batch.left_out(), output.text().as_str()), (2, ""));
    output.0.is_full.store(false, Ordering::SeqCst);
    batch.add(b"three\n", true);
    assert_eq!(reports.recv().unwrap(), 2);
    assert!(!batch.is_failing());
    output.wait_for("left out: 2\n");
    assert_eq!(batch.left_out(), 2);
}

#[test]
fn write_if_free_returns_while_the_lines_are_locked() {
    let (batch, _reports) = start(&Output::default());
    let _held = batch.state.lock().unwrap();
    batch.write_if_free();
}
