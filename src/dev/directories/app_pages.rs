use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use serde_json::Value;

use super::app_sessions::{AppOfDirectory, SignedIn};
use super::entries::{DIRECTORIES, DirectoryEntry};
use crate::dev::jwt::{number_member, text_member};

/// What the pages may load: their own styles. A form leads to the page's own app.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
                      form-action 'self'; frame-ancestors 'none'";

/// The page that lists the apps of all directories.
#[derive(Template)]
#[template(path = "app_overview.html")]
struct OverviewPage {
    directories: &'static [DirectoryEntry],
}

/// The page of an app whose user has signed in.
#[derive(Template)]
#[template(path = "app_signed_in.html")]
struct SignedInPage<'a> {
    app: AppOfDirectory,
    name: &'a str,
    email: &'a str,
    subject: &'a str,
    /// What else the ID token says, one claim a row.
    claims: Vec<Claim<'a>>,
    refreshes: u32,
    has_refresh_token: bool,
    /// What the user has asked for, and its result.
    result: Option<&'a AppResult>,
}

/// A claim of the ID token.
struct Claim<'a> {
    name: &'a str,
    value: String,
}

/// The page of an app without a user: after a sign-out, or after a sign-in that has failed.
#[derive(Template)]
#[template(path = "app_signed_out.html")]
struct SignedOutPage<'a> {
    app: AppOfDirectory,
    problem: Option<&'a str>,
}

/// The result of a button of an app's page.
pub(super) enum AppResult {
    /// The answer of the userinfo endpoint, as formatted JSON.
    Userinfo(String),
    /// A refusal.
    Problem(String),
}

/// The claims of the ID token that the page shows below name, address and subject.
const SHOWN_CLAIMS: [&str; 4] = ["iss", "auth_time", "exp", "sid"];

/// Renders the list of the apps.
pub(super) fn overview_page() -> HttpResponse {
    answer(StatusCode::OK, &OverviewPage { directories: &DIRECTORIES })
}

/// Renders the page of the user of `app`.
pub(super) fn signed_in_page(app: AppOfDirectory, signed_in: &SignedIn, result: Option<&AppResult>) -> HttpResponse {
    let claims = &signed_in.claims;
    let text = |name| text_member(claims, name).unwrap_or_default();
    let shown = |name: &'static str| {
        let number = || number_member(claims, name).map(|number| number.to_string());
        let value = text_member(claims, name).map(str::to_owned).or_else(number)?;
        Some(Claim { name, value })
    };
    let page = SignedInPage {
        app,
        name: text("name"),
        email: text("email"),
        subject: text("sub"),
        claims: SHOWN_CLAIMS.into_iter().filter_map(shown).collect(),
        refreshes: signed_in.refreshes,
        has_refresh_token: signed_in.refresh_token.is_some(),
        result,
    };
    answer(StatusCode::OK, &page)
}

/// Renders the page of `app` without a user, with a problem if there was one.
pub(super) fn signed_out_page(app: AppOfDirectory, problem: Option<&str>) -> HttpResponse {
    let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    answer(status, &SignedOutPage { app, problem })
}

impl AppResult {
    /// What the userinfo endpoint has said.
    pub(super) fn of(userinfo: Result<Value, String>) -> Self {
        match userinfo {
            Ok(claims) => Self::Userinfo(serde_json::to_string_pretty(&claims).unwrap_or_default()),
            Err(problem) => Self::Problem(problem),
        }
    }
}

fn answer(status: StatusCode, page: &impl Template) -> HttpResponse {
    let Ok(text) = page.render() else { return HttpResponse::InternalServerError().finish() };
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header(("Cache-Control", "no-store"))
        .insert_header(("Content-Security-Policy", POLICY))
        .insert_header(("Referrer-Policy", "no-referrer"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .body(text)
}
