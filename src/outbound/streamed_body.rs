use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::OutboundError;

/// The chunks that wait between the two connections: the sender waits while the receiving host does not read.
const WAITING_CHUNKS: usize = 2;

/// The body of a request that is sent while it still arrives.
pub struct StreamedBody {
    parts: Receiver<Part>,
    length: Option<u64>,
    is_complete: bool,
}

/// The end at which the chunks of a [`StreamedBody`] come in. If it is dropped before [`BodySender::finish`], the request is
/// broken off: the receiving host never takes a part of a body for the whole.
pub struct BodySender(Sender<Part>);

enum Part {
    Chunk(Bytes),
    End,
}

/// The receiving host has answered, or broken off, before it read the whole body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyNotWanted;

impl StreamedBody {
    /// A body of `length` bytes, or of unknown length, and the end at which its chunks come in.
    #[must_use]
    pub fn new(length: Option<u64>) -> (BodySender, Self) {
        let (sender, parts) = channel(WAITING_CHUNKS);
        (BodySender(sender), Self { parts, length, is_complete: false })
    }
}

impl BodySender {
    /// Passes a chunk on. Waits while the receiving host does not read.
    ///
    /// # Errors
    /// [`BodyNotWanted`].
    pub async fn send(&self, chunk: Bytes) -> Result<(), BodyNotWanted> {
        self.0.send(Part::Chunk(chunk)).await.map_err(|_| BodyNotWanted)
    }

    /// Says that the body is complete.
    ///
    /// # Errors
    /// [`BodyNotWanted`].
    pub async fn finish(self) -> Result<(), BodyNotWanted> {
        self.0.send(Part::End).await.map_err(|_| BodyNotWanted)
    }
}

impl Body for StreamedBody {
    type Data = Bytes;
    type Error = OutboundError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, OutboundError>>> {
        if self.is_complete {
            return Poll::Ready(None);
        }
        self.parts.poll_recv(context).map(|part| match part {
            Some(Part::Chunk(chunk)) => Some(Ok(Frame::data(chunk))),
            Some(Part::End) => {
                self.is_complete = true;
                None
            }
            None => Some(Err(OutboundError::Broken)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.is_complete
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
