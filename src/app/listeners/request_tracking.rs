use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_http::{ConnectionType, HttpMessage, Request};
use actix_service::{Service, ServiceFactory};
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use bytes::Bytes;
use pin_project_lite::pin_project;

use super::connection::{AnnouncedBody, Connection};
use super::connection_table::ConnectionTable;
use crate::inbound::BodyRead;

/// Tells a connection when a request of it is under way, and closes it after an answer that has left a body unread: the
/// framework would take in the rest of such a body without end. A body that has arrived with its head is no reason to
/// close: a caller that is refused would need a new connection for each request, which costs more than the request.
pub(super) struct TrackRequests<F> {
    pub(super) application: F,
    pub(super) table: Arc<ConnectionTable>,
}

impl<F, B> ServiceFactory<Request> for TrackRequests<F>
where
    F: ServiceFactory<Request, Config = (), Response = ServiceResponse<B>>,
    F::Future: 'static,
    B: MessageBody,
{
    type Response = ServiceResponse<TrackedBody<B>>;
    type Error = F::Error;
    type Config = ();
    type Service = TrackingService<F::Service>;
    type InitError = F::InitError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Service, Self::InitError>>>>;

    fn new_service(&self, config: ()) -> Self::Future {
        let (application, table) = (self.application.new_service(config), self.table.clone());
        Box::pin(async move { Ok(TrackingService { application: application.await?, table }) })
    }
}

pub(super) struct TrackingService<S> {
    application: S,
    table: Arc<ConnectionTable>,
}

impl<S, B> Service<Request> for TrackingService<S>
where
    S: Service<Request, Response = ServiceResponse<B>>,
    B: MessageBody,
{
    type Response = ServiceResponse<TrackedBody<B>>;
    type Error = S::Error;
    type Future = TrackedAnswer<S::Future>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.application.poll_ready(context)
    }

    fn call(&self, request: Request) -> Self::Future {
        let body = announced_body(&request);
        let under_way = request.conn_data::<Arc<Connection>>().map(|connection| {
            connection.begin_request(body);
            RequestUnderWay(connection.clone())
        });
        let body = match &under_way {
            _ if body == AnnouncedBody::Length(0) => Body::Absent,
            Some(RequestUnderWay(connection)) if connection.has_given_body() => Body::WithParser,
            _ => Body::Arriving,
        };
        TrackedAnswer { answer: self.application.call(request), under_way, body, table: self.table.clone() }
    }
}

/// The body that the head of `request` announces (RFC 9112 §6.3).
fn announced_body(request: &Request) -> AnnouncedBody {
    if request.headers().contains_key(TRANSFER_ENCODING) || request.upgrade() {
        return AnnouncedBody::Open;
    }
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    AnnouncedBody::Length(length.and_then(|length| length.trim().parse().ok()).unwrap_or(0))
}

/// A request whose answer is not complete.
struct RequestUnderWay(Arc<Connection>);

impl Drop for RequestUnderWay {
    fn drop(&mut self) {
        self.0.end_request();
    }
}

/// Where the body of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Absent,
    /// The parser has all of it, and has not handed it over yet.
    WithParser,
    /// The parser has handed it over: it is with the application, or dropped.
    HandedOver,
    Arriving,
}

pin_project! {
    /// The answer of the application, which is being made.
    pub(super) struct TrackedAnswer<F> {
        #[pin]
        answer: F,
        under_way: Option<RequestUnderWay>,
        body: Body,
        table: Arc<ConnectionTable>,
    }
}

impl<F, B, E> Future for TrackedAnswer<F>
where
    F: Future<Output = Result<ServiceResponse<B>, E>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<TrackedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if *this.body == Body::WithParser {
            // The framework polls an answer when it has read the head, hands the body over, and polls the answer again. A
            // request that waits behind another one would not be polled again, but the stream gives no head before the
            // answer to the one before is complete.
            *this.body = Body::HandedOver;
            return Poll::Pending;
        }
        let mut response = ready!(this.answer.poll(context))?;
        let under_way = this.under_way.take();
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            if let Some(RequestUnderWay(connection)) = &under_way {
                connection.follow_upgrade();
            }
        } else if *this.body == Body::Arriving && !response.request().extensions().contains::<BodyRead>() {
            response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
            if let Some(RequestUnderWay(connection)) = &under_way {
                connection.close_after_answer(this.table.now());
            }
        }
        Poll::Ready(Ok(response.map_body(|_, body| TrackedBody { body, under_way })))
    }
}

pin_project! {
    /// The body of an answer. The request is under way until the body is handed over.
    pub(super) struct TrackedBody<B> {
        #[pin]
        body: B,
        under_way: Option<RequestUnderWay>,
    }
}

impl<B: MessageBody> MessageBody for TrackedBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.project().body.poll_next(context)
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        let Self { body, under_way } = self;
        body.try_into_bytes().map_err(|body| Self { body, under_way })
    }
}
