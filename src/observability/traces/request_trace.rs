use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::callers_trace::{CallersTrace, Traceparent};
use super::span::{Attribute, Beginning, ServerAnswer, Span, SpanKind};
use super::tracer_parts::TracerParts;

/// The most spans of one request that are kept until it is known whether the request is exported.
const MAX_SPANS: usize = 128;

/// The trace of one request. Clones are shared by all work that is done for the request, also after its answer.
pub(super) struct RequestTrace {
    pub(super) trace_id: u128,
    /// The span that is the parent of outgoing calls: the request's own or, without the section `traces`, the caller's.
    pub(super) span_id: u64,
    pub(super) state: Option<Box<str>>,
    course: Course,
}

/// What becomes of the trace.
enum Course {
    /// The caller's ids are passed on unchanged.
    PassedOn(Traceparent),
    /// The request has a span of its own, of which nothing is kept.
    NotSampled,
    /// Spans are kept.
    Recorded(Box<Recording>),
}

/// The spans of a request.
pub(super) struct Recording {
    pub(super) parts: Arc<TracerParts>,
    /// Whether the configured ratio has chosen the request. Otherwise its caller wants it recorded, which counts only for a
    /// caller that proves who it is.
    pub(super) is_chosen: bool,
    is_caller_known: AtomicBool,
    /// The caller's span; zero if the trace begins here.
    pub(super) parent_id: u64,
    pub(super) begun: Beginning,
    state: Mutex<RecordingState>,
}

enum RecordingState {
    /// The request is not answered yet.
    Open { spans: Vec<Span>, attributes: Vec<Attribute> },
    /// Later spans are exported at once.
    Exported,
    /// Later spans are dropped.
    Forgotten,
}

impl RequestTrace {
    /// The caller's trace, which is passed on.
    pub(super) fn passed_on(callers: CallersTrace) -> Self {
        let CallersTrace { parent, state } = callers;
        Self { trace_id: parent.trace_id, span_id: parent.span_id, state, course: Course::PassedOn(parent) }
    }

    pub(super) fn not_sampled(trace_id: u128, span_id: u64, state: Option<Box<str>>) -> Self {
        Self { trace_id, span_id, state, course: Course::NotSampled }
    }

    pub(super) fn recorded(trace_id: u128, span_id: u64, state: Option<Box<str>>, recording: Recording) -> Self {
        Self { trace_id, span_id, state, course: Course::Recorded(Box::new(recording)) }
    }

    pub(super) fn recording(&self) -> Option<&Recording> {
        match &self.course {
            Course::Recorded(recording) => Some(recording),
            Course::PassedOn(_) | Course::NotSampled => None,
        }
    }

    /// What `traceparent` says in a call whose own span is `span_id`.
    pub(super) fn traceparent_of(&self, span_id: u64) -> Traceparent {
        match &self.course {
            Course::PassedOn(parent) => *parent,
            Course::NotSampled => Traceparent { trace_id: self.trace_id, span_id, is_sampled: false },
            Course::Recorded(recording) => {
                Traceparent { trace_id: self.trace_id, span_id, is_sampled: recording.is_wanted() }
            }
        }
    }

    /// Whether calls have the request's own span as parent, and not the caller's.
    pub(super) fn is_own(&self) -> bool {
        !matches!(self.course, Course::PassedOn(_))
    }

    /// Adds a span of work inside the request that has just ended and took `took`.
    pub(super) fn add_inner(&self, name: &'static str, took: Duration, has_failed: bool) {
        let Some(recording) = self.recording() else { return };
        let now = recording.parts.ambient.clock.elapsed();
        recording.add(Span {
            trace_id: self.trace_id,
            span_id: recording.parts.draw_span_id(),
            parent_id: self.span_id,
            state: self.state.clone(),
            name: name.into(),
            kind: SpanKind::Internal,
            begin_nanos: recording.begun.nanos_at(now.saturating_sub(took)),
            end_nanos: recording.begun.nanos_at(now),
            attributes: Vec::new(),
            is_error: has_failed,
        });
    }

