use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::{Bytes, Data, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::members::{channel_user_id, member_json};
use super::sink::{ConnectorSink, RecordedCall};
use crate::dev::jwt::{bearer_token, text_member};
use crate::dev::masking::mask_tokens;
use crate::dev::tenant::{BOT_FRAMEWORK_AUDIENCE, Directory, TokenIssuer};
use crate::domain::SharedEntropy;

/// The Bot Connector of the stage: accepts the calls of bots and records them in the sink.
pub(in crate::dev) struct Connector {
    pub(in crate::dev) sink: Arc<ConnectorSink>,
    pub(in crate::dev) directory: Arc<Directory>,
    pub(in crate::dev) tokens: Arc<TokenIssuer>,
    pub(in crate::dev) entropy: SharedEntropy,
}

impl Connector {
    /// The app id in the request's bearer token, if that is a valid token for the Bot Connector.
    fn find_calling_bot(&self, request: &HttpRequest) -> Option<String> {
        let claims = self.tokens.verify_for(bearer_token(request)?, BOT_FRAMEWORK_AUDIENCE).ok()?;
        text_member(&claims, "appid").map(str::to_owned)
    }
}

#[derive(Deserialize)]
struct ActivityPath {
    conversation: String,
    activity: String,
}

#[derive(Deserialize)]
struct MemberPath {
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

async fn create_conversation(request: HttpRequest, body: Bytes, connector: Data<Connector>) -> HttpResponse {
    let conversation = format!("a:{}", connector.entropy.hex_id());
    record_and_answer(&request, &body, &connector, &conversation, None)
}

async fn send_activity(
    request: HttpRequest,
    conversation: Path<String>,
    body: Bytes,
    connector: Data<Connector>,
) -> HttpResponse {
    record_and_answer(&request, &body, &connector, &conversation, None)
}

async fn reply_or_change_activity(
    request: HttpRequest,
    path: Path<ActivityPath>,
    body: Bytes,
    connector: Data<Connector>,
) -> HttpResponse {
    let ActivityPath { conversation, activity } = path.into_inner();
    record_and_answer(&request, &body, &connector, &conversation, Some(activity))
}

async fn list_members(request: HttpRequest, connector: Data<Connector>) -> HttpResponse {
    match connector.find_calling_bot(&request) {
        Some(_) => HttpResponse::Ok().json(connector.directory.users.iter().map(member_json).collect::<Vec<_>>()),
        None => unauthorized(),
    }
}

async fn list_members_as_page(request: HttpRequest, connector: Data<Connector>) -> HttpResponse {
    match connector.find_calling_bot(&request) {
        Some(_) => {
            let members: Vec<_> = connector.directory.users.iter().map(member_json).collect();
            HttpResponse::Ok().json(json!({ "members": members }))
        }
        None => unauthorized(),
    }
}

async fn show_member(request: HttpRequest, path: Path<MemberPath>, connector: Data<Connector>) -> HttpResponse {
    if connector.find_calling_bot(&request).is_none() {
        return unauthorized();
    }
    let id = &path.member;
    match connector.directory.users.iter().find(|user| channel_user_id(user) == *id || user.oid == *id) {
        Some(user) => HttpResponse::Ok().json(member_json(user)),
        None => HttpResponse::NotFound().json(json!({
            "error": {"code": "MemberNotFoundInConversation", "message": "The member is not in the conversation."}
        })),
    }
}

fn record_and_answer(
    request: &HttpRequest,
    body: &[u8],
    connector: &Connector,
    conversation: &str,
    activity_id: Option<String>,
) -> HttpResponse {
    let Some(bot) = connector.find_calling_bot(request) else { return unauthorized() };
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
        _ => connector.entropy.hex_id(),
    };
    let answer = json!({ "id": if request.path().ends_with("/conversations") { conversation } else { &id } });
    connector.sink.record(RecordedCall {
        method: request.method().to_string(),
        conversation: conversation.to_owned(),
        activity_id,
        bot,
        id,
        activity,
    });
    if created { HttpResponse::Created().json(answer) } else { HttpResponse::Ok().json(answer) }
}

fn unauthorized() -> HttpResponse {
    HttpResponse::Unauthorized()
        .json(json!({"error": {"code": "Unauthorized", "message": "A bearer for the Bot Connector is needed."}}))
}
