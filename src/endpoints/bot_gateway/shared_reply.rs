//! The replies that duplicates of an invoke get, in memory and at other replicas. This file adds to [`InvokeReply`].

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::replies::InvokeReply;
use crate::exchange::{Reason, Settlement};

/// A body and an envelope that are longer together are not shared. Only the answers of bots can be.
const MAX_SHARED_BYTES: usize = 64 * 1024;

impl Settlement for InvokeReply {
    const FORM: &'static str = "invoke";

    fn succeeded(&self) -> bool {
        self.succeeded
    }

    fn bytes(&self) -> usize {
        self.body.len() + self.envelope.as_ref().map_or(0, Bytes::len)
    }

    fn encode(&self) -> Vec<u8> {
        let is_small = self.bytes() <= MAX_SHARED_BYTES;
        let shared = SharedReply {
            status: self.status,
            body: is_small.then(|| STANDARD.encode(&self.body)),
            content_type: self.content_type.as_deref().filter(|_| is_small).map(str::to_owned),
            envelope: self.envelope.as_ref().filter(|_| is_small).map(|envelope| STANDARD.encode(envelope)),
            retry_after: self.retry_after,
            succeeded: self.succeeded,
            is_from_bot: self.is_from_bot,
            reason: self.reason,
        };
        // Texts and numbers cannot fail to serialise.
        serde_json::to_vec(&shared).unwrap_or_default()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let shared: SharedReply = serde_json::from_slice(bytes).ok()?;
        let decode = |text: String| STANDARD.decode(text).map(Bytes::from).ok();
        let envelope = match shared.envelope {
            Some(envelope) => Some(decode(envelope)?),
            None => None,
        };
        Some(Self {
            status: shared.status,
            body: shared.body.map_or(Some(Bytes::new()), decode)?,
            content_type: shared.content_type.map(Cow::Owned),
            envelope,
            retry_after: shared.retry_after,
            succeeded: shared.succeeded,
            is_from_bot: shared.is_from_bot,
            reason: shared.reason,
            is_shared: false,
        })
    }
}

/// An [`InvokeReply`] as other replicas read it. Body and envelope are in base64, and absent if they are too long.
#[derive(Serialize, Deserialize)]
struct SharedReply {
    status: u16,
    body: Option<String>,
    content_type: Option<String>,
    envelope: Option<String>,
    retry_after: Option<u64>,
    succeeded: bool,
    is_from_bot: bool,
    reason: Option<Reason>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn another_replica_answers_with_the_same_status_body_and_headers() {
        let refused = InvokeReply::json(412, Bytes::from_static(br#"{"failureDetail":"consent_required: ..."}"#));
        let reason = Some(Reason::ConsentRequired);
        let throttled = InvokeReply { retry_after: Some(9), reason, succeeded: false, ..refused };
        let envelope = Some(Bytes::from_static(b"{\"activities\":[]}"));
        let of_bot = InvokeReply { envelope, is_from_bot: true, ..InvokeReply::json(200, Bytes::from_static(b"\xff")) };
        for reply in [throttled, of_bot, InvokeReply::empty(501)] {
            let read = InvokeReply::decode(&reply.encode()).unwrap();
            assert_eq!((read.status, &read.body, &read.envelope), (reply.status, &reply.body, &reply.envelope));
            assert_eq!(read.content_type, reply.content_type);
            assert_eq!((read.retry_after, read.reason), (reply.retry_after, reply.reason));
            assert_eq!((read.succeeded, read.is_from_bot), (reply.succeeded, reply.is_from_bot));
        }
    }

    #[test]
    fn of_a_long_answer_of_a_bot_the_status_is_shared() {
        let long = Bytes::from(vec![b'x'; MAX_SHARED_BYTES + 1]);
        let reply = InvokeReply { is_from_bot: true, ..InvokeReply::json(200, long) };
        let written = reply.encode();
        assert!(written.len() < 1024);
        let read = InvokeReply::decode(&written).unwrap();
        assert!(read.status == 200 && read.succeeded && read.body.is_empty() && read.content_type.is_none());
    }
}
