use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::client::Connection;
use crate::setting::User;

/// The number of busy connections. Each sends its next request as soon as the previous one is answered.
const CONNECTIONS: usize = 32;
/// The number of connections that send one exchange at the same time in the mix *dup*.
pub const COPIES: usize = 4;

/// A request of which only the exchange id changes from one sending to the next.
pub struct Template {
    bytes: Vec<u8>,
    id_at: Option<usize>,
    expected: Expected,
}

/// The status that the answer must have.
#[derive(Clone, Copy)]
enum Expected {
    Status(u16),
    /// Any with which a caller is refused.
    Refusal,
}

/// A placeholder that is as long as an exchange id.
pub const ID: &str = "00000000-1d1d-4000-8000-000000000000";

impl Template {
    /// The channel's invoke of `user` with `token`.
    pub fn invoke(user: User, token: &str, (service_url, channel_token): (&str, &str)) -> Self {
        Self::activity(&user.invoke(service_url, ID, token), channel_token)
    }

    /// An event that the bot does not handle.
    pub fn event(user: User, (service_url, channel_token): (&str, &str)) -> Self {
        Self::activity(&user.event(service_url, ID), channel_token)
    }

    fn activity(body: &str, channel_token: &str) -> Self {
        Self::post("/api/messages", body, channel_token)
    }

    /// An activity for `path`. The placeholder is replaced where the body has it.
    pub fn post(path: &str, body: &str, bearer: &str) -> Self {
        Self::post_with(path, body, &format!("Authorization: Bearer {bearer}\r\n"))
    }

    /// The same from a caller who does not say who it is.
    pub fn post_without_bearer(path: &str, body: &str) -> Self {
        Self::post_with(path, body, "")
    }

    fn post_with(path: &str, body: &str, lines: &str) -> Self {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: bots.example.com\r\n{lines}\
             User-Agent: Microsoft-SkypeBotApi (Microsoft-BotFramework/3.0)\r\nContent-Type: application/json; charset=utf-8\r\n\
             x-ms-conversation-id: a:1qLw4YhR6s\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let id_at = body.find(ID).map(|at| head.len() + at);
        Self { bytes: (head + body).into_bytes(), id_at, expected: Expected::Status(200) }
    }

    /// `GetToken` for `user`.
    pub fn get_token(user: User, bot_token: &str) -> Self {
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("userId", user.channel_id().as_str()),
                ("connectionName", "graph"),
                ("channelId", "msteams"),
            ])
            .finish();
        let head = format!(
            "GET /api/usertoken/GetToken?{query} HTTP/1.1\r\nHost: bots.example.com\r\n\
             Authorization: Bearer {bot_token}\r\nUser-Agent: axios/1.7\r\nAccept: application/json\r\n\r\n"
        );
        Self { bytes: head.into_bytes(), id_at: None, expected: Expected::Status(200) }
    }

    /// A `GET` with a bearer token.
    pub fn get(path: &str, bearer: &str) -> Self {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: bots.example.com\r\nAuthorization: Bearer {bearer}\r\n\
             User-Agent: axios/1.7\r\nAccept: application/json\r\n\r\n"
        );
        Self { bytes: head.into_bytes(), id_at: None, expected: Expected::Status(200) }
    }

    /// A form for `path`.
    pub fn form(path: &str, body: &str) -> Self {
        Self::form_with(path, body, "")
    }

    /// A form for `path` with further header lines.
    pub fn form_with(path: &str, body: &str, lines: &str) -> Self {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: bots.example.com\r\nUser-Agent: axios/1.7\r\nAccept: application/json\r\n{lines}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        Self { bytes: (head + body).into_bytes(), id_at: None, expected: Expected::Status(200) }
    }

    /// A browser's `GET` with a cookie.
    pub fn browser(path: &str, cookie: &str) -> Self {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: bots.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n\
             Accept: text/html\r\nAccept-Language: en\r\nCookie: {cookie}\r\n\r\n"
        );
        Self { bytes: head.into_bytes(), id_at: None, expected: Expected::Status(200) }
    }

    /// The same request, which must be answered by `status`.
    pub fn answered_by(self, status: u16) -> Self {
        Self { expected: Expected::Status(status), ..self }
    }

    /// The same request, whose caller must be refused.
    pub fn refused(self) -> Self {
        Self { expected: Expected::Refusal, ..self }
    }

    /// Asserts that `connection` has received a right answer, whose status is `status`.
    pub fn expect_status(&self, status: u16, connection: &Connection) {
        let is_expected = match self.expected {
            Expected::Status(expected) => status == expected,
            Expected::Refusal => matches!(status, 401 | 403 | 429 | 503),
        };
        assert!(is_expected, "{status}: {}", String::from_utf8_lossy(connection.body()));
    }

    /// The request as it is.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn write(&self, number: u64, to: &mut Vec<u8>) {
        to.clear();
        to.extend_from_slice(&self.bytes);
        if let Some(at) = self.id_at {
            let id = format!("{:08x}-1d1d-4000-8000-{number:012x}", number % 0xffff_ffff);
            to[at..at + ID.len()].copy_from_slice(id.as_bytes());
        }
    }
}

