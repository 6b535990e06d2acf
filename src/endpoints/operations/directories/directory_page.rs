use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::frame::PageError;
use super::sign_in::SIGN_OUT_FORM;
use super::templates::{DirectoryPage, ShownSettings, UserRow, UserRows};
use super::{DirectoryPages, LIST_PATH, PageResult};
use crate::accounts::DirectoryView;
use crate::domain::{DirectoryUser, ManagedBy, SsoSettings};
use crate::inbound::{Answer, Description, Method, Operation, find_parameter};
use crate::pages::PageSources;

/// The users of one page.
const USERS_PER_PAGE: usize = 50;
/// The highest number of a page.
const MAX_PAGE: usize = 1_000_000;

/// `GET /admin/directories/{tenant}`.
pub(super) const SHOW: Operation = Operation {
    method: Method::Get,
    path: "/admin/directories/{tenant}",
    route: |route| route.to(show),
    description: || {
        described("ShowDirectory", "Single sign-on and the users of a directory.")
            .optional_query("query", "A part of a user name or of an e-mail address.")
            .optional_query("page", "The page of the users, from 1 on.")
            .answer(200, Answer::html("The page."))
    },
};

/// What the pages about one directory have in common.
pub(super) fn described(id: &str, summary: &str) -> Description {
    Description::new(id, summary)
        .path_parameter("tenant", "The tenant id of the directory.")
        .answer(303, Answer::empty("The browser is not signed in, or the form is done."))
        .error(403, "`Host` is none of the names under which the listener answers.")
        .answer(404, Answer::html("There is no such directory or user."))
        .answer(503, Answer::html("The store fails.").header("Retry-After", "Seconds."))
}

/// What a page about a directory says beside what is stored.
pub(super) struct Shown {
    pub(super) status: StatusCode,
    pub(super) settings: ShownSettings,
    pub(super) message: &'static str,
    pub(super) problem: String,
}

async fn show(http: HttpRequest, pages: web::Data<DirectoryPages>) -> HttpResponse {
    pages.open_directory(&http).await.unwrap_or_else(|error| pages.refuse(&http, error))
}

impl DirectoryPages {
    async fn open_directory(&self, http: &HttpRequest) -> PageResult {
        if !self.is_signed_in(http) {
            return Err(PageError::SignedOut);
        }
        let view = self.find_directory(http)?;
        let is_saved = find_parameter(http.query_string(), "saved").is_some();
        let shown = Shown {
            status: StatusCode::OK,
            settings: ShownSettings::of(&view.settings.sso),
            message: if is_saved { "The settings are saved." } else { "" },
            problem: String::new(),
        };
        self.show_directory(http, &view, shown).await
    }

    /// The page of a directory with `shown` in its form.
    pub(super) async fn show_directory(&self, http: &HttpRequest, view: &DirectoryView, shown: Shown) -> PageResult {
        let users = self.list_users(http, view).await?;
        let tenant = view.directory.tenant.as_str();
        let token = self.issue_token(http, &settings_form(tenant));
        let (sign_out, frame) = (self.guard.issue_beside(http, &token, SIGN_OUT_FORM), self.draw_frame());
        let policy = frame.content_policy(&PageSources::default());
        let page = DirectoryPage {
            frame,
            sign_out_token: &sign_out,
            form_token: &token.value,
            name: &view.directory.name,
            tenant,
            is_read_only: view.directory.managed_by == ManagedBy::File,
            settings: shown.settings,
            message: shown.message,
            problem: &shown.problem,
            users,
        };
        Ok(self.show(shown.status, &policy, &page, &token))
    }

    async fn list_users(&self, http: &HttpRequest, view: &DirectoryView) -> Result<UserRows, PageError> {
        let query = find_parameter(http.query_string(), "query").unwrap_or_default().into_owned();
        let page = find_parameter(http.query_string(), "page").and_then(|page| page.parse().ok());
        let page: usize = page.unwrap_or(1).clamp(1, MAX_PAGE);
        let (tenant, start) = (&view.directory.tenant, (page - 1) * USERS_PER_PAGE);
        let searched = Some(query.as_str()).filter(|query| !query.is_empty());
        let found = self.operated.users.list(tenant, start, USERS_PER_PAGE, searched).await;
        let found = found.map_err(|error| PageError::failed("the users of a directory cannot be listed", &error))?;
        let address = |page: usize| {
            let mut parameters = url::form_urlencoded::Serializer::new(String::new());
            parameters.append_pair("query", &query).append_pair("page", &page.to_string());
            format!("{LIST_PATH}/{tenant}?{}#users", parameters.finish())
        };
        Ok(UserRows {
            previous: (page > 1).then(|| address(page - 1)),
            next: (start + found.users.len() < found.total && !found.users.is_empty()).then(|| address(page + 1)),
            rows: found.users.iter().map(UserRow::of).collect(),
            total: found.total,
            query,
        })
    }
}

impl ShownSettings {
    /// The stored settings.
    pub(super) fn of(settings: &SsoSettings) -> Self {
        Self {
            is_active: settings.is_active,
            minutes: to_minutes(settings.inactivity_timeout_seconds).to_string(),
            addresses: settings.logout_redirect_uris.clone(),
            fingerprint: fingerprint(settings),
        }
    }
}

impl UserRow {
    pub(super) fn of(user: &DirectoryUser) -> Self {
        let login = user.email().map(str::to_owned).or_else(|| user.user_name.clone());
        Self {
            id: user.id.clone(),
            name: user.shown_name(),
            login: login.unwrap_or_default(),
            state: match (user.active, user.locked_until) {
                (false, _) => "not active",
                (true, Some(_)) => "locked",
                (true, None) => "active",
            },
        }
    }
}

/// What the token of the form with the settings is bound to.
pub(super) fn settings_form(tenant: &str) -> String {
    format!("operator settings {tenant}")
}

/// The whole minutes that the form shows for a time in seconds.
pub(super) const fn to_minutes(seconds: u32) -> u32 {
    seconds.div_ceil(60)
}

/// A text that differs if the settings do.
pub(super) fn fingerprint(settings: &SsoSettings) -> String {
    // Numbers and texts alone always make JSON.
    let text = serde_json::to_string(settings).unwrap_or_default();
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes()).simple().to_string()
}
