use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use super::request_trace::RequestTrace;
use super::span::Attribute;

thread_local! {
    /// The trace of the request for which this thread works at this moment.
    static CURRENT: RefCell<Option<Arc<RequestTrace>>> = const { RefCell::new(None) };
    /// What the next call of this thread is for, until the current trace is left.
    static NEXT_CALL: Cell<Option<String>> = const { Cell::new(None) };
}

/// Makes a trace the current one of its thread until it is dropped.
#[must_use]
pub struct EnteredTrace {
    previous: Option<Arc<RequestTrace>>,
}

/// Makes `trace` the current one of this thread.
pub(super) fn enter(trace: &Arc<RequestTrace>) -> EnteredTrace {
    EnteredTrace { previous: CURRENT.replace(Some(Arc::clone(trace))) }
}

impl Drop for EnteredTrace {
    fn drop(&mut self) {
        CURRENT.replace(self.previous.take());
        // A call that was named and given up leaves its name; the next call of this thread may be another request's.
        NEXT_CALL.take();
    }
}

/// The current trace of this thread.
pub(super) fn current() -> Option<Arc<RequestTrace>> {
    CURRENT.with_borrow(Clone::clone)
}

/// Runs `use_it` on the current trace, if its spans are kept.
pub(super) fn with_recorded(use_it: impl FnOnce(&RequestTrace)) {
    CURRENT.with_borrow(|current| {
        if let Some(trace) = current.as_deref().filter(|trace| trace.recording().is_some()) {
            use_it(trace);
        }
    });
}

/// The id of the current trace.
pub(in crate::observability) fn current_trace_id() -> Option<u128> {
    CURRENT.with_borrow(|current| current.as_ref().map(|trace| trace.trace_id))
}

/// Notes that the caller of the current request has proved who it is, so that its word counts on whether spans are kept.
pub fn confirm_caller() {
    CURRENT.with_borrow(|current| {
        if let Some(recording) = current.as_ref().and_then(|trace| trace.recording()) {
            recording.note_known_caller();
        }
    });
}

/// Says what the call is for that this thread makes next, before it waits for anything; the text becomes the name of its span.
pub fn name_next_call(name: impl FnOnce() -> String) {
    with_recorded(|_| NEXT_CALL.set(Some(name())));
}

pub(super) fn take_call_name() -> Option<String> {
    NEXT_CALL.take()
}

/// Adds a span of work inside the current request that has just ended and took `took`.
pub fn note_step(name: &'static str, took: Duration, has_failed: bool) {
    with_recorded(|trace| trace.add_inner(name, took, has_failed));
}

/// Notes a fact about the current request.
pub(super) fn note(attribute: impl FnOnce() -> Attribute) {
    with_recorded(|trace| {
        if let Some(recording) = trace.recording() {
            recording.note(attribute());
        }
    });
}

/// Runs `work` in the current trace, wherever it runs: a task of its own has no current trace.
pub fn carry<F: Future>(work: F) -> Carried<F> {
    Carried { work, trace: current() }
}

pin_project! {
    /// Work that keeps the trace in which it was begun.
    #[derive(Debug)]
    pub struct Carried<F> {
        #[pin]
        work: F,
        trace: Option<Arc<RequestTrace>>,
    }
}

impl<F: Future> Future for Carried<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.trace.as_ref().map(enter);
        this.work.poll(context)
    }
}
