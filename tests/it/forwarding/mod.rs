//! What is not ours is forwarded: what of a request reaches the bot, what of its answer reaches the caller.

mod answers;
mod limits;
mod odd_activities;
mod requests;
mod time;

use crate::harness::raw::ScriptedServer;
use crate::harness::{Answer, Harness, Options, activities};

/// A harness whose bot is `server`.
async fn in_front_of(server: &ScriptedServer) -> Harness {
    Harness::with(Options { endpoint: Some(server.url("/api/messages")), ..Options::default() }).await
}

/// Ada says something.
async fn say(harness: &Harness) -> Answer {
    harness.post(&activities::message(harness, &harness.user("Ada"), "hello")).await
}

/// A message of Ada's as bytes.
fn message(harness: &Harness) -> String {
    activities::message(harness, &harness.user("Ada"), "hello").to_string()
}

/// A request's head as the bot `demo` is posted to, without the line that ends it.
fn head(token: &str, more: &str) -> String {
    format!("POST /bots/demo/api/messages HTTP/1.1\r\nhost: bot-sso\r\nauthorization: Bearer {token}\r\n{more}")
}
