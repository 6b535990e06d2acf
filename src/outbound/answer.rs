use bytes::{Bytes, BytesMut};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::Response;

use super::OutboundError;

/// The headers of a response. Repeated headers are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(HeaderMap);

/// A name or a value that no response can have is left out.
impl FromIterator<(String, Vec<u8>)> for Headers {
    fn from_iter<I: IntoIterator<Item = (String, Vec<u8>)>>(pairs: I) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.append(name, value);
            }
        }
        Self(headers)
    }
}

impl Headers {
    /// The first value of `name`, ignoring case, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
    }
}

/// A complete response with its body. A response with an error status is an `HttpAnswer` too.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The response's headers.
    pub headers: Headers,
    /// The response's body, unchanged.
    pub body: Bytes,
}

impl HttpAnswer {
    /// The first value of the header `name`, ignoring case, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.header(name)
    }
}

// The body may hold tokens, so `Debug` prints only its length.
impl std::fmt::Debug for HttpAnswer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "HttpAnswer({}, {} bytes)", self.status, self.body.len())
    }
}

/// Reads the body. A body larger than `limit_bytes` is an error; if `Content-Length` announces a larger body, no byte
/// of it is read.
pub(super) async fn read(mut response: Response, limit_bytes: usize) -> Result<HttpAnswer, OutboundError> {
    let announced = response.content_length().map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
    if announced > limit_bytes {
        return Err(OutboundError::TooLarge);
    }
    let body = read_body(&mut response, announced, limit_bytes).await?;
    let headers = Headers(std::mem::take(response.headers_mut()));
    Ok(HttpAnswer { status: response.status().as_u16(), headers, body })
}

/// Most bodies arrive as one chunk, which is the body; more chunks are copied into one.
async fn read_body(response: &mut Response, announced: usize, limit_bytes: usize) -> Result<Bytes, OutboundError> {
    let first = next_bounded_chunk(response, limit_bytes).await?.unwrap_or_default();
    let left = limit_bytes.saturating_sub(first.len());
    let Some(second) = next_bounded_chunk(response, left).await? else { return Ok(first) };
    let mut body = BytesMut::with_capacity(announced.max(first.len() + second.len()));
    body.extend_from_slice(&first);
    body.extend_from_slice(&second);
    while let Some(chunk) = next_bounded_chunk(response, limit_bytes.saturating_sub(body.len())).await? {
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// The next bytes of a body; `None` at its end. Trailers are left out.
pub(super) async fn next_chunk(response: &mut Response) -> Result<Option<Bytes>, OutboundError> {
    response.chunk().await.map_err(|_| OutboundError::Broken)
}

async fn next_bounded_chunk(response: &mut Response, limit_bytes: usize) -> Result<Option<Bytes>, OutboundError> {
    let chunk = next_chunk(response).await?;
    if chunk.as_ref().is_some_and(|chunk| chunk.len() > limit_bytes) { Err(OutboundError::TooLarge) } else { Ok(chunk) }
}
