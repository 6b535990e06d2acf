use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use super::answer::Headers;
use super::{OutboundError, within_deadline};

/// A stream that sends no byte for this time is ended. Server-sent events send keep-alives far more often.
const STREAM_IDLE_TIMEOUT: Duration = Duration::from_mins(5);
/// Headers that belong to one connection or describe the length of one message. The HTTP client writes its own.
const CONNECTION_HEADERS: [&str; 4] = ["host", "content-length", "transfer-encoding", "connection"];

/// A request to forward. The caller decides which headers are forwarded.
#[derive(Clone)]
pub struct RelayRequest {
    /// The HTTP method.
    pub method: String,
    /// The URL that the request is sent to.
    pub url: Url,
    /// Names and values. The HTTP client replaces `host`, `content-length`, `transfer-encoding` and `connection`.
    pub headers: Vec<(String, Vec<u8>)>,
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
    pub headers: Vec<(String, Vec<u8>)>,
    response: reqwest::Response,
    permit: OwnedSemaphorePermit,
}

impl RelayedAnswer {
    pub(super) fn new(response: reqwest::Response, permit: OwnedSemaphorePermit) -> Self {
        let headers = Headers::from_response(&response).pairs().to_vec();
        Self { status: response.status().as_u16(), headers, response, permit }
    }

    /// The body as a stream of chunks. The stream ends with an error if the connection breaks or sends nothing for five
    /// minutes.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, OutboundError>> + Send + 'static {
        // The stream owns the permit, so a long stream counts as a connection in use until it ends.
        stream::unfold(Some((self.response, self.permit)), |state| async {
            let (mut response, permit) = state?;
            let idle_until = tokio::time::Instant::now() + STREAM_IDLE_TIMEOUT;
            let next =
                within_deadline(idle_until, async { response.chunk().await.map_err(|_| OutboundError::Broken) }).await;
            match next {
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

pub(super) fn build(client: &reqwest::Client, request: RelayRequest) -> Result<reqwest::RequestBuilder, OutboundError> {
    let method = reqwest::Method::from_bytes(request.method.as_bytes()).map_err(|_| OutboundError::Broken)?;
    let mut headers = reqwest::header::HeaderMap::with_capacity(request.headers.len());
    for (name, value) in request.headers {
        if CONNECTION_HEADERS.iter().any(|own| name.eq_ignore_ascii_case(own)) {
            continue;
        }
        let name = reqwest::header::HeaderName::from_bytes(name.as_bytes()).map_err(|_| OutboundError::Broken)?;
        let value = reqwest::header::HeaderValue::from_bytes(&value).map_err(|_| OutboundError::Broken)?;
        headers.append(name, value);
    }
    Ok(client.request(method, request.url).headers(headers).body(request.body))
}
