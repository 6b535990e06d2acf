//! Direct Line: the protocol of Web Chat, in the subset of Direct Line 3.0 that its client library uses.
//!
//! Owns the conversations of stage users with bots, the tokens that are bound to one conversation and one user, and the
//! uploaded files. It calls a bot through the gateway, as a channel does. It deliberately does not know what a bot or the
//! gateway answers to an activity: an answer outside of 2xx is a failure of the bot. The other half of a conversation, what
//! bots send, comes in through the Bot Connector (`connector.rs`).

mod activity_log;
mod bot_activity;
mod bot_delivery;
mod chat_channel;
mod chat_users;
mod client_activity;
mod client_endpoints;
mod conversation;
mod conversations;
mod credential;
mod refusal;
mod service;
mod site_back_end;
mod stream;
mod tokens;
mod upload_form;
mod uploads;

#[cfg(test)]
mod bounds_tests;
#[cfg(test)]
mod delivery_tests;

use actix_web::middleware::{ErrorHandlers, from_fn};
use actix_web::web::{self, ServiceConfig};

pub(super) use bot_activity::{accept_from_bot, change_from_bot};
pub(in crate::dev) use bot_delivery::{BOT_TIMEOUT, BotDelivery};
pub(in crate::dev) use chat_users::ChatUsers;
pub(super) use conversation::Conversation;
pub(in crate::dev) use conversations::Conversations;
pub(in crate::dev) use credential::direct_line_secret;
pub(in crate::dev) use service::DirectLine;
pub(in crate::dev) use tokens::DirectLineTokens;
pub(in crate::dev) use uploads::Uploads;

use crate::dev::admission::admit_page_origins;

/// The routes for clients, and the site's own route that gives a user a token.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(
            web::scope("/v3/directline")
                .wrap(ErrorHandlers::new().default_handler(refusal::put_in_form))
                .wrap(from_fn(admit_page_origins))
                .route("/tokens/generate", web::post().to(client_endpoints::generate_token))
                .route("/tokens/refresh", web::post().to(client_endpoints::refresh_token))
                .route("/session/getsessionid", web::get().to(client_endpoints::give_session_id))
                .route("/conversations", web::post().to(client_endpoints::start_conversation))
                .route("/conversations/{conversation}", web::get().to(client_endpoints::reconnect))
                .route("/conversations/{conversation}/activities", web::get().to(client_endpoints::list_activities))
                .route("/conversations/{conversation}/activities", web::post().to(client_endpoints::post_activity))
                .route("/conversations/{conversation}/upload", web::post().to(client_endpoints::post_files))
                .route("/conversations/{conversation}/stream", web::get().to(stream::open_stream)),
        )
        .service(
            web::resource("/web-chat/token")
                .wrap(ErrorHandlers::new().default_handler(refusal::put_in_form))
                .wrap(from_fn(admit_page_origins))
                .route(web::post().to(site_back_end::give_token)),
        )
        .service(
            web::scope("/connector/v3/attachments")
                .wrap(from_fn(admit_page_origins))
                .route("/{attachment}", web::get().to(uploads::describe_attachment))
                .route("/{attachment}/views/{view}", web::get().to(uploads::serve_attachment)),
        );
}