/// The requests of a mix. They use the templates in turn, and their exchange ids count up from `from`, so that no id
/// occurs twice.
pub struct Load<'t> {
    pub templates: &'t [Template],
    pub from: u64,
    pub requests: u64,
    pub in_copies: bool,
}

/// The measured times of a load.
pub struct LoadResult {
    pub elapsed: Duration,
    /// The latencies in nanoseconds, in ascending order.
    pub latencies: Vec<u64>,
}

impl Load<'_> {
    /// Sends all requests to `ports` in turn, and asserts that every answer has the template's status. The copies of an
    /// exchange go to different ports.
    pub fn run(&self, ports: &[u16]) -> LoadResult {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.send(ports))
    }

    async fn send(&self, ports: &[u16]) -> LoadResult {
        let (next, latencies) = (Rc::new(RefCell::new(0_u64)), Rc::new(RefCell::new(Vec::new())));
        let copies = if self.in_copies { COPIES } else { 1 };
        let (mut groups, mut ports) = (Vec::new(), ports.iter().cycle());
        for _ in 0..CONNECTIONS / copies {
            let mut group = Vec::new();
            for _ in 0..copies {
                group.push(Connection::open(*ports.next().unwrap()).await);
            }
            groups.push(group);
        }
        let begun = Instant::now();
        join_all(groups.into_iter().map(|group| self.keep_busy(group, &next, &latencies))).await;
        let elapsed = begun.elapsed();
        let mut latencies = latencies.take();
        latencies.sort_unstable();
        LoadResult { elapsed, latencies }
    }

    /// Writes the request `number` to `to`; returns its template.
    pub fn write(&self, number: u64, to: &mut Vec<u8>) -> &Template {
        let template = &self.templates[usize::try_from(number).unwrap() % self.templates.len()];
        template.write(self.from + number, to);
        template
    }

    async fn keep_busy(&self, mut group: Vec<Connection>, next: &RefCell<u64>, latencies: &RefCell<Vec<u64>>) {
        let mut request = Vec::new();
        let copies = group.len() as u64;
        loop {
            let number = *next.borrow();
            if number * copies >= self.requests {
                return;
            }
            *next.borrow_mut() += 1;
            let template = self.write(number, &mut request);
            let request = &request;
            join_all(group.iter_mut().map(|connection| async move {
                let begun = Instant::now();
                let status = connection.call(request).await;
                template.expect_status(status, connection);
                latencies.borrow_mut().push(u64::try_from(begun.elapsed().as_nanos()).unwrap());
            }))
            .await;
        }
    }
}

/// Sends one `GET`; returns the body as text.
pub fn get(port: u16, path: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = Connection::open(port).await;
        connection.call(format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").as_bytes()).await;
        String::from_utf8(connection.body().to_vec()).unwrap()
    })
}
