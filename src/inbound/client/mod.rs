//! Who is at the other end of a connection: the client's address behind trusted proxies, its network, and whether it is on
//! this machine.
//!
//! Owns the reading of forwarding headers. It deliberately knows no caller: an address proves nothing about who calls.

mod address;
mod local;
mod network;

pub(super) use address::show_address;
pub(super) use local::{is_from_this_machine, is_from_web_page};

pub use address::{TrustedProxies, read_forwarded_hop};
pub use network::ClientNetwork;
