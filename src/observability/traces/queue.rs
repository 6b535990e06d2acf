use prometheus_client::metrics::counter::Counter;
use tokio::sync::{mpsc, oneshot};

use super::span::Span;

/// The most spans that wait for the collector. A span that finds no room is dropped and counted: no request waits for a collector.
#[cfg(feature = "traces")]
const MAX_WAITING_SPANS: usize = 4096;

/// How many spans the collector has taken, and how many it did not get.
#[derive(Clone, Debug, Default)]
pub struct SpanCounts {
    /// Spans that the collector took.
    pub(in crate::observability) exported: Counter,
    /// Spans that found no room, or that the collector did not take.
    pub(in crate::observability) dropped: Counter,
    /// Spans of requests that the ratio chose, whose callers are unknown and came too often.
    pub(in crate::observability) limited: Counter,
}

/// What waits for the collector.
pub(super) enum Waiting {
    Span(Span),
    /// All that was added before is to be sent; the sender is dropped when it is.
    Flush(oneshot::Sender<()>),
}

/// The queue of ended spans.
#[derive(Clone, Debug)]
pub struct SpanQueue {
    sender: mpsc::Sender<Waiting>,
    counts: SpanCounts,
}

/// The end of the queue from which the exporter takes.
#[cfg(feature = "traces")]
pub struct SpanSource(pub(super) mpsc::Receiver<Waiting>, pub(super) SpanQueue);

/// Makes the queue of spans, which counts in `counts`, and its other end.
#[cfg(feature = "traces")]
#[must_use]
pub fn span_queue(counts: SpanCounts) -> SpanSource {
    let (sender, receiver) = mpsc::channel(MAX_WAITING_SPANS);
    SpanSource(receiver, SpanQueue { sender, counts })
}

#[cfg(feature = "traces")]
impl SpanSource {
    /// The end to which spans are added.
    #[must_use]
    pub fn queue(&self) -> SpanQueue {
        self.1.clone()
    }
}

impl SpanQueue {
    /// Adds `span`, or drops it if there is no room.
    pub(super) fn add(&self, span: Span) {
        if self.sender.try_send(Waiting::Span(span)).is_err() {
            self.count_dropped(1);
        }
    }

    pub(super) fn count_dropped(&self, spans: usize) {
        self.counts.dropped.inc_by(spans as u64);
    }

    pub(super) fn count_limited(&self, spans: usize) {
        self.counts.limited.inc_by(spans as u64);
    }

    #[cfg(feature = "traces")]
    pub(super) fn count_exported(&self, spans: usize) {
        self.counts.exported.inc_by(spans as u64);
    }

    /// Waits until all that was added before has been sent or dropped.
    #[cfg(feature = "traces")]
    pub(super) async fn flush(&self) {
        let (sender, sent) = oneshot::channel();
        if self.sender.send(Waiting::Flush(sender)).await.is_ok() {
            // An error says that the exporter has dropped its end.
            let _ = sent.await;
        }
    }
}
