use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use actix_web::http::header::{AUTHORIZATION, ORIGIN};
use actix_web::web::{Bytes, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use url::Url;

use super::demo_bot_calls::{BotCallError, Turn};
use super::directory::BotEntry;
use super::masking::mask_tokens;
use super::state::{SharedState, State, locked};
use super::verification::{bearer, text_claim};

/// Each demo bot remembers this many of the latest activities.
const KEPT_ACTIVITIES: usize = 200;

/// What the demo bots received, tokens masked.
#[derive(Debug, Default)]
pub(super) struct Inboxes(Mutex<BTreeMap<&'static str, VecDeque<Value>>>);

impl Inboxes {
    fn record(&self, bot: &'static str, activity: &Value) {
        let mut masked = activity.clone();
        mask_tokens(&mut masked);
        let mut inboxes = locked(&self.0);
        let inbox = inboxes.entry(bot).or_default();
        if inbox.len() == KEPT_ACTIVITIES {
            inbox.pop_front();
        }
        inbox.push_back(masked);
    }

    /// Activities of one bot, oldest first.
    pub(super) fn received(&self, bot: &str) -> Vec<Value> {
        locked(&self.0).get(bot).map(|inbox| inbox.iter().cloned().collect()).unwrap_or_default()
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        locked(&self.0).clear();
    }
}

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/demo-bots/{bot}/api/messages", web::post().to(messages))
        .route("/demo-bots/{bot}/received", web::get().to(received));
}

async fn received(bot: Path<String>, state: SharedState) -> HttpResponse {
    match state.directory.find_bot(&bot) {
        Some(bot) => HttpResponse::Ok().json(state.inboxes.received(bot.name)),
        None => HttpResponse::NotFound().finish(),
    }
}

async fn messages(request: HttpRequest, bot: Path<String>, body: Bytes, state: SharedState) -> HttpResponse {
    let Some(bot) = state.directory.find_bot(&bot) else { return HttpResponse::NotFound().finish() };
    let activity: Value = match serde_json::from_slice(&body) {
        Ok(activity) => activity,
        Err(_) => return HttpResponse::BadRequest().finish(),
    };
    if !from_the_channel(&request, &state, bot, &activity) && !from_the_emulator(&request, &state, &activity) {
        return HttpResponse::Unauthorized().finish();
    }
    state.inboxes.record(bot.name, &activity);
    let turn = Turn { state: &state, bot, activity: &activity };
    match answer(&turn).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::warn!(bot = bot.name, %error, "the demo bot could not do what it was asked");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// The check every bot makes: a channel token for this bot whose service URL is the activity's. It guards the bot's own
/// bearer, which goes to that URL.
fn from_the_channel(request: &HttpRequest, state: &State, bot: &BotEntry, activity: &Value) -> bool {
    let Some(claims) = bearer(request).and_then(|token| state.verify_channel_token(token, bot.app_id).ok()) else {
        return false;
    };
    let (claimed, named) = (text_claim(&claims, "serviceurl"), text_claim(activity, "serviceUrl"));
    claimed.is_some() && claimed.map(|url| url.trim_end_matches('/')) == named.map(|url| url.trim_end_matches('/'))
}

/// The bot's own bearer goes to the service URL, so that has to be on this machine. A web page is not the emulator.
fn from_the_emulator(request: &HttpRequest, state: &State, activity: &Value) -> bool {
    let shows_nothing = !request.headers().contains_key(AUTHORIZATION) && !request.headers().contains_key(ORIGIN);
    let service_url = text_claim(activity, "serviceUrl").and_then(|url| Url::parse(url).ok());
    let answered_here =
        service_url.is_some_and(|url| matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")));
    let on_emulator = text_claim(activity, "channelId") == Some("emulator");
    state.anonymous.load(Ordering::SeqCst) && shows_nothing && answered_here && on_emulator
}

async fn answer(turn: &Turn<'_>) -> Result<HttpResponse, BotCallError> {
    let kind = text_claim(turn.activity, "type").unwrap_or_default();
    let name = text_claim(turn.activity, "name").unwrap_or_default();
    match (kind, name) {
        ("message", _) => message(turn).await,
        ("event", "tokens/response") => token_arrived(turn).await,
        ("invoke", "signin/tokenExchange") => exchange_forwarded(turn).await,
        ("invoke", "signin/verifyState") => code_forwarded(turn).await,
        ("invoke", "signin/failure") => Ok(HttpResponse::Ok().finish()),
        ("invoke", _) => Ok(HttpResponse::NotImplemented().finish()),
        _ => Ok(HttpResponse::Ok().finish()),
    }
}

/// What the page behind the card showed the user.
fn is_code(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A magic code in the chat: good for one of the bot's connections, or for none.
async fn code_typed(turn: &Turn<'_>, code: &str) -> Result<HttpResponse, BotCallError> {
    match find_by_code(turn, Some(code)).await? {
        Some(token) => turn.greet(&token).await?,
        None => turn.say("This code is not good (any more). Say anything to begin anew.").await?,
    }
    Ok(HttpResponse::Ok().finish())
}

/// A code names no connection.
async fn find_by_code(turn: &Turn<'_>, code: Option<&str>) -> Result<Option<String>, BotCallError> {
    for connection in turn.connections() {
        if let Some(token) = turn.find_token(connection, code).await? {
            return Ok(Some(token));
        }
    }
    Ok(None)
}

/// A message: says who the user is, takes a code, or offers the card. The text may name a connection.
async fn message(turn: &Turn<'_>) -> Result<HttpResponse, BotCallError> {
    let text = text_claim(turn.activity, "text").unwrap_or_default().trim();
    if is_code(text) {
        return code_typed(turn, text).await;
    }
    let connection = turn.connections().find(|name| *name == text).or_else(|| turn.connections().next());
    let Some(connection) = connection else { return Err(BotCallError::NoConnection) };
    match turn.find_token(connection, None).await? {
        Some(token) => turn.greet(&token).await?,
        None => turn.offer_card(connection).await?,
    }
    Ok(HttpResponse::Ok().finish())
}

/// `notify`: the gateway hands over the token.
async fn token_arrived(turn: &Turn<'_>) -> Result<HttpResponse, BotCallError> {
    let token = turn.value("token").ok_or(BotCallError::Unexpected("a tokens/response event without a token"))?;
    turn.greet(token).await?;
    Ok(HttpResponse::Ok().finish())
}

/// `forward`: the token is kept already; the bot asks the token service for it.
async fn exchange_forwarded(turn: &Turn<'_>) -> Result<HttpResponse, BotCallError> {
    let (id, connection) = (turn.value("id"), turn.value("connectionName").unwrap_or_default());
    if !turn.connections().any(|name| name == connection) {
        // As SDK prompts answer for a connection that is not theirs (invoke-protocol §2 row 11).
        let detail = "The bot has no connection of this name.";
        return Ok(HttpResponse::BadRequest().json(json!({ "id": id, "failureDetail": detail })));
    }
    let Some(token) = turn.find_token(connection, None).await? else {
        return Ok(HttpResponse::PreconditionFailed().json(json!({
            "id": id, "connectionName": connection, "failureDetail": "The token service has no token for the user.",
        })));
    };
    turn.greet(&token).await?;
    Ok(HttpResponse::Ok().json(json!({ "id": id, "connectionName": connection })))
}

/// `forward`: a magic code that Teams sends by itself.
async fn code_forwarded(turn: &Turn<'_>) -> Result<HttpResponse, BotCallError> {
    if let Some(token) = find_by_code(turn, turn.value("state")).await? {
        turn.greet(&token).await?;
        return Ok(HttpResponse::Ok().finish());
    }
    Ok(HttpResponse::NotFound().finish())
}
