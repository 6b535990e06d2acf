use std::sync::Arc;

use actix_web::cookie::Cookie;
use actix_web::web::{Data, Path, Query, ServiceConfig, get, post};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use tokio::task::spawn_blocking;

use super::app_client::{AppClient, LogoutOf};
use super::app_pages::{AppResult, overview_page, signed_in_page, signed_out_page};
use super::app_sessions::{AppOfDirectory, AppSession, AppSessions, SignedIn};
use super::entries::find_directory;
use super::outbox::MailOutbox;

/// What the pages of the apps work with.
pub(in crate::dev) struct DirectoryAppServices {
    pub(in crate::dev) client: AppClient,
    pub(in crate::dev) sessions: Arc<AppSessions>,
    pub(in crate::dev) outbox: MailOutbox,
}

/// What the gateway brings to a redirect URI.
#[derive(Deserialize)]
struct Callback {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

/// The parameters of a sign-out.
#[derive(Deserialize)]
struct SignOutQuery {
    /// `all`: in all browsers.
    sessions: Option<String>,
}

pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    config
        .route("/directory-apps", get().to(show_overview))
        .route("/directory-apps/{directory}/{app}", get().to(show_app))
        .route("/directory-apps/{directory}/{app}/callback", get().to(complete_sign_in))
        .route("/directory-apps/{directory}/{app}/refresh", post().to(refresh))
        .route("/directory-apps/{directory}/{app}/userinfo", post().to(show_userinfo))
        .route("/directory-apps/{directory}/{app}/sign-out", get().to(sign_out))
        .route("/directory-apps/{directory}/{app}/signed-out", get().to(show_signed_out))
        .route("/directory-outbox/{directory}", get().to(list_mails));
}

/// Answers `GET /directory-apps`.
async fn show_overview() -> HttpResponse {
    overview_page()
}

/// Answers `GET /directory-apps/{directory}/{app}`: the page of the app. A browser without a user there is sent to the gateway,
/// where it may have a session already.
async fn show_app(http: HttpRequest, path: Path<AppPath>, services: Data<DirectoryAppServices>) -> HttpResponse {
    let Some(app) = path.find() else { return HttpResponse::NotFound().finish() };
    let found = services.sessions.find(app, &http);
    if let Some(AppSession::SignedIn(signed_in)) = found {
        return signed_in_page(app, &signed_in, None);
    }
    // A second tab asks for the same sign-in, so that either tab may complete it.
    let (state, nonce) = match found {
        Some(AppSession::SigningIn { state, nonce }) => (state, nonce),
        _ => (services.sessions.draw(), services.sessions.draw()),
    };
    let Some(authorization) = services.client.authorization(app, &state, &nonce) else {
        return signed_out_page(app, Some("The gateway is not attached to the stage."));
    };
    let cookie = services.sessions.begin(app, &http, AppSession::SigningIn { state, nonce });
    redirect(authorization.as_str(), cookie)
}

/// Answers `GET …/callback`, the app's redirect URI: redeems the code by the token endpoint.
async fn complete_sign_in(
    http: HttpRequest,
    path: Path<AppPath>,
    query: Query<Callback>,
    services: Data<DirectoryAppServices>,
) -> HttpResponse {
    let Some(app) = path.find() else { return HttpResponse::NotFound().finish() };
    if let Some(AppSession::SignedIn(_)) = services.sessions.find(app, &http) {
        return see_app(app);
    }
    match redeem(app, &http, &query, &services).await {
        Ok(signed_in) => {
            let session = AppSession::SignedIn(Box::new(signed_in));
            redirect(&app.path(), services.sessions.begin(app, &http, session))
        }
        Err(problem) => signed_out_page(app, Some(&problem)),
    }
}

