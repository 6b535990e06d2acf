//! The door of back ends: what other servers exchange, ask and revoke by the standard endpoints of OAuth, and how they prove
//! who they are.

mod assertions;
mod authentication;
mod described;
mod exchange;
mod fixture;
mod introspection;
mod parameters;
mod provider_failures;
mod real_clients;
mod reload;
mod revocation;
mod sessions;
