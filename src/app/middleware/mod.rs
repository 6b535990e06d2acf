//! What every request of a listener passes before it reaches a door.
//!
//! Owns the limit of wrong bearers, and the names under which a listener answers. It deliberately reads no body and knows
//! no caller.

mod guess_guard;
mod host_names;

pub(super) use guess_guard::{OperatorGuesses, limit_guesses};
pub(super) use host_names::HostNames;
