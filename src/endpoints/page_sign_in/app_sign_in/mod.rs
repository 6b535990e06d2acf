//! The door at which the users of an app sign in (docs/service-role.md §Signing in).
//!
//! Owns the addresses of the login, its return and the logout, the rule to which addresses a browser is sent, and how our own
//! token for the app's user reaches the front end. It deliberately gives no front end a token of an identity provider.

mod addresses;
mod description;
mod linked_users;
mod outcome;
mod pages;

use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use url::Url;

pub use linked_users::LinkedUsers;

use self::addresses::{ReturnAddress, is_listed};
use super::failure_texts::{Advice, failure_texts};
use super::page_refusal::PageRefusal;
use super::replies::begin_notice;
use super::{PageDoor, WantedSignIn, address_below, may_begin_again};
use crate::domain::{AppId, Connection, HolderName, ServiceRoleApp};
use crate::inbound::{Door, LetterCase, Method, Operation, find_parameter, finish_page, redirect_browser};
use crate::pages::{NoticePage, PageFrame, PageSources};
use crate::sign_in::{PageRealm, PageSignInFailure, PageStep};
use crate::token_issuer::AppUserTokens;

const LOGIN_PATH: &str = "/api/apps/{app}/auth/sso/login";
const CALLBACK_PATH: &str = "/api/apps/{app}/auth/sso/callback";
const LOGOUT_PATH: &str = "/api/apps/auth/logout";

const ADVICE: Advice = Advice {
    start_again: "Go back to the app and sign in again.",
    allow_cookies: "Allow cookies for this site, go back to the app, and sign in again.",
};

/// The state of this door; built once, shared by all workers.
pub struct AppSignIn {
    door: PageDoor,
    tokens: AppUserTokens,
}

/// An app and its connection.
struct SignInApp<'d> {
    app: &'d Arc<ServiceRoleApp>,
    connection: &'d Arc<Connection>,
}

/// This door's operations. None of them answers `HEAD`: each keeps something or uses a code up.
pub const DOOR: Door = Door {
    name: "App sign-in",
    description: "For the browsers of an app's users: signing in, and leaving.",
    bearer: "",
    operations: OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: false,
};

const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Get,
        path: LOGIN_PATH,
        route: |route| route.to(begin),
        description: description::begin,
    },
    Operation {
        method: Method::Get,
        path: CALLBACK_PATH,
        route: |route| route.to(callback),
        description: description::callback,
    },
    Operation {
        method: Method::Get,
        path: LOGOUT_PATH,
        route: |route| route.to(leave),
        description: description::leave,
    },
];

/// Adds this door's paths. Base44's SDK doubles the first slash if its server address ends with one.
pub fn configure(config: &mut web::ServiceConfig, door: web::Data<AppSignIn>) {
    config.app_data(door);
    DOOR.add_routes(config);
    DOOR.add_routes_behind_slash(config);
}

/// `GET /api/apps/{app}/auth/sso/login?app_id&from_url[&popup_origin]`: sends the browser to the identity provider.
async fn begin(http: HttpRequest, id: web::Path<String>, sign_in: web::Data<AppSignIn>) -> HttpResponse {
    let place = match sign_in.find(&id) {
        Ok(place) => place,
        Err(refusal) => return sign_in.door.refuse(&http, refusal, None),
    };
    let address = match read_return_address(place.app, &http) {
        Ok(address) => address,
        Err(refusal) => return sign_in.door.refuse(&http, refusal, Some(place.connection)),
    };
    let return_to = address.to_text();
    let wanted = WantedSignIn {
        connection: Arc::clone(place.connection),
        realm: PageRealm::App,
        redirect_uri: callback_address(&sign_in.door.public_url, &place.app.id),
        return_to: return_to.clone(),
    };
    match sign_in.door.begin(&http, wanted).await {
        Ok(response) => response,
        Err(failure) => sign_in.fail(&http, &place, &PageSignInFailure { failure, return_to: Some(return_to) }),
    }
}

/// The address to which identity providers send the browsers of the users of `app` back.
#[must_use]
pub fn callback_address(public_url: &Url, app: &AppId) -> Url {
    address_below(public_url, &["api", "apps", app.as_str(), "auth", "sso", "callback"])
}

