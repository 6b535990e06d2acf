//! The protected resource of the tenants: a small part of Microsoft Graph.
//!
//! Owns the resources and their answers. It deliberately does not know who may call them: bots and add-ins get their tokens
//! from the tenants.

mod resource;

#[cfg(test)]
mod graph_tests;

pub(in crate::dev) use resource::{Graph, routes};
