//! The answers of this door.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use url::form_urlencoded::Serializer;

use super::overview::Overview;
use super::pages::{AccountPage, ChangeLink, SignOutPage};
use super::rows::{ApplicationRow, HolderRow, ProviderRow, SessionRow};
use super::texts::AccountTexts;
use super::{ACCOUNT_PATH, AccountDoor, PageUser, SIGN_OUT_PATH, SIGNED_OUT_PATH, path_at};
use crate::accounts::DirectoryView;
use crate::domain::Application;
use crate::endpoints::directory::Notice;
use crate::endpoints::directory::languages::{Language, NoticeText};
use crate::inbound::{FormGuard, RequestId, begin_page, find_parameter, finish_page, redirect_browser};
use crate::pages::{PageFrame, PageSources};

/// Answers one request of a browser.
pub(super) struct Responder<'r> {
    pub(super) http: &'r HttpRequest,
    pub(super) correlation_id: String,
    language: Language,
    door: &'r AccountDoor,
}

/// A page that only says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AccountNotice {
    /// The path names no directory.
    UnknownDirectory,
    /// The directory has no single sign-on, so there are no sessions.
    NoSingleSignOn,
    /// The browser came back from the sign-in, and has no session.
    NoSession,
    /// The session of this browser has ended.
    SignedOut,
    /// Everything has ended.
    SignedOutEverywhere,
    /// The service cannot do its work now.
    Unavailable,
}

impl AccountNotice {
    const fn status(self) -> StatusCode {
        match self {
            Self::UnknownDirectory => StatusCode::NOT_FOUND,
            Self::NoSession => StatusCode::BAD_REQUEST,
            Self::NoSingleSignOn | Self::SignedOut | Self::SignedOutEverywhere => StatusCode::OK,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    const fn text(self, texts: &AccountTexts) -> &NoticeText {
        match self {
            Self::UnknownDirectory => &texts.unknown_directory,
            Self::NoSingleSignOn => &texts.no_single_sign_on,
            Self::NoSession => &texts.no_session,
            Self::SignedOut => &texts.signed_out,
            Self::SignedOutEverywhere => &texts.signed_out_everywhere,
            Self::Unavailable => &texts.unavailable,
        }
    }
}

impl<'r> Responder<'r> {
    /// Answers in the language of the browser until the request's own language is chosen.
    pub(super) fn new(door: &'r AccountDoor, http: &'r HttpRequest) -> Self {
        let correlation_id = RequestId::get_or_draw(http, &door.ambient.entropy);
        Self { http, correlation_id, language: Language::choose(http, None, None), door }
    }

    /// Answers in the language that the address asks for.
    pub(super) fn choose_language(&mut self) {
        let query = self.http.query_string();
        let (ui_locales, language) = (find_parameter(query, "ui_locales"), find_parameter(query, "language"));
        self.language = Language::choose(self.http, ui_locales.as_deref(), language.as_deref());
    }

    fn texts(&self) -> &'static AccountTexts {
        AccountTexts::of(self.language)
    }

    /// Shows a page that only says something.
    pub(super) fn notice(&self, notice: AccountNotice) -> HttpResponse {
        let (language, text) = (self.language, notice.text(self.texts()));
        let notice = Notice { status: notice.status(), language, text, correlation_id: &self.correlation_id };
        notice.respond(self.door.ambient.entropy.as_ref())
    }

    /// The address of the directory's own sign-in, which leads back to the page.
    pub(super) fn sign_in_address(&self, view: &DirectoryView) -> String {
        let issuer = &view.directory.issuer;
        let mut query = Serializer::new(String::new());
        query
            .append_pair("client_id", Application::ACCOUNT_PAGE_ID)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", &format!("{issuer}/account"))
            .append_pair("scope", "openid")
            .append_pair("ui_locales", self.language.texts().tag);
        format!("{issuer}/authorization?{}", query.finish())
    }

    /// Leads a form to the sign-in.
    pub(super) fn lead_to_sign_in(&self, view: &DirectoryView) -> HttpResponse {
        redirect_browser(StatusCode::SEE_OTHER, &self.sign_in_address(view))
    }

    /// Leads to the page, with `query` behind its address.
    pub(super) fn lead_to_page(&self, user: &PageUser, query: &str) -> HttpResponse {
        let address = self.address(ACCOUNT_PATH, user);
        let mark = if query.is_empty() { "" } else { "&" };
        redirect_browser(StatusCode::SEE_OTHER, &format!("{address}{mark}{query}"))
    }

    /// Leads to the page that says that the user is signed out, and takes the cookie away.
    pub(super) fn lead_to_signed_out(&self, user: &PageUser, is_everywhere: bool) -> HttpResponse {
        let address = self.address(SIGNED_OUT_PATH, user);
        let query = if is_everywhere { "&everywhere=1" } else { "" };
        let mut response = redirect_browser(StatusCode::SEE_OTHER, &format!("{address}{query}"));
        self.door.parts.browsers.remove_cookie(&mut response, &user.view);
        response
    }

    /// The path of `template` with the language of this page.
    fn address(&self, template: &str, user: &PageUser) -> String {
        format!("{}?language={}", path_at(template, user.tenant()), self.language.texts().tag)
    }

    /// Shows where the user is signed in. A status other than 200 says that a form was not this browser's.
    pub(super) fn show_page(
        &self,
        user: &PageUser,
        overview: &Overview,
        guard: &FormGuard,
        status: StatusCode,
    ) -> HttpResponse {
        let texts = self.texts();
        let token = guard.issue(self.http, &user.name_forms(), self.door.ambient.entropy.as_ref());
        let frame = PageFrame::draw(self.door.ambient.entropy.as_ref());
        let policy = frame.content_policy(&PageSources::default());
        let page = AccountPage {
            frame,
            language: self.language.texts().tag,
            texts,
            name: &user.user().shown_name(),
            action: &self.address(ACCOUNT_PATH, user),
            form_token: &token.value,
            message: self.choose_message(status),
            sign_out: &self.address(SIGN_OUT_PATH, user),
            changes: self.list_changes(user),
            sessions: list_sessions(user, overview, texts),
            applications: overview.applications.iter().map(ApplicationRow::of).collect(),
            holders: overview.holders.iter().map(|holder| HolderRow::of(holder, texts)).collect(),
            providers: list_providers(user),
            provider_pages: &format!("/oauth/v4/{}/providers", user.tenant()),
        };
        let mut response = finish_page(begin_page(status, "no-referrer"), &policy, &page);
        guard.set_cookie(&mut response, &token);
        response
    }

    fn choose_message(&self, status: StatusCode) -> &'static str {
        if status != StatusCode::OK {
            self.texts().try_again
        } else if find_parameter(self.http.query_string(), "done").is_some() {
            self.texts().done
        } else {
            ""
        }
    }

