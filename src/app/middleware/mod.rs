//! What every request of a listener passes before it reaches a door.
//!
//! Owns the limit of wrong bearers, the names under which a listener answers, and that a request runs to its end. It
//! deliberately reads no body and knows no caller.

mod completion;
mod guess_guard;
mod host_names;

pub(super) use completion::run_to_end;
pub(super) use guess_guard::{OperatorGuesses, limit_guesses};
pub(super) use host_names::HostNames;
