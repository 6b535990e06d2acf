use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::{Bytes, Data, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::direct_line::{Conversation, Conversations, accept_from_bot, change_from_bot};
use super::members::member_json;
use super::sink::{ConnectorSink, RecordedCall};
use crate::dev::jwt::{bearer_token, text_member};
use crate::dev::masking::mask_tokens;
use crate::dev::tenant::{BOT_FRAMEWORK_AUDIENCE, Directory, TokenIssuer};
use crate::domain::SharedEntropy;

/// The Bot Connector of the stage: accepts the calls of bots and records them in the sink. What bots send to conversations
/// of Direct Line also goes to their clients.
pub(in crate::dev) struct Connector {
    pub(in crate::dev) sink: Arc<ConnectorSink>,
    pub(in crate::dev) directory: Arc<Directory>,
    pub(in crate::dev) tokens: Arc<TokenIssuer>,
    pub(in crate::dev) entropy: SharedEntropy,
    pub(in crate::dev) conversations: Arc<Conversations>,
}

impl Connector {
    /// The app id in the request's bearer token, if that is a valid token for the Bot Connector.
    fn find_calling_bot(&self, request: &HttpRequest) -> Option<String> {
        let claims = self.tokens.verify_for(bearer_token(request)?, BOT_FRAMEWORK_AUDIENCE).ok()?;
        text_member(&claims, "appid").map(str::to_owned)
    }

    /// The members of a conversation; of one that is not of Direct Line, all users of the stage.
    fn members(&self, request: &HttpRequest, conversation: &str) -> Result<Vec<Value>, ConnectorRefusal> {
        let bot = self.find_calling_bot(request).ok_or(ConnectorRefusal::Unauthorized)?;
        match self.conversations.find(conversation) {
            Some(live) if live.bot.app_id.eq_ignore_ascii_case(&bot) => Ok(live.members(&self.directory)),
            Some(_) => Err(ConnectorRefusal::NotInConversation),
            None => Ok(self.directory.users.iter().map(member_json).collect()),
        }
    }
}

#[derive(Deserialize)]
struct ActivityPath {
    conversation: String,
    activity: String,
}

#[derive(Deserialize)]
struct MemberPath {
    conversation: String,
    member: String,
}

pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    let one = web::resource("/connector/v3/conversations/{conversation}/activities/{activity}")
        .route(web::post().to(reply_or_change_activity))
        .route(web::put().to(reply_or_change_activity))
        .route(web::delete().to(reply_or_change_activity));
    config
        .route("/connector/_sent", web::get().to(show_calls))
        .route("/connector/v3/conversations", web::post().to(create_conversation))
        .route("/connector/v3/conversations/{conversation}/activities", web::post().to(send_activity))
        .service(one)
        .route("/connector/v3/conversations/{conversation}/members", web::get().to(list_members))
        .route("/connector/v3/conversations/{conversation}/pagedmembers", web::get().to(list_members_as_page))
        .route("/connector/v3/conversations/{conversation}/members/{member}", web::get().to(show_member));
}

async fn show_calls(query: Query<BTreeMap<String, String>>, connector: Data<Connector>) -> HttpResponse {
    HttpResponse::Ok().json(connector.sink.calls(query.get("conversation").map(String::as_str)))
}

/// Answers `POST v3/conversations`. A bot that names a user who has a conversation of Direct Line with it gets this
/// conversation, as a bot in Teams gets its personal conversation with the user.
async fn create_conversation(request: HttpRequest, body: Bytes, connector: Data<Connector>) -> HttpResponse {
    let Some(bot) = connector.find_calling_bot(&request) else { return ConnectorRefusal::Unauthorized.reply() };
    let Ok(mut order) = parse_body(&body) else { return ConnectorRefusal::BadSyntax.reply() };
    let user = order.pointer("/members/0/id").and_then(Value::as_str);
    let live = user.and_then(|user| connector.conversations.find_latest(&bot, user));
    if let (Some(live), Some(Value::Object(first))) = (&live, order.get("activity")) {
        accept_from_bot(live, first.clone(), None);
    }
    let conversation = live.map_or_else(|| format!("a:{}", connector.entropy.hex_id()), |live| live.id.clone());
    mask_tokens(&mut order);
    connector.sink.record(&RecordedCall {
        method: request.method().to_string(),
        conversation: conversation.clone(),
        activity_id: None,
        bot,
        id: connector.entropy.hex_id(),
        activity: order,
    });
    HttpResponse::Created().json(json!({ "id": conversation }))
}

async fn send_activity(
    request: HttpRequest,
    conversation: Path<String>,
    body: Bytes,
    connector: Data<Connector>,
) -> HttpResponse {
    record_and_answer(&request, &body, &connector, BotCall { conversation: &conversation, activity_id: None })
}

async fn reply_or_change_activity(
    request: HttpRequest,
    path: Path<ActivityPath>,
    body: Bytes,
    connector: Data<Connector>,
) -> HttpResponse {
    let ActivityPath { conversation, activity } = path.into_inner();
    record_and_answer(&request, &body, &connector, BotCall { conversation: &conversation, activity_id: Some(activity) })
}

