//! The demo bots: they answer activities as bots built on the SDKs do, and tell the user who is signed in. And a look at
//! whether the bots that run elsewhere answer.
//!
//! Owns the checks of incoming activities, the answers, and the list of received activities. It deliberately does not
//! know how the gateway works: the bots only call the gateway's public address.

mod answers;
mod bot_watch;
mod demo_bot;
mod inboxes;
mod turn;

#[cfg(test)]
mod demo_bot_tests;

pub use bot_watch::SilentBot;
pub(in crate::dev) use bot_watch::{find_silent_bots, watch_silent_bots};
pub(in crate::dev) use demo_bot::{DemoBots, routes};
pub(in crate::dev) use inboxes::Inboxes;
pub(in crate::dev) use turn::BotServices;
