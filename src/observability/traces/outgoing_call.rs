use std::borrow::Cow;
use std::sync::Arc;

use url::Url;

use super::current::{current, take_call_name};
use super::request_trace::RequestTrace;
use super::span::{Attribute, Span, SpanKind};

/// A call of another service that is made for a request with a trace. It ends when its answer begins.
#[derive(Debug)]
pub struct OutgoingCall {
    trace: Arc<RequestTrace>,
    span_id: u64,
    /// `None` if no spans are kept.
    span: Option<OpenSpan>,
}

#[derive(Debug)]
struct OpenSpan {
    name: Cow<'static, str>,
    begin_nanos: u64,
    attributes: Vec<Attribute>,
}

impl OutgoingCall {
    /// Begins a call with `method` to the host of `url`; `None` if the current request has no trace. Path and query are not
    /// noted, since they may name users.
    #[must_use]
    pub fn begin(method: &str, url: &Url) -> Option<Self> {
        let trace = current()?;
        let Some(recording) = trace.recording() else {
            return Some(Self { span_id: trace.span_id, trace, span: None });
        };
        let method = method.to_owned();
        let name = take_call_name().map_or_else(|| Cow::Owned(method.clone()), Cow::Owned);
        let mut attributes = vec![
            Attribute::text("http.request.method", method),
            Attribute::text("server.address", url.host_str().unwrap_or_default().to_owned()),
        ];
        attributes.extend(url.port_or_known_default().map(|port| Attribute::number("server.port", port)));
        let begin_nanos = recording.begun.nanos_at(recording.parts.ambient.clock.elapsed());
        let span_id = recording.parts.draw_span_id();
        Some(Self { trace, span_id, span: Some(OpenSpan { name, begin_nanos, attributes }) })
    }

    /// The value of `traceparent` in this call.
    #[must_use]
    pub fn traceparent(&self) -> String {
        self.trace.traceparent_of(self.span_id).to_string()
    }

    /// The value of `tracestate` in this call.
    #[must_use]
    pub fn tracestate(&self) -> Option<&str> {
        self.trace.state.as_deref()
    }

    /// Whether these headers replace those of a request that is passed on. A trace that bot-sso itself takes no part in is passed
    /// on as it came.
    #[must_use]
    pub fn replaces_headers(&self) -> bool {
        self.trace.is_own()
    }

    /// Notes the status of the answer.
    pub fn answered(mut self, status: u16) {
        self.end(|attributes| {
            attributes.push(Attribute::number("http.response.status_code", status));
            if status >= 400 {
                attributes.push(Attribute::text("error.type", status.to_string()));
            }
            status >= 400
        });
    }

    /// Notes why there is no answer.
    pub fn failed(mut self, reason: &'static str) {
        self.end_with(reason);
    }

    fn end_with(&mut self, reason: &'static str) {
        self.end(|attributes| {
            attributes.push(Attribute::text("error.type", reason));
            true
        });
    }

    /// Ends the span, if it is open. `complete` adds attributes, and returns whether the call has failed.
    fn end(&mut self, complete: impl FnOnce(&mut Vec<Attribute>) -> bool) {
        let (Some(open), Some(recording)) = (self.span.take(), self.trace.recording()) else { return };
        let OpenSpan { name, begin_nanos, mut attributes } = open;
        let is_error = complete(&mut attributes);
        recording.add(Span {
            trace_id: self.trace.trace_id,
            span_id: self.span_id,
            parent_id: self.trace.span_id,
            state: self.trace.state.clone(),
            name,
            kind: SpanKind::Client,
            begin_nanos,
            end_nanos: recording.begun.nanos_at(recording.parts.ambient.clock.elapsed()),
            attributes,
            is_error,
        });
    }
}

impl Drop for OutgoingCall {
    /// A call that is dropped has run out of time, or nothing waits for it any more.
    fn drop(&mut self) {
        self.end_with("given_up");
    }
}
