//! The demo bots: they answer activities as bots built on the SDKs do, and say who the user is.
//!
//! Owns the bots' checks, their answers and the activities that they have received. It deliberately does not know how
//! the gateway works: the bots call its public address only.

mod answers;
mod demo_bot;
mod gateway;
mod inboxes;
mod turn;

#[cfg(test)]
mod demo_bot_tests;

pub(in crate::dev) use demo_bot::{DemoBots, routes};
pub(in crate::dev) use gateway::GatewayAddress;
pub(in crate::dev) use inboxes::Inboxes;
pub(in crate::dev) use turn::BotServices;
