use actix_web::HttpResponse;
use serde_json::json;

use super::assistant::{find_last_skill, find_named_skill, pass_on};
use super::bot_calls::BotCallError;
use super::turn::{BotTurn, Sender};
use crate::dev::jwt::text_member;

/// Handles one activity that a demo bot received, and returns the HTTP answer.
pub(super) async fn answer_activity(turn: &BotTurn<'_>) -> Result<HttpResponse, BotCallError> {
    let kind = text_member(turn.activity, "type").unwrap_or_default();
    let name = text_member(turn.activity, "name").unwrap_or_default();
    match (kind, name) {
        ("message", _) => handle_message(turn).await,
        ("event", "tokens/response") => handle_delivered_token(turn).await,
        ("invoke", "signin/tokenExchange") => handle_forwarded_exchange(turn).await,
        ("invoke", "signin/verifyState") => handle_forwarded_code(turn).await,
        ("invoke", "signin/failure") => Ok(HttpResponse::Ok().finish()),
        ("invoke", _) => Ok(HttpResponse::NotImplemented().finish()),
        _ => Ok(HttpResponse::Ok().finish()),
    }
}

/// Whether `text` has the form of a magic code, which the last sign-in page shows to the user.
fn is_magic_code(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Handles a magic code that the user typed into the chat.
async fn handle_typed_code(turn: &BotTurn<'_>, code: &str) -> Result<HttpResponse, BotCallError> {
    match find_token_by_code(turn, Some(code)).await? {
        Some(token) => turn.greet(&token).await?,
        None => turn.send_text("This code is not valid or has expired. Send any message to start again.").await?,
    }
    Ok(HttpResponse::Ok().finish())
}

/// Finds the token for a code. A code does not name its connection, so the bot tries all of its connections.
async fn find_token_by_code(turn: &BotTurn<'_>, code: Option<&str>) -> Result<Option<String>, BotCallError> {
    for connection in turn.connections() {
        if let Some(token) = turn.find_token(connection, code).await? {
            return Ok(Some(token));
        }
    }
    Ok(None)
}

/// Handles a message: passes it on to a skill that it names, accepts a code, says who the user is, or sends the sign-in card.
/// The text may name a connection; otherwise the bot uses its first one.
async fn handle_message(turn: &BotTurn<'_>) -> Result<HttpResponse, BotCallError> {
    let text = text_member(turn.activity, "text").unwrap_or_default().trim();
    if let Some(skill) = find_named_skill(turn, text) {
        return pass_on(turn, skill).await;
    }
    if is_magic_code(text) {
        if let Some(skill) = find_last_skill(turn) {
            return pass_on(turn, skill).await;
        }
        return handle_typed_code(turn, text).await;
    }
    let connection = turn.connections().find(|name| *name == text).or_else(|| turn.connections().next());
    let Some(connection) = connection else { return Err(BotCallError::NoConnection) };
    if let Some(token) = turn.find_token(connection, None).await? {
        turn.greet(&token).await?;
    } else {
        turn.services.hosted.forget_last_skill(turn.bot.name, turn.activity);
        turn.send_sign_in_card(connection).await?;
    }
    Ok(HttpResponse::Ok().finish())
}

/// Handles the `tokens/response` event with which the gateway delivers the token (`after_exchange = "notify"`).
async fn handle_delivered_token(turn: &BotTurn<'_>) -> Result<HttpResponse, BotCallError> {
    let token =
        turn.find_value_member("token").ok_or(BotCallError::Unexpected("a tokens/response event without a token"))?;
    turn.greet(token).await?;
    Ok(HttpResponse::Ok().finish())
}

/// Handles an exchange that the gateway forwarded (`after_exchange = "forward"`), or that a parent requests of its skill. In the
/// first case the gateway has stored the token, and the bot gets it from the Token Service; in the second case the bot exchanges
/// the parent's token there.
async fn handle_forwarded_exchange(turn: &BotTurn<'_>) -> Result<HttpResponse, BotCallError> {
    let (id, connection) = (turn.find_value_member("id"), turn.find_value_member("connectionName").unwrap_or_default());
    if !turn.connections().any(|name| name == connection) {
        // SDK prompts give the same answer for a connection of another prompt (docs/protocols/invoke-protocol.md §2 row 11).
        let detail = "The bot has no connection of this name.";
        return Ok(HttpResponse::BadRequest().json(json!({ "id": id, "failureDetail": detail })));
    }
    let token = match turn.sender {
        Sender::Channel => turn.find_token(connection, None).await?,
        Sender::Parent(_) => match turn.find_value_member("token") {
            Some(token) => turn.exchange(connection, token).await?,
            None => None,
        },
    };
    let Some(token) = token else {
        return Ok(HttpResponse::PreconditionFailed().json(json!({
            "id": id, "connectionName": connection, "failureDetail": "The token service has no token for the user.",
        })));
    };
    turn.greet(&token).await?;
    Ok(HttpResponse::Ok().json(json!({ "id": id, "connectionName": connection })))
}

/// Handles a magic code that Teams sent without the user typing it, and that the gateway forwarded. It may be for the skill to
/// which the user spoke last.
async fn handle_forwarded_code(turn: &BotTurn<'_>) -> Result<HttpResponse, BotCallError> {
    if let Some(token) = find_token_by_code(turn, turn.find_value_member("state")).await? {
        turn.greet(&token).await?;
        return Ok(HttpResponse::Ok().finish());
    }
    match find_last_skill(turn) {
        Some(skill) => pass_on(turn, skill).await,
        None => Ok(HttpResponse::NotFound().finish()),
    }
}
