//! HTTP written byte by byte: requests that no client library sends, and a bot that answers with given bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Longer than the gateway waits on purpose in any test.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection to the gateway. Its methods block, so they run off the async threads, see [`blocking`].
pub struct Wire(TcpStream);

impl Wire {
    pub fn to(base: &str) -> Self {
        let stream = TcpStream::connect(base.strip_prefix("http://").unwrap()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Writes the bytes and ignores a closed connection, which the next read reports.
    pub fn send(&mut self, bytes: &[u8]) -> &mut Self {
        let _ = self.0.write_all(bytes);
        self
    }

    /// Reads until `end` has arrived; panics if it does not come.
    pub fn read_until(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        let mut byte = [0_u8; 1];
        while !read.ends_with(end.as_bytes()) {
            let count = self.0.read(&mut byte).unwrap();
            assert!(count == 1, "closed before {end:?}: {}", String::from_utf8_lossy(&read));
            read.push(byte[0]);
        }
        String::from_utf8_lossy(&read).into_owned()
    }

    /// Reads until the other side closes.
    pub fn read_all(&mut self) -> String {
        let mut read = Vec::new();
        match self.0.read_to_end(&mut read) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("still open: {error}: {}", String::from_utf8_lossy(&read)),
        }
        String::from_utf8_lossy(&read).into_owned()
    }

    /// Whether the other side has closed the connection without an answer. Does not wait.
    pub fn is_closed_unanswered(&mut self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let peeked = self.0.peek(&mut [0]);
        self.0.set_nonblocking(false).unwrap();
        match peeked {
            Ok(count) => count == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }

    /// Writes the bytes `times` times without reading anything, until the other side closes. Returns the number of
    /// bytes that were written.
    pub fn pour(&mut self, bytes: &[u8], times: usize) -> usize {
        (0..times).take_while(|_| self.0.write_all(bytes).is_ok()).count() * bytes.len()
    }

    /// Hangs up.
    pub fn hang_up(self) {
        self.0.shutdown(Shutdown::Both).unwrap();
    }
}

/// Runs blocking code on a thread of its own.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// A server that reads each request, lets a script write the answer, and closes the connection.
pub struct ScriptedServer {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl ScriptedServer {
    pub fn start(script: impl Fn(&mut TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                if let Some(request) = read_request(&mut stream) {
                    seen.lock().unwrap().push(request);
                    script(&mut stream);
                    let _ = stream.shutdown(Shutdown::Both);
                }
            }
        });
        Self { port, requests }
    }

    pub fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |stream| stream.write_all(&answer).unwrap())
    }

    /// Answers the requests with these bytes, one answer a request.
    pub fn answering_in_turn(answers: Vec<String>) -> Self {
        let answers = Mutex::new(answers.into_iter());
        Self::start(move |stream| {
            let answer = answers.lock().unwrap().next().unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The requests so far, with head and body.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Reads a request; `None` if the connection ends first.
fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut byte = [0_u8; 1];
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        request.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |it| it.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    request.extend(body);
    Some(String::from_utf8_lossy(&request).into_owned())
}
