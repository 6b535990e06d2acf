use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use memchr::memchr;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The bytes that are read from the connection at a time.
const CHUNK_BYTES: usize = 1024;

/// A connection that gives at most one line at a time. The SMTP client keeps what it has read too much of; without this, what
/// somebody on the way adds behind the answer to `STARTTLS` would count as said by the server over TLS (CVE-2011-0411). Here it
/// goes to the TLS handshake, which fails by it.
#[derive(Debug)]
pub(super) struct LineStream {
    connection: TcpStream,
    waiting: Vec<u8>,
    /// How much of `waiting` was given.
    given: usize,
}

impl LineStream {
    pub(super) fn new(connection: TcpStream) -> Self {
        Self { connection, waiting: Vec::new(), given: 0 }
    }
}

impl AsyncTokioStream for LineStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.connection.peer_addr()
    }
}

impl AsyncRead for LineStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if stream.given >= stream.waiting.len() {
            let mut chunk = [0; CHUNK_BYTES];
            let mut read = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut stream.connection).poll_read(context, &mut read))?;
            stream.waiting.clear();
            stream.waiting.extend_from_slice(read.filled());
            stream.given = 0;
        }
        let waiting = stream.waiting.get(stream.given..).unwrap_or_default();
        let line = memchr(b'\n', waiting).map_or(waiting.len(), |end| end + 1).min(buffer.remaining());
        buffer.put_slice(waiting.get(..line).unwrap_or_default());
        stream.given += line;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LineStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().connection).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().connection).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().connection).poll_shutdown(context)
    }
}
