#![allow(clippy::unwrap_used, clippy::panic)]
//! Requests that arrive in pieces which are read one directly after the other, as the records of TLS are.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::tests::{Fixture, read_until, send};

/// The end of a piece in what the client sends.
const END_OF_PIECE: u8 = b'|';
/// The end of the last piece.
const END_OF_PIECES: u8 = b'#';

/// How long an answer may take before it counts as missing.
const PATIENCE: Duration = Duration::from_secs(20);

pin_project! {
    /// A connection whose first bytes are read in pieces. It writes as the socket does.
    struct Pieces {
        pieces: VecDeque<Vec<u8>>,
        #[pin]
        socket: TcpStream,
    }
}

impl Pieces {
    /// Waits until all pieces have arrived.
    async fn take(mut socket: TcpStream) -> Option<Self> {
        let (mut pieces, mut piece) = (VecDeque::new(), Vec::new());
        loop {
            match socket.read_u8().await.ok()? {
                END_OF_PIECE => pieces.push_back(std::mem::take(&mut piece)),
                END_OF_PIECES => break,
                byte => piece.push(byte),
            }
        }
        pieces.push_back(piece);
        Some(Self { pieces, socket })
    }
}

impl AsyncRead for Pieces {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        match this.pieces.pop_front() {
            Some(piece) => {
                buffer.put_slice(&piece);
                Poll::Ready(Ok(()))
            }
            None => this.socket.poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Pieces {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.project().socket.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().socket.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().socket.poll_shutdown(context)
    }
}

#[actix_web::test]
async fn requests_are_answered_however_they_are_cut_into_pieces() {
    let fixture = Fixture::start_through(100, 100, Pieces::take);
    let posting =
        |body: &str| format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let requests = format!("GET /small HTTP/1.1\r\nhost: a\r\n\r\n{}{}", posting("first"), posting("second"));
    for (first, second) in (1..requests.len()).flat_map(|first| [(first, first + 1), (first, first + 70)]) {
        let (before, after) = requests.split_at(first);
        let (middle, end) = after.split_at(after.len().min(second - first));
        let mut client = fixture.connect().await;
        send(&mut client, &format!("{before}|{middle}|{end}#")).await;
        let answers = timeout(PATIENCE, read_until(&mut client, "second")).await;
        let answers = answers.unwrap_or_else(|_| panic!("no answers to {before}|{middle}|{end}"));
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{before}|{middle}|{end}: {answers}");
    }
    fixture.server.stop(false).await;
}
