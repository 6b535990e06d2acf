//! The door of an add-in's dialog: signing in where silent sign-in is impossible (docs/office-add-ins.md).
//!
//! Owns the three addresses of an add-in's sign-in and the message by which the last page tells the pane how it ended. It
//! deliberately gives the pane nothing but that message: the token is kept, and the pane uses it by the add-in's other doors.

mod description;
mod pages;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use url::Url;

use self::pages::{DialogFrame, DialogNoticePage, DialogResult, SignedInPage};
use super::failure_texts::{Advice, failure_texts};
use super::page_refusal::PageRefusal;
use super::replies::{REFERRER_POLICY, begin_notice};
use super::{PageDoor, WantedSignIn, may_begin_again};
use crate::domain::{AddIn, Connection, HolderName};
use crate::inbound::{Door, LetterCase, Method, Operation, begin_page, find_parameter, finish_page, redirect_browser};
use crate::pages::{PageFrame, PageSources};
use crate::sign_in::{PageRealm, PageSignInFailure, PageStep};

const BEGIN_PATH: &str = "/api/add-ins/{add_in}/sign-in";
const CALLBACK_PATH: &str = "/api/add-ins/{add_in}/sign-in/callback";
const DONE_PATH: &str = "/api/add-ins/{add_in}/sign-in/done";

const ADVICE: Advice = Advice {
    start_again: "Close this window and sign in again from the add-in.",
    allow_cookies: "Allow cookies for this site, close this window, and sign in again from the add-in.",
};

/// The state of this door; built once, shared by all workers.
pub struct AddInDialog {
    door: PageDoor,
    office_library: Url,
}

/// An add-in and its connection.
struct DialogAddIn<'d> {
    add_in: &'d Arc<AddIn>,
    connection: &'d Arc<Connection>,
}

/// This door's operations. None of them answers `HEAD`: each keeps something, uses a code up or tells a result.
pub const DOOR: Door = Door {
    name: "Add-in sign-in",
    description: "For the dialog of an Office add-in, when its users cannot be signed in silently.",
    bearer: "",
    operations: OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: false,
};

const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Get,
        path: BEGIN_PATH,
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
        path: DONE_PATH,
        route: |route| route.to(show_done),
        description: description::done,
    },
];

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, door: web::Data<AddInDialog>) {
    config.app_data(door);
    DOOR.add_routes(config);
}

/// `GET /api/add-ins/{add-in}/sign-in?origin=…`: the first page of the dialog. Redirects the browser to the identity provider.
async fn begin(http: HttpRequest, name: web::Path<String>, dialog: web::Data<AddInDialog>) -> HttpResponse {
    let place = match dialog.find(&name) {
        Ok(place) => place,
        Err(refusal) => return dialog.door.refuse(&http, refusal, None),
    };
    let origin = match choose_origin(place.add_in, &http) {
        Ok(origin) => origin.to_owned(),
        Err(refusal) => return dialog.door.refuse(&http, refusal, Some(place.connection)),
    };
    let wanted = WantedSignIn {
        connection: Arc::clone(place.connection),
        realm: PageRealm::BackEnd,
        redirect_uri: dialog.address_of(place.add_in, "callback"),
        return_to: origin.clone(),
    };
    match dialog.door.begin(&http, wanted).await {
        Ok(response) => response,
        Err(failure) => dialog.fail(&http, &place, &PageSignInFailure { failure, return_to: Some(origin) }),
    }
}

/// `GET /api/add-ins/{add-in}/sign-in/callback`: the browser returns from the identity provider. It is redirected at once, so
/// that the code in this address stays neither in its history nor before the eyes of the Office library.
async fn callback(http: HttpRequest, name: web::Path<String>, dialog: web::Data<AddInDialog>) -> HttpResponse {
    let place = match dialog.find(&name) {
        Ok(place) => place,
        Err(refusal) => return dialog.door.refuse(&http, refusal, None),
    };
    match dialog.door.take_return(&http, place.connection).await {
        Ok(PageStep::Done(done)) => {
            let address = dialog.address_of(place.add_in, "done");
            redirect_browser(StatusCode::FOUND, &format!("{}?signin={}", address.path(), done.handle.expose()))
        }
        Ok(PageStep::Provider(url)) => redirect_browser(StatusCode::FOUND, url.as_str()),
        Err(failure) => dialog.fail(&http, &place, &failure),
    }
}

