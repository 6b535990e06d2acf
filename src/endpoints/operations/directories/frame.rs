use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{DirectoryPages, LIST_PATH};
use crate::inbound::{ChangeLost, FormToken, Problem, RequestId, begin_page, finish_page, redirect_browser};
use crate::pages::{NoticePage, NoticeTexts, PageFrame, PageSources};

/// Pages of the operator tell other sites nothing.
const REFERRER_POLICY: &str = "no-referrer";

/// Why a page is not shown, or a form does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageError {
    /// The browser is not signed in.
    SignedOut,
    /// There is no such directory or user.
    NotFound,
    /// The body is no form.
    NoForm,
    /// The body was refused.
    Body(Problem),
    /// The form is none of this browser's.
    ForeignForm,
    /// A field is missing.
    Incomplete,
    /// The configuration manages the directory.
    ManagedByFile,
    /// The store fails.
    Unavailable,
}

/// One line of the table.
struct Row(StatusCode, &'static str, &'static str);

impl From<ChangeLost> for PageError {
    fn from(_: ChangeLost) -> Self {
        Self::Unavailable
    }
}

impl PageError {
    /// An internal failure; logs it.
    pub(super) fn failed(what: &'static str, error: &impl std::fmt::Display) -> Self {
        tracing::error!(%error, "{what}");
        Self::Unavailable
    }

    /// The table.
    #[rustfmt::skip]
    const fn row(self) -> Row {
        match self {
            Self::SignedOut => Row(StatusCode::SEE_OTHER, "", ""),
            Self::NotFound => Row(StatusCode::NOT_FOUND, "Not found", "There is no such directory or user."),
            Self::NoForm => Row(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Not done", "The request is not a form of these pages."),
            Self::Body(_) => Row(StatusCode::BAD_REQUEST, "Not done", "The form did not arrive."),
            Self::ForeignForm => Row(StatusCode::FORBIDDEN, "Not done", "The form is not one that this browser has opened, or bot-sso was restarted since."),
            Self::Incomplete => Row(StatusCode::BAD_REQUEST, "Not done", "The form is not complete."),
            Self::ManagedByFile => Row(StatusCode::CONFLICT, "Not done", "The configuration file manages this directory (managed = \"file\")."),
            Self::Unavailable => Row(StatusCode::SERVICE_UNAVAILABLE, "Not available", "The store fails. The log says why."),
        }
    }
}

impl DirectoryPages {
    /// The answer to a request that shows no page of its own.
    pub(super) fn refuse(&self, http: &HttpRequest, error: PageError) -> HttpResponse {
        if error == PageError::SignedOut {
            return redirect_browser(StatusCode::SEE_OTHER, LIST_PATH);
        }
        let Row(status, title, happened) = error.row();
        let correlation_id = RequestId::find(http);
        tracing::info!(correlation_id, ?error, "a page of the operator's was not shown, or a form was refused");
        let advice = "Open the page again, and repeat what you did.";
        let texts = NoticeTexts { title, happened, advice, correlation_id: &correlation_id };
        let frame = self.draw_frame();
        let policy = frame.content_policy(&PageSources::default());
        let mut response = begin_page(status, REFERRER_POLICY);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((header::RETRY_AFTER, crate::inbound::UNKNOWN_WAIT_SECONDS));
        }
        finish_page(response, &policy, &NoticePage::new(frame, texts, Some(LIST_PATH)))
    }

    pub(super) fn draw_frame(&self) -> PageFrame {
        PageFrame::draw(&*self.ambient.entropy)
    }

    /// The token of a form that does `action`.
    pub(super) fn issue_token(&self, http: &HttpRequest, action: &str) -> FormToken {
        self.guard.issue(http, action, &*self.ambient.entropy)
    }

    /// Shows `page`, which has the frame with `policy` and forms with `token`.
    pub(super) fn show(
        &self,
        status: StatusCode,
        policy: &str,
        page: &impl Template,
        token: &FormToken,
    ) -> HttpResponse {
        let Ok(text) = page.render() else {
            tracing::error!("a page cannot be rendered");
            return Problem::ServiceUnavailable.respond();
        };
        let mut response = finish_page(begin_page(status, REFERRER_POLICY), policy, &text);
        self.guard.set_cookie(&mut response, token);
        response
    }
}
