use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::web;

use crate::domain::SharedClock;
use crate::endpoints::{health, metrics};
use crate::inbound::{ClientNetwork, Door, GuessLimit, TrustedProxies};

/// The counts of wrong bearers on one of the operator's listeners. Each bearer has a count of its own, so that a monitoring
/// system with an old token does not lock the administrator out.
pub(in crate::app) struct OperatorGuesses {
    admin: GuessLimit,
    metrics: GuessLimit,
}

impl OperatorGuesses {
    /// Counts that no client has used.
    pub(in crate::app) fn new(clock: &SharedClock) -> Self {
        Self { admin: GuessLimit::new(clock.clone()), metrics: GuessLimit::new(clock.clone()) }
    }

    /// The count for the bearer of `path`; `None` for health checks, which have none.
    fn of_path(&self, path: &str) -> Option<&GuessLimit> {
        let is_path_of = |door: &Door| door.operations.iter().any(|operation| operation.path == path);
        if is_path_of(&health::DOOR) {
            return None;
        }
        Some(if is_path_of(&metrics::DOOR) { &self.metrics } else { &self.admin })
    }
}

/// Answers 429 to a client that has presented too many wrong bearers, before the next one is looked at, so that an answer
/// tells nothing about it. A request without a bearer goes on: a health check is answered whatever else its client does.
pub(in crate::app) async fn limit_guesses<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let guesses = request.app_data::<web::Data<OperatorGuesses>>().cloned();
    let Some(limit) = guesses.as_ref().and_then(|guesses| guesses.of_path(request.path())) else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let client = TrustedProxies::client_address(request.request()).map(ClientNetwork::from_address);
    let has_bearer = request.headers().contains_key(AUTHORIZATION);
    if has_bearer && let Err(problem) = limit.admit(client) {
        return Ok(request.into_response(problem.respond()).map_into_right_body());
    }
    let response = next.call(request).await?;
    if response.status() == StatusCode::UNAUTHORIZED {
        limit.charge(client, has_bearer);
    }
    Ok(response.map_into_left_body())
}
