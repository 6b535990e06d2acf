//! The operator's part of the service role: the users of an app (docs/service-role.md §For the operator).

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Operations, described};
use crate::accounts::{AppUserLink, AppUsers, LinkOutcome, is_app_user_id};
use crate::domain::{Account, AppId, HolderName, Registrations, TokenSlot, UserKey};
use crate::exchange::{CurrentTokens, TokenPlace};
use crate::inbound::{
    Answer, Description, Method, Operation, Problem, RequestId, TrustedProxies, decode_percent, find_parameter,
    read_body,
};
use crate::observability::{AuditEntry, AuditEvent, conceal};

/// The apps whose users the operator sees and changes.
pub struct OperatedApps {
    /// The configured apps and connections.
    pub registrations: Arc<Registrations>,
    /// The links between user ids and persons.
    pub users: AppUsers,
    /// The tokens of the users.
    pub tokens: CurrentTokens,
}

/// `GET /admin/apps/{app}/users`.
pub(super) const LIST: Operation = Operation {
    method: Method::Get,
    path: "/admin/apps/{app}/users",
    route: |route| route.to(list),
    description: || {
        of_app("ListAppUsers", "The users of an app, a page at a time.")
            .optional_query("from", "`next` of the page before.")
            .answer(200, Answer::json::<AppUserList>("Users of the app; `next` is absent on the last page."))
            .error(400, "`from` is not `next` of a page.")
    },
};

/// `PUT /admin/apps/{app}/users/{user_id}`.
pub(super) const LINK: Operation = Operation {
    method: Method::Put,
    path: "/admin/apps/{app}/users/{user_id}",
    route: |route| route.to(link),
    description: || {
        of_app("LinkAppUser", "Links a user id of an app to a person.")
            .path_parameter("user_id", "The user's id at the app.")
            .json_body::<PersonToLink>(true, "The person.")
            .answer(200, Answer::json::<AppUserState>("The user id is linked to the person."))
            .error(400, "The path holds no user id, or the body names no person.")
            .error(409, "The user id is linked to another person, or the person has too many ids at the app.")
            .body_errors()
    },
};

/// `DELETE /admin/apps/{app}/users/{user_id}`.
pub(super) const UNLINK: Operation = Operation {
    method: Method::Delete,
    path: "/admin/apps/{app}/users/{user_id}",
    route: |route| route.to(unlink),
    description: || {
        of_app("UnlinkAppUser", "Signs an app's user out of the app and removes the link of the user id.")
            .path_parameter("user_id", "The user's id at the app.")
            .answer(204, Answer::empty("The person has no token at the app, and the user id is free."))
            .error(400, "The path holds no user id.")
    },
};

/// What all three have in common.
fn of_app(id: &str, summary: &str) -> Description {
    described(id, summary).path_parameter("app", "The app's id.").error(404, "No app, or no user, has this id.")
}

/// A page of an app's users.
#[derive(Serialize, ToSchema)]
struct AppUserList {
    /// The users of the page, ordered by id.
    users: Vec<AppUserState>,
    /// The value of `from` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u8>,
}

/// A user of an app.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AppUserState {
    /// The user's id at the app.
    user_id: String,
    /// The person's key.
    user: String,
    /// Whether a token of the person is kept for the app, or one can be got without the person.
    has_token: bool,
}

/// The person that a user id is linked to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PersonToLink {
    /// The person's key: `<object id>@<tenant id>`, or for other issuers `<subject>@<https issuer>`.
    user: String,
}

/// What a path names: an app and, behind it, a user id.
struct AppUserPath<'a> {
    app: AppId,
    /// As it came.
    user_id: Option<&'a str>,
}

/// `GET /admin/apps/{app}/users`: the users of the app, with their persons.
async fn list(http: HttpRequest, operations: web::Data<Operations>) -> HttpResponse {
    list_and_reply(&http, &operations).await.unwrap_or_else(Problem::respond)
}

/// `PUT /admin/apps/{app}/users/{user_id}`: links the user id to a person. The same link once more is 200 as well.
async fn link(http: HttpRequest, payload: web::Payload, operations: web::Data<Operations>) -> HttpResponse {
    link_and_reply(&http, payload, &operations).await.unwrap_or_else(Problem::respond)
}

/// `DELETE /admin/apps/{app}/users/{user_id}`: signs the person out of the app, and removes the link.
async fn unlink(http: HttpRequest, operations: web::Data<Operations>) -> HttpResponse {
    unlink_and_reply(&http, &operations).await.unwrap_or_else(Problem::respond)
}

async fn list_and_reply(http: &HttpRequest, operations: &Operations) -> Result<HttpResponse, Problem> {
    operations.bearers.find_role(http.headers())?;
    let AppUserPath { app, .. } = operations.parts.apps.read_path(http)?;
    let from = find_parameter(http.query_string(), "from").map(|from| from.parse().map_err(|_| Problem::BadPage));
    let page = operations.parts.apps.users.list(&app, from.transpose()?).await.map_err(|error| failed(http, &error))?;
    let mut users = Vec::with_capacity(page.users.len());
    for link in page.users {
        users.push(operations.parts.apps.describe(http, &app, link).await?);
    }
    Ok(HttpResponse::Ok().json(AppUserList { users, next: page.next }))
}

