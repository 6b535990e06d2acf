use actix_web::{HttpRequest, HttpResponse, web};

use super::replies::{Answering, redirect};
use super::{SignInPages, value_of};
use crate::inbound::{RequestId, TrustedProxies};
use crate::sign_in::BrowserSecret;

/// `GET /api/oauth/signin?signin=…`: the link of a card. Sends the browser to the identity provider, with a cookie that it
/// must bring back.
pub(super) async fn answer(http: HttpRequest, door: web::Data<SignInPages>) -> HttpResponse {
    let correlation_id = RequestId::of(&http, &door.entropy);
    let answering = Answering { door: &door, correlation_id: &correlation_id };
    // One browser may have several sign-ins under way: all of them know it by one secret.
    let browser = door.browser_of(&http).unwrap_or_else(|| BrowserSecret::draw(door.entropy.as_ref()));
    let link = value_of(http.query_string(), "signin").unwrap_or_default();
    let address = TrustedProxies::client_address(&http);
    match door.steps.start.begin(&link, &browser, address, &correlation_id).await {
        Ok(url) => {
            let mut response = redirect(url.as_str());
            door.set_browser_cookie(&mut response, &browser);
            response
        }
        Err(failure) => answering.failed(&failure),
    }
}
