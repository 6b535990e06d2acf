//! The stage with its own bots and the application in front of them, as `bot-sso dev` puts them together.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use bot_sso::app::{self, BoundListeners, DevelopmentMode};
use bot_sso::config::{self, Environment};
use bot_sso::dev::{Stage, StageOptions};
use bot_sso::domain::{ClockAndEntropy, SystemClock, SystemEntropy};
use bot_sso::sealing::KeyRing;
use serde_json::{Value, json};

use crate::harness::peers::{Peer, Program};
use crate::harness::{logs, serve_stage};

pub struct ObservedStage {
    pub stage: Stage,
    pub gateway: String,
    pub http: reqwest::Client,
    directory: tempfile::TempDir,
}

impl ObservedStage {
    pub async fn start() -> Self {
        logs::start();
        let directory = tempfile::tempdir().unwrap();
        let ambient = || ClockAndEntropy { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
        let ClockAndEntropy { clock, entropy } = ambient();
        let path = directory.path().to_owned();
        let stage = StageOptions { http_port: 0, https_port: 0, directory: path.join("stage"), clock, entropy };
        let stage = Stage::start(stage, serve_stage).await.unwrap();
        let [public, operations] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let listen = public.local_addr().unwrap().to_string();
        stage.add_operator_listener(&operations.local_addr().unwrap().to_string());
        KeyRing::generate(&SystemClock, &SystemEntropy).create_file(&path.join("bot-sso.keys")).unwrap();
        let gateway = format!("http://{listen}");
        let text = stage.configuration(&gateway, &listen, &path);
        let configuration = config::parse(&text, &Environment::of(stage.secrets())).unwrap();
        let listeners =
            BoundListeners { public: vec![public], operations: vec![operations], ..BoundListeners::default() };
        let development = DevelopmentMode {
            routes: Arc::new(stage.routes(&gateway)),
            anonymous: false,
            observer: Some(stage.exchange_observer()),
        };
        let application = app::build(configuration, ambient(), listeners, Some(development)).await.unwrap();
        tokio::spawn(application.run());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { stage, gateway, http, directory }
    }

    /// The address of a path of the stage.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.stage.http_base())
    }

    pub async fn get_json(&self, path: &str) -> Value {
        read_json(self.http.get(self.url(path)).send().await.unwrap()).await
    }

    /// Posts JSON to a path of the stage, and returns the status and the body.
    pub async fn post_json(&self, path: &str, body: &Value) -> (u16, Value) {
        let answer = json_request(self.http.post(self.url(path)), body).send().await.unwrap();
        (answer.status().as_u16(), read_json(answer).await)
    }

    /// All events that are kept.
    pub async fn events(&self) -> Vec<Value> {
        self.get_json("/playground/events").await["events"].as_array().unwrap().clone()
    }

    /// Sends a command to the switches, and returns the status and what is on then.
    pub async fn switch(&self, command: &Value) -> (u16, Value) {
        self.post_json("/playground/switches", command).await
    }

    /// Runs a scenario of `panel.mjs`: a developer with a real browser looks at the panel while a user chats. Returns what
    /// it printed; the last line is the end, where the browser must have had nothing to complain of.
    pub async fn watch_panel(&self, scenario: &str) -> Vec<Value> {
        let label = format!("panel-{scenario}");
        let screenshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-logs").join(&label);
        let environment = [
            ("STAGE", self.stage.http_base()),
            ("MANIFEST", self.stage.manifest(&self.gateway).to_string()),
            ("SCENARIO", scenario.to_owned()),
            ("SCREENSHOTS", screenshots.display().to_string()),
            ("HOME", self.directory.path().display().to_string()),
        ];
        let program = Program { peer: "browser", script: "panel.mjs" };
        let mut seen = Peer::start(&program, &label, &environment).finish().await;
        let end = seen.pop().unwrap();
        assert_eq!(end["complaints"], json!([]), "{end}");
        seen
    }
}

/// The request with a JSON body.
pub fn json_request(request: reqwest::RequestBuilder, body: &Value) -> reqwest::RequestBuilder {
    request.header("content-type", "application/json").body(body.to_string())
}

/// The body of an answer; `null` if it is no JSON.
pub async fn read_json(answer: reqwest::Response) -> Value {
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default()
}
