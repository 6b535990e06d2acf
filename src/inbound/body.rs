use std::pin::pin;
use std::time::Duration;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use actix_web::{HttpMessage, HttpRequest, web};
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::timeout;

use super::problem::Problem;

const USUAL_TYPES: [&[u8]; 2] = [b"application/json; charset=utf-8", b"application/json"];

/// Limits on the size and the arrival time of a request's body.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Largest accepted body, in bytes.
    pub bytes: usize,
    /// The time limit for the arrival of the whole body.
    pub time: Duration,
}

/// Refuses bodies that a bot behind the gateway might decode to other text than the gateway does: any charset but
/// UTF-8, and any content encoding.
///
/// # Errors
/// [`Problem::UnsupportedMediaType`].
pub fn require_plain_utf8(headers: &HeaderMap) -> Result<(), Problem> {
    let plain_encoding =
        headers.get_all(CONTENT_ENCODING).all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"));
    let utf_8 = headers.get_all(CONTENT_TYPE).all(|value| {
        // The spellings of channels and SDKs need no parsing.
        if USUAL_TYPES.contains(&value.as_bytes()) {
            return true;
        }
        let Ok(text) = value.to_str() else { return false };
        text.split([';', ',']).all(|part| match part.trim().split_once('=') {
            Some((name, charset)) if name.trim().eq_ignore_ascii_case("charset") => {
                let charset = charset.trim().trim_matches('"');
                ["utf-8", "utf8"].iter().any(|known| charset.eq_ignore_ascii_case(known))
            }
            _ => true,
        })
    });
    if plain_encoding && utf_8 { Ok(()) } else { Err(Problem::UnsupportedMediaType) }
}

/// A mark of a request whose body has been read to its end. The connection of another one is closed after the answer.
#[derive(Clone, Copy, Debug)]
pub struct BodyRead;

/// Reads a request body, within the limits on size and time.
///
/// # Errors
/// [`Problem::PayloadTooLarge`], [`Problem::RequestTimeout`], or [`Problem::BadArgument`] if the connection breaks.
pub async fn read_body(http: &HttpRequest, mut payload: web::Payload, limits: BodyLimits) -> Result<Bytes, Problem> {
    let mut reading = pin!(async {
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Problem::BadArgument)?;
            if first.len() + rest.len() + chunk.len() > limits.bytes {
                return Err(Problem::PayloadTooLarge);
            }
            // Most activities arrive in one chunk, which is returned without a copy.
            if first.is_empty() && rest.is_empty() {
                first = chunk;
            } else {
                rest.extend_from_slice(&std::mem::take(&mut first));
                rest.extend_from_slice(&chunk);
            }
        }
        http.extensions_mut().insert(BodyRead);
        Ok(if rest.is_empty() { first } else { rest.freeze() })
    });
    // Most bodies have arrived with the head, and need no timer.
    if let Some(read) = reading.as_mut().now_or_never() {
        return read;
    }
    timeout(limits.time, reading).await.unwrap_or(Err(Problem::RequestTimeout))
}
