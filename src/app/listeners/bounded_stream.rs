use std::io;
use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::blank_lines::BlankLines;
use super::connection::{AnnouncedBody, Connection, Ticks};
use super::connection_table::OpenConnection;

/// The bytes that are read ahead while an answer is under way.
const READ_AHEAD: usize = 4096;
/// The bytes of an unwanted body that are taken, so that the client reads the answer before the connection closes.
const LINGER_BYTES: usize = 64 * 1024;
/// The blank lines that a body without an announced length may have. Each may be the head of another request, which the
/// framework's parser would take into memory.
const MAX_BLANK_LINES: u32 = 32;
/// The progress with which a client keeps the time limit for writing from running out.
const WRITE_PROGRESS: usize = 16 * 1024;

/// The address of this machine at which a connection arrived. The requests of the connection have it as connection data.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct LocalAddress(pub(in crate::app) IpAddr);

/// The stream of one connection, under the framework's HTTP parser.
///
/// The parser takes in all requests that it can read, however many answers wait. This stream therefore gives it no
/// bytes while an answer is unsent, one head at a time, and no more bytes of a body than the head has announced.
pub(super) struct BoundedStream<S> {
    inner: S,
    local: LocalAddress,
    open: OpenConnection,
    reading: Reading,
    writing: Writing,
}

/// What has been given to the parser.
#[derive(Default)]
struct Reading {
    /// Bytes that the client has sent and that the parser has not been given.
    held: BytesMut,
    lines: BlankLines,
    /// Bytes given after the last blank line: the beginning of the body, once its request is under way.
    after_head: u64,
    /// Blank lines given since the request under way began.
    blank_lines: u32,
    /// Whether the parser has to look at what it was given before it is given more: at a head that is complete, or at the
    /// bytes before those that are held. Else it could take in the next request unseen by [`Connection`], and would answer
    /// that one without being polled for its body.
    pauses: bool,
    /// Whether the client has sent its last byte.
    is_at_end: bool,
    /// Bytes taken since the connection began to close.
    lingered: usize,
}

/// What waits to be written.
#[derive(Default)]
struct Writing {
    unsent_since: Option<Ticks>,
    /// Bytes written since then.
    progress: usize,
    /// Whether the parser asked for bytes meanwhile.
    refused_read: bool,
}

impl<S> BoundedStream<S> {
    pub(super) fn new(inner: S, local: LocalAddress, open: OpenConnection) -> Self {
        Self { inner, local, open, reading: Reading::default(), writing: Writing::default() }
    }

    pub(super) const fn local_address(&self) -> LocalAddress {
        self.local
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.open.connection
    }

    /// Whether the parser may be given bytes now.
    fn may_give(&self, body: Option<AnnouncedBody>) -> bool {
        match body {
            None => true,
            Some(AnnouncedBody::Length(length)) => self.reading.after_head < length,
            Some(AnnouncedBody::Open) => self.reading.blank_lines < MAX_BLANK_LINES,
        }
    }

    /// Records at `now` that bytes wait, or that none do. A client that takes enough of them gets new time for the rest.
    fn record_written(&mut self, now: Ticks, written: usize, is_complete: bool, context: &Context<'_>) {
        if written > 0 {
            self.open.connection.record_write(now);
        }
        self.writing.progress += written;
        if is_complete {
            self.writing.progress = 0;
            if self.writing.unsent_since.take().is_some() {
                self.open.connection.record_unsent(0);
            }
            if std::mem::take(&mut self.writing.refused_read) {
                context.waker().wake_by_ref();
            }
        } else if self.writing.unsent_since.is_none() || self.writing.progress >= WRITE_PROGRESS {
            self.writing.unsent_since = Some(now);
            self.writing.progress = 0;
            self.open.connection.record_unsent(now);
        }
    }
}

