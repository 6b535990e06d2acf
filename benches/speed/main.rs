//! The bench measures bot-sso and bare servers of the same framework end to end in one run. This program plays every
//! role except bot-sso itself, each role in a process of its own: the identity side (key sets and an instant token
//! endpoint), the two compared servers, and the load generator. `wrk` and `oha` cannot generate this load: the mix
//! *dup* sends one exchange on four connections at the same instant, and *cold* needs a different token in every
//! request. `scripts/bench` and `scripts/bench-users` start the bench.

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

mod back_ends;
mod client;
mod compared;
mod comparisons;
mod directory;
mod directory_users;
mod further;
mod growth;
mod identity_side;
mod instructions;
mod load;
mod mixes;
mod passing;
mod processes;
mod replicas;
mod setting;
mod signing;
mod skills;
mod table;
mod users;

use std::path::Path;

use crate::comparisons::{compare_with_ceiling, kept_history};
use crate::mixes::Sizes;

fn main() {
    // `cargo bench` appends an argument of its own, which the bench ignores.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["identity-side", directory] => identity_side::serve(Path::new(directory)),
        ["bare"] => compared::serve(None),
        ["bare-proxy", bot_url] => passing::serve_proxy(bot_url),
        ["verifying", directory] => compared::serve(Some(Path::new(directory))),
        ["run", server, directory, with] => {
            mixes::run(Path::new(server), Path::new(directory), Sizes::WHOLE, *with == "node");
        }
        ["quick", server, directory, with] => {
            mixes::run(Path::new(server), Path::new(directory), Sizes::QUICK, *with == "node");
        }
        ["training", server, directory] => {
            mixes::run(Path::new(server), Path::new(directory), Sizes::TRAINING, false);
        }
        ["redis", server, directory] => replicas::run(Path::new(server), Path::new(directory), Sizes::WHOLE),
        ["redis-quick", server, directory] => replicas::run(Path::new(server), Path::new(directory), Sizes::QUICK),
        ["hot", server, directory] => mixes::sustain(Path::new(server), Path::new(directory)),
        ["passing-on", server, directory] => passing::sustain(Path::new(server), Path::new(directory)),
        ["count", server, directory] => {
            if !instructions::run(Path::new(server), Path::new(directory), false) {
                std::process::exit(1);
            }
        }
        ["set-budgets", server, directory] => {
            instructions::run(Path::new(server), Path::new(directory), true);
        }
        ["stand", results, skipped] => {
            let skipped = skipped.parse().expect("a number of lines");
            compare_with_ceiling(Path::new(results), skipped, &kept_history());
        }
        ["users", server, directory, counts @ ..] => {
            growth::run(Path::new(server), Path::new(directory), &numbers(counts), false);
        }
        ["users-redis", server, directory, counts @ ..] => {
            growth::run(Path::new(server), Path::new(directory), &numbers(counts), true);
        }
        ["aging", directory, exchanges] => {
            growth::age(Path::new(directory), exchanges.parse().expect("a number of exchanges"));
        }
        ["aging-server", directory] => growth::serve_aging(Path::new(directory)),
        ["directory", server, directory, count] => {
            directory_users::run(Path::new(server), Path::new(directory), count.parse().expect("a number of users"));
        }
        ["load-directory", directory, count] => {
            directory_users::load(Path::new(directory), count.parse().expect("a number"));
        }
        ["load-users", directory, count] => users::load(Path::new(directory), count.parse().expect("a number")),
        ["hold-users", directory, count] => users::hold(Path::new(directory), count.parse().expect("a number")),
        _ => eprintln!("run it through scripts/bench or scripts/bench-users"),
    }
}

fn numbers(words: &[&str]) -> Vec<usize> {
    words.iter().map(|word| word.parse().expect("a number of users")).collect()
}
