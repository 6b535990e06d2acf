use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use actix_web::http::Method;
use actix_web::web::{Bytes, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::{Value, json};

use super::directory::User;
use super::masking::mask_tokens;
use super::scopes::BOT_FRAMEWORK;
use super::state::{SharedState, State, locked};
use super::verification::{bearer, text_claim};

/// The sink keeps this many of the latest calls.
const KEPT_CALLS: usize = 2_000;

/// One call that a bot made at its service URL. Tokens are masked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct SinkCall {
    /// `POST`, `PUT` or `DELETE`.
    method: String,
    /// Conversation id.
    conversation: String,
    /// Activity id of the path (the one replied to, changed or deleted).
    #[serde(skip_serializing_if = "Option::is_none")]
    activity_id: Option<String>,
    /// App id of the bot that called.
    bot: String,
    /// The id answered.
    id: String,
    /// The activity.
    activity: Value,
}

/// What the bots sent, bounded.
#[derive(Debug, Default)]
pub(super) struct Sink {
    calls: Mutex<VecDeque<SinkCall>>,
}

impl Sink {
    fn record(&self, call: SinkCall) {
        let mut calls = locked(&self.calls);
        if calls.len() == KEPT_CALLS {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    /// Calls of one conversation, or of all, oldest first, as JSON.
    pub(super) fn sent(&self, conversation: Option<&str>) -> Vec<Value> {
        locked(&self.calls)
            .iter()
            .filter(|call| conversation.is_none_or(|id| id == call.conversation))
            .filter_map(|call| serde_json::to_value(call).ok())
            .collect()
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        locked(&self.calls).clear();
    }
}

pub(super) fn routes(config: &mut ServiceConfig) {
    let one = web::resource("/connector/v3/conversations/{conversation}/activities/{activity}")
        .route(web::post().to(reply))
        .route(web::put().to(reply))
        .route(web::delete().to(reply));
    config
        .route("/connector/_sent", web::get().to(sent))
        .route("/connector/v3/conversations", web::post().to(create))
        .route("/connector/v3/conversations/{conversation}/activities", web::post().to(send))
        .service(one)
        .route("/connector/v3/conversations/{conversation}/members", web::get().to(members))
        .route("/connector/v3/conversations/{conversation}/pagedmembers", web::get().to(paged_members))
        .route("/connector/v3/conversations/{conversation}/members/{member}", web::get().to(member));
}

async fn sent(query: Query<BTreeMap<String, String>>, state: SharedState) -> HttpResponse {
    HttpResponse::Ok().json(state.sink.sent(query.get("conversation").map(String::as_str)))
}

async fn create(request: HttpRequest, body: Bytes, state: SharedState) -> HttpResponse {
    let conversation = format!("a:{}", state.entropy.hex_id());
    file(&request, &body, &state, &conversation, None)
}

async fn send(request: HttpRequest, conversation: Path<String>, body: Bytes, state: SharedState) -> HttpResponse {
    file(&request, &body, &state, &conversation, None)
}

async fn reply(request: HttpRequest, path: Path<(String, String)>, body: Bytes, state: SharedState) -> HttpResponse {
    let (conversation, activity) = path.into_inner();
    file(&request, &body, &state, &conversation, Some(activity))
}

async fn members(request: HttpRequest, state: SharedState) -> HttpResponse {
    match caller(&request, &state) {
        Some(_) => HttpResponse::Ok().json(state.directory.users.iter().map(account).collect::<Vec<_>>()),
        None => refused(),
    }
}

async fn paged_members(request: HttpRequest, state: SharedState) -> HttpResponse {
    match caller(&request, &state) {
        Some(_) => {
            let members: Vec<_> = state.directory.users.iter().map(account).collect();
            HttpResponse::Ok().json(json!({ "members": members }))
        }
        None => refused(),
    }
}

async fn member(request: HttpRequest, path: Path<(String, String)>, state: SharedState) -> HttpResponse {
    if caller(&request, &state).is_none() {
        return refused();
    }
    let (_, id) = path.into_inner();
    match state.directory.users.iter().find(|user| channel_user_id(user) == id || user.oid == id) {
        Some(user) => HttpResponse::Ok().json(account(user)),
        None => HttpResponse::NotFound().json(json!({
            "error": {"code": "MemberNotFoundInConversation", "message": "The member is not in the conversation."}
        })),
    }
}

fn file(
    request: &HttpRequest,
    body: &[u8],
    state: &State,
    conversation: &str,
    activity_id: Option<String>,
) -> HttpResponse {
    let Some(bot) = caller(request, state) else { return refused() };
    let mut activity = if body.is_empty() {
        Value::Null
    } else {
        match serde_json::from_slice(body) {
            Ok(activity) => activity,
            Err(_) => {
                return HttpResponse::BadRequest()
                    .json(json!({"error": {"code": "BadSyntax", "message": "The body is not JSON."}}));
            }
        }
    };
    mask_tokens(&mut activity);
    let created = request.method() == Method::POST;
    let id = match (&activity_id, created) {
        (Some(id), false) => id.clone(),
        _ => state.entropy.hex_id(),
    };
    let answer = json!({ "id": if request.path().ends_with("/conversations") { conversation } else { &id } });
    state.sink.record(SinkCall {
        method: request.method().to_string(),
        conversation: conversation.to_owned(),
        activity_id,
        bot,
        id,
        activity,
    });
    if created { HttpResponse::Created().json(answer) } else { HttpResponse::Ok().json(answer) }
}

/// The app id of the bot behind a bearer for the Bot Connector.
fn caller(request: &HttpRequest, state: &State) -> Option<String> {
    let claims = state.verify_tenant_token_for(bearer(request)?, BOT_FRAMEWORK).ok()?;
    text_claim(&claims, "appid").map(str::to_owned)
}

fn refused() -> HttpResponse {
    HttpResponse::Unauthorized()
        .json(json!({"error": {"code": "Unauthorized", "message": "A bearer for the Bot Connector is needed."}}))
}

/// The id under which the stage's channel knows a user.
pub(super) fn channel_user_id(user: &User) -> String {
    format!("29:{}", user.oid)
}

fn account(user: &User) -> Value {
    json!({
        "id": channel_user_id(user),
        "name": user.display_name,
        "aadObjectId": user.oid,
        "objectId": user.oid,
        "tenantId": user.tid,
        "userPrincipalName": user.principal_name,
    })
}