async fn link_and_reply(
    http: &HttpRequest,
    payload: web::Payload,
    operations: &Operations,
) -> Result<HttpResponse, Problem> {
    operations.bearers.admit_change(http)?;
    let path = operations.parts.apps.read_path(http)?;
    let user_id = path.read_user_id()?;
    let body = read_body(http, payload, operations.limits).await?;
    let named = serde_json::from_slice::<PersonToLink>(&body).ok().and_then(|named| UserKey::parse(&named.user));
    let user = named.ok_or(Problem::BadAppUserLink)?;
    let outcome = operations.parts.apps.users.link(&path.app, &user_id, &user).await;
    match outcome.map_err(|error| failed(http, &error))? {
        LinkOutcome::Linked => note(http, AuditEvent::AppUserLinked, &path.app, &user),
        LinkOutcome::AlreadyLinked => {}
        LinkOutcome::LinkedToAnother => return Err(Problem::AppUserLinkedToAnother),
        LinkOutcome::TooManyIds => return Err(Problem::TooManyAppUserIds),
        LinkOutcome::NoUserId => return Err(Problem::BadAppUserId),
    }
    let link = AppUserLink { user_id: user_id.into_owned(), user };
    Ok(HttpResponse::Ok().json(operations.parts.apps.describe(http, &path.app, link).await?))
}

async fn unlink_and_reply(http: &HttpRequest, operations: &Operations) -> Result<HttpResponse, Problem> {
    operations.bearers.admit_change(http)?;
    let path = operations.parts.apps.read_path(http)?;
    let user_id = path.read_user_id()?;
    let users = &operations.parts.apps.users;
    let user = users.find(&path.app, &user_id).await.map_err(|error| failed(http, &error))?;
    let user = user.ok_or(Problem::UnknownAppUser)?;
    // The link goes last: if the sign-out fails, the operator can repeat the call.
    let account = Account::of_app(HolderName::from(&path.app), &user);
    operations.parts.sign_out.of_account(&account, None).await.map_err(|error| failed(http, &error))?;
    users.unlink(&path.app, &user_id).await.map_err(|error| failed(http, &error))?;
    note(http, AuditEvent::AppUserUnlinked, &path.app, &user);
    Ok(HttpResponse::NoContent().finish())
}

impl OperatedApps {
    /// Reads the path as it came, since the router has decoded parts of its own copy.
    fn read_path<'a>(&self, http: &'a HttpRequest) -> Result<AppUserPath<'a>, Problem> {
        let named = http.uri().path().split_once("/apps/").and_then(|named| named.1.split_once("/users"));
        let (app, rest) = named.ok_or(Problem::UnknownApp)?;
        let app = decode_percent(app).and_then(|id| self.registrations.find_app(&id)).ok_or(Problem::UnknownApp)?;
        Ok(AppUserPath { app: app.id.clone(), user_id: rest.strip_prefix('/') })
    }

    async fn describe(&self, http: &HttpRequest, app: &AppId, link: AppUserLink) -> Result<AppUserState, Problem> {
        let AppUserLink { user_id, user } = link;
        let holder = HolderName::from(app);
        let has_token = match self.registrations.find_only_connection(&holder) {
            Some(connection) => {
                let slot = TokenSlot::new(&Account::of_app(holder, &user), &connection.name);
                let can_give = self.tokens.can_give(TokenPlace { slot: &slot, connection }).await;
                can_give.map_err(|error| failed(http, &error))?
            }
            None => false,
        };
        Ok(AppUserState { user_id, user: user.to_string(), has_token })
    }
}

impl<'a> AppUserPath<'a> {
    fn read_user_id(&self) -> Result<Cow<'a, str>, Problem> {
        let decoded = self.user_id.and_then(decode_percent);
        decoded.filter(|user_id| is_app_user_id(user_id)).ok_or(Problem::BadAppUserId)
    }
}

fn failed(http: &HttpRequest, error: &impl std::fmt::Display) -> Problem {
    let correlation_id = RequestId::find(http);
    tracing::error!(correlation_id, %error, "the users of an app cannot be read or changed: call again");
    Problem::ServiceUnavailable
}

fn note(http: &HttpRequest, event: AuditEvent, app: &AppId, user: &UserKey) {
    let (correlation_id, holder) = (RequestId::find(http), HolderName::from(app));
    let (bot, event_name) = (holder.as_str(), event.name());
    tracing::info!(correlation_id, bot, user = %conceal(user), event = event_name, "the operator changed a user of an app");
    let entry = AuditEntry::new(event).bot(bot).user(user).correlation_id(&correlation_id);
    entry.client(TrustedProxies::client_address(http)).write();
}