    /// The pages on which the user changes the password and the names, where the directory has them.
    fn list_changes(&self, user: &PageUser) -> Vec<ChangeLink> {
        let (texts, issuer) = (self.texts(), &user.view.directory.issuer);
        if !user.view.settings.self_service.enabled {
            return Vec::new();
        }
        let mut query = Serializer::new(String::new());
        query
            .append_pair("client_id", Application::ACCOUNT_PAGE_ID)
            .append_pair("redirect_uri", &format!("{issuer}/account"))
            .append_pair("user_id", &user.user().id)
            .append_pair("language", self.language.texts().tag);
        let query = query.finish();
        let link = |page, text| ChangeLink { text, address: format!("{issuer}/cloud_directory/{page}?{query}") };
        let password = user.user().has_password.then(|| link("change_password", texts.change_password));
        password.into_iter().chain([link("change_details", texts.change_details)]).collect()
    }

    /// Asks whether everything is to end.
    pub(super) fn show_question(&self, user: &PageUser, guard: &FormGuard, status: StatusCode) -> HttpResponse {
        let token = guard.issue(self.http, &user.name_sign_out(), self.door.ambient.entropy.as_ref());
        let frame = PageFrame::draw(self.door.ambient.entropy.as_ref());
        let policy = frame.content_policy(&PageSources::default());
        let page = SignOutPage {
            frame,
            language: self.language.texts().tag,
            texts: self.texts(),
            name: &user.user().shown_name(),
            action: &self.address(SIGN_OUT_PATH, user),
            form_token: &token.value,
            back: &self.address(ACCOUNT_PATH, user),
            is_repeated: status != StatusCode::OK,
        };
        let mut response = finish_page(begin_page(status, "no-referrer"), &policy, &page);
        guard.set_cookie(&mut response, &token);
        response
    }
}

fn list_sessions(user: &PageUser, overview: &Overview, texts: &AccountTexts) -> Vec<SessionRow> {
    let this = &user.browser.session;
    overview.sessions.iter().map(|session| SessionRow::of(session, this, texts)).collect()
}

fn list_providers(user: &PageUser) -> Vec<ProviderRow> {
    let providers = user.view.directory.login_providers.iter();
    providers.map(|provider| ProviderRow::of(provider, &user.user().identities)).collect()
}
