//! Calls an API for an [`AddInCall`](super::call::AddInCall).

use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use tokio::time::Instant;

use super::AddInDoor;
use super::call::AddInCall;
use super::challenges::find_claims;
use super::cors::answer_options;
use super::downstream_answer::DownstreamAnswer;
use super::downstream_path::BelowBase;
use super::downstream_request::build_request;
use super::downstream_target::{DownstreamTarget, below};
use super::failure::{
    DOWNSTREAM_REFUSED, DOWNSTREAM_TIMEOUT, DOWNSTREAM_UNAVAILABLE, Failure, METHOD_NOT_LISTED, PATH_NOT_LISTED,
    PATH_REFUSED, REPEAT_REQUEST,
};
use super::upload::{NoAnswer, Upload};
use crate::domain::{Downstream, DownstreamMethod, ExchangeableToken, UserToken};
use crate::inbound::{Problem, list_methods};
use crate::outbound::{OutboundError, RelayedAnswer};
use crate::protocol::deadlines::PROVIDER_BUDGET;

/// The text before the downstream path in the raw path of a request is `/api/add-ins/<name>/downstream/`.
const SEGMENTS_BEFORE_PATH: usize = 6;
/// Seconds until a request whose token was refused makes sense again: there is nothing to wait for.
const AT_ONCE: u64 = 1;
const UNAUTHORIZED: u16 = 401;

/// A request of any method but `OPTIONS` to `/api/add-ins/{add_in}/downstream/{path}`.
pub(super) async fn call(http: HttpRequest, payload: web::Payload, door: web::Data<AddInDoor>) -> HttpResponse {
    let Some(call) = AddInCall::of_path(&http, &door) else { return Problem::NotFound.respond() };
    let outcome = call.call_listed(payload).await;
    let is_not_listed = outcome.as_ref().err().is_some_and(|failure| failure.is(&METHOD_NOT_LISTED));
    let mut response = call.finish(outcome);
    if is_not_listed {
        let methods = HeaderValue::from_str(&list_downstream_methods(call.add_in.downstream.as_ref()));
        response.headers_mut().insert(ALLOW, methods.unwrap_or(HeaderValue::from_static("")));
    }
    response
}

/// `OPTIONS` of a downstream path.
pub(super) async fn options(http: HttpRequest, door: web::Data<AddInDoor>) -> HttpResponse {
    let Some(call) = AddInCall::of_path(&http, &door) else { return Problem::NotFound.respond() };
    answer_options(&call.add_in, http.headers(), &list_downstream_methods(call.add_in.downstream.as_ref()))
}

fn list_downstream_methods(downstream: Option<&Downstream>) -> String {
    let methods = downstream.map_or(&[][..], |downstream| &downstream.methods);
    list_methods(methods.iter().map(|method| method_of(*method)))
}

const fn method_of(method: DownstreamMethod) -> Method {
    match method {
        DownstreamMethod::Get => Method::GET,
        DownstreamMethod::Post => Method::POST,
        DownstreamMethod::Put => Method::PUT,
        DownstreamMethod::Patch => Method::PATCH,
        DownstreamMethod::Delete => Method::DELETE,
    }
}

impl AddInCall {
    /// Calls the path of the request, if the add-in may call it.
    async fn call_listed(&self, payload: web::Payload) -> Result<HttpResponse, Failure> {
        let token = self.authenticate().await?;
        let target = self.find_target()?;
        let sends_body = target.method != Method::GET && target.method != Method::HEAD;
        let upload = if sends_body {
            Upload::begin(&self.http, payload, self.door.limits).await?
        } else {
            Upload::Whole(bytes::Bytes::new())
        };
        self.call_downstream(token, &target, upload).await
    }

