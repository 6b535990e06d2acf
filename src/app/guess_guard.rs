use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::web;

use crate::inbound::{ClientNetwork, GuessLimit, TrustedProxies};

/// Answers 429 to a client that has presented too many wrong bearers, before the next one is looked at, so that an answer
/// tells nothing about it. A request without a bearer goes on: a health check is answered whatever else its client does.
pub(super) async fn limit_guesses<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let Some(limit) = request.app_data::<web::Data<GuessLimit>>().cloned() else {
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
