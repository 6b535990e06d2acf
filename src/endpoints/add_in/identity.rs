use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::AddInDoor;
use super::call::AddInCall;
use super::cors::answer_options;
use super::failure::Failure;
use crate::domain::ExchangeableToken;
use crate::inbound::{Problem, list_methods};

/// The user of an add-in, as the validated token says.
#[derive(Serialize, ToSchema)]
pub(super) struct AddInUser<'a> {
    /// The user's key: `<object id>@<tenant id>`.
    id: String,
    /// The user's object id.
    oid: &'a str,
    /// The tenant id.
    tid: &'a str,
    /// The user's name, which is shown and is no identity.
    name: Option<&'a str>,
    /// The name with which the user signs in, which is shown and is no identity.
    preferred_username: Option<&'a str>,
}

/// `GET /api/add-ins/{add_in}/identity`: nothing is exchanged for it.
pub(super) async fn get(http: HttpRequest, door: web::Data<AddInDoor>) -> HttpResponse {
    let Some(call) = AddInCall::of_path(&http, &door) else { return Problem::NotFound.respond() };
    call.finish(identify(&call).await)
}

async fn identify(call: &AddInCall) -> Result<HttpResponse, Failure> {
    let token = call.authenticate().await?;
    let ExchangeableToken { user, displayed, .. } = &token;
    Ok(HttpResponse::Ok().json(AddInUser {
        id: user.to_string(),
        oid: user.subject(),
        tid: user.tenant_id().unwrap_or_default(),
        name: displayed.name.as_deref(),
        preferred_username: displayed.preferred_username.as_deref(),
    }))
}

/// `OPTIONS` of the identity.
pub(super) async fn options(http: HttpRequest, door: web::Data<AddInDoor>) -> HttpResponse {
    let Some(call) = AddInCall::of_path(&http, &door) else { return Problem::NotFound.respond() };
    answer_options(&call.add_in, http.headers(), &list_methods([Method::GET]))
}
