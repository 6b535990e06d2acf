//! The management API of directories.

mod access;
mod hang_ups;
mod identities;
mod logout_addresses;
mod self_service;
mod settings;
mod users;
