//! The answers of this door. The operator's log gets the reason of each refusal here, once.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};

use super::destination::{AppAnswer, PageSetting};
use super::login_notice::LoginNotice;
use super::own_page_links::OwnPageLinks;
use super::pages::LoginPage;
use super::provider_links::list_provider_links;
use super::request::{RefusedRequest, SignInRequest};
use super::untrusted_request::UntrustedRequest;
use super::{AuthorizationDoor, LOGIN_PATH, RequestRefusal, name_form_action};
use crate::domain::IdentityField;
use crate::endpoints::directory::Notice;
use crate::endpoints::directory::languages::{Language, NoticeText};
use crate::inbound::RateExceeded;
use crate::inbound::{FormGuard, RequestId, TrustedProxies, begin_page, finish_page};
use crate::pages::{PageFrame, PageSources};

/// Answers one request of a browser.
pub(in crate::endpoints::directory) struct Responder<'r> {
    pub(in crate::endpoints::directory) http: &'r HttpRequest,
    pub(in crate::endpoints::directory) language: Language,
    pub(in crate::endpoints::directory) correlation_id: String,
    door: &'r AuthorizationDoor,
}

impl<'r> Responder<'r> {
    /// Answers in the language of the browser until the request names another.
    pub(in crate::endpoints::directory) fn new(door: &'r AuthorizationDoor, http: &'r HttpRequest) -> Self {
        let correlation_id = RequestId::get_or_draw(http, &door.ambient.entropy);
        Self { http, language: Language::choose(http, None, None), correlation_id, door }
    }

    /// Answers a request that is not in order.
    pub(in crate::endpoints::directory) fn refuse(
        &self,
        tenant: &str,
        refusal: &RequestRefusal,
        status: StatusCode,
    ) -> HttpResponse {
        match refusal {
            RequestRefusal::Untrusted(refusal) => self.refuse_untrusted(tenant, *refusal),
            RequestRefusal::Told(refused) => self.tell_fault(refused, status),
        }
    }

    /// Refuses a request that names no address which could be trusted.
    pub(in crate::endpoints::directory) fn refuse_untrusted(
        &self,
        tenant: &str,
        refusal: UntrustedRequest,
    ) -> HttpResponse {
        if let Some(refusals) = self.door.lines.note(TrustedProxies::client_address(self.http)) {
            // A text from outside is no name of a directory until one is found.
            let view = self.door.parts.directories.find(tenant);
            tracing::warn!(
                correlation_id = self.correlation_id,
                tenant = view.as_ref().map(|view| view.directory.tenant.as_str()),
                code = ?refusal,
                refusals,
                hint = refusal.hint(),
                "an authorization request was refused"
            );
        }
        self.notice(refusal.status(), refusal.notice(self.language.texts()))
    }

    /// Tells the application why there is no code.
    pub(in crate::endpoints::directory) fn tell_fault(
        &self,
        refused: &RefusedRequest,
        status: StatusCode,
    ) -> HttpResponse {
        let RefusedRequest { destination, fault } = refused;
        tracing::info!(
            correlation_id = self.correlation_id,
            issuer = destination.issuer,
            code = ?fault,
            error = fault.error(),
            "an authorization request was answered with an error"
        );
        destination.respond(&AppAnswer::Fault(*fault), status, self.setting())
    }

    /// Says that the service cannot do its work now. The reason was logged where it was found.
    pub(in crate::endpoints::directory) fn unavailable(&self) -> HttpResponse {
        self.notice(StatusCode::SERVICE_UNAVAILABLE, &self.language.texts().unavailable)
    }

    /// Says that the user is signed in silently too often.
    pub(in crate::endpoints::directory) fn too_many(&self, limited: RateExceeded) -> HttpResponse {
        let mut response = self.notice(StatusCode::TOO_MANY_REQUESTS, &self.language.texts().too_often);
        response.headers_mut().insert(header::RETRY_AFTER, limited.retry_after.into());
        response
    }

    /// Shows the page on which the user signs in, with `name` in its field.
    pub(in crate::endpoints::directory) fn show_login(
        &self,
        request: &SignInRequest,
        name: &str,
        notice: Option<&LoginNotice>,
        guard: &FormGuard,
    ) -> HttpResponse {
        let texts = self.language.texts();
        let is_email = request.view.settings.identity_field == IdentityField::Email;
        let token = guard.issue(self.http, &name_form_action(request), self.door.ambient.entropy.as_ref());
        let PageSetting { frame, .. } = self.setting();
        let sources = PageSources { forms: request.destination.form_source(), ..PageSources::default() };
        let policy = frame.content_policy(&sources);
        let path = LOGIN_PATH.replace("{tenant}", request.view.directory.tenant.as_str());
        let page = LoginPage {
            frame,
            texts,
            application: &request.application.name,
            action: format!("{path}?{}", request.query),
            form_token: &token.value,
            name_label: if is_email { texts.email } else { texts.user_name },
            is_email,
            name,
            error: notice.map(|notice| notice.text(texts)),
            is_invalid: notice.is_some_and(LoginNotice::is_about_input),
            own_pages: OwnPageLinks::of(request, notice),
            providers: list_provider_links(request),
        };
        let mut response = begin_page(notice.map_or(StatusCode::OK, LoginNotice::status), "no-referrer");
        if let Some(seconds) = notice.and_then(LoginNotice::retry_after) {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        let mut response = finish_page(response, &policy, &page);
        guard.set_cookie(&mut response, &token);
        response
    }

    /// What the next page needs beside its content.
    pub(in crate::endpoints::directory) fn setting(&self) -> PageSetting {
        PageSetting { frame: PageFrame::draw(self.door.ambient.entropy.as_ref()), language: self.language }
    }

    /// Says what has happened.
    pub(in crate::endpoints::directory) fn notice(&self, status: StatusCode, text: &NoticeText) -> HttpResponse {
        let notice = Notice { status, language: self.language, text, correlation_id: &self.correlation_id };
        notice.respond(self.door.ambient.entropy.as_ref())
    }
}
