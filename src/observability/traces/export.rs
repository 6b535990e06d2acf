use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::otlp::{TraceResource, count_rejected};
use super::queue::{SpanQueue, SpanSource, Waiting};
use super::span::Span;

/// The most spans of one request to the collector.
const MAX_BATCH: usize = 512;
/// How long an ended span waits for others to travel with.
const BATCH_DELAY: Duration = Duration::from_secs(1);
/// The pauses before the tries of a batch after the first one (OTLP §Retryable Response Codes: exponential back-off).
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];
/// The longest pause that a collector's `Retry-After` is granted.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The way to the collector.
pub trait SpanTransport: Send + Sync {
    /// Posts the encoded spans, and returns the body of the collector's answer.
    fn post(&self, spans: Bytes) -> Posting<'_>;
}

/// A request to the collector.
pub type Posting<'t> = Pin<Box<dyn Future<Output = Result<Bytes, TransportFailure>> + Send + 't>>;

/// Why the collector has not taken spans. The text holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportFailure {
    /// What happened, for the log.
    pub reason: String,
    /// Whether the same request may succeed later.
    pub may_repeat: bool,
    /// How long the collector asks to wait.
    pub retry_after: Option<Duration>,
}

/// The task that brings spans to the collector.
#[derive(Clone, Debug)]
pub struct TraceExport {
    queue: SpanQueue,
    ending: Arc<Ending>,
}

/// Whether the process ends, so that nothing is tried again.
#[derive(Debug, Default)]
struct Ending {
    has_begun: AtomicBool,
    begun: Notify,
}

struct Exporter {
    source: mpsc::Receiver<Waiting>,
    queue: SpanQueue,
    transport: Box<dyn SpanTransport>,
    resource: TraceResource,
    ending: Arc<Ending>,
    /// The spans that were lost since the collector failed first; `None` while it takes them.
    outage: Option<usize>,
}

impl TraceExport {
    /// Starts the task on the present runtime: it takes spans from `source`.
    #[must_use]
    pub fn start(source: SpanSource, resource: TraceResource, transport: Box<dyn SpanTransport>) -> Self {
        let SpanSource(source, queue) = source;
        let ending = Arc::<Ending>::default();
        let exporter =
            Exporter { source, queue: queue.clone(), transport, resource, ending: Arc::clone(&ending), outage: None };
        tokio::spawn(exporter.run());
        Self { queue, ending }
    }

    /// Sends what waits, for at most `limit`. Returns whether all of it was sent or dropped in time.
    pub async fn finish(&self, limit: Duration) -> bool {
        self.ending.has_begun.store(true, Ordering::SeqCst);
        self.ending.begun.notify_one();
        timeout(limit, self.queue.flush()).await.is_ok()
    }
}

impl Exporter {
    async fn run(mut self) {
        let (mut taken, mut spans, mut flushes) = (Vec::new(), Vec::new(), Vec::new());
        while self.source.recv_many(&mut taken, MAX_BATCH).await > 0 {
            let send_at = Instant::now() + BATCH_DELAY;
            sort(&mut taken, &mut spans, &mut flushes);
            while spans.len() < MAX_BATCH && flushes.is_empty() {
                let room = MAX_BATCH - spans.len();
                match timeout_at(send_at, self.source.recv_many(&mut taken, room)).await {
                    Ok(more) if more > 0 => sort(&mut taken, &mut spans, &mut flushes),
                    _ => break,
                }
            }
            if !spans.is_empty() {
                self.export(&spans).await;
                spans.clear();
            }
            // Dropping a sender says that what was added before it is gone.
            flushes.clear();
        }
    }

    /// Sends `spans`, some times if need be.
    async fn export(&mut self, spans: &[Span]) {
        let body = self.resource.encode(spans);
        let mut pauses = PAUSES.into_iter();
        loop {
            match self.transport.post(body.clone()).await {
                Ok(answer) => return self.note_taken(spans.len(), count_rejected(&answer)),
                Err(failure) => {
                    self.note_failure(&failure.reason);
                    let next = pauses.next().filter(|_| failure.may_repeat && !self.is_ending());
                    let Some(pause) = next else { return self.note_lost(spans.len()) };
                    self.pause(failure.retry_after.unwrap_or(pause).min(MAX_PAUSE)).await;
                }
            }
        }
    }

    fn is_ending(&self) -> bool {
        self.ending.has_begun.load(Ordering::SeqCst)
    }

    /// Waits, but not while the process ends.
    async fn pause(&self, pause: Duration) {
        tokio::select! {
            () = sleep(pause) => {}
            () = self.ending.begun.notified() => {}
        }
    }

    /// Logs the first failure of an outage; further ones are only counted.
    fn note_failure(&mut self, reason: &str) {
        if self.outage.is_none() {
            self.outage = Some(0);
            tracing::warn!(
                reason,
                "the collector of traces.endpoint does not take spans: traces are lost until it does"
            );
        }
    }

    fn note_lost(&mut self, spans: usize) {
        self.queue.count_dropped(spans);
        self.outage = Some(self.outage.unwrap_or_default().saturating_add(spans));
    }

    fn note_taken(&mut self, spans: usize, rejected: usize) {
        let rejected = rejected.min(spans);
        self.queue.count_exported(spans - rejected);
        if rejected > 0 {
            self.queue.count_dropped(rejected);
            tracing::debug!(rejected, "the collector of traces.endpoint has rejected spans");
        }
        if let Some(lost) = self.outage.take() {
            tracing::info!(lost, "the collector of traces.endpoint takes spans again");
        }
    }
}

fn sort(taken: &mut Vec<Waiting>, spans: &mut Vec<Span>, flushes: &mut Vec<oneshot::Sender<()>>) {
    for waiting in taken.drain(..) {
        match waiting {
            Waiting::Span(span) => spans.push(span),
            Waiting::Flush(sender) => flushes.push(sender),
        }
    }
}
