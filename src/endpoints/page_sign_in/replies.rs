use actix_web::HttpResponseBuilder;
use actix_web::http::header;

use super::failure_texts::FailureTexts;
use super::page_refusal::PageRefusal;
use crate::inbound::{begin_page, choose_retry_after};
use crate::sign_in::{SignInError, SignInFailure};

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

/// Logs why a browser's sign-in failed.
pub(super) fn log_failure(failure: &SignInFailure, texts: &FailureTexts, holder: &str, correlation_id: &str) {
    let diagnostics = &failure.diagnostics;
    let security = matches!(failure.error, SignInError::IssuerMismatch | SignInError::IdTokenRejected { .. });
    tracing::warn!(
        correlation_id,
        bot = holder,
        code = texts.reason,
        reason = %failure.error,
        http_status = diagnostics.http_status,
        error = diagnostics.error.as_deref(),
        suberror = diagnostics.suberror.as_deref(),
        aadsts = diagnostics.aadsts,
        trace_id = diagnostics.trace_id.as_deref(),
        description = diagnostics.description.as_deref(),
        seen = diagnostics.seen.as_deref(),
        expected = diagnostics.expected.as_deref(),
        hint = failure.hint(),
        security,
        "a browser sign-in failed"
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
