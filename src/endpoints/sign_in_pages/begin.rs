use actix_web::{HttpRequest, HttpResponse, web};

use super::replies::{PageResponder, redirect};
use super::{SignInPages, find_parameter};
use crate::inbound::{ClientNetwork, RequestId, TrustedProxies};
use crate::sign_in::BrowserSecret;

/// `GET /api/oauth/signin?signin=…`: the link of a card. Redirects the browser to the identity provider and sets the
/// cookie that the browser must send on its return.
pub(super) async fn answer(http: HttpRequest, door: web::Data<SignInPages>) -> HttpResponse {
    let correlation_id = RequestId::get_or_draw(&http, &door.entropy);
    let responder = PageResponder { door: &door, correlation_id: &correlation_id };
    // A browser keeps its secret for all its sign-ins, since several may be under way at once.
    let browser = door.read_browser_cookie(&http).unwrap_or_else(|| BrowserSecret::draw(door.entropy.as_ref()));
    let link = find_parameter(http.query_string(), "signin").unwrap_or_default();
    // A client with an IPv6 address may use another address of its network for each request.
    let address =
        TrustedProxies::client_address(&http).map(|client| ClientNetwork::from_address(client).first_address());
    match door.steps.start.begin(&link, &browser, address, &correlation_id).await {
        Ok(url) => {
            let mut response = redirect(url.as_str());
            door.set_browser_cookie(&mut response, &browser);
            response
        }
        Err(failure) => responder.failed(&failure),
    }
}
