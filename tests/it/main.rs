//! The integration tests: the real application on a real port, the local tenant as its identity provider.
#![allow(unreachable_pub, reason = "the harness is a module of this binary")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::missing_panics_doc)]

mod architecture;
mod conformance;
mod harness;
mod msal;
mod real_bot;
mod smoke;
