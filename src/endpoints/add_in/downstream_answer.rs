use std::ops::RangeInclusive;

use actix_web::HttpResponse;
use actix_web::body::{BodyStream, SizedStream};
use actix_web::http::Method;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use memchr::memmem::Finder;

use super::call::AddInCall;
use super::downstream_path::BelowBase;
use super::downstream_target::DownstreamTarget;
use super::failure::{DOWNSTREAM_REDIRECT, DOWNSTREAM_UNAVAILABLE, Failure};
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
/// The statuses of redirects that a browser follows (Fetch Standard, redirect statuses).
const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];
/// The statuses that an answer may have at its end: those below announce another one, and those above are none of HTTP (RFC 9110
/// §15).
const FINAL_STATUSES: RangeInclusive<u16> = 200..=599;

/// An answer of a downstream API to a call with `token`.
pub(super) struct DownstreamAnswer<'a> {
    pub(super) answer: RelayedAnswer,
    pub(super) target: &'a DownstreamTarget,
    pub(super) token: &'a UserToken,
    pub(super) call: &'a AddInCall,
}

impl DownstreamAnswer<'_> {
    /// The answer to the pane: the body follows as it arrives.
    ///
    /// # Errors
    /// The API redirects to where the pane cannot follow, or its status is none of an answer.
    pub(super) fn into_response(self) -> Result<HttpResponse, Failure> {
        let (length, headers, status) = (self.find_length(), self.passed_on(), self.answer.status);
        self.check_status()?;
        self.check_redirect(&headers)?;
        let mut head =
            begin_relayed_answer(status, headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())));
        let body = logged(self.answer.into_stream(), self.call);
        let mut response = match length {
            _ if HAVE_NO_BODY.contains(&status) => head.finish(),
            Some(length) => head.body(SizedStream::new(length, body)),
            None if *self.call.http.method() == Method::HEAD => head.finish(),
            // `streaming` would add a content type where there is none.
            None => head.body(BodyStream::new(body)),
        };
        response.extensions_mut().insert(AnsweredByBot);
        Ok(response)
    }

    fn check_status(&self) -> Result<(), Failure> {
        let status = self.answer.status;
        if FINAL_STATUSES.contains(&status) {
            return Ok(());
        }
        let (correlation_id, bot) = (self.call.correlation_id.as_str(), self.call.connection.holder.as_str());
        let hint = "compare add_ins.*.downstream.url: what answers there does not speak HTTP as an API does";
        tracing::error!(correlation_id, bot, status, hint, "an API answered with a status that no answer has");
        Err((&DOWNSTREAM_UNAVAILABLE).into())
    }

    /// Refuses a redirect whose `Location` is not among the `passed_on` headers. The token goes to the API alone, and an address
    /// such as that of a file's content may carry a secret of its own.
    fn check_redirect(&self, passed_on: &[(String, Vec<u8>)]) -> Result<(), Failure> {
        let is_redirect = REDIRECTS.contains(&self.answer.status);
        let Some(location) = self.answer.headers.get(LOCATION).filter(|_| is_redirect) else { return Ok(()) };
        if passed_on.iter().any(|(name, _)| name == LOCATION) {
            return Ok(());
        }
        let target = std::str::from_utf8(location).ok().and_then(|location| self.target.url.join(location).ok());
        let host = target.as_ref().and_then(|target| target.host_str());
        let (correlation_id, bot) = (self.call.correlation_id.as_str(), self.call.connection.holder.as_str());
        let hint = "bot-sso follows no redirect: the content of a file is fetched by a middle tier with the token for the API \
                    (POST /api/add-ins/{add-in}/token), or by the pane at @microsoft.graph.downloadUrl of the file";
        tracing::warn!(
            correlation_id,
            bot,
            host,
            hint,
            "an API redirected an add-in to an address that is not below its base"
        );
        Err((&DOWNSTREAM_REDIRECT).into())
    }

    /// The length of the body that the API announces, in bytes.
    fn find_length(&self) -> Option<u64> {
        let mut values = self.answer.headers.get_all("content-length");
        values.find_map(|value| std::str::from_utf8(value).ok()?.parse().ok())
    }

    /// The headers that go on. One that repeats the token does not.
    fn passed_on(&self) -> Vec<(String, Vec<u8>)> {
        let token = Finder::new(self.token.access_token.expose().as_bytes());
        let named = self.answer.headers.iter().filter(|(_, value)| token.find(value).is_none());
        named.filter_map(|(name, value)| self.pass_on(name, value)).collect()
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
