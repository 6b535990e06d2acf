use actix_web::http::StatusCode;
use actix_web::{HttpResponse, HttpResponseBuilder};

/// Begins an answer that is a bot's: with its status, and with the headers that belong to its message.
#[must_use]
pub fn begin_relayed_answer<'h>(
    status: u16,
    headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY));
    for header in headers {
        response.append_header(header);
    }
    response
}
