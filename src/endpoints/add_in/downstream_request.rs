use std::borrow::Cow;

use actix_web::http::header::AUTHORIZATION;
use bytes::Bytes;

use super::call::AddInCall;
use super::downstream_target::DownstreamTarget;
use crate::domain::UserToken;
use crate::outbound::{RelayHeaders, RelayRequest};

/// The headers of a pane's request that go on to the API. All others stay here: cookies, credentials, and what belongs to the
/// connection.
const PASSED_ON: [&str; 15] = [
    "accept",
    "accept-language",
    "client-request-id",
    "consistencylevel",
    // A body that is compressed stays so.
    "content-encoding",
    "content-language",
    "content-type",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "prefer",
    "range",
    "return-client-request-id",
];
const CLIENT_REQUEST_ID: &str = "client-request-id";

/// The request to the API, without its body.
pub(super) fn build_request(call: &AddInCall, target: &DownstreamTarget, token: &UserToken) -> RelayRequest {
    let received = call.http.headers();
    let mut headers = RelayHeaders::with_capacity(received.len());
    for name in PASSED_ON {
        for value in received.get_all(name) {
            headers.append(name, value.as_bytes());
        }
    }
    if !received.contains_key(CLIENT_REQUEST_ID) {
        headers.append(CLIENT_REQUEST_ID, call.correlation_id.as_bytes());
    }
    let bearer = format!("Bearer {}", token.access_token.expose());
    headers.append(AUTHORIZATION.as_str(), bearer.as_bytes());
    RelayRequest {
        method: target.method.as_str().to_owned(),
        url: target.url.clone(),
        headers,
        body: Bytes::new(),
        // Slow pages of one add-in keep no connections from another one.
        counted_as: Cow::Owned(call.connection.holder.as_str().to_owned()),
    }
}
