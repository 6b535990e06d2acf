use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One HTTP/1.1 connection that is kept alive. It reads only what these servers send: a status, and a content length or
/// chunks.
pub struct Connection {
    port: u16,
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Whether the server closes the connection after the last answer.
    is_closing: bool,
}

impl Connection {
    pub async fn open(port: u16) -> Self {
        Self { port, stream: connect(port).await, buffer: Vec::with_capacity(8192), is_closing: false }
    }

    /// Sends a whole request and reads the whole answer; returns its status. Connects again if the server has announced
    /// that it closes the connection.
    pub async fn call(&mut self, request: &[u8]) -> u16 {
        if self.is_closing {
            self.stream = connect(self.port).await;
        }
        self.stream.write_all(request).await.unwrap();
        self.buffer.clear();
        loop {
            assert!(self.stream.read_buf(&mut self.buffer).await.unwrap() > 0, "the server closed the connection");
            let Some(head) = find(&self.buffer, b"\r\n\r\n") else { continue };
            let is_whole = match content_length(&self.buffer[..head]) {
                Some(length) => self.buffer.len() >= head + 4 + length,
                None => self.buffer.ends_with(b"0\r\n\r\n"),
            };
            if is_whole {
                self.is_closing = find(&self.buffer[..head], b"connection: close").is_some();
                return std::str::from_utf8(&self.buffer[9..12]).unwrap().parse().unwrap();
            }
        }
    }

    /// The last answer's body.
    pub fn body(&self) -> &[u8] {
        &self.buffer[find(&self.buffer, b"\r\n\r\n").unwrap() + 4..]
    }

    /// The head of the last answer.
    pub fn head(&self) -> String {
        String::from_utf8_lossy(&self.buffer[..find(&self.buffer, b"\r\n\r\n").unwrap() + 2]).into_owned()
    }

    /// The cookie of the last answer whose name begins with `name`, as a browser sends it back.
    pub fn find_cookie(&self, name: &str) -> String {
        let head = self.head();
        let set =
            head.lines().filter(|line| line.get(..12).is_some_and(|start| start.eq_ignore_ascii_case("set-cookie: ")));
        let mut cookies = set.map(|line| line[12..].split(';').next().unwrap().to_owned());
        cookies.find(|cookie| cookie.starts_with(name)).unwrap_or_else(|| panic!("no cookie {name} in {head}"))
    }
}

async fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The content length; `None` if the answer comes in chunks.
fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length: ";
    let at = head.windows(NAME.len()).position(|window| window.eq_ignore_ascii_case(NAME))? + NAME.len();
    let digits = head[at..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0')))
}
