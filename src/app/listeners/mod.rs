//! Sockets, and the bounds of the connections on them.
//!
//! The framework bounds neither the number of a client's connections, nor the bytes that wait to be written, nor the
//! time that a request may take to arrive. Owns the server of one listener, the stream type under the framework's HTTP
//! parser that keeps these bounds, and the table of open connections. It deliberately knows no route.

#[cfg(test)]
mod accept_tests;
mod blank_lines;
mod bound_listeners;
mod bounded_stream;
mod connection;
mod connection_table;
mod current_application;
#[cfg(test)]
mod current_application_tests;
mod open_files;
#[cfg(test)]
mod pieces_tests;
mod request_tracking;
mod server;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod unwanted_body_tests;

pub use bound_listeners::BoundListeners;

pub(super) use bounded_stream::LocalAddress;
pub(super) use connection_table::{ConnectionLimits, ConnectionTable};
pub(super) use current_application::Generation;
pub(super) use open_files::raise_open_file_limit;
pub(super) use server::{ListenerServer, ServerSettings, worker_count};