impl<S: AsyncRead + Unpin> BoundedStream<S> {
    /// Takes what the client still sends, so that the answer is not lost by a reset of the connection, until the client
    /// has had enough time or has sent enough (RFC 9112 §9.6).
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.reading.held.clear();
        let mut taken = [const { MaybeUninit::uninit() }; READ_AHEAD];
        loop {
            if self.reading.is_at_end || self.reading.lingered > LINGER_BYTES {
                return Poll::Ready(Ok(()));
            }
            let mut buffer = ReadBuf::uninit(&mut taken);
            ready!(Pin::new(&mut self.inner).poll_read(context, &mut buffer))?;
            self.reading.is_at_end = buffer.filled().is_empty();
            self.reading.lingered += buffer.filled().len();
        }
    }

    /// Reads ahead while nothing may be given to the parser until the answer under way is complete.
    fn poll_ahead(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_hold(context))?;
        if self.reading.held.is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.open.connection.hold_bytes();
        Poll::Pending
    }

    /// Gives the parser nothing this time, so that it looks at what it has.
    fn poll_pause(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_hold(context))?;
        if self.reading.held.is_empty() {
            return Poll::Ready(Ok(()));
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Holds what has arrived, or notices the end of the client's stream. Pending if neither has come.
    fn poll_hold(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reading.held.is_empty() && !self.reading.is_at_end {
            // Not zeroed: mostly nothing has arrived, and zeroing 4 KiB costs 2 % of a small request.
            let mut taken = [const { MaybeUninit::uninit() }; READ_AHEAD];
            let mut buffer = ReadBuf::uninit(&mut taken);
            ready!(Pin::new(&mut self.inner).poll_read(context, &mut buffer))?;
            self.reading.is_at_end = buffer.filled().is_empty();
            self.reading.held.extend_from_slice(buffer.filled());
        }
        Poll::Ready(Ok(()))
    }

    /// Gives the parser bytes: those that are held, else those that arrive.
    fn poll_give(
        &mut self,
        body: Option<AnnouncedBody>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if self.reading.held.is_empty() {
            if self.reading.is_at_end {
                return Poll::Ready(Ok(()));
            }
            ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        } else {
            let length = self.reading.held.len().min(buffer.remaining());
            buffer.put_slice(self.reading.held.get(..length).unwrap_or_default());
            self.reading.held.advance(length);
        }
        let arrived = buffer.filled().get(before..).unwrap_or_default();
        if arrived.is_empty() {
            self.reading.is_at_end = true;
            return Poll::Ready(Ok(()));
        }
        self.open.connection.record_read(self.open.table.now());
        let given = self.reading.choose_given(arrived, body);
        self.open.connection.record_given(self.reading.after_head);
        if given < arrived.len() {
            let mut rest = BytesMut::from(arrived.get(given..).unwrap_or_default());
            rest.unsplit(std::mem::take(&mut self.reading.held));
            self.reading.held = rest;
            self.reading.pauses = true;
            buffer.set_filled(before + given);
        }
        Poll::Ready(Ok(()))
    }
}

impl Reading {
    /// How many of the bytes that have arrived are given to the parser now. `body` is that of the request under way.
    fn choose_given(&mut self, arrived: &[u8], body: Option<AnnouncedBody>) -> usize {
        match body {
            Some(AnnouncedBody::Length(length)) => {
                let missing = usize::try_from(length.saturating_sub(self.after_head)).unwrap_or(usize::MAX);
                let given = arrived.len().min(missing);
                self.after_head += given as u64;
                self.lines = BlankLines::default();
                given
            }
            Some(AnnouncedBody::Open) => {
                let end = self.lines.find_end(arrived);
                self.blank_lines += u32::from(end.is_some());
                end.unwrap_or(arrived.len())
            }
            None => self.choose_head(arrived),
        }
    }

    /// One head, and what follows it unless that may hold another head.
    fn choose_head(&mut self, arrived: &[u8]) -> usize {
        let Some(end) = self.lines.find_end(arrived) else {
            self.after_head += arrived.len() as u64;
            return arrived.len();
        };
        self.pauses = true;
        self.blank_lines = 0;
        let rest = arrived.get(end..).unwrap_or_default();
        let mut ahead = self.lines;
        if ahead.find_end(rest).is_some() {
            self.after_head = 0;
            return end;
        }
        self.lines = ahead;
        self.after_head = rest.len() as u64;
        arrived.len()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for BoundedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.open.connection.register(context.waker());
        if this.open.connection.is_ended() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if this.open.connection.is_closing() {
            return this.poll_linger(context);
        }
        if this.writing.unsent_since.is_some() {
            this.writing.refused_read = true;
            return Poll::Pending;
        }
        if std::mem::take(&mut this.reading.pauses) {
            return this.poll_pause(context);
        }
        let body = this.open.connection.answered_body();
        if this.may_give(body) { this.poll_give(body, context, buffer) } else { this.poll_ahead(context) }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for BoundedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.open.connection.is_ended() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        // Read before the write: the client may answer, and time may pass, before the line after it.
        let now = this.open.table.now();
        match Pin::new(&mut this.inner).poll_write(context, bytes) {
            Poll::Ready(Ok(written)) => {
                this.record_written(now, written, written == bytes.len(), context);
                Poll::Ready(Ok(written))
            }
            Poll::Pending => {
                this.open.connection.register(context.waker());
                this.record_written(now, 0, false, context);
                Poll::Pending
            }
            failed @ Poll::Ready(Err(_)) => failed,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.open.connection.is_ended() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let now = this.open.table.now();
        let flushed = Pin::new(&mut this.inner).poll_flush(context);
        match &flushed {
            Poll::Ready(Ok(())) if this.writing.unsent_since.is_some() => this.record_written(now, 0, true, context),
            Poll::Pending => {
                this.open.connection.register(context.waker());
                this.record_written(now, 0, false, context);
            }
            Poll::Ready(_) => {}
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
