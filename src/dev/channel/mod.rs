//! The channel: the issuer of tokens for Teams, Web Chat and Direct Line, the Bot Connector to which bots send activities,
//! and Direct Line for the clients of Web Chat.
//!
//! Owns the channel's keys and credentials, the recorded calls of bots, and the conversations of Direct Line. It deliberately knows nothing of the demo
//! bots: any bot of the directory with a token of the tenant may send.

mod connector;
mod direct_line;
mod endpoints;
mod issuer;
mod keys;
mod members;
mod sent_tokens;
mod sink;
mod teams;

#[cfg(test)]
mod channel_tests;

use actix_web::web::ServiceConfig;

pub(in crate::dev) use connector::Connector;
pub(in crate::dev) use direct_line::{
    BOT_TIMEOUT, BotDelivery, ChatUsers, Conversations, DirectLine, DirectLineTokens, Uploads, direct_line_secret,
};
pub(in crate::dev) use endpoints::{CHANNEL_CLIENT_ID, CHANNEL_CLIENT_SECRET, ChannelEndpoints};
pub(in crate::dev) use issuer::ChannelIssuer;
pub(in crate::dev) use keys::{ChannelKeys, ENDORSED_CHANNELS};
pub(in crate::dev) use members::channel_user_id;
pub(in crate::dev) use sent_tokens::{SentTokens, TokenAlteration};
pub(in crate::dev) use sink::ConnectorSink;

/// The routes of the channel's issuer, of Direct Line and of the Bot Connector.
pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    endpoints::routes(config);
    // The attachments of Direct Line are below the connector's address, with guards of their own.
    direct_line::routes(config);
    connector::routes(config);
}
