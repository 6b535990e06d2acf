use std::pin::pin;

use actix_web::http::header::CONTENT_LENGTH;
use actix_web::{HttpMessage, HttpRequest, web};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::failure::{BODY_TOO_LARGE, BODY_TOO_SLOW, Failure};
use crate::inbound::{BodyLimits, BodyRead};
use crate::outbound::{BodySender, Outbound, OutboundError, RelayRequest, RelayedAnswer, StreamedBody};

/// A body up to this size is read before it is sent, so that it can be sent again with a new token.
const REPEATABLE_BYTES: usize = 64 * 1024;

/// The body of a request to a downstream API.
pub(super) enum Upload {
    /// It has arrived.
    Whole(Bytes),
    /// It is sent on while it arrives.
    Streamed(Box<StreamedUpload>),
    /// It was sent on while it arrived, and is gone.
    Gone,
}

/// A body of which the beginning has arrived.
pub(super) struct StreamedUpload {
    http: HttpRequest,
    beginning: Bytes,
    rest: web::Payload,
    /// The length that the client has announced, in bytes.
    length: Option<u64>,
    limits: BodyLimits,
}

/// Why a request with a body has no answer.
pub(super) enum NoAnswer {
    /// The client's body cannot be sent on.
    Upload(Failure),
    /// The API does not answer.
    Api(OutboundError),
}

impl Upload {
    /// Reads the beginning of the body of `http`, or all of it if it is short.
    ///
    /// # Errors
    /// The body is larger than the limit, too slow, or breaks off.
    pub(super) async fn begin(
        http: &HttpRequest,
        mut payload: web::Payload,
        limits: BodyLimits,
    ) -> Result<Self, Failure> {
        let length = http.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if length.is_some_and(|length: u64| length > limits.bytes as u64) {
            return Err((&BODY_TOO_LARGE).into());
        }
        let until = Instant::now() + limits.time;
        let mut beginning = BytesMut::new();
        while beginning.len() <= REPEATABLE_BYTES {
            let Some(chunk) = next_chunk(&mut payload, until).await? else {
                http.extensions_mut().insert(BodyRead);
                return Ok(Self::Whole(beginning.freeze()));
            };
            if beginning.len() + chunk.len() > limits.bytes {
                return Err((&BODY_TOO_LARGE).into());
            }
            beginning.extend_from_slice(&chunk);
        }
        let beginning = beginning.freeze();
        let upload = StreamedUpload { http: http.clone(), beginning, rest: payload, length, limits };
        Ok(Self::Streamed(Box::new(upload)))
    }

    /// Sends `request` with this body. A streamed body is gone afterwards.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub(super) async fn send(
        &mut self,
        outbound: &Outbound,
        request: RelayRequest,
        head_by: Instant,
    ) -> Result<RelayedAnswer, NoAnswer> {
        match std::mem::replace(self, Self::Gone) {
            Self::Whole(body) => {
                *self = Self::Whole(body.clone());
                outbound.relay(RelayRequest { body, ..request }, head_by).await.map_err(NoAnswer::Api)
            }
            Self::Streamed(upload) => send_streamed(*upload, outbound, request, head_by).await,
            Self::Gone => Err(NoAnswer::Api(OutboundError::Broken)),
        }
    }

    /// Whether the body can be sent again.
    pub(super) const fn is_repeatable(&self) -> bool {
        matches!(self, Self::Whole(_))
    }
}

/// The next chunk of a client's body, which has to arrive by `until`; `None` at its end.
async fn next_chunk(payload: &mut web::Payload, until: Instant) -> Result<Option<Bytes>, Failure> {
    let chunk = timeout_at(until, payload.next()).await.map_err(|_| Failure::from(&BODY_TOO_SLOW))?;
    chunk.transpose().map_err(|_| Failure::from(&BODY_TOO_SLOW))
}

async fn send_streamed(
    upload: StreamedUpload,
    outbound: &Outbound,
    request: RelayRequest,
    head_by: Instant,
) -> Result<RelayedAnswer, NoAnswer> {
    let (sender, body) = StreamedBody::new(upload.length);
    let mut sending = pin!(outbound.relay_streamed(request, body, head_by));
    let mut passing = pin!(upload.pass_on(sender));
    tokio::select! {
        answer = &mut sending => answer.map_err(NoAnswer::Api),
        passed = &mut passing => match passed {
            Ok(()) => sending.await.map_err(NoAnswer::Api),
            Err(failure) => Err(NoAnswer::Upload(failure)),
        },
    }
}

impl StreamedUpload {
    /// Passes the body on until it is complete, or the API does not want more of it.
    async fn pass_on(mut self, sender: BodySender) -> Result<(), Failure> {
        // Nothing is read while the user's token is exchanged, so that time is not the client's.
        let until = Instant::now() + self.limits.time;
        let mut passed = self.beginning.len();
        if sender.send(self.beginning).await.is_err() {
            return Ok(());
        }
        while let Some(chunk) = next_chunk(&mut self.rest, until).await? {
            passed += chunk.len();
            if passed > self.limits.bytes {
                return Err((&BODY_TOO_LARGE).into());
            }
            if sender.send(chunk).await.is_err() {
                return Ok(());
            }
        }
        self.http.extensions_mut().insert(BodyRead);
        // An API that has stopped to read has answered.
        let _ = sender.finish().await;
        Ok(())
    }
}