    /// The address and the method of the request, if both are on the add-in's lists.
    fn find_target(&self) -> Result<DownstreamTarget, Failure> {
        let downstream = self.add_in.downstream.as_ref().ok_or(Failure::from(&PATH_NOT_LISTED))?;
        // The raw path is read, since the router has decoded parts of its own copy.
        let raw = self.http.uri().path().splitn(SEGMENTS_BEFORE_PATH, '/').nth(SEGMENTS_BEFORE_PATH - 1);
        let path = raw.and_then(BelowBase::read).ok_or(Failure::from(&PATH_REFUSED))?;
        if !downstream.admits_path(path.decoded()) {
            return Err((&PATH_NOT_LISTED).into());
        }
        let method = self.http.method();
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        if !downstream.methods.iter().any(|listed| method_of(*listed) == *wanted) {
            return Err((&METHOD_NOT_LISTED).into());
        }
        let mut url = below(&downstream.url, &path);
        url.set_query(self.http.uri().query());
        Ok(DownstreamTarget { method: method.clone(), url })
    }

    /// Calls `target` on behalf of the user of `token`. A kept token that the API refuses is dropped, and the call is made
    /// once more with a new one; a body that is gone by then has to come again.
    pub(super) async fn call_downstream(
        &self,
        token: ExchangeableToken,
        target: &DownstreamTarget,
        mut upload: Upload,
    ) -> Result<HttpResponse, Failure> {
        let mut request = self.assertion_request(token);
        let kept = self.exchange(&request).await?;
        let answer = self.send(target, &kept, &mut upload).await?;
        if answer.status != UNAUTHORIZED {
            return self.relay(answer, target, &kept);
        }
        self.discard(&request, &kept).await?;
        if let Some(failure) = find_challenge(&answer) {
            return Err(failure);
        }
        drop(answer);
        if !upload.is_repeatable() {
            return Err(Failure::until(&REPEAT_REQUEST, AT_ONCE));
        }
        request.deadline = Instant::now() + PROVIDER_BUDGET;
        let renewed = self.exchange(&request).await?;
        let answer = self.send(target, &renewed, &mut upload).await?;
        if answer.status == UNAUTHORIZED {
            // Another new token would fare no better, so this one stays kept, unless the API demands claims that it lacks.
            let Some(failure) = find_challenge(&answer) else { return Err((&DOWNSTREAM_REFUSED).into()) };
            self.discard(&request, &renewed).await?;
            return Err(failure);
        }
        self.relay(answer, target, &renewed)
    }

    async fn send(
        &self,
        target: &DownstreamTarget,
        token: &UserToken,
        upload: &mut Upload,
    ) -> Result<RelayedAnswer, Failure> {
        let request = build_request(self, target, token);
        let head_by = Instant::now() + self.door.timeout;
        upload.send(&self.door.outbound, request, head_by).await.map_err(|error| match error {
            NoAnswer::Upload(failure) => failure,
            NoAnswer::Api(error) => self.report_absence(&error),
        })
    }

    /// Logs that the API does not answer, and returns the failure.
    fn report_absence(&self, error: &OutboundError) -> Failure {
        let (correlation_id, bot) = (self.correlation_id.as_str(), self.connection.holder.as_str());
        let hint = "compare add_ins.*.downstream.url, and what stands between this machine and the API";
        tracing::error!(correlation_id, bot, %error, hint, "an API did not answer");
        match error {
            OutboundError::TimedOut => (&DOWNSTREAM_TIMEOUT).into(),
            _ => (&DOWNSTREAM_UNAVAILABLE).into(),
        }
    }

    fn relay(
        &self,
        answer: RelayedAnswer,
        target: &DownstreamTarget,
        token: &UserToken,
    ) -> Result<HttpResponse, Failure> {
        DownstreamAnswer { answer, target, token, call: self }.into_response()
    }
}

/// The claims that the API demands with its 401.
fn find_challenge(answer: &RelayedAnswer) -> Option<Failure> {
    let values = answer.headers.get_all("www-authenticate");
    let mut challenges = values.filter_map(|value| std::str::from_utf8(value).ok());
    challenges.find_map(find_claims).map(|claims| Failure::of_claims(claims.as_str()))
}
