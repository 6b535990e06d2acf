use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::OAuthDoor;
use super::call::{DirectoryCall, unknown_tenant};
use super::cors::answer_options;
use crate::inbound::list_methods;

/// `OPTIONS` of a resource that is read.
pub(super) async fn options_of_get(http: HttpRequest, door: Data<OAuthDoor>) -> HttpResponse {
    answer(&http, door, &list_methods([Method::GET]))
}

/// `OPTIONS` of a resource that takes a body.
pub(super) async fn options_of_post(http: HttpRequest, door: Data<OAuthDoor>) -> HttpResponse {
    answer(&http, door, &list_methods([Method::POST]))
}

/// `OPTIONS` of a resource that takes both.
pub(super) async fn options_of_both(http: HttpRequest, door: Data<OAuthDoor>) -> HttpResponse {
    answer(&http, door, &list_methods([Method::GET, Method::POST]))
}

fn answer(http: &HttpRequest, door: Data<OAuthDoor>, methods: &str) -> HttpResponse {
    let Some(call) = DirectoryCall::of_path(http, door) else { return unknown_tenant() };
    answer_options(&call.view.settings, http.headers(), methods)
}
