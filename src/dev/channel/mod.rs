//! The channel: the issuer of tokens for Teams, Web Chat and Direct Line, and the Bot Connector to which bots send
//! activities.
//!
//! Owns the channel's keys and credentials, and the recorded calls of bots. It deliberately knows nothing of the demo
//! bots: any bot of the directory with a token of the tenant may send.

mod connector;
mod endpoints;
mod issuer;
mod keys;
mod members;
mod sink;

#[cfg(test)]
mod channel_tests;

use actix_web::web::ServiceConfig;

pub(in crate::dev) use connector::Connector;
pub(in crate::dev) use endpoints::{CHANNEL_CLIENT_ID, CHANNEL_CLIENT_SECRET, ChannelEndpoints};
pub(in crate::dev) use issuer::ChannelIssuer;
pub(in crate::dev) use keys::{ChannelKeys, ENDORSED_CHANNELS};
pub(in crate::dev) use members::channel_user_id;
pub(in crate::dev) use sink::ConnectorSink;

/// The routes of the channel's issuer and of the Bot Connector.
pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    endpoints::routes(config);
    connector::routes(config);
}
