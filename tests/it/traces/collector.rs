//! A collector that keeps what it gets, which OpenTelemetry's own messages for Python decode.

use serde_json::Value;

use crate::harness::peers::{Peer, Program};
use crate::harness::waiting::wait_for;
use crate::harness::{Behaviour, Harness, Options, RecorderBot};

/// The bearer that the collector wants.
pub const COLLECTOR_TOKEN: &str = "Bearer the-collectors-secret-of-the-local-stage";

pub struct Collector {
    server: RecorderBot,
}

impl Collector {
    pub async fn start() -> Self {
        let server = RecorderBot::start().await;
        server.behave(Behaviour::answering(200, ""));
        Self { server }
    }

    /// Options with which the application sends its spans here, with the lines `more` in its section.
    pub fn options(&self, more: &str) -> Options {
        let endpoint = self.server.endpoint().replace("/api/messages", "/v1/traces");
        let appended = format!(
            "[traces]\nendpoint = \"{endpoint}\"\nheaders = {{ authorization = {{ env = \"COLLECTOR_TOKEN\" }} }}\n{more}\n"
        );
        let environment = vec![("COLLECTOR_TOKEN".to_owned(), COLLECTOR_TOKEN.to_owned())];
        Options { operations: true, appended, environment, ..Options::default() }
    }

    /// All bytes of the requests so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.server.received().iter().flat_map(|request| request.body.clone()).collect()
    }

    /// Waits until a span with this name and the trace's id has arrived, and returns all spans, decoded.
    pub async fn spans_once(&self, harness: &Harness, name: &str, trace_id: &str) -> Vec<Value> {
        let id: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&trace_id[at * 2..at * 2 + 2], 16).unwrap()).collect();
        let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        wait_for("the span", async || {
            let all = self.bytes();
            (holds(&all, name.as_bytes()) && holds(&all, &id)).then_some(())
        })
        .await;
        self.spans(harness).await
    }

    /// The spans so far, decoded.
    pub async fn spans(&self, harness: &Harness) -> Vec<Value> {
        let folder = harness.directory.path().join("exports");
        std::fs::create_dir_all(&folder).unwrap();
        for (number, request) in self.server.received().iter().enumerate() {
            assert_eq!(request.path, "/v1/traces");
            assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
            assert_eq!(request.header("authorization"), Some(COLLECTOR_TOKEN));
            assert_eq!(request.header("traceparent"), None, "exports are no part of a trace");
            std::fs::write(folder.join(format!("{number:04}")), &request.body).unwrap();
        }
        let program = Program { peer: "otlp", script: "decode.py" };
        Peer::start(&program, "otlp", &[("EXPORTS", folder.display().to_string())]).finish().await
    }
}

/// The spans of a trace, in the order of their beginnings.
pub fn of_trace<'s>(spans: &'s [Value], trace_id: &str) -> Vec<&'s Value> {
    let mut found: Vec<&Value> = spans.iter().filter(|span| span["trace_id"] == trace_id).collect();
    found.sort_by_key(|span| span["begin"].as_u64());
    found
}

/// The one span whose name begins with `name`.
pub fn named<'s>(spans: &[&'s Value], name: &str) -> &'s Value {
    let found: Vec<&&Value> = spans.iter().filter(|span| span["name"].as_str().unwrap().starts_with(name)).collect();
    let [one] = found.as_slice() else { panic!("{name}: {spans:#?}") };
    one
}
