//! Single sign-on for bots, in one self-hosted binary.
//!
//! This page is `docs/architecture.md`. Each room begins with a paragraph of its own: follow the modules at the end of the
//! page. `docs/protocols/` has the facts about the protocols of others. `CONTRIBUTING.md` says how to build, test and
//! write. `tests/it/architecture/tables.rs` holds the rooms and who may import whom, as the tests check it.
//!
#![doc = include_str!("../docs/architecture.md")]

pub mod accounts;
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
pub mod pages;
pub mod protocol;
pub mod records;
pub mod sealing;
pub mod sessions;
pub mod sign_in;
pub mod sign_out;
pub mod single_flight;
pub mod store;
pub mod token_issuer;
pub mod token_validation;
pub mod vault;
