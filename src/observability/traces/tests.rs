//! Which requests are traced, what calls are told, and what becomes of spans.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span as WireSpan;
use prost::Message as _;
use tokio::sync::Notify;
use url::Url;

use super::*;
use crate::domain::{ClockAndEntropy, SystemClock, SystemEntropy};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A collector in the process: it answers as the test says, and then takes everything.
#[derive(Clone, Default)]
struct Collector {
    answers: Arc<Mutex<VecDeque<TransportFailure>>>,
    taken: Arc<Mutex<Vec<WireSpan>>>,
}

impl SpanTransport for Collector {
    fn post(&self, spans: Bytes) -> Posting<'_> {
        Box::pin(async move {
            if let Some(failure) = self.answers.lock().unwrap().pop_front() {
                return Err(failure);
            }
            let request = ExportTraceServiceRequest::decode(spans).unwrap();
            let spans = request.resource_spans.into_iter().flat_map(|spans| spans.scope_spans);
            self.taken.lock().unwrap().extend(spans.flat_map(|spans| spans.spans));
            Ok(Bytes::new())
        })
    }
}

struct Setting {
    collector: Collector,
    counts: SpanCounts,
    queue: SpanQueue,
    tracer: Tracer,
    export: TraceExport,
}

impl Setting {
    fn new(sample: f64) -> Self {
        Self::with(sample, Collector::default())
    }

    fn with(sample: f64, collector: Collector) -> Self {
        let counts = SpanCounts::default();
        let source = span_queue(counts.clone());
        let ambient = ClockAndEntropy { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
        let queue = source.queue();
        let tracer = Tracer::new(queue.clone(), sample, ambient);
        let resource = TraceResource::of("bot-sso", "1", &BTreeMap::new());
        let export = TraceExport::start(source, resource, Box::new(collector.clone()));
        Self { collector, counts, queue, tracer, export }
    }

    fn begin(&self, traceparent: Option<&str>) -> ServerSpan {
        let callers = traceparent.and_then(|text| CallersTrace::read(text, std::iter::empty()));
        ServerSpan::begin(Some(&self.tracer), callers).unwrap()
    }

    /// The spans that the collector has after everything was sent.
    async fn taken(&self) -> Vec<WireSpan> {
        assert!(self.export.finish(Duration::from_mins(1)).await);
        self.collector.taken.lock().unwrap().clone()
    }
}

fn answer(mut span: ServerSpan) {
    span.finish(|| ServerAnswer { name: "POST /api/messages".into(), status: 200, attributes: Vec::new() });
}

fn call() -> Option<OutgoingCall> {
    OutgoingCall::begin("POST", &Url::parse("https://login.example.com/oid/token?code=secret").unwrap())
}

#[tokio::test]
async fn a_request_of_a_known_caller_is_traced_where_the_caller_traces_it() {
    let setting = Setting::new(0.0);
    let span = setting.begin(Some(PARENT));
    let told = {
        let _entered = span.enter();
        let before = call().unwrap();
        assert!(before.traceparent().ends_with("-00"), "a stranger's word does not count yet");
        drop(before);
        confirm_caller();
        name_next_call(|| "identity provider entra on_behalf_of".to_owned());
        let call = call().unwrap();
        let told = call.traceparent();
        call.answered(200);
        note_step("store put", Duration::from_millis(2), false);
        told
    };
    answer(span);
    let spans = setting.taken().await;
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["POST", "identity provider entra on_behalf_of", "store put", "POST /api/messages"]);
    let [_, provider, store, server] = spans.as_slice() else { panic!("{spans:?}") };
    assert!(spans.iter().all(|span| span.trace_id == 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes()));
    assert_eq!(server.parent_span_id, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
    assert_eq!((&provider.parent_span_id, &store.parent_span_id), (&server.span_id, &server.span_id));
    let told = Traceparent::parse(&told).unwrap();
    assert_eq!((told.span_id.to_be_bytes().to_vec(), told.is_sampled), (provider.span_id.clone(), true));
    assert!(!format!("{spans:?}").contains("secret") && !format!("{spans:?}").contains("/oid/"));
    assert!(spans.iter().all(|span| span.start_time_unix_nano <= span.end_time_unix_nano));
    assert_eq!((setting.counts.exported.get(), setting.counts.dropped.get()), (4, 0));
}

#[tokio::test]
async fn the_name_of_a_call_that_was_given_up_is_no_other_requests() {
    let setting = Setting::new(1.0);
    let (given_up, other) = (setting.begin(None), setting.begin(None));
    {
        let _entered = given_up.enter();
        name_next_call(|| "bot demo activity".to_owned());
    }
    {
        let _entered = other.enter();
        call().unwrap().answered(200);
    }
    answer(other);
    answer(given_up);
    let spans = setting.taken().await;
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["POST", "POST /api/messages", "POST /api/messages"]);
}

