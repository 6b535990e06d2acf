//! The bench: bot-sso against bare servers of the same framework, measured end to end in one run.
//!
//! One program that plays every part but bot-sso's own, each part in a process of its own: the identity side (key sets
//! and an instant token endpoint), the two servers compared with, and the load. The load is our own and not `wrk` or
//! `oha`: the mix *dup* sends one exchange on four connections at the same instant, and *cold* needs a token of its own
//! in every request; neither can be said to those. `scripts/bench` and `scripts/bench-users` call it.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a measuring program: what goes wrong ends it, and it reads the machine's own clock"
)]

mod client;
mod compared;
mod identity_side;
mod instructions;
mod load;
mod mixes;
mod processes;
mod setting;
mod signing;
mod table;
mod users;

use std::path::Path;

use crate::mixes::Sizes;

fn main() {
    // `cargo bench` adds an argument of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["identity-side", directory] => identity_side::serve(Path::new(directory)),
        ["bare"] => compared::serve(None),
        ["verifying", directory] => compared::serve(Some(Path::new(directory))),
        ["run", server, directory, with] => {
            mixes::run(Path::new(server), Path::new(directory), Sizes::WHOLE, *with == "node");
        }
        ["quick", server, directory, with] => {
            mixes::run(Path::new(server), Path::new(directory), Sizes::QUICK, *with == "node");
        }
        ["hot", server, directory] => mixes::sustain(Path::new(server), Path::new(directory)),
        ["count", server, directory] => instructions::run(Path::new(server), Path::new(directory)),
        ["users", server, directory, count] => {
            users::run(Path::new(server), Path::new(directory), count.parse().expect("a number of users"));
        }
        ["load-users", directory, count] => users::load(Path::new(directory), count.parse().expect("a number")),
        ["hold-users", directory, count] => users::hold(Path::new(directory), count.parse().expect("a number")),
        _ => eprintln!("run it through scripts/bench or scripts/bench-users"),
    }
}
