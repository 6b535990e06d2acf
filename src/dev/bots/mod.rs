//! The demo bots: they answer activities as bots built on the SDKs do, and tell the user who is signed in. One is an assistant,
//! which passes messages on to two skills. And a look at whether the bots that run elsewhere answer.
//!
//! Owns the checks of incoming activities, the answers, and the list of received activities. It deliberately does not
//! know how the gateway works: the bots only call the gateway's public address.

mod answers;
mod assistant;
mod bot_calls;
mod bot_watch;
mod demo_bot;
mod hosted;
mod inboxes;
mod skill_host;
mod turn;

use actix_web::web::ServiceConfig;

#[cfg(test)]
mod assistant_tests;
#[cfg(test)]
mod demo_bot_tests;

pub(in crate::dev) use bot_calls::BotServices;
pub use bot_watch::SilentBot;
pub(in crate::dev) use bot_watch::{find_silent_bots, watch_silent_bots};
pub(in crate::dev) use demo_bot::DemoBots;
pub(in crate::dev) use hosted::HostedConversations;

/// The routes of the demo bots, and of the skill hosts by which their skills speak to the user.
pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    demo_bot::routes(config);
    skill_host::routes(config);
}
