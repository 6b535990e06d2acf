use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use askama::Template;

use super::languages::{Language, NoticeText, PageTexts};
use crate::domain::Entropy;
use crate::inbound::{begin_page, choose_retry_after, finish_page};
use crate::pages::{PageFrame, PageSources};

/// A page that says what has happened and what to do about it.
pub struct Notice<'a> {
    /// The status of the answer. Those that ask to wait get `Retry-After`.
    pub status: StatusCode,
    /// The language of the page.
    pub language: Language,
    /// What the page says.
    pub text: &'a NoticeText,
    /// The id by which the operator finds the lines of the log.
    pub correlation_id: &'a str,
}

#[derive(Template)]
#[template(path = "directory_notice.html")]
struct DirectoryNoticePage<'a> {
    frame: PageFrame,
    texts: &'static PageTexts,
    notice: &'a NoticeText,
    correlation_id: &'a str,
}

impl Notice<'_> {
    /// The answer with the page.
    #[must_use]
    pub fn respond(&self, entropy: &dyn Entropy) -> HttpResponse {
        let mut response = begin_page(self.status, "no-referrer");
        if let Some(seconds) = choose_retry_after(self.status, None) {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        let frame = PageFrame::draw(entropy);
        let policy = frame.content_policy(&PageSources::default());
        let Self { language, text: notice, correlation_id, .. } = *self;
        finish_page(response, &policy, &DirectoryNoticePage { frame, texts: language.texts(), notice, correlation_id })
    }
}
