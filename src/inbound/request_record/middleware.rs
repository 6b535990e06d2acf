use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::Error;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use pin_project_lite::pin_project;

use super::{RequestCounts, RequestId, elapsed, record_answer};

/// The middleware that gives each request its id, and counts its answer.
///
/// It is a service of its own and no function with `from_fn`, which boxes the services behind it and what they are doing.
#[derive(Clone, Copy, Debug)]
pub struct RecordRequests {
    logs: bool,
}

impl RecordRequests {
    /// Logs a line for each answer, too.
    #[must_use]
    pub const fn logging() -> Self {
        Self { logs: true }
    }

    /// Logs no answers: for listeners that are called every few seconds.
    #[must_use]
    pub const fn counting() -> Self {
        Self { logs: false }
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
        ready(Ok(RecordingService { application, logs: self.logs }))
    }
}

/// The services behind [`RecordRequests`].
#[derive(Debug)]
pub struct RecordingService<S> {
    application: S,
    logs: bool,
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
        let record = if self.logs { Record::Logged { begun: elapsed(request.request()) } } else { Record::Counted };
        RequestId::draw_for(&request);
        RecordedAnswer { answer: self.application.call(request), record }
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
    }
}

impl<F, B> Future for RecordedAnswer<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.answer.poll(context))?;
        match *this.record {
            Record::Counted => RequestCounts::add(response.request(), response.status().as_u16()),
            Record::Logged { begun } => record_answer(&response, begun),
        }
        Poll::Ready(Ok(response))
    }
}
