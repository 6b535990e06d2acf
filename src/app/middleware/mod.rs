//! What every request of a listener passes before it reaches a door.
//!
//! Owns the limit of wrong bearers, and the names under which a listener answers. It deliberately reads no body and knows
//! no caller.

mod guess_guard;
mod host_names;
#[cfg(test)]
mod host_names_tests;
mod host_refusals;
mod optional;

use crate::endpoints::health;
use crate::inbound::Door;

pub(super) use guess_guard::{OperatorGuesses, limit_guesses};
pub(super) use host_names::{HostNames, require_host};
pub(super) use host_refusals::HostRefusals;
pub(super) use optional::Optional;

/// Whether `path` is that of a health check, which needs no bearer.
fn is_health_check(path: &str) -> bool {
    is_path_of(&health::DOOR, path)
}

fn is_path_of(door: &Door, path: &str) -> bool {
    door.operations.iter().any(|operation| operation.path == path)
}
