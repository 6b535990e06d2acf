use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::Error;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use pin_project_lite::pin_project;

use super::trace::{begin_trace, finish_trace};
use super::{RequestCounts, RequestId, elapsed, record_answer};
use crate::observability::{ServerSpan, Tracer};

/// The middleware that gives each request its id, and counts its answer.
///
/// It is a service of its own and no function with `from_fn`, which boxes the services behind it and what they are doing.
#[derive(Clone, Debug)]
pub struct RecordRequests {
    logs: bool,
    tracer: Option<Tracer>,
}

impl RecordRequests {
    /// Logs a line for each answer, too.
    #[must_use]
    pub const fn logging() -> Self {
        Self { logs: true, tracer: None }
    }

    /// Logs no answers, and takes part in no trace: for listeners that are called every few seconds.
    #[must_use]
    pub const fn counting() -> Self {
        Self { logs: false, tracer: None }
    }

    /// Begins a trace for each request that is logged, if there is a `tracer`. Without one, a caller's trace is passed on.
    #[must_use]
    pub fn tracing(self, tracer: Option<Tracer>) -> Self {
        Self { tracer, ..self }
    }
}

impl<S, B> Transform<S, ServiceRequest> for RecordRequests
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type InitError = ();
    type Transform = RecordingService<S>;
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, application: S) -> Self::Future {
        ready(Ok(RecordingService { application, logs: self.logs, tracer: self.tracer.clone() }))
    }
}

/// The services behind [`RecordRequests`].
#[derive(Debug)]
pub struct RecordingService<S> {
    application: S,
    logs: bool,
    tracer: Option<Tracer>,
}

impl<S, B> Service<ServiceRequest> for RecordingService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = RecordedAnswer<S::Future>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.application.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        RequestId::give_to(&request);
        if !self.logs {
            return RecordedAnswer { answer: self.application.call(request), record: Record::Counted, trace: None };
        }
        let record = Record::Logged { begun: elapsed(request.request()) };
        let trace = begin_trace(&request, self.tracer.as_ref());
        let entered = trace.as_ref().map(ServerSpan::enter);
        let answer = self.application.call(request);
        drop(entered);
        RecordedAnswer { answer, record, trace }
    }
}

/// What is recorded of an answer.
#[derive(Clone, Copy, Debug)]
enum Record {
    Counted,
    Logged { begun: Option<Duration> },
}

pin_project! {
    /// An answer that is being made.
    #[derive(Debug)]
    pub struct RecordedAnswer<F> {
        #[pin]
        answer: F,
        record: Record,
        trace: Option<ServerSpan>,
    }
}

impl<F, B> Future for RecordedAnswer<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _entered = this.trace.as_ref().map(ServerSpan::enter);
        let response = ready!(this.answer.poll(context))?;
        if let Some(span) = this.trace {
            finish_trace(span, &response);
        }
        match *this.record {
            Record::Counted => RequestCounts::add(response.request(), response.status().as_u16()),
            Record::Logged { begun } => record_answer(&response, begun),
        }
        Poll::Ready(Ok(response))
    }
}
