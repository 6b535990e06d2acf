use actix_web::HttpResponseBuilder;
use actix_web::http::header;

use super::failure_texts::FailureTexts;
use super::page_refusal::PageRefusal;
use crate::inbound::{begin_page, choose_retry_after};

/// The referrer policy of all pages: no other site learns their addresses.
pub(super) const REFERRER_POLICY: &str = "no-referrer";

/// Logs why a page's request was refused. `holder` is what the path names, if that exists.
pub(super) fn log_refusal(refusal: PageRefusal, holder: Option<&str>, correlation_id: &str) {
    tracing::warn!(
        correlation_id,
        bot = holder,
        code = refusal.texts().reason,
        hint = refusal.hint(),
        "a page's sign-in was refused"
    );
}

/// Begins the answer to a failure.
pub(super) fn begin_notice(texts: &FailureTexts, retry_after: Option<u64>) -> HttpResponseBuilder {
    let mut response = begin_page(texts.status, REFERRER_POLICY);
    if let Some(seconds) = choose_retry_after(texts.status, retry_after) {
        response.insert_header((header::RETRY_AFTER, seconds));
    }
    response
}
