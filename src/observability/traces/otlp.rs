//! The form in which spans travel: the OpenTelemetry protocol (OTLP), protobuf over HTTP.

use std::collections::BTreeMap;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1 as wire;
use prost::Message;

use super::span::{Attribute, AttributeValue, Span, SpanKind};

/// Facts about the process with which every batch of spans begins.
#[derive(Clone, Debug)]
pub struct TraceResource(Resource);

impl TraceResource {
    /// A process that is called `service` and has the id `instance`, with the operator's attributes.
    #[must_use]
    pub fn of(service: &str, instance: &str, attributes: &BTreeMap<String, String>) -> Self {
        let own = [
            ("service.name", service),
            ("service.version", env!("CARGO_PKG_VERSION")),
            ("service.instance.id", instance),
        ];
        let operators = attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let attributes = own.into_iter().chain(operators).map(|(name, value)| text(name, value.to_owned())).collect();
        Self(Resource { attributes, ..Resource::default() })
    }

    /// The body of a request that exports `spans`.
    pub(super) fn encode(&self, spans: &[Span]) -> Bytes {
        let scope = InstrumentationScope {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let spans = spans.iter().map(to_wire).collect();
        let of_scope = wire::ScopeSpans { scope: Some(scope), spans, ..wire::ScopeSpans::default() };
        let of_resource = wire::ResourceSpans {
            resource: Some(self.0.clone()),
            scope_spans: vec![of_scope],
            ..wire::ResourceSpans::default()
        };
        ExportTraceServiceRequest { resource_spans: vec![of_resource] }.encode_to_vec().into()
    }
}

/// How many spans of a request the collector has rejected, as its answer says. An answer that is not understood says nothing.
pub(super) fn count_rejected(answer: &[u8]) -> usize {
    let decoded = ExportTraceServiceResponse::decode(answer).ok();
    let rejected = decoded.and_then(|answer| answer.partial_success).map_or(0, |partial| partial.rejected_spans);
    usize::try_from(rejected).unwrap_or_default()
}

fn to_wire(span: &Span) -> wire::Span {
    let kind = match span.kind {
        SpanKind::Internal => wire::span::SpanKind::Internal,
        SpanKind::Server => wire::span::SpanKind::Server,
        SpanKind::Client => wire::span::SpanKind::Client,
    };
    let code = if span.is_error { wire::status::StatusCode::Error } else { wire::status::StatusCode::Unset };
    let parent = if span.parent_id == 0 { Vec::new() } else { span.parent_id.to_be_bytes().to_vec() };
    wire::Span {
        trace_id: span.trace_id.to_be_bytes().to_vec(),
        span_id: span.span_id.to_be_bytes().to_vec(),
        trace_state: span.state.as_deref().unwrap_or_default().to_owned(),
        parent_span_id: parent,
        // The trace is sampled (W3C Trace Context §3.2.2.5).
        flags: 1,
        name: span.name.clone().into_owned(),
        kind: kind.into(),
        start_time_unix_nano: span.begin_nanos,
        end_time_unix_nano: span.end_nanos,
        attributes: span.attributes.iter().map(to_wire_attribute).collect(),
        status: Some(wire::Status { message: String::new(), code: code.into() }),
        ..wire::Span::default()
    }
}

fn to_wire_attribute(attribute: &Attribute) -> KeyValue {
    match &attribute.value {
        AttributeValue::Text(value) => text(attribute.name, value.clone().into_owned()),
        AttributeValue::Number(value) => with_value(attribute.name, Value::IntValue(*value)),
    }
}

fn text(name: &str, value: String) -> KeyValue {
    with_value(name, Value::StringValue(value))
}

fn with_value(name: &str, value: Value) -> KeyValue {
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
