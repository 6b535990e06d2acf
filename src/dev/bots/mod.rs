//! The demo bots: they answer activities as bots built on the SDKs do, and tell the user who is signed in.
//!
//! Owns the checks of incoming activities, the answers, and the list of received activities. It deliberately does not
//! know how the gateway works: the bots only call the gateway's public address.

mod answers;
mod demo_bot;
mod inboxes;
mod turn;

#[cfg(test)]
mod demo_bot_tests;

pub(in crate::dev) use demo_bot::{DemoBots, routes};
pub(in crate::dev) use inboxes::Inboxes;
pub(in crate::dev) use turn::BotServices;
