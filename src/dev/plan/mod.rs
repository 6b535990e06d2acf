//! The plan of a stage: the bots, connections and users that a person has written, in a file or on the command line.
//!
//! Owns the form of the file (docs/playground.md §The stage file), its defaults and the checks of its values. It
//! deliberately does not know what the stage does with the entries.

mod bot_address;
mod build;
mod checks;
mod file;
mod own_bot;
mod problem;
mod write;

#[cfg(test)]
mod plan_tests;

pub use bot_address::BotHosts;
pub(in crate::dev) use bot_address::is_remote_plain_http;
pub use build::read_stage_file;
pub use own_bot::{OwnBot, add_own_bot};
pub use problem::PlanProblem;
pub use write::write_stage_file;
