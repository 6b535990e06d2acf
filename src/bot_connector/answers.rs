use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::forwarding::{is_end_to_end, list_names};
use crate::outbound::{OutboundError, RelayedAnswer};

/// The headers of `answer` that belong to the message and not to the connection, with names in lower case.
pub fn end_to_end_headers(answer: &RelayedAnswer) -> impl Iterator<Item = (&str, &[u8])> {
    let named_by_connection: Vec<String> = answer.headers.get_all("connection").flat_map(list_names).collect();
    let is_named = move |name: &str| named_by_connection.iter().any(|named| named == name);
    answer.headers.iter().filter(move |&(name, _)| is_end_to_end(name) && !is_named(name))
}

/// Whether `answer` is compressed although the request allowed no compression, so that it cannot be read.
#[must_use]
pub fn is_encoded(answer: &RelayedAnswer) -> bool {
    answer.headers.get_all("content-encoding").any(|value| !value.eq_ignore_ascii_case(b"identity"))
}

/// The `Content-Type` of `answer`, if it is text.
#[must_use]
pub fn find_content_type(answer: &RelayedAnswer) -> Option<String> {
    answer.headers.get("content-type").and_then(|value| std::str::from_utf8(value).ok()).map(str::to_owned)
}

/// The length of the body that `answer` announces, in bytes, if it does.
#[must_use]
pub fn find_content_length(answer: &RelayedAnswer) -> Option<usize> {
    answer.headers.get("content-length").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok())
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
