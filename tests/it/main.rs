//! The integration tests: the real application on a real port, the local tenant as its identity provider.
#![allow(unreachable_pub, reason = "the harness is a module of this binary")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::missing_panics_doc)]
#![allow(clippy::unused_async, reason = "starting something is written alike, whether it has to wait or not")]

mod architecture;
mod callers;
mod conformance;
mod credentials;
mod forwarding;
mod fuzzing;
mod generic_provider;
mod harness;
mod long_life;
mod msal;
mod openapi;
mod process;
mod real_bot;
mod real_clients;
mod sign_in;
mod smoke;
mod token_service;
