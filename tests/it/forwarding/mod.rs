//! Activities that are not part of a sign-in are forwarded: which parts of a request reach the bot, and which parts of
//! its answer reach the caller.

mod answers;
mod limits;
mod odd_activities;
mod requests;
mod time;

use crate::harness::raw::ScriptedServer;
use crate::harness::{Answer, Harness, Options, activities};

/// A harness in which `server` is the bot.
async fn in_front_of(server: &ScriptedServer) -> Harness {
    Harness::with(Options { endpoint: Some(server.url("/api/messages")), ..Options::default() }).await
}

/// A message of Ada.
async fn say(harness: &Harness) -> Answer {
    harness.post(&activities::message(harness, &harness.user("Ada"), "hello")).await
}

/// The bytes of a message of Ada.
fn message(harness: &Harness) -> String {
    activities::message(harness, &harness.user("Ada"), "hello").to_string()
}

/// The head of a request to the bot `demo`, without the empty line that ends it.
fn head(token: &str, more: &str) -> String {
    format!("POST /bots/demo/api/messages HTTP/1.1\r\nhost: bot-sso\r\nauthorization: Bearer {token}\r\n{more}")
}
