//! An API that records the calls of bot-sso and answers as a test says.

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::harness::raw::ScriptedServer;

/// What the API answers if nothing else is said.
const ADA: &str = r#"{"displayName":"Ada Lovelace"}"#;

/// The API, with the answers to its next calls.
pub struct Api {
    server: ScriptedServer,
    answers: Arc<Mutex<VecDeque<String>>>,
}

/// A call of the API.
#[derive(Debug)]
pub struct ApiCall {
    pub method: String,
    /// The path and the query, as they came.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl ApiCall {
    fn parse(request: &str) -> Self {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let mut words = lines.next().unwrap().split(' ');
        let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        Self { method, target, headers, body: body.to_owned() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The token that the call carries.
    pub fn bearer(&self) -> &str {
        self.header("authorization").unwrap().strip_prefix("Bearer ").unwrap()
    }
}

/// An answer with a body and these header lines, each of which ends with a line break.
pub fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

/// A 401, with a challenge if it is not empty.
pub fn unauthorized(challenge: &str) -> String {
    let challenge = if challenge.is_empty() { String::new() } else { format!("www-authenticate: {challenge}\r\n") };
    answer("401 Unauthorized", &challenge, &json!({ "error": { "code": "InvalidAuthenticationToken" } }).to_string())
}

impl Api {
    pub fn start() -> Self {
        let answers = Arc::new(Mutex::new(VecDeque::new()));
        let next = answers.clone();
        let server = ScriptedServer::start(move |stream| {
            let next: Option<String> = next.lock().unwrap().pop_front();
            let next = next.unwrap_or_else(|| answer("200 OK", "content-type: application/json\r\n", ADA));
            let _ = stream.write_all(next.as_bytes());
        });
        Self { server, answers }
    }

    /// The base of the API's addresses.
    pub fn base(&self) -> String {
        self.server.url("/v1.0")
    }

    /// Says what the next call is answered.
    pub fn answer_next(&self, answer: String) {
        self.answers.lock().unwrap().push_back(answer);
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<ApiCall> {
        self.server.requests().iter().map(|request| ApiCall::parse(request)).collect()
    }

    /// What the API says of Ada.
    pub fn ada() -> Value {
        serde_json::from_str(ADA).unwrap()
    }
}