    /// Ends the request's own span and decides whether its spans are exported.
    pub(super) fn finish(&self, answer: ServerAnswer) {
        let Some(recording) = self.recording() else { return };
        let Some(kept) = recording.decide() else { return };
        let Kept { spans, attributes: noted } = kept;
        let ServerAnswer { name, status, mut attributes } = answer;
        let is_error = status == 0 || status >= 500;
        if status != 0 {
            attributes.push(Attribute::number("http.response.status_code", status));
        }
        if is_error {
            let kind = if status == 0 { "client_gone".into() } else { status.to_string() };
            attributes.push(Attribute::text("error.type", kind));
        }
        attributes.extend(noted);
        let queue = &recording.parts.queue;
        for span in spans {
            queue.add(span);
        }
        queue.add(Span {
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent_id: recording.parent_id,
            state: self.state.clone(),
            name,
            kind: SpanKind::Server,
            begin_nanos: recording.begun.nanos(),
            end_nanos: recording.begun.nanos_at(recording.parts.ambient.clock.elapsed()),
            attributes,
            is_error,
        });
    }
}

impl fmt::Debug for RequestTrace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "RequestTrace({:032x})", self.trace_id)
    }
}

/// What a request has noted until its answer.
struct Kept {
    spans: Vec<Span>,
    attributes: Vec<Attribute>,
}

impl Recording {
    pub(super) fn new(parts: Arc<TracerParts>, is_chosen: bool, parent_id: u64) -> Self {
        let begun = Beginning::now(parts.ambient.clock.as_ref());
        let state = Mutex::new(RecordingState::Open { spans: Vec::new(), attributes: Vec::new() });
        Self { parts, is_chosen, is_caller_known: AtomicBool::new(false), parent_id, begun, state }
    }

    pub(super) fn note_known_caller(&self) {
        self.is_caller_known.store(true, Ordering::Relaxed);
    }

    /// Whether the spans will probably be exported, which is what called services are told.
    fn is_wanted(&self) -> bool {
        self.is_chosen || self.is_caller_known.load(Ordering::Relaxed)
    }

    /// Keeps `span` until the request is answered; afterwards it goes where the request's other spans went.
    pub(super) fn add(&self, span: Span) {
        match &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            RecordingState::Open { spans, .. } if spans.len() < MAX_SPANS => spans.push(span),
            RecordingState::Open { .. } => self.parts.queue.count_dropped(1),
            RecordingState::Exported => self.parts.queue.add(span),
            RecordingState::Forgotten => self.count_limited(1),
        }
    }

    /// Notes a fact about the request, once.
    pub(super) fn note(&self, attribute: Attribute) {
        if let RecordingState::Open { attributes, .. } = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner)
            && attributes.iter().all(|noted| noted.name != attribute.name)
        {
            attributes.push(attribute);
        }
    }

    /// Counts spans of a forgotten request. One that the ratio has chosen was forgotten because of the limit for unknown callers.
    fn count_limited(&self, spans: usize) {
        if self.is_chosen {
            self.parts.queue.count_limited(spans);
        }
    }

    /// The spans so far, if the request is exported: its caller is known, or the ratio has chosen it and not too many requests
    /// of unknown callers were exported lately.
    fn decide(&self) -> Option<Kept> {
        let is_exported = self.is_caller_known.load(Ordering::Relaxed)
            || (self.is_chosen && self.parts.unknown_callers.check().is_ok());
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let next = if is_exported { RecordingState::Exported } else { RecordingState::Forgotten };
        match std::mem::replace(&mut *state, next) {
            RecordingState::Open { spans, attributes } if is_exported => Some(Kept { spans, attributes }),
            RecordingState::Open { spans, .. } => {
                // The request's own span is one more.
                self.count_limited(spans.len() + 1);
                None
            }
            RecordingState::Exported | RecordingState::Forgotten => None,
        }
    }
}
