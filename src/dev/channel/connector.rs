use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::{Bytes, Data, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::members::{account, channel_user_id};
use super::sink::{ConnectorSink, SinkCall};
use crate::dev::jwt::{bearer, text_claim};
use crate::dev::masking::mask_tokens;
use crate::dev::tenant::{BOT_FRAMEWORK, Directory, TokenIssuer};
use crate::domain::SharedEntropy;

/// The Bot Connector of the stage: takes what bots send and keeps it in the sink.
pub(in crate::dev) struct Connector {
    pub(in crate::dev) sink: Arc<ConnectorSink>,
    pub(in crate::dev) directory: Arc<Directory>,
    pub(in crate::dev) tokens: Arc<TokenIssuer>,
    pub(in crate::dev) entropy: SharedEntropy,
}

impl Connector {
    /// The app id of the bot behind a bearer for the Bot Connector.
    fn caller(&self, request: &HttpRequest) -> Option<String> {
        let claims = self.tokens.verify_for(bearer(request)?, BOT_FRAMEWORK).ok()?;
        text_claim(&claims, "appid").map(str::to_owned)
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

async fn sent(query: Query<BTreeMap<String, String>>, connector: Data<Connector>) -> HttpResponse {
    HttpResponse::Ok().json(connector.sink.sent(query.get("conversation").map(String::as_str)))
}

async fn create(request: HttpRequest, body: Bytes, connector: Data<Connector>) -> HttpResponse {
    let conversation = format!("a:{}", connector.entropy.hex_id());
    file(&request, &body, &connector, &conversation, None)
}

async fn send(
    request: HttpRequest,
    conversation: Path<String>,
    body: Bytes,
    connector: Data<Connector>,
) -> HttpResponse {
    file(&request, &body, &connector, &conversation, None)
}

async fn reply(
    request: HttpRequest,
    path: Path<ActivityPath>,
    body: Bytes,
    connector: Data<Connector>,
) -> HttpResponse {
    let ActivityPath { conversation, activity } = path.into_inner();
    file(&request, &body, &connector, &conversation, Some(activity))
}

async fn members(request: HttpRequest, connector: Data<Connector>) -> HttpResponse {
    match connector.caller(&request) {
        Some(_) => HttpResponse::Ok().json(connector.directory.users.iter().map(account).collect::<Vec<_>>()),
        None => refused(),
    }
}

async fn paged_members(request: HttpRequest, connector: Data<Connector>) -> HttpResponse {
    match connector.caller(&request) {
        Some(_) => {
            let members: Vec<_> = connector.directory.users.iter().map(account).collect();
            HttpResponse::Ok().json(json!({ "members": members }))
        }
        None => refused(),
    }
}

async fn member(request: HttpRequest, path: Path<MemberPath>, connector: Data<Connector>) -> HttpResponse {
    if connector.caller(&request).is_none() {
        return refused();
    }
    let id = &path.member;
    match connector.directory.users.iter().find(|user| channel_user_id(user) == *id || user.oid == *id) {
        Some(user) => HttpResponse::Ok().json(account(user)),
        None => HttpResponse::NotFound().json(json!({
            "error": {"code": "MemberNotFoundInConversation", "message": "The member is not in the conversation."}
        })),
    }
}

fn file(
    request: &HttpRequest,
    body: &[u8],
    connector: &Connector,
    conversation: &str,
    activity_id: Option<String>,
) -> HttpResponse {
    let Some(bot) = connector.caller(request) else { return refused() };
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
    connector.sink.record(SinkCall {
        method: request.method().to_string(),
        conversation: conversation.to_owned(),
        activity_id,
        bot,
        id,
        activity,
    });
    if created { HttpResponse::Created().json(answer) } else { HttpResponse::Ok().json(answer) }
}

fn refused() -> HttpResponse {
    HttpResponse::Unauthorized()
        .json(json!({"error": {"code": "Unauthorized", "message": "A bearer for the Bot Connector is needed."}}))
}
