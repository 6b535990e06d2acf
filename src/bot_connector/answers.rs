use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::forwarding::is_end_to_end;
use crate::outbound::{OutboundError, RelayedAnswer};

/// The headers of `answer` that belong to the message and not to the connection, with names in lower case.
#[must_use]
pub fn end_to_end_headers(answer: &RelayedAnswer) -> Vec<(String, &[u8])> {
    let hop_by_hop = connection_header_names(&answer.headers);
    let named = answer.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.as_slice()));
    named.filter(|(name, _)| is_end_to_end(name) && !hop_by_hop.contains(name)).collect()
}

/// Whether `answer` is compressed although the request allowed no compression, so that it cannot be read.
#[must_use]
pub fn is_encoded(answer: &RelayedAnswer) -> bool {
    let encodings = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-encoding"));
    encodings.into_iter().any(|(_, value)| !value.eq_ignore_ascii_case(b"identity"))
}

/// The `Content-Type` of `answer`, if it is text.
#[must_use]
pub fn find_content_type(answer: &RelayedAnswer) -> Option<String> {
    let header = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    header.and_then(|(_, value)| String::from_utf8(value.clone()).ok())
}

/// The length of the body that `answer` announces, in bytes, if it does.
#[must_use]
pub fn find_content_length(answer: &RelayedAnswer) -> Option<usize> {
    let header = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    header.and_then(|(_, value)| std::str::from_utf8(value).ok()?.parse().ok())
}

/// Reads the whole body of `answer`, which may have up to `limit_bytes`.
///
/// # Errors
/// [`OutboundError`] if the body is larger, or breaks off.
pub async fn read_answer(answer: RelayedAnswer, limit_bytes: usize) -> Result<Bytes, OutboundError> {
    let announced = find_content_length(&answer).unwrap_or(0);
    if announced > limit_bytes {
        return Err(OutboundError::TooLarge);
    }
    let mut body = BytesMut::with_capacity(announced);
    let mut stream = Box::pin(answer.into_stream());
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        if body.len() + chunk.len() > limit_bytes {
            return Err(OutboundError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn connection_header_names(headers: &[(String, Vec<u8>)]) -> Vec<String> {
    let values = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
    values
        .flat_map(|(_, value)| {
            let value = String::from_utf8_lossy(value).to_ascii_lowercase();
            value.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>()
        })
        .collect()
}