async fn list_members(request: HttpRequest, conversation: Path<String>, connector: Data<Connector>) -> HttpResponse {
    match connector.members(&request, &conversation) {
        Ok(members) => HttpResponse::Ok().json(members),
        Err(refusal) => refusal.reply(),
    }
}

async fn list_members_as_page(
    request: HttpRequest,
    conversation: Path<String>,
    connector: Data<Connector>,
) -> HttpResponse {
    match connector.members(&request, &conversation) {
        Ok(members) => HttpResponse::Ok().json(json!({ "members": members })),
        Err(refusal) => refusal.reply(),
    }
}

async fn show_member(request: HttpRequest, path: Path<MemberPath>, connector: Data<Connector>) -> HttpResponse {
    let members = match connector.members(&request, &path.conversation) {
        Ok(members) => members,
        Err(refusal) => return refusal.reply(),
    };
    let is_sought =
        |member: &Value| ["id", "aadObjectId"].iter().any(|key| text_member(member, key) == Some(&path.member));
    match members.into_iter().find(is_sought) {
        Some(member) => HttpResponse::Ok().json(member),
        None => ConnectorRefusal::UnknownMember.reply(),
    }
}

/// What a bot does with a conversation.
struct BotCall<'a> {
    conversation: &'a str,
    /// The activity in the path: the one that the call replies to, changes or deletes.
    activity_id: Option<String>,
}

fn record_and_answer(request: &HttpRequest, body: &[u8], connector: &Connector, call: BotCall<'_>) -> HttpResponse {
    let Some(bot) = connector.find_calling_bot(request) else { return ConnectorRefusal::Unauthorized.reply() };
    let Ok(mut activity) = parse_body(body) else { return ConnectorRefusal::BadSyntax.reply() };
    let live = connector.conversations.find(call.conversation);
    let id = match live.map(|conversation| LiveCall { conversation, bot: &bot, method: request.method() }) {
        Some(live) => live.apply(&activity, call.activity_id.as_deref()),
        None => Ok(match (&call.activity_id, request.method()) {
            (Some(id), method) if method != Method::POST => id.clone(),
            _ => connector.entropy.hex_id(),
        }),
    };
    let id = match id {
        Ok(id) => id,
        Err(refusal) => return refusal.reply(),
    };
    mask_tokens(&mut activity);
    let answer = json!({ "id": id });
    connector.sink.record(&RecordedCall {
        method: request.method().to_string(),
        conversation: call.conversation.to_owned(),
        activity_id: call.activity_id,
        bot,
        id,
        activity,
    });
    if request.method() == Method::POST {
        HttpResponse::Created().json(answer)
    } else {
        HttpResponse::Ok().json(answer)
    }
}

/// A call of a bot for a conversation of Direct Line.
struct LiveCall<'a> {
    conversation: Arc<Conversation>,
    bot: &'a str,
    method: &'a Method,
}

impl LiveCall<'_> {
    /// Shows clients what the bot did. Returns the activity's id, or the refusal.
    fn apply(&self, activity: &Value, in_path: Option<&str>) -> Result<String, ConnectorRefusal> {
        let conversation = &self.conversation;
        if !conversation.bot.app_id.eq_ignore_ascii_case(self.bot) {
            return Err(ConnectorRefusal::NotInConversation);
        }
        let is_known = match (self.method, in_path) {
            (&Method::DELETE, Some(id)) => conversation.remove(id),
            (&Method::PUT, Some(id)) => change_from_bot(conversation, members_of(activity)?, id),
            _ => return Ok(accept_from_bot(conversation, members_of(activity)?, in_path)),
        };
        if is_known { Ok(in_path.unwrap_or_default().to_owned()) } else { Err(ConnectorRefusal::UnknownActivity) }
    }
}

fn members_of(activity: &Value) -> Result<Map<String, Value>, ConnectorRefusal> {
    activity.as_object().cloned().ok_or(ConnectorRefusal::BadSyntax)
}

/// Parses a body; `Null` if there is none.
fn parse_body(body: &[u8]) -> serde_json::Result<Value> {
    if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(body) }
}

/// Why the connector refuses a call.
#[derive(Clone, Copy)]
enum ConnectorRefusal {
    Unauthorized,
    BadSyntax,
    NotInConversation,
    UnknownActivity,
    UnknownMember,
}

impl ConnectorRefusal {
    fn reply(self) -> HttpResponse {
        let (mut answer, code, message) = match self {
            Self::Unauthorized => {
                (HttpResponse::Unauthorized(), "Unauthorized", "A bearer for the Bot Connector is needed.")
            }
            Self::BadSyntax => (HttpResponse::BadRequest(), "BadSyntax", "The body is not JSON."),
            Self::NotInConversation => (HttpResponse::Forbidden(), "Forbidden", "The bot is not in the conversation."),
            Self::UnknownActivity => (HttpResponse::NotFound(), "NotFound", "The conversation has no such activity."),
            Self::UnknownMember => {
                (HttpResponse::NotFound(), "MemberNotFoundInConversation", "The member is not in the conversation.")
            }
        };
        answer.json(json!({"error": {"code": code, "message": message}}))
    }
}
