//! The management API of directories.

mod access;
mod hang_ups;
mod settings;
mod users;
