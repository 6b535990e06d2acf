use std::fmt;
use std::sync::Arc;

use super::callers_trace::CallersTrace;
use super::current::{EnteredTrace, enter};
use super::request_trace::RequestTrace;
use super::span::ServerAnswer;
use super::tracer::Tracer;

/// The trace of a request that is being answered.
pub struct ServerSpan {
    trace: Arc<RequestTrace>,
    is_open: bool,
}

impl ServerSpan {
    /// Begins the trace of a request whose caller says `callers` of it; `None` if neither the caller nor the section `traces`
    /// asks for one.
    #[must_use]
    pub fn begin(tracer: Option<&Tracer>, callers: Option<CallersTrace>) -> Option<Self> {
        let trace = match (tracer, callers) {
            (Some(tracer), callers) => tracer.begin(callers),
            (None, Some(callers)) => RequestTrace::passed_on(callers),
            (None, None) => return None,
        };
        Some(Self { trace: Arc::new(trace), is_open: true })
    }

    /// Makes the trace the current one.
    pub fn enter(&self) -> EnteredTrace {
        enter(&self.trace)
    }

    /// Ends the request's span with what `answer` builds; it is not called if no spans are kept.
    pub fn finish(&mut self, answer: impl FnOnce() -> ServerAnswer) {
        self.is_open = false;
        if self.trace.recording().is_some() {
            self.trace.finish(answer());
        }
    }
}

impl Drop for ServerSpan {
    /// A request that is dropped has no answer: its client has hung up.
    fn drop(&mut self) {
        if self.is_open {
            self.finish(|| ServerAnswer { name: "unanswered".into(), status: 0, attributes: Vec::new() });
        }
    }
}

impl fmt::Debug for ServerSpan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trace.fmt(out)
    }
}
