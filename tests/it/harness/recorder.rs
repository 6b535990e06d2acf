//! A bot that records the requests it receives and answers as a test configures it.

use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::watch;

use super::waiting::wait_until;

/// A request that the bot received.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// The bot's answer to a request.
#[derive(Clone, Debug)]
pub struct Behaviour {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, &'static str)>,
    /// The answer's body.
    pub body: Vec<u8>,
    /// The bot answers only after the test has opened this gate.
    pub gate: Option<Gate>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { status: 200, content_type: "application/json", headers: Vec::new(), body: Vec::new(), gate: None }
    }
}

impl Behaviour {
    pub fn answering(status: u16, body: &str) -> Self {
        Self { status, body: body.as_bytes().to_vec(), ..Self::default() }
    }

    /// The same answer, sent only after `gate` is opened.
    pub fn behind(self, gate: &Gate) -> Self {
        Self { gate: Some(gate.clone()), ..self }
    }

    /// The bot never answers.
    pub fn silent() -> Self {
        Self::default().behind(&Gate::default())
    }
}

/// A gate is closed until a test opens it. Its clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    async fn pass(&self) {
        // `self` holds the sender, so the channel cannot be closed.
        let _ = self.0.subscribe().wait_for(|is_open| *is_open).await;
    }
}

#[derive(Default)]
struct State {
    received: Mutex<Vec<Received>>,
    /// The answers to the next requests, in reverse order. The last one stays.
    behaviours: Mutex<Vec<Behaviour>>,
}

/// The recording bot.
#[derive(Clone)]
pub struct RecorderBot {
    state: Arc<State>,
    port: u16,
}

impl RecorderBot {
    pub async fn start() -> Self {
        let state = Arc::new(State::default());
        let shared = web::Data::from(state.clone());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .app_data(web::PayloadConfig::new(1 << 23))
                .default_service(web::to(receive))
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
        let port = server.addrs()[0].port();
        tokio::spawn(server.run());
        Self { state, port }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}/api/messages", self.port)
    }

    /// Sets the answer to every later request.
    pub fn behave(&self, behaviour: Behaviour) {
        *self.state.behaviours.lock().unwrap() = vec![behaviour];
    }

    /// Sets one answer for each of the next requests. The last one stays.
    pub fn behave_in_turn(&self, mut behaviours: Vec<Behaviour>) {
        behaviours.reverse();
        *self.state.behaviours.lock().unwrap() = behaviours;
    }

    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// Waits until the bot has received `count` requests, and returns all of them.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        let what = format!("{count} requests of the bot's");
        wait_until(&what, async || self.received().len() >= count).await;
        self.received()
    }
}

async fn receive(request: HttpRequest, body: Bytes, state: web::Data<State>) -> HttpResponse {
    let headers = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let received = Received { path: request.uri().to_string(), headers, body: body.to_vec() };
    state.received.lock().unwrap().push(received);
    let behaviour = {
        let mut behaviours = state.behaviours.lock().unwrap();
        if behaviours.len() > 1 { behaviours.pop() } else { behaviours.last().cloned() }.unwrap_or_default()
    };
    if let Some(gate) = &behaviour.gate {
        gate.pass().await;
    }
    let mut response = HttpResponse::build(actix_web::http::StatusCode::from_u16(behaviour.status).unwrap());
    for (name, value) in behaviour.headers {
        response.append_header((name, value));
    }
    if behaviour.body.is_empty() {
        return response.finish();
    }
    response.content_type(behaviour.content_type).body(behaviour.body)
}
