//! bot-sso: single sign-on for bots, in one self-hosted binary.
//!
//! The rooms and who may import whom are described in the README and held by `tests/it/architecture.rs`.

pub mod dev;
pub mod domain;
pub mod outbound;
