//! bot-sso: single sign-on for bots, in one self-hosted binary.
//!
//! The rooms and who may import whom are described in the README and held by `tests/it/architecture.rs`.

pub mod app;
pub mod bot_connector;
pub mod cards;
pub mod cli;
pub mod config;
#[cfg(feature = "stage")]
pub mod dev;
pub mod domain;
pub mod endpoints;
pub mod exchange;
pub mod identity_provider;
pub mod inbound;
pub mod observability;
pub mod outbound;
pub mod protocol;
pub mod records;
pub mod sealing;
pub mod sign_in;
pub mod sign_out;
pub mod single_flight;
pub mod store;
pub mod token_validation;
pub mod vault;
