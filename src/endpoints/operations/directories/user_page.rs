use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::directory_page::described;
use super::frame::PageError;
use super::sign_in::SIGN_OUT_FORM;
use super::templates::{SessionRow, UserPage, UserRow};
use super::{DirectoryPages, LIST_PATH, OPERATOR, OperatorAct, PageResult};
use crate::accounts::DirectoryView;
use crate::domain::{DirectoryUser, UserKey};
use crate::inbound::{
    Answer, Description, Method, Operation, find_parameter, perform_change, read_segment, redirect_browser,
};
use crate::observability::AuditEvent;
use crate::pages::PageSources;
use crate::protocol::iso_8601;
use crate::sessions::Session;

const PATH: &str = "/admin/directories/{tenant}/users/{id}";
/// The place of the user's id among the segments of the path.
const USER: usize = 5;

/// `GET /admin/directories/{tenant}/users/{id}`.
pub(super) const SHOW: Operation = Operation {
    method: Method::Get,
    path: PATH,
    route: |route| route.to(show),
    description: || {
        of_user(described("ShowDirectoryUser", "A user of a directory, and the user's sessions."))
            .answer(200, Answer::html("The page."))
    },
};

/// `POST /admin/directories/{tenant}/users/{id}`.
pub(super) const END: Operation = Operation {
    method: Method::Post,
    path: PATH,
    route: |route| route.to(end),
    description: || {
        of_user(described("EndDirectorySessions", "Ends a session of a user, or all."))
            .form_body::<EndForm>("The form of the page.")
            .answer(400, Answer::html("The form is not complete."))
            .answer(415, Answer::html("The body is no form."))
    },
};

fn of_user(description: Description) -> Description {
    description.path_parameter("id", "The user's id.")
}

#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "describes the form, which is read by name")]
struct EndForm {
    /// The id of the session to end, or `all`.
    session: String,
    /// The token of the form.
    form_token: String,
}

/// A user of the path.
struct OperatedUser {
    view: std::sync::Arc<DirectoryView>,
    user: DirectoryUser,
    sessions: Vec<Session>,
}

async fn show(http: HttpRequest, pages: web::Data<DirectoryPages>) -> HttpResponse {
    pages.open_user(&http).await.unwrap_or_else(|error| pages.refuse(&http, error))
}

async fn end(http: HttpRequest, payload: web::Payload, pages: web::Data<DirectoryPages>) -> HttpResponse {
    end_and_reply(&http, payload, &pages).await.unwrap_or_else(|error| pages.refuse(&http, error))
}

async fn end_and_reply(http: &HttpRequest, payload: web::Payload, pages: &web::Data<DirectoryPages>) -> PageResult {
    if !pages.is_signed_in(http) {
        return Err(PageError::SignedOut);
    }
    let OperatedUser { view, user, sessions } = pages.find_user(http).await?;
    let tenant = &view.directory.tenant;
    let fields = pages.read_form(http, payload, &user_form(tenant.as_str(), &user.id)).await?;
    let wanted = fields.find("session").ok_or(PageError::Incomplete)?.to_owned();
    let (act, key) = (OperatorAct::new(http, tenant), view.directory.user_key(&user.id));
    let address = format!("{LIST_PATH}/{tenant}/users/{}?ended=1", user.id);
    let owner = pages.clone();
    if wanted == "all" {
        perform_change(async move { owner.end_all(&act, &key).await }).await?;
    } else if sessions.iter().any(|session| session.id == wanted) {
        perform_change(async move { owner.end_one(&act, &wanted, &key).await }).await?;
    }
    Ok(redirect_browser(StatusCode::SEE_OTHER, &address))
}

impl DirectoryPages {
    async fn open_user(&self, http: &HttpRequest) -> PageResult {
        if !self.is_signed_in(http) {
            return Err(PageError::SignedOut);
        }
        let OperatedUser { view, user, sessions } = self.find_user(http).await?;
        let tenant = view.directory.tenant.as_str();
        let token = self.issue_token(http, &user_form(tenant, &user.id));
        let (sign_out, frame) = (self.guard.issue_beside(http, &token, SIGN_OUT_FORM), self.draw_frame());
        let policy = frame.content_policy(&PageSources::default());
        let has_ended = find_parameter(http.query_string(), "ended").is_some();
        let page = UserPage {
            frame,
            sign_out_token: &sign_out,
            form_token: &token.value,
            directory: &view.directory.name,
            tenant,
            user: UserRow::of(&user),
            message: if has_ended { "Done. The list shows the sessions that are left." } else { "" },
            sessions: sessions.into_iter().map(SessionRow::of).collect(),
        };
        Ok(self.show(StatusCode::OK, &policy, &page, &token))
    }

    async fn find_user(&self, http: &HttpRequest) -> Result<OperatedUser, PageError> {
        let view = self.find_directory(http)?;
        let id = read_segment(http, USER).ok_or(PageError::NotFound)?;
        let found = self.operated.users.find(&view.directory.tenant, &id).await;
        let found = found.map_err(|error| PageError::failed("a user of a directory cannot be read", &error))?;
        let user = found.ok_or(PageError::NotFound)?;
        let (directory, sso) = (&view.directory, &view.settings.sso);
        let listed = self.operated.sessions.list(directory, sso, &user.id, user.ended_sessions).await;
        let sessions = listed.map_err(|error| PageError::failed("the sessions of a user cannot be listed", &error))?;
        let sessions = if user.active { sessions } else { Vec::new() };
        Ok(OperatedUser { view, user, sessions })
    }

    async fn end_all(&self, act: &OperatorAct, user: &UserKey) -> Result<(), PageError> {
        let ended = self.operated.users.end_sessions(&act.tenant, user.subject()).await;
        let exists = ended.map_err(|error| PageError::failed("the sessions of a user cannot be ended", &error))?;
        if !exists {
            return Err(PageError::NotFound);
        }
        act.audit(AuditEvent::DirectorySessionsEnded).user(user).detail(OPERATOR).write();
        act.log_end(user);
        self.operated.tell(act, user, None);
        Ok(())
    }

    async fn end_one(&self, act: &OperatorAct, session_id: &str, user: &UserKey) -> Result<(), PageError> {
        let ended = self.operated.end_session(act, session_id, user).await;
        ended.map(drop).map_err(|error| PageError::failed("a session cannot be ended", &error))
    }
}

impl SessionRow {
    fn of(session: Session) -> Self {
        Self {
            signed_in: iso_8601(session.auth_time),
            last_used: iso_8601(session.last_used_at),
            id: session.id,
            browser: session.browser,
        }
    }
}

/// What the form's token is bound to.
fn user_form(tenant: &str, user_id: &str) -> String {
    format!("operator user {tenant} {user_id}")
}
