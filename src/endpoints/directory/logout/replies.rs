//! The answers of this door. The operator's log gets the reason of each refusal here, once.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::pages::LogoutPage;
use super::plan::Plan;
use super::refusal::LogoutRefusal;
use super::request::{LogoutParameters, LogoutRequest, ReturnAddress};
use super::texts::LogoutTexts;
use super::{DECISION_PATH, LogoutDoor, name_form_action};
use crate::accounts::DirectoryView;
use crate::endpoints::directory::languages::{Language, NoticeText};
use crate::endpoints::directory::{BrowserSession, Notice};
use crate::inbound::{FormGuard, Problem, RequestId, begin_page, finish_page, redirect_browser};
use crate::pages::{PageFrame, PageSources};
use crate::token_issuer::TokenRefusal;

/// Answers one request of a browser.
pub(super) struct Responder<'r> {
    pub(super) http: &'r HttpRequest,
    pub(super) correlation_id: String,
    language: Language,
    door: &'r LogoutDoor,
}

/// How our page is shown.
#[derive(Clone, Copy)]
pub(super) struct Question {
    pub(super) status: StatusCode,
    /// Whether the form has come and was not this browser's.
    pub(super) is_repeated: bool,
}

impl<'r> Responder<'r> {
    /// Answers in the language of the browser until the request names another.
    pub(super) fn new(door: &'r LogoutDoor, http: &'r HttpRequest) -> Self {
        let correlation_id = RequestId::get_or_draw(http, &door.ambient.entropy);
        Self { http, correlation_id, language: Language::choose(http, None, None), door }
    }

    /// Answers in the language that the request asks for.
    pub(super) fn choose_language(&mut self, parameters: &LogoutParameters) {
        let (ui_locales, language) = (parameters.find("ui_locales"), parameters.find("language"));
        self.language = Language::choose(self.http, ui_locales, language);
    }

    /// Ends the browser's session as `choose` says, if it has one, and sends the browser on with `status`.
    pub(super) async fn carry_out(
        &self,
        door: &Data<LogoutDoor>,
        request: &LogoutRequest,
        choose: impl Fn(&BrowserSession) -> Plan,
        status: StatusCode,
    ) -> HttpResponse {
        let browser = match door.parts.browsers.find(self.http, &request.view).await {
            Ok(Some(browser)) => browser,
            Ok(None) => return self.finish(request, status),
            Err(_) => return self.unavailable(),
        };
        let answer = match choose(&browser) {
            Plan::End(extent) => {
                let ended = LogoutDoor::end(door, self, request, &browser, extent).await;
                ended.map(|()| self.finish(request, status))
            }
            Plan::Ask => {
                let guard = door.form_guard(&request.view).ok_or(Problem::ServiceUnavailable);
                let question = Question { status: StatusCode::OK, is_repeated: false };
                guard.map(|guard| self.ask(request, &browser, &guard, question))
            }
        };
        answer.unwrap_or_else(|_| self.unavailable())
    }

    /// Takes the cookie away and sends the browser on; without an address a page says that the user is signed out.
    pub(super) fn finish(&self, request: &LogoutRequest, status: StatusCode) -> HttpResponse {
        let mut response = self.lead_on(request, status, &self.texts().signed_out);
        self.door.parts.browsers.remove_cookie(&mut response, &request.view);
        response
    }

    /// Sends the browser on with its session.
    pub(super) fn stay(&self, request: &LogoutRequest) -> HttpResponse {
        self.lead_on(request, StatusCode::SEE_OTHER, &self.texts().still_signed_in)
    }

    /// Asks which sessions are to end.
    pub(super) fn ask(
        &self,
        request: &LogoutRequest,
        browser: &BrowserSession,
        guard: &FormGuard,
        question: Question,
    ) -> HttpResponse {
        let entropy = self.door.ambient.entropy.as_ref();
        let (texts, frame) = (self.texts(), PageFrame::draw(entropy));
        let token = guard.issue(self.http, &name_form_action(request, &browser.session.id), entropy);
        let forms = request.return_to.as_ref().map_or("", ReturnAddress::form_source);
        let policy = frame.content_policy(&PageSources { forms, ..PageSources::default() });
        let path = DECISION_PATH.replace("{tenant}", request.view.directory.tenant.as_str());
        let page = LogoutPage {
            frame,
            language: self.language.texts().tag,
            texts,
            name: &browser.user.shown_name(),
            action: format!("{path}?{}", request.to_form_query(self.language.texts().tag)),
            form_token: &token.value,
            is_repeated: question.is_repeated,
            is_everything: request.is_everything,
        };
        let mut response = finish_page(begin_page(question.status, "no-referrer"), &policy, &page);
        guard.set_cookie(&mut response, &token);
        response
    }

    /// Refuses a request. Nothing was ended.
    pub(super) fn refuse(&self, tenant: &str, refusal: LogoutRefusal) -> HttpResponse {
        // A text from outside is no name of a directory until one is found.
        let view = self.door.parts.directories.find(tenant);
        tracing::warn!(
            correlation_id = self.correlation_id,
            tenant = view.as_ref().map(|view| view.directory.tenant.as_str()),
            code = ?refusal,
            hint = refusal.hint(),
            "a sign-out was refused"
        );
        self.notice(refusal.status(), refusal.notice(self.texts()))
    }

    /// Says that the service cannot do its work now. The reason was logged where it was found.
    pub(super) fn unavailable(&self) -> HttpResponse {
        self.notice(StatusCode::SERVICE_UNAVAILABLE, &self.texts().unavailable)
    }

    /// Logs why an ID token does not vouch for the request. The user is asked then.
    pub(super) fn log_bad_hint(&self, view: &DirectoryView, refusal: TokenRefusal) {
        let tenant = view.directory.tenant.as_str();
        tracing::info!(correlation_id = self.correlation_id, tenant, check = %refusal, "an id_token_hint was passed over");
    }

    fn lead_on(&self, request: &LogoutRequest, status: StatusCode, text: &NoticeText) -> HttpResponse {
        match &request.return_to {
            Some(to) => redirect_browser(status, &to.address()),
            None => self.notice(StatusCode::OK, text),
        }
    }

    fn notice(&self, status: StatusCode, text: &NoticeText) -> HttpResponse {
        let notice = Notice { status, language: self.language, text, correlation_id: &self.correlation_id };
        notice.respond(self.door.ambient.entropy.as_ref())
    }

    fn texts(&self) -> &'static LogoutTexts {
        LogoutTexts::of(self.language)
    }
}
