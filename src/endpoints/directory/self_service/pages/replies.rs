//! The answers of this door. The operator's log gets the reason of each refusal here, once.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};

use super::SelfServiceDoor;
use super::faults::PageFault;
use super::fields::{Entries, Field};
use super::own_page::{OwnPage, PageContent, PageForm};
use super::refusals::{ActFailure, PageRefusal};
use super::texts::SelfServiceTexts;
use crate::accounts::DirectoryView;
use crate::endpoints::directory::authorization::{
    AppAnswer, PageSetting, RefusedRequest, RequestRefusal, UntrustedRequest,
};
use crate::endpoints::directory::languages::{Language, NoticeText};
use crate::endpoints::directory::{Notice, form_guard};
use crate::inbound::RateExceeded;
use crate::inbound::{RequestId, TrustedProxies, begin_page, finish_page};
use crate::pages::{PageFrame, PageSources};

/// Answers one request of a browser.
pub(super) struct Responder<'r> {
    pub(super) http: &'r HttpRequest,
    pub(super) language: Language,
    pub(super) correlation_id: String,
    door: &'r SelfServiceDoor,
}

/// A page with a form.
pub(super) struct FormPage {
    pub(super) content: PageContent,
    /// The path and query of the form, which name the form to its guard as well.
    pub(super) action: String,
    pub(super) fields: Vec<Field>,
    /// The text of its button.
    pub(super) submit: &'static str,
    /// Where the form may lead beside this service: `form-action`.
    pub(super) leads_to: &'static str,
}

impl<'r> Responder<'r> {
    /// Answers in the language of the browser until the request names another.
    pub(super) fn new(door: &'r SelfServiceDoor, http: &'r HttpRequest) -> Self {
        let correlation_id = RequestId::get_or_draw(http, &door.ambient.entropy);
        Self { http, language: Language::choose(http, None, None), correlation_id, door }
    }

    /// The texts of these pages.
    pub(super) const fn texts(&self) -> &'static SelfServiceTexts {
        SelfServiceTexts::of(self.language)
    }

    /// Answers a request that is not in order.
    pub(super) fn refuse(&self, tenant: &str, refusal: &PageRefusal, status: StatusCode) -> HttpResponse {
        match refusal {
            PageRefusal::SwitchedOff => self.notice(StatusCode::NOT_FOUND, &self.texts().switched_off),
            PageRefusal::Request(RequestRefusal::Untrusted(refusal)) => self.refuse_untrusted(tenant, *refusal),
            PageRefusal::Request(RequestRefusal::Told(refused)) => self.tell_fault(refused, status),
        }
    }

    /// Shows a page with a form. `fault`: what is wrong with the form that the browser has sent.
    pub(super) fn show_form(&self, view: &DirectoryView, page: &FormPage, fault: Option<&PageFault>) -> HttpResponse {
        let Some(guard) = form_guard(&self.door.parts.keys, &view.directory) else { return self.unavailable() };
        let token = guard.issue(self.http, &page.action, self.door.ambient.entropy.as_ref());
        let form = PageForm { action: &page.action, token: &token.value, fields: &page.fields, submit: page.submit };
        let mut response = self.show(&page.content, Some(form), page.leads_to, fault);
        guard.set_cookie(&mut response, &token);
        response
    }

    /// Checks that the browser has sent the form of a page of its own, which goes to `action`.
    pub(super) fn check_form(
        &self,
        view: &DirectoryView,
        action: &str,
        entries: &Entries<'_>,
    ) -> Result<(), PageFault> {
        let guard = form_guard(&self.door.parts.keys, &view.directory);
        let is_own = guard.is_some_and(|guard| guard.check(self.http, action, entries.text("form_token")));
        if is_own { Ok(()) } else { Err(PageFault::TryAgain) }
    }

    /// Answers a form by which nothing was done. `ended`: what the page says if its link or code is not good.
    pub(super) fn fail(
        &self,
        view: &DirectoryView,
        page: &FormPage,
        failure: &ActFailure,
        ended: &NoticeText,
    ) -> HttpResponse {
        match failure {
            ActFailure::Fault(fault) => self.show_form(view, page, Some(fault)),
            ActFailure::Ended => self.notice(StatusCode::GONE, ended),
            ActFailure::Unavailable => self.unavailable(),
        }
    }

    /// Shows a page without a form.
    pub(super) fn show_page(&self, content: &PageContent) -> HttpResponse {
        self.show(content, None, "", None)
    }

    /// Says what has happened.
    pub(super) fn notice(&self, status: StatusCode, text: &NoticeText) -> HttpResponse {
        let notice = Notice { status, language: self.language, text, correlation_id: &self.correlation_id };
        notice.respond(self.door.ambient.entropy.as_ref())
    }

    /// Says that the service cannot do its work now. The reason was logged where it was found.
    pub(super) fn unavailable(&self) -> HttpResponse {
        self.notice(StatusCode::SERVICE_UNAVAILABLE, &self.language.texts().unavailable)
    }

    /// Says that the user is signed in too often.
    pub(super) fn too_often(&self, limited: RateExceeded) -> HttpResponse {
        let mut response = self.notice(StatusCode::TOO_MANY_REQUESTS, &self.language.texts().too_often);
        response.headers_mut().insert(header::RETRY_AFTER, limited.retry_after.into());
        response
    }

    /// What the next page needs beside its content.
    pub(super) fn setting(&self) -> PageSetting {
        PageSetting { frame: PageFrame::draw(self.door.ambient.entropy.as_ref()), language: self.language }
    }

    fn show(
        &self,
        content: &PageContent,
        form: Option<PageForm<'_>>,
        leads_to: &str,
        fault: Option<&PageFault>,
    ) -> HttpResponse {
        let PageSetting { frame, .. } = self.setting();
        let policy = frame.content_policy(&PageSources { forms: leads_to, ..PageSources::default() });
        let mut response = begin_page(fault.map_or(StatusCode::OK, PageFault::status), "no-referrer");
        if let Some(seconds) = fault.and_then(PageFault::retry_after) {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        let fault = fault.map(|fault| fault.text(self.language));
        let tag = self.language.texts().tag;
        finish_page(response, &policy, &OwnPage { frame, tag, content, fault: fault.as_deref(), form })
    }

    /// Refuses a request that names no address which could be trusted.
    fn refuse_untrusted(&self, tenant: &str, refusal: UntrustedRequest) -> HttpResponse {
        if let Some(refusals) = self.door.lines.note(TrustedProxies::client_address(self.http)) {
            // A text from outside is no name of a directory until one is found.
            let view = self.door.parts.directories.find(tenant);
            tracing::warn!(
                correlation_id = self.correlation_id,
                tenant = view.as_ref().map(|view| view.directory.tenant.as_str()),
                code = ?refusal,
                refusals,
                hint = refusal.hint(),
                "a request for a page of self-service was refused"
            );
        }
        self.notice(refusal.status(), refusal.notice(self.language.texts()))
    }

    /// Tells the application why there is no page.
    fn tell_fault(&self, refused: &RefusedRequest, status: StatusCode) -> HttpResponse {
        let RefusedRequest { destination, fault } = refused;
        tracing::info!(
            correlation_id = self.correlation_id,
            issuer = destination.issuer,
            code = ?fault,
            error = fault.error(),
            "a request for a page of self-service was answered with an error"
        );
        destination.respond(&AppAnswer::Fault(*fault), status, self.setting())
    }
}
