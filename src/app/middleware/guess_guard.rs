use std::sync::Arc;

use actix_web::HttpMessage;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web;

use super::{is_health_check, is_path_of};
use crate::app::operator_tokens::OperatorTokens;
use crate::endpoints::{metrics, operations};
use crate::inbound::{
    CountedGuess, ExpectedBearer, FormGuesses, GuessLimit, OperatorBearers, OperatorCall, RequestId, SharedLimits,
    TrustedProxies,
};

/// The counts of wrong bearers on one of the operator's listeners. Each bearer has a count of its own, so that wrong
/// bearers of a monitoring system do not use up what the administrator may mistype.
pub(in crate::app) struct OperatorGuesses {
    admin: GuardedBearer,
    metrics: GuardedBearer,
}

/// A bearer of the operator's, and the wrong ones that clients presented in its place.
struct GuardedBearer {
    /// `None` if none is needed.
    expected: Option<RightBearers>,
    wrong: Arc<GuessLimit>,
}

/// The bearers that are not wrong.
enum RightBearers {
    /// Those of admin calls, which have one count of wrong ones together.
    Admin(OperatorBearers),
    Metrics(ExpectedBearer),
}

impl OperatorGuesses {
    /// Counts that no client has used, of bearers other than `expected`.
    pub(in crate::app) fn new(limits: &SharedLimits, expected: &OperatorTokens) -> Self {
        let guard = |expected, name| GuardedBearer { expected, wrong: Arc::new(GuessLimit::new(limits, name)) };
        Self {
            admin: guard(expected.admin.clone().map(RightBearers::Admin), "admin_token"),
            metrics: guard(expected.metrics.clone().map(RightBearers::Metrics), "metrics_token"),
        }
    }

    /// The bearer of `path`; `None` for health checks, which have none.
    fn of_path(&self, path: &str) -> Option<&GuardedBearer> {
        if is_health_check(path) {
            return None;
        }
        Some(if is_path_of(&metrics::DOOR, path) { &self.metrics } else { &self.admin })
    }
}

impl GuardedBearer {
    /// Whether `request` presents the right bearer. The comparison takes the same time for all bearers of one length.
    fn is_presented_by(&self, request: &ServiceRequest) -> bool {
        match &self.expected {
            Some(RightBearers::Admin(bearers)) => bearers.find_role(request.headers()).is_ok(),
            Some(RightBearers::Metrics(bearer)) => bearer.check(request.headers()).is_ok(),
            None => false,
        }
    }
}

/// Answers 429 to a wrong bearer of a client that has presented too many of them. The right bearer goes on whatever its
/// client has presented before: otherwise a program with an old token would lock out the operator on the same machine. A
/// request without a bearer goes on, too: a health check is answered whatever else its client does.
pub(in crate::app) async fn limit_guesses(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, actix_web::Error> {
    let guesses = request.app_data::<web::Data<OperatorGuesses>>().cloned();
    let Some(bearer) = guesses.as_ref().and_then(|guesses| guesses.of_path(request.path())) else {
        return next.call(request).await;
    };
    let correlation_id = RequestId::find(request.request());
    let client = TrustedProxies::client_address(request.request());
    let call = OperatorCall { client, correlation_id: &correlation_id };
    let has_bearer = request.headers().contains_key(AUTHORIZATION);
    if has_bearer
        && !bearer.is_presented_by(&request)
        && let Err(problem) = bearer.wrong.admit(&call).await
    {
        return Ok(request.into_response(problem.respond()));
    }
    // The form's token is in its body, which the page reads: the page counts a wrong one.
    if request.method() == Method::POST && request.path() == operations::SIGN_IN_PATH {
        let guesses = FormGuesses { limit: bearer.wrong.clone(), client, correlation_id: correlation_id.clone() };
        request.extensions_mut().insert(guesses);
    }
    let response = next.call(request).await?;
    let is_counted = response.response().extensions().contains::<CountedGuess>();
    if response.status() == StatusCode::UNAUTHORIZED && !is_counted {
        bearer.wrong.charge(&call, has_bearer).await;
    }
    Ok(response)
}
