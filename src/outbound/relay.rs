use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use super::answer::Headers;
use super::{OutboundError, within};

/// A stream that says nothing for so long is given up: server-sent events keep alive far more often.
const STREAM_IDLE: Duration = Duration::from_mins(5);
/// These belong to one connection or describe one message's length: the client writes its own.
const OWN_HEADERS: [&str; 4] = ["host", "content-length", "transfer-encoding", "connection"];

/// A request to be passed on. Which headers may pass is the caller's decision.
#[derive(Clone)]
pub struct RelayRequest {
    /// The HTTP method.
    pub method: String,
    /// Where to.
    pub url: Url,
    /// Names and values; `host`, `content-length`, `transfer-encoding` and `connection` are replaced by our own.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body's bytes, sent unchanged.
    pub body: Bytes,
}

// Headers and body carry tokens: only the shape is printed.
impl std::fmt::Debug for RelayRequest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "RelayRequest({}, {} bytes)", self.method, self.body.len())
    }
}

/// The head of a relayed answer; the body is still on its way.
pub struct Relayed {
    /// The HTTP status.
    pub status: u16,
    /// All headers, repeated ones repeated, hop-by-hop ones included.
    pub headers: Vec<(String, Vec<u8>)>,
    response: reqwest::Response,
    permit: OwnedSemaphorePermit,
}

impl Relayed {
    pub(super) fn new(response: reqwest::Response, permit: OwnedSemaphorePermit) -> Self {
        let headers = Headers::of(&response).pairs().to_vec();
        Self { status: response.status().as_u16(), headers, response, permit }
    }

    /// The body as it comes. Ends with an error if the connection breaks or is silent for five minutes.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, OutboundError>> + Send + 'static {
        // The permit travels with the body, so that a long stream counts as a used connection until its end.
        stream::unfold(Some((self.response, self.permit)), |state| async {
            let (mut response, permit) = state?;
            let idle_until = tokio::time::Instant::now() + STREAM_IDLE;
            let next = within(idle_until, async { response.chunk().await.map_err(|_| OutboundError::Broken) }).await;
            match next {
                Ok(Some(chunk)) => Some((Ok(chunk), Some((response, permit)))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}

impl std::fmt::Debug for Relayed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Relayed({})", self.status)
    }
}

pub(super) fn build(client: &reqwest::Client, request: RelayRequest) -> Result<reqwest::RequestBuilder, OutboundError> {
    let method = reqwest::Method::from_bytes(request.method.as_bytes()).map_err(|_| OutboundError::Broken)?;
    let mut headers = reqwest::header::HeaderMap::with_capacity(request.headers.len());
    for (name, value) in request.headers {
        if OWN_HEADERS.iter().any(|own| name.eq_ignore_ascii_case(own)) {
            continue;
        }
        let name = reqwest::header::HeaderName::from_bytes(name.as_bytes()).map_err(|_| OutboundError::Broken)?;
        let value = reqwest::header::HeaderValue::from_bytes(&value).map_err(|_| OutboundError::Broken)?;
        headers.append(name, value);
    }
    Ok(client.request(method, request.url).headers(headers).body(request.body))
}
