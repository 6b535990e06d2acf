use actix_web::HttpResponse;
use actix_web::body::{BodyStream, SizedStream};
use actix_web::http::Method;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use memchr::memmem::Finder;

use super::call::AddInCall;
use super::downstream_path::BelowBase;
use super::downstream_target::DownstreamTarget;
use crate::domain::UserToken;
use crate::inbound::{AnsweredByBot, begin_relayed_answer};
use crate::outbound::{OutboundError, RelayedAnswer};

/// The headers of an API's answer that go on to the pane. `location` goes on in another form.
const PASSED_ON: [&str; 15] = [
    "accept-ranges",
    "allow",
    "client-request-id",
    "content-disposition",
    // A body that is compressed stays so.
    "content-encoding",
    "content-language",
    "content-range",
    "content-type",
    "date",
    "etag",
    "last-modified",
    "odata-version",
    "preference-applied",
    "request-id",
    "retry-after",
];

const LOCATION: &str = "location";
/// The statuses of answers without a body (RFC 9110 §15).
const HAVE_NO_BODY: [u16; 3] = [204, 205, 304];

/// An answer of a downstream API to a call with `token`.
pub(super) struct DownstreamAnswer<'a> {
    pub(super) answer: RelayedAnswer,
    pub(super) target: &'a DownstreamTarget,
    pub(super) token: &'a UserToken,
    pub(super) call: &'a AddInCall,
}

impl DownstreamAnswer<'_> {
    /// The answer to the pane: the body follows as it arrives.
    pub(super) fn into_response(self) -> HttpResponse {
        let (length, headers, status) = (self.find_length(), self.passed_on(), self.answer.status);
        let mut head =
            begin_relayed_answer(status, headers.iter().map(|(name, value)| (name.clone(), value.as_slice())));
        let body = logged(self.answer.into_stream(), self.call);
        let mut response = match length {
            _ if HAVE_NO_BODY.contains(&status) => head.finish(),
            Some(length) => head.body(SizedStream::new(length, body)),
            None if *self.call.http.method() == Method::HEAD => head.finish(),
            // `streaming` would add a content type where there is none.
            None => head.body(BodyStream::new(body)),
        };
        response.extensions_mut().insert(AnsweredByBot);
        response
    }

    /// The length of the body that the API announces, in bytes.
    fn find_length(&self) -> Option<u64> {
        let values = self.answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        values.into_iter().find_map(|(_, value)| std::str::from_utf8(value).ok()?.parse().ok())
    }

    /// The headers that go on. One that repeats the token does not.
    fn passed_on(&self) -> Vec<(String, Vec<u8>)> {
        let token = Finder::new(self.token.access_token.expose().as_bytes());
        let named = self.answer.headers.iter().filter(|(_, value)| token.find(value).is_none());
        named.filter_map(|(name, value)| self.pass_on(&name.to_ascii_lowercase(), value)).collect()
    }

    fn pass_on(&self, name: &str, value: &[u8]) -> Option<(String, Vec<u8>)> {
        if name == LOCATION {
            return Some((name.to_owned(), self.relocate(value)?.into_bytes()));
        }
        PASSED_ON.contains(&name).then(|| (name.to_owned(), value.to_vec()))
    }

    /// The address here of the `Location` that the API names; `None` if that is not below the API's base.
    fn relocate(&self, location: &[u8]) -> Option<String> {
        let AddInCall { add_in, door, .. } = self.call;
        let base = &add_in.downstream.as_ref()?.url;
        let location = self.target.url.join(std::str::from_utf8(location).ok()?).ok()?;
        if location.origin() != base.origin() || !location.username().is_empty() || location.password().is_some() {
            return None;
        }
        let rest = location.path().strip_prefix(base.path().trim_end_matches('/'))?.strip_prefix('/')?;
        let path = BelowBase::read(rest)?;
        let mut here = door.public_url.clone();
        let prefix = here.path().trim_end_matches('/').to_owned();
        here.set_path(&format!("{prefix}/api/add-ins/{}/downstream{}", add_in.name, path.escaped()));
        here.set_query(location.query());
        Some(here.into())
    }
}

/// `body`, with a line in the log if it breaks off.
fn logged(
    body: impl Stream<Item = Result<Bytes, OutboundError>> + 'static,
    call: &AddInCall,
) -> impl Stream<Item = Result<Bytes, OutboundError>> + 'static {
    let (bot, correlation_id) = (call.connection.holder.clone(), call.correlation_id.clone());
    body.map(move |chunk| {
        // The HTTP library closes the connection; its own line about it is not logged.
        chunk.inspect_err(|error| {
            tracing::warn!(correlation_id, bot = bot.as_str(), %error, "an API's answer to an add-in broke off");
        })
    })
}
