use std::sync::Arc;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;

use super::AddInDoor;
use super::call::AddInCall;
use super::cors::answer_options;
use super::downstream_path::BelowBase;
use super::downstream_target::{DownstreamTarget, below};
use super::failure::{Failure, PATH_NOT_LISTED};
use super::upload::Upload;
use crate::domain::AddIn;
use crate::inbound::{Problem, list_methods};

/// `GET` of the `user_data.path` of an add-in. The query is not passed on: clients written for `office-addin-sso` add the time
/// of the request to it, so that no cache stores the answer.
pub(super) async fn get(http: HttpRequest, door: web::Data<AddInDoor>) -> HttpResponse {
    let Some(call) = find_call(&http, &door) else { return Problem::NotFound.respond() };
    call.finish(read_user_data(&call).await)
}

/// `OPTIONS` of the `user_data.path` of an add-in.
pub(super) async fn options(http: HttpRequest, door: web::Data<AddInDoor>) -> HttpResponse {
    let Some(call) = find_call(&http, &door) else { return Problem::NotFound.respond() };
    answer_options(&call.add_in, http.headers(), &list_methods([Method::GET]))
}

/// The request for the add-in whose path was requested: no two add-ins have the same.
fn find_call(http: &HttpRequest, door: &web::Data<AddInDoor>) -> Option<AddInCall> {
    let path = http.match_pattern()?;
    let has_path = |add_in: &&Arc<AddIn>| add_in.user_data.as_ref().is_some_and(|data| data.path == path);
    let add_in = door.registrations.add_ins().find(has_path)?;
    let convention = add_in.user_data.as_ref()?.errors;
    AddInCall::new(http, door, Arc::clone(add_in), convention)
}

async fn read_user_data(call: &AddInCall) -> Result<HttpResponse, Failure> {
    let token = call.authenticate().await?;
    let target = find_target(call).ok_or(Failure::from(&PATH_NOT_LISTED))?;
    call.call_downstream(token, &target, Upload::Whole(Bytes::new())).await
}

fn find_target(call: &AddInCall) -> Option<DownstreamTarget> {
    let (downstream, data) = (call.add_in.downstream.as_ref()?, call.add_in.user_data.as_ref()?);
    let path = BelowBase::read(data.downstream.trim_start_matches('/'))?;
    Some(DownstreamTarget { method: call.http.method().clone(), url: below(&downstream.url, &path) })
}