async fn redeem(
    app: AppOfDirectory,
    http: &HttpRequest,
    query: &Callback,
    services: &DirectoryAppServices,
) -> Result<SignedIn, String> {
    let Some(AppSession::SigningIn { state, nonce }) = services.sessions.find(app, http) else {
        return Err("This browser has not begun a sign-in here.".to_owned());
    };
    if query.state.as_ref() != Some(&state) {
        return Err("The answer is not to the sign-in that this browser has begun.".to_owned());
    }
    match (&query.code, &query.error) {
        (Some(code), None) => services.client.redeem(app, code, &nonce).await,
        (_, Some(error)) => Err(format!("The sign-in was refused: {error}.")),
        (None, None) => Err("The answer has no code.".to_owned()),
    }
}

/// Answers `POST …/refresh`: replaces the tokens.
async fn refresh(http: HttpRequest, path: Path<AppPath>, services: Data<DirectoryAppServices>) -> HttpResponse {
    let Some(app) = path.find() else { return HttpResponse::NotFound().finish() };
    let Some(AppSession::SignedIn(signed_in)) = services.sessions.find(app, &http) else { return see_app(app) };
    match services.client.refresh(app, &signed_in).await {
        Ok(refreshed) => {
            let cookie = services.sessions.begin(app, &http, AppSession::SignedIn(Box::new(refreshed)));
            redirect(&app.path(), cookie)
        }
        Err(problem) => signed_in_page(app, &signed_in, Some(&AppResult::Problem(problem))),
    }
}

/// Answers `POST …/userinfo`: shows what the gateway says of the user.
async fn show_userinfo(http: HttpRequest, path: Path<AppPath>, services: Data<DirectoryAppServices>) -> HttpResponse {
    let Some(app) = path.find() else { return HttpResponse::NotFound().finish() };
    let Some(AppSession::SignedIn(signed_in)) = services.sessions.find(app, &http) else { return see_app(app) };
    let result = AppResult::of(services.client.userinfo(app, &signed_in).await);
    signed_in_page(app, &signed_in, Some(&result))
}

/// Answers `GET …/sign-out`: forgets the user, and sends the browser to the gateway, where its session ends, as `logoutSSO` of
/// App ID's SDK does.
async fn sign_out(
    http: HttpRequest,
    path: Path<AppPath>,
    query: Query<SignOutQuery>,
    services: Data<DirectoryAppServices>,
) -> HttpResponse {
    let Some(app) = path.find() else { return HttpResponse::NotFound().finish() };
    let of = if query.sessions.as_deref() == Some("all") { LogoutOf::AllBrowsers } else { LogoutOf::ThisBrowser };
    let cookie = services.sessions.end(app, &http);
    match services.client.logout(app, of) {
        Some(logout) => redirect(logout.as_str(), cookie),
        None => signed_out_page(app, Some("The gateway is not attached to the stage.")),
    }
}

/// Answers `GET …/signed-out`, to which the gateway leads the browser after a logout.
async fn show_signed_out(path: Path<AppPath>) -> HttpResponse {
    path.find().map_or_else(|| HttpResponse::NotFound().finish(), |app| signed_out_page(app, None))
}

/// Answers `GET /directory-outbox/{directory}`: the mails of the directory, newest last.
async fn list_mails(directory: Path<String>, services: Data<DirectoryAppServices>) -> HttpResponse {
    let Some(entry) = find_directory(&directory) else { return HttpResponse::NotFound().finish() };
    let outbox = services.outbox.clone();
    match spawn_blocking(move || outbox.list(entry.name)).await {
        Ok(mails) => HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(mails),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

/// The names in the path of an app's page.
#[derive(Deserialize)]
struct AppPath {
    directory: String,
    app: String,
}

impl AppPath {
    fn find(&self) -> Option<AppOfDirectory> {
        let directory = find_directory(&self.directory)?;
        Some(AppOfDirectory { directory, app: directory.find_app(&self.app)? })
    }
}

fn redirect(location: &str, cookie: Cookie<'static>) -> HttpResponse {
    let mut answer = HttpResponse::SeeOther();
    answer.insert_header(("Location", location)).insert_header(("Cache-Control", "no-store")).cookie(cookie).finish()
}

/// Sends the browser to the app's page, which begins a sign-in.
fn see_app(app: AppOfDirectory) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header(("Location", app.path()))
        .insert_header(("Cache-Control", "no-store"))
        .finish()
}
