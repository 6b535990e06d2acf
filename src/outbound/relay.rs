use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use http::Method;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName, TRANSFER_ENCODING};
use reqwest::{Request, Response};
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use super::answer::next_chunk;
use super::client::{RequestBody, build_request};
use super::relay_headers::RelayHeaders;
use super::traced_call::remove_malformed_trace;
use super::{OutboundError, within_deadline};

/// A stream that sends no byte for this time is ended. Server-sent events send keep-alives far more often.
const STREAM_IDLE_TIMEOUT: Duration = Duration::from_mins(5);
/// Headers that belong to one connection or describe the length of one message. The HTTP client writes its own.
const CONNECTION_HEADERS: [HeaderName; 4] = [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION];

/// A request to forward. The caller decides which headers are forwarded.
#[derive(Clone)]
pub struct RelayRequest {
    /// The HTTP method.
    pub method: String,
    /// The URL that the request is sent to.
    pub url: Url,
    /// Names and values. The HTTP client replaces `host`, `content-length`, `transfer-encoding` and `connection`.
    pub headers: RelayHeaders,
    /// The body's bytes, sent unchanged.
    pub body: Bytes,
    /// The purpose under which the request is counted: those of one host and purpose share
    /// [`max_connections_per_host`](super::OutboundSettings::max_connections_per_host). A host that works on one request may wait
    /// for another one, which must have another purpose: else enough requests wait for their own end.
    pub counted_as: Cow<'static, str>,
}

// Headers and body hold tokens, so `Debug` prints only the method and the body's length.
impl std::fmt::Debug for RelayRequest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "RelayRequest({}, {} bytes)", self.method, self.body.len())
    }
}

/// Status and headers of the response to a forwarded request. Its body has not been read yet.
pub struct RelayedAnswer {
    /// The HTTP status.
    pub status: u16,
    /// All headers, including repeated and hop-by-hop ones.
    pub headers: RelayHeaders,
    response: Response,
    permit: OwnedSemaphorePermit,
}

impl RelayedAnswer {
    pub(super) fn new(mut response: Response, permit: OwnedSemaphorePermit) -> Self {
        let headers = RelayHeaders::of_answer(std::mem::take(response.headers_mut()));
        Self { status: response.status().as_u16(), headers, response, permit }
    }

    /// The length of the body in bytes, if the host has announced it.
    #[must_use]
    pub fn body_length(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// The body as a stream of chunks. The stream ends with an error if the connection breaks or sends nothing for five
    /// minutes.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, OutboundError>> + Send + 'static {
        // The stream owns the permit, so a long stream counts as a connection in use until it ends.
        stream::unfold(Some((self.response, self.permit)), |state| async {
            let (mut response, permit) = state?;
            let idle_until = tokio::time::Instant::now() + STREAM_IDLE_TIMEOUT;
            match within_deadline(idle_until, next_chunk(&mut response)).await {
                Ok(Some(chunk)) => Some((Ok(chunk), Some((response, permit)))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}

impl std::fmt::Debug for RelayedAnswer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "RelayedAnswer({})", self.status)
    }
}

/// Builds `request` with `body`.
pub(super) fn build(
    method: &str,
    url: Url,
    headers: RelayHeaders,
    body: RequestBody,
) -> Result<Request, OutboundError> {
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| OutboundError::Broken)?;
    let mut headers = headers.into_map().ok_or(OutboundError::Broken)?;
    for name in CONNECTION_HEADERS {
        headers.remove(name);
    }
    remove_malformed_trace(&mut headers);
    let mut built = build_request(method, url, body);
    *built.headers_mut() = headers;
    Ok(built)
}
