use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::{Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use crate::dev::calls::CallLog;
use crate::dev::faults::FaultSwitches;
use crate::dev::jwt::{bearer_token, text_member};
use crate::dev::tenant::directory::{Directory, User};
use crate::dev::tenant::scopes::GRAPH_AUDIENCE;
use crate::dev::tenant::tokens::TokenIssuer;

/// The stage's protected resource: a small part of Microsoft Graph, which answers with the users of the directory.
pub(in crate::dev) struct Graph {
    pub(in crate::dev) directory: Arc<Directory>,
    pub(in crate::dev) tokens: Arc<TokenIssuer>,
    pub(in crate::dev) calls: Arc<CallLog>,
    pub(in crate::dev) faults: Arc<FaultSwitches>,
}

pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    config.route("/graph/v1.0/{path:.*}", web::to(answer_call));
}

/// Answers a call with any method. No answer repeats the token.
async fn answer_call(request: HttpRequest, path: Path<String>, graph: Data<Graph>) -> HttpResponse {
    let Some(user) = graph.find_user(&request) else {
        return HttpResponse::Unauthorized()
            .insert_header(("WWW-Authenticate", "Bearer"))
            .json(error("InvalidAuthenticationToken", "Access token validation failure."));
    };
    if let Some(fault) = graph.faults.take_graph_fault(user.oid)
        && let Some(answer) = fault.replace_graph_answer().await
    {
        return answer;
    }
    let answer = graph.answer(request.method(), &path, user);
    if answer.status().is_success() {
        graph.calls.count_call(|counts| &mut counts.graph);
    }
    answer
}

impl Graph {
    /// The user of the request's token, which must be a user's token for the resource: only such tokens have the claim `scp`.
    fn find_user(&self, request: &HttpRequest) -> Option<&User> {
        let claims = self.tokens.verify_for(bearer_token(request)?, GRAPH_AUDIENCE).ok()?;
        text_member(&claims, "scp")?;
        text_member(&claims, "oid").and_then(|oid| self.directory.find_user(oid))
    }

    fn answer(&self, method: &Method, path: &str, user: &User) -> HttpResponse {
        match (method.as_str(), path) {
            ("GET" | "HEAD", "me") => HttpResponse::Ok().json(entity("users/$entity", &describe(user))),
            ("GET" | "HEAD", "me/drive") => HttpResponse::Ok().json(entity("users/drive/$entity", &drive_of(user))),
            ("GET" | "HEAD", "me/drive/root/children") => list(&files_of(user)),
            ("GET" | "HEAD", "me/messages") => list(&[json!({"id": "message-1", "subject": "Welcome to the stage"})]),
            ("GET" | "HEAD", "users") => list(&self.directory.users.iter().map(describe).collect::<Vec<_>>()),
            ("POST", "me/messages") => {
                HttpResponse::Created().json(entity("users/messages/$entity", &json!({"id": "message-2"})))
            }
            ("PATCH", "me") => HttpResponse::NoContent().finish(),
            ("POST", "me/sendMail") => HttpResponse::Accepted().finish(),
            (_, "me" | "me/drive" | "me/drive/root/children" | "me/messages" | "me/sendMail" | "users") => {
                HttpResponse::MethodNotAllowed().json(error("Request_BadRequest", "The method is not supported here."))
            }
            _ => HttpResponse::NotFound().json(error("ResourceNotFound", "The stage has no such resource.")),
        }
    }
}

fn describe(user: &User) -> Value {
    json!({"displayName": user.display_name, "userPrincipalName": user.principal_name, "id": user.oid})
}

fn drive_of(user: &User) -> Value {
    json!({"id": format!("drive-of-{}", user.name), "driveType": "business"})
}

fn files_of(user: &User) -> [Value; 2] {
    let file = |name: String, size: u32| json!({"id": format!("item-{name}"), "name": name, "size": size, "file": {}});
    [file(format!("{}-budget.xlsx", user.name), 18_432), file(format!("{}-notes.docx", user.name), 9_216)]
}

/// A resource, with the member by which Graph says what it is.
fn entity(kind: &str, resource: &Value) -> Value {
    let mut answer = resource.clone();
    if let Value::Object(members) = &mut answer {
        members.insert("@odata.context".to_owned(), context(kind));
    }
    answer
}

fn list(resources: &[Value]) -> HttpResponse {
    HttpResponse::Ok().json(json!({"@odata.context": context("Collection"), "value": resources}))
}

fn context(kind: &str) -> Value {
    json!(format!("https://graph.microsoft.com/v1.0/$metadata#{kind}"))
}

fn error(code: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message}})
}
