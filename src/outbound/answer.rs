use bytes::{Bytes, BytesMut};

use super::OutboundError;

/// The headers of a response, in the order in which they were received. Repeated headers are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl FromIterator<(String, Vec<u8>)> for Headers {
    fn from_iter<I: IntoIterator<Item = (String, Vec<u8>)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl Headers {
    /// The first value of `name`, ignoring case, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// All headers as pairs of a name and a value.
    #[must_use]
    pub fn pairs(&self) -> &[(String, Vec<u8>)] {
        &self.0
    }

    pub(super) fn from_response(response: &reqwest::Response) -> Self {
        let headers = response.headers().iter();
        headers.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
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
pub(super) async fn read(mut response: reqwest::Response, limit_bytes: usize) -> Result<HttpAnswer, OutboundError> {
    let announced = response.content_length().map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
    if announced > limit_bytes {
        return Err(OutboundError::TooLarge);
    }
    let status = response.status().as_u16();
    let headers = Headers::from_response(&response);
    let mut body = BytesMut::with_capacity(announced);
    while let Some(chunk) = response.chunk().await.map_err(|_| OutboundError::Broken)? {
        if body.len().saturating_add(chunk.len()) > limit_bytes {
            return Err(OutboundError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(HttpAnswer { status, headers, body: body.freeze() })
}
