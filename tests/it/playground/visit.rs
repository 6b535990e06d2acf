//! A developer at the page.

use std::net::TcpListener;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::peers::{Peer, Program};
use crate::harness::{ADMIN_TOKEN, Harness, Options, Surroundings};

/// How a developer looks at the page.
#[derive(Clone, Copy)]
pub struct View {
    /// The colour scheme: `light` or `dark`.
    pub scheme: &'static str,
    /// The width of the window, in pixels.
    pub width: u32,
}

pub const DESKTOP: View = View { scheme: "light", width: 1200 };
pub const PHONE: View = View { scheme: "dark", width: 360 };

/// What a visit has shown.
pub struct Seen {
    /// The results of the steps that have one, in their order.
    pub results: Vec<Value>,
    /// The browser's errors, without those of refused posts: a browser reports each 502 by itself.
    pub complaints: Vec<String>,
    /// The number of refused posts.
    pub refused_posts: usize,
    /// The number of streams that the page has opened as web sockets.
    pub sockets: u64,
}

impl Seen {
    pub fn of(&self, step: &str) -> Vec<&Value> {
        self.results.iter().filter(|result| result["step"] == step).collect()
    }

    /// The result of the last look at the page.
    pub fn last_look(&self) -> &Value {
        self.of("look").last().copied().unwrap()
    }
}

/// Starts the application with the page, and the stage's own bot.
pub async fn start() -> Harness {
    start_with(surroundings_with_libraries().await).await
}

/// Starts the application with the page, and a bot that does not run.
pub async fn start_without_bot() -> Harness {
    let surroundings = surroundings_with_libraries().await;
    surroundings.stage.attach_gateway(&surroundings.base);
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = Some(format!("http://127.0.0.1:{port}/api/messages"));
    surroundings.run(&Options { endpoint, operations: true, reachable: true, ..Options::default() }).await
}

async fn surroundings_with_libraries() -> Surroundings {
    let surroundings = Surroundings::start().await;
    let libraries = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/web-chat");
    let loaded = surroundings.stage.load_web_chat(&libraries);
    loaded.unwrap_or_else(|error| panic!("{error}: run scripts/web-chat"));
    surroundings
}

/// Starts the application with the page, which has libraries only if they were loaded.
pub async fn start_with(surroundings: Surroundings) -> Harness {
    surroundings.stage.attach_gateway(&surroundings.base);
    let endpoint = Some(format!("{}/demo-bots/demo/api/messages", surroundings.stage.http_base()));
    surroundings.run(&Options { endpoint, operations: true, reachable: true, ..Options::default() }).await
}

/// Opens the page with `query` and takes the steps of `tests/peers/browser/playground.mjs`.
pub async fn visit(harness: &Harness, label: &str, query: &str, view: View, steps: Value) -> Seen {
    let label = format!("playground-{label}");
    let screenshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-logs").join(&label);
    let home = harness.directory.path().join("browser");
    std::fs::create_dir_all(&home).unwrap();
    let page = harness.stage.manifest(&harness.base)["web_chat"]["page"].as_str().unwrap().to_owned();
    let environment = [
        ("PAGE", format!("{page}{query}")),
        ("STEPS", steps.to_string()),
        ("SCHEME", view.scheme.to_owned()),
        ("WIDTH", view.width.to_string()),
        ("SCREENSHOTS", screenshots.display().to_string()),
        ("HOME", home.display().to_string()),
    ];
    let program = Program { peer: "browser", script: "playground.mjs" };
    let mut results = Peer::start(&program, &label, &environment).finish().await;
    let end = results.pop().unwrap();
    let complaints: Vec<String> = serde_json::from_value(end["complaints"].clone()).unwrap();
    let (refused, complaints): (Vec<_>, Vec<_>) =
        complaints.into_iter().partition(|text| text.contains("status of 502") && text.ends_with("/activities"));
    Seen { results, complaints, refused_posts: refused.len(), sockets: end["sockets"].as_u64().unwrap() }
}

/// The step in which the operator signs `user` out everywhere.
pub fn sign_out_everywhere(harness: &Harness, user: &str) -> Value {
    let user = harness.user(user);
    json!({"call": {
        "url": format!("{}/admin/users/{}@{}/sign-out", harness.operations, user.oid, user.tid),
        "headers": {"authorization": format!("Bearer {ADMIN_TOKEN}")},
    }})
}

/// The step that counts the exchanges until now.
pub fn count_exchanges(harness: &Harness) -> Value {
    json!({"exchanges": format!("{}/dev/calls", harness.stage.http_base())})
}