/// `GET /api/add-ins/{add-in}/sign-in/done?signin=…`: the last page, as often as the browser asks for it.
async fn show_done(http: HttpRequest, name: web::Path<String>, dialog: web::Data<AddInDialog>) -> HttpResponse {
    let place = match dialog.find(&name) {
        Ok(place) => place,
        Err(refusal) => return dialog.door.refuse(&http, refusal, None),
    };
    let handle = find_parameter(http.query_string(), "signin").unwrap_or_default();
    let browser = dialog.door.read_browser(&http);
    match dialog.door.steps.find_done(place.connection, &handle, browser.as_ref()).await {
        Ok(done) => {
            let frame = dialog.frame(&place, Some(&done.return_to), &DialogResult::SignedIn);
            let policy = dialog.policy(&frame);
            finish_page(
                begin_page(StatusCode::OK, REFERRER_POLICY),
                &policy,
                &SignedInPage::new(frame, &done.account_name),
            )
        }
        Err(failure) => dialog.fail(&http, &place, &failure),
    }
}

/// The origin of the pane that opened the dialog: the one that it names, or the add-in's only one.
fn choose_origin<'a>(add_in: &'a AddIn, http: &HttpRequest) -> Result<&'a str, PageRefusal> {
    match (find_parameter(http.query_string(), "origin"), add_in.origins.as_slice()) {
        (None, [only]) => Ok(only),
        (None, _) => Err(PageRefusal::OriginMissing),
        (Some(named), origins) => {
            let listed = origins.iter().find(|origin| **origin == *named);
            listed.map(String::as_str).ok_or(PageRefusal::OriginNotListed)
        }
    }
}

impl AddInDialog {
    /// The dialogs of the add-ins that `door` knows. Their last page loads the Office library from `office_library`.
    #[must_use]
    pub const fn new(door: PageDoor, office_library: Url) -> Self {
        Self { door, office_library }
    }

    fn find(&self, name: &str) -> Result<DialogAddIn<'_>, PageRefusal> {
        let registrations = &self.door.registrations;
        let add_in = registrations.find_add_in(name).ok_or(PageRefusal::UnknownAddIn)?;
        let connection = registrations.find_only_connection(&HolderName::from(&add_in.name));
        Ok(DialogAddIn { add_in, connection: connection.ok_or(PageRefusal::UnknownAddIn)? })
    }

    fn address_of(&self, add_in: &AddIn, step: &str) -> Url {
        self.door.address(&["api", "add-ins", add_in.name.as_str(), "sign-in", step])
    }

    /// The frame of a page that tells the pane `result`: the pane at `origin`, or at the add-in's only origin, if the sign-in
    /// is not known.
    fn frame<'d>(
        &'d self,
        place: &DialogAddIn<'d>,
        origin: Option<&str>,
        result: &DialogResult<'_>,
    ) -> DialogFrame<'d> {
        let listed = |origin: &str| place.add_in.origins.iter().find(|listed| *listed == origin);
        let target_origin = match (origin, place.add_in.origins.as_slice()) {
            (Some(origin), _) => listed(origin),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        let PageFrame { nonce } = PageFrame::draw(self.door.entropy.as_ref());
        let target_origin = target_origin.map_or("", String::as_str);
        DialogFrame { nonce, office_library: &self.office_library, target_origin, message: result.to_message() }
    }

    /// The content security policy: only the page's own styles and scripts, and the host of the Office library, which loads
    /// further parts of itself.
    fn policy(&self, frame: &DialogFrame<'_>) -> String {
        let origin = self.office_library.origin().ascii_serialization();
        let scripts = if frame.target_origin.is_empty() { "" } else { &origin };
        PageFrame { nonce: frame.nonce.clone() }.content_policy(&PageSources { scripts, ..PageSources::default() })
    }

    fn fail(&self, http: &HttpRequest, place: &DialogAddIn<'_>, failure: &PageSignInFailure) -> HttpResponse {
        let PageSignInFailure { failure, return_to } = failure;
        let correlation_id = self.door.correlation_id(http);
        let texts = failure_texts(failure.error, ADVICE);
        failure.report(texts.reason, Some(place.connection.holder.as_str()), &correlation_id);
        let result = DialogResult::of_failure(failure.error, texts.reason, &correlation_id);
        let frame = self.frame(place, return_to.as_deref(), &result);
        let again = return_to.as_deref().filter(|_| may_begin_again(failure));
        let again = again.map(|origin| self.begin_address(place.add_in, origin));
        let policy = self.policy(&frame);
        let page = DialogNoticePage::new(frame, texts.notice(&correlation_id), again.as_deref());
        finish_page(begin_notice(&texts, failure.retry_after), &policy, &page)
    }

    /// The address of the dialog's first page for the pane at `origin`, on this host.
    fn begin_address(&self, add_in: &AddIn, origin: &str) -> String {
        let mut address = self.door.address(&["api", "add-ins", add_in.name.as_str(), "sign-in"]);
        address.query_pairs_mut().append_pair("origin", origin);
        format!("{}?{}", address.path(), address.query().unwrap_or_default())
    }
}
