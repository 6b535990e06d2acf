use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data};
use serde::Deserialize;
use serde_json::json;

use super::chat_channel::{ChatChannel, ChatPlace};
use super::refusal::DirectLineRefusal;
use super::service::DirectLine;
use super::tokens::TOKEN_LIFETIME;
use crate::dev::channel::teams::ConversationKind;

/// The body of `POST /web-chat/token`.
#[derive(Deserialize)]
struct TokenOrder {
    /// A user of the stage: short name, principal name or object id.
    user: Option<String>,
    /// Name of the bot; the first one if absent.
    bot: Option<String>,
    channel: Option<ChatChannel>,
    /// The kind of a conversation in Teams; personal if absent.
    conversation: Option<ConversationKind>,
}

/// Answers `POST /web-chat/token` as the back end of a site does, after it has signed its own user in: a token for a new
/// conversation of this user.
pub(super) async fn give_token(body: Bytes, line: Data<DirectLine>) -> Result<HttpResponse, DirectLineRefusal> {
    let order: TokenOrder = serde_json::from_slice(&body).map_err(|_| {
        DirectLineRefusal::BadArgument("The body is not valid: {\"user\", \"bot\"?, \"channel\"?, \"conversation\"?}.")
    })?;
    let directory = &line.users.directory;
    let user = order.user.ok_or(DirectLineRefusal::MissingProperty("user"))?;
    let user = directory.find_user(&user).ok_or(DirectLineRefusal::BadArgument("The stage has no such user."))?;
    let bot = match &order.bot {
        Some(name) => directory.find_bot(name),
        None => directory.bots.first(),
    };
    let bot = bot.ok_or(DirectLineRefusal::BadArgument("The stage has no such bot."))?;
    let channel = order.channel.unwrap_or(ChatChannel::WebChat);
    let kind = order.conversation.unwrap_or_default();
    if kind != ConversationKind::Personal && channel != ChatChannel::Teams {
        return Err(DirectLineRefusal::BadArgument("Only conversations of msteams are of the kind group or channel."));
    }
    let user_id = line.users.id_of(user, channel);
    let binding = line.bind_new(bot.name, &user_id, ChatPlace { channel, kind });
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(json!({
        "token": line.tokens.mint(&binding)?,
        "conversationId": binding.conversation,
        "expires_in": TOKEN_LIFETIME,
        "userId": user_id,
    })))
}
