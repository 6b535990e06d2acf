//! Brings traces to the collector: joins the spans of `observability` with the HTTP client.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use url::Url;

use crate::app::services::outbound_settings;
use crate::config::{Configuration, TracesSection};
use crate::domain::{ClockAndEntropy, Secret};
use crate::observability::{
    Metrics, Posting, SpanTransport, TraceExport, TraceResource, Tracer, TransportFailure, span_queue,
};
use crate::outbound::{HttpAnswer, Outbound, OutboundError, OutboundSettings, RequestHeader};

/// How long the collector may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The most connections to the collector, which gets one request at a time.
const MAX_CONNECTIONS: usize = 2;

/// The traces of the process.
pub(in crate::app) struct Traces {
    tracer: Tracer,
    export: TraceExport,
}

impl Traces {
    /// Starts the export of the section `traces`; `None` without that section, where nothing is started.
    pub(in crate::app) fn start(
        config: &Configuration,
        ambient: &ClockAndEntropy,
        metrics: &Metrics,
    ) -> Result<Option<Self>, OutboundError> {
        let Some(section) = &config.traces else { return Ok(None) };
        let collector = Collector::new(section, config)?;
        let resource = TraceResource::of(&section.service_name, &ambient.entropy.uuid(), &section.attributes);
        let source = span_queue(metrics.trace_spans().clone());
        let tracer = Tracer::new(source.queue(), section.sample, ambient.clone());
        Ok(Some(Self { tracer, export: TraceExport::start(source, resource, Box::new(collector)) }))
    }

    /// Begins the traces of requests.
    pub(in crate::app) fn tracer(&self) -> Tracer {
        self.tracer.clone()
    }

    /// Sends what waits, for at most `limit`.
    pub(in crate::app) async fn finish(&self, limit: Duration) {
        if !self.export.finish(limit).await {
            tracing::warn!("some spans were not sent: the collector of traces.endpoint did not answer in time");
        }
    }
}

/// The collector, with an HTTP client of its own: its host opens nothing to other calls, and its slowness holds no connection of
/// theirs.
struct Collector {
    outbound: Outbound,
    endpoint: Url,
    headers: Vec<CollectorHeader>,
}

struct CollectorHeader {
    name: String,
    value: Secret,
}

impl Collector {
    fn new(section: &TracesSection, config: &Configuration) -> Result<Self, OutboundError> {
        let host: Vec<String> = section.endpoint.host_str().map(str::to_owned).into_iter().collect();
        let is_plain = section.endpoint.scheme() == "http";
        let settings = OutboundSettings {
            plain_http_hosts: if is_plain { host.clone() } else { Vec::new() },
            private_hosts: host,
            max_connections_per_host: MAX_CONNECTIONS,
            threads: 1,
            ..outbound_settings(config)
        };
        let content_type =
            CollectorHeader { name: "content-type".to_owned(), value: Secret::from("application/x-protobuf") };
        let written = section.headers.iter();
        let written = written.map(|(name, value)| CollectorHeader { name: name.clone(), value: value.clone() });
        Ok(Self {
            outbound: Outbound::new(&settings)?,
            endpoint: section.endpoint.clone(),
            headers: written.chain([content_type]).collect(),
        })
    }
}

impl SpanTransport for Collector {
    fn post(&self, spans: Bytes) -> Posting<'_> {
        Box::pin(async move {
            let headers = self.headers.iter().map(|header| RequestHeader::new(&header.name, header.value.expose()));
            let headers: Vec<_> = headers.collect();
            let posted = self.outbound.post(&self.endpoint, &headers, spans, Instant::now() + ANSWER_TIMEOUT).await;
            match posted {
                Ok(answer) if (200..300).contains(&answer.status) => Ok(answer.body),
                Ok(answer) => Err(refused(&answer)),
                Err(error) => {
                    let may_repeat = !matches!(error, OutboundError::HostRefused { .. } | OutboundError::Settings(_));
                    Err(TransportFailure { reason: error.to_string(), may_repeat, retry_after: None })
                }
            }
        })
    }
}

/// The statuses after which the same request may be sent again are those of OTLP §Retryable Response Codes.
fn refused(answer: &HttpAnswer) -> TransportFailure {
    let retry_after = answer.header("retry-after").and_then(|seconds| seconds.trim().parse().ok());
    TransportFailure {
        reason: format!("it answered with status {}", answer.status),
        may_repeat: matches!(answer.status, 429 | 502 | 503 | 504),
        retry_after: retry_after.map(Duration::from_secs),
    }
}
