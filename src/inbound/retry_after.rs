use actix_web::http::StatusCode;

/// Seconds until another request makes sense where the end of an outage is not known.
pub const UNKNOWN_WAIT_SECONDS: u64 = 5;

/// The seconds in `Retry-After` of an answer of ours with `status` (RFC 9110 §10.2.3): every 429, 500 and 503 says when to
/// ask again (docs/architecture.md §An outage is not a sign-out). `known` is the wait that is known.
#[must_use]
pub fn choose_retry_after(status: StatusCode, known: Option<u64>) -> Option<u64> {
    let asks_to_wait = matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::INTERNAL_SERVER_ERROR | StatusCode::SERVICE_UNAVAILABLE
    );
    known.or(asks_to_wait.then_some(UNKNOWN_WAIT_SECONDS))
}
