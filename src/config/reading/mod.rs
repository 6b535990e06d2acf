//! Reads the file and the environment into the raw sections: every key as it is written, valid or not.
//!
//! Owns the syntax, the only access to the process's environment, the rules by which variables override the file, and
//! the messages about unknown keys and wrong types. It deliberately does not know what a value means: the sections and
//! [`review`](super::review) do.

mod environment;
mod opentelemetry;
mod overlay;
mod raw;
mod read;
mod shapes;
mod suggestion;
mod texts;
mod variables;

#[cfg(test)]
mod environment_tests;
#[cfg(test)]
mod read_tests;

pub use environment::{Environment, temporary_directory};
pub use suggestion::explain as explain_complaint;

pub(in crate::config) use raw::RawConfiguration;
pub(in crate::config) use read::Source;