/// `GET /api/apps/{app}/auth/sso/callback`: the browser returns from the identity provider. It is redirected to the app, or
/// shown a page that tells the window which opened it.
async fn callback(http: HttpRequest, id: web::Path<String>, sign_in: web::Data<AppSignIn>) -> HttpResponse {
    let place = match sign_in.find(&id) {
        Ok(place) => place,
        Err(refusal) => return sign_in.door.refuse(&http, refusal, None),
    };
    let answered = match sign_in.door.take_return(&http, place.connection).await {
        Ok(PageStep::Provider(url)) => return redirect_browser(StatusCode::FOUND, url.as_str()),
        Ok(PageStep::Done(done)) => sign_in.lead_back(&http, &place, &done).await,
        Err(failure) => Err(failure),
    };
    answered.unwrap_or_else(|failure| sign_in.fail(&http, &place, &failure))
}

/// `GET /api/apps/auth/logout?from_url`: sends the browser back to the app, and takes its cookie away, so that no return of
/// before gives a token any more. It ends no token: a navigation carries none, and every page can send a browser here. The
/// front end forgets its token, which ends within an hour.
async fn leave(http: HttpRequest, sign_in: web::Data<AppSignIn>) -> HttpResponse {
    let from_url = find_parameter(http.query_string(), "from_url");
    let referrer = http.headers().get(header::REFERER).and_then(|value| value.to_str().ok());
    let Some(address) = from_url.as_deref().and_then(|text| ReturnAddress::parse_on_page(text, referrer)) else {
        return sign_in.door.refuse(&http, PageRefusal::BadReturnAddress, None);
    };
    if sign_in.door.registrations.apps().any(|app| is_listed(&address, &app.login_origins)) {
        let mut response = redirect_browser(StatusCode::FOUND, address.as_str());
        sign_in.door.cookie.remove(&mut response);
        response
    } else {
        sign_in.door.refuse(&http, PageRefusal::ReturnAddressNotListed, None)
    }
}

/// Reads where the sign-in leads back, which the app's settings must permit.
fn read_return_address(app: &ServiceRoleApp, http: &HttpRequest) -> Result<ReturnAddress, PageRefusal> {
    let find = |name| find_parameter(http.query_string(), name);
    if find("app_id").is_some_and(|app_id| *app_id != *app.id.as_str()) {
        return Err(PageRefusal::OtherApp);
    }
    let from_url = find("from_url").ok_or(PageRefusal::BadReturnAddress)?;
    ReturnAddress::new(&from_url, find("popup_origin").as_deref(), &app.login_origins)
}

impl AppSignIn {
    /// Signs users of the apps that `door` knows in, and issues our `tokens` to their front ends.
    #[must_use]
    pub fn new(door: PageDoor, tokens: AppUserTokens) -> Self {
        Self { door, tokens }
    }

    fn find(&self, id: &str) -> Result<SignInApp<'_>, PageRefusal> {
        let registrations = &self.door.registrations;
        let app = registrations.find_app(id).ok_or(PageRefusal::UnknownApp)?;
        let connection = registrations.find_only_connection(&HolderName::from(&app.id));
        Ok(SignInApp { app, connection: connection.ok_or(PageRefusal::UnknownApp)? })
    }

    fn fail(&self, http: &HttpRequest, place: &SignInApp<'_>, failure: &PageSignInFailure) -> HttpResponse {
        let PageSignInFailure { failure, return_to } = failure;
        let correlation_id = self.door.correlation_id(http);
        let texts = failure_texts(failure.error, ADVICE);
        failure.report(texts.reason, Some(place.connection.holder.as_str()), &correlation_id);
        let address = return_to.as_deref().filter(|_| may_begin_again(failure)).and_then(ReturnAddress::from_text);
        let again = address.map(|address| self.login_address(place.app, &address));
        let frame = PageFrame::draw(self.door.entropy.as_ref());
        let policy = frame.content_policy(&PageSources::default());
        let page = NoticePage::new(frame, texts.notice(&correlation_id), again.as_deref());
        finish_page(begin_notice(&texts, failure.retry_after), &policy, &page)
    }

    /// The address that begins the same sign-in anew, on this host.
    fn login_address(&self, app: &ServiceRoleApp, address: &ReturnAddress) -> String {
        let mut login = self.door.address(&["api", "apps", app.id.as_str(), "auth", "sso", "login"]);
        login.query_pairs_mut().append_pair("from_url", address.from_url.as_str());
        if let Some(origin) = &address.popup_origin {
            login.query_pairs_mut().append_pair("popup_origin", origin);
        }
        format!("{}?{}", login.path(), login.query().unwrap_or_default())
    }
}