#[tokio::test]
async fn a_stranger_who_says_that_each_request_is_traced_reaches_no_collector() {
    let setting = Setting::new(0.0);
    for _ in 0..10_000 {
        answer(setting.begin(Some(PARENT)));
    }
    assert_eq!(setting.taken().await, []);
    assert_eq!(setting.counts.dropped.get(), 0, "nothing has taken room in the queue");
    assert_eq!(setting.counts.limited.get(), 0, "the ratio has chosen none of them");
}

#[tokio::test]
async fn strangers_whom_the_ratio_chooses_cannot_fill_the_queue_of_known_callers() {
    let setting = Setting::new(1.0);
    for _ in 0..50_000 {
        answer(setting.begin(None));
    }
    let span = setting.begin(None);
    {
        let _entered = span.enter();
        confirm_caller();
    }
    answer(span);
    let taken = setting.taken().await.len();
    assert!((2..1000).contains(&taken), "{taken}");
    assert_eq!(setting.counts.dropped.get(), 0);
    assert_eq!(setting.counts.limited.get() + u64::try_from(taken).unwrap(), 50_001, "each span is counted once");
}

#[tokio::test]
async fn a_request_that_is_not_traced_has_ids_of_its_own_and_says_so() {
    let setting = Setting::new(0.0);
    for callers in [None, Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")] {
        let span = setting.begin(callers);
        let told = {
            let _entered = span.enter();
            Traceparent::parse(&call().unwrap().traceparent()).unwrap()
        };
        assert!(!told.is_sampled && told.span_id != 0xb7ad_6b71_6920_3331);
        assert_eq!(told.trace_id == 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, callers.is_some());
        answer(span);
    }
    assert_eq!(setting.taken().await, []);
}

#[tokio::test]
async fn without_the_section_a_callers_trace_is_passed_on_unchanged_and_another_request_has_none() {
    assert!(ServerSpan::begin(None, None).is_none());
    let callers = CallersTrace::read(PARENT, [b"vendor=1".as_slice()].into_iter());
    let span = ServerSpan::begin(None, callers).unwrap();
    let entered = span.enter();
    let call = call().unwrap();
    assert_eq!((call.traceparent().as_str(), call.tracestate()), (PARENT, Some("vendor=1")));
    assert!(!call.replaces_headers());
    drop(entered);
    assert!(self::call().is_none(), "the trace was current only for its request");
}

#[tokio::test]
async fn work_that_goes_on_in_a_task_belongs_to_the_request_also_after_its_answer() {
    let setting = Setting::new(1.0);
    let span = setting.begin(None);
    let gate = Arc::new(Notify::new());
    let task = {
        let (_entered, opened) = (span.enter(), gate.clone());
        tokio::spawn(carry(async move {
            opened.notified().await;
            call().unwrap().failed("unreachable");
        }))
    };
    answer(span);
    gate.notify_one();
    task.await.unwrap();
    let spans = setting.taken().await;
    let [server, called] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!((&called.trace_id, &called.parent_span_id), (&server.trace_id, &server.span_id));
    assert_eq!(called.status.as_ref().unwrap().code, 2);
}

#[tokio::test]
async fn a_request_whose_client_hangs_up_has_a_span_with_an_error() {
    let setting = Setting::new(1.0);
    drop(setting.begin(None));
    let spans = setting.taken().await;
    let [server] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!((server.name.as_str(), server.status.as_ref().unwrap().code), ("unanswered", 2));
}

#[tokio::test]
async fn a_batch_is_sent_again_after_an_outage_and_given_up_where_that_is_of_no_use() {
    let at_once = Some(Duration::ZERO);
    let failure = |may_repeat| TransportFailure { reason: "down".to_owned(), may_repeat, retry_after: at_once };
    let collector = Collector::default();
    collector.answers.lock().unwrap().extend([failure(true), failure(true)]);
    let setting = Setting::with(1.0, collector.clone());
    answer(setting.begin(None));
    setting.queue.flush().await;
    assert_eq!(setting.counts.exported.get(), 1);
    collector.answers.lock().unwrap().push_back(failure(false));
    answer(setting.begin(None));
    assert_eq!(setting.taken().await.len(), 1);
    assert_eq!((setting.counts.exported.get(), setting.counts.dropped.get()), (1, 1));
}

#[tokio::test]
async fn a_collector_that_is_down_delays_no_end_and_a_full_queue_drops_and_counts() {
    let failure = TransportFailure { reason: "down".to_owned(), may_repeat: true, retry_after: None };
    let collector = Collector::default();
    collector.answers.lock().unwrap().extend(std::iter::repeat_n(failure, 1000));
    let setting = Setting::with(1.0, collector);
    for _ in 0..6000 {
        let span = setting.begin(Some(PARENT));
        {
            let _entered = span.enter();
            confirm_caller();
        }
        answer(span);
    }
    assert!(setting.counts.dropped.get() > 1000, "the queue is bounded");
    assert!(setting.export.finish(Duration::from_secs(2)).await);
    assert_eq!(setting.counts.dropped.get(), 6000);
}
