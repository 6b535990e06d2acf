use actix_web::{HttpRequest, HttpResponse, web};

use super::replies::{PageResponder, redirect};
use super::{AGAIN, SignInPages};
use crate::inbound::{ClientNetwork, RequestId, TrustedProxies, find_parameter};
use crate::sign_in::BrowserSecret;

/// `HEAD` of the same: what [`answer`] would send, without its body. Link scanners and previews ask for it, so it keeps and
/// holds nothing.
pub(super) async fn head(http: HttpRequest, door: web::Data<SignInPages>) -> HttpResponse {
    let correlation_id = RequestId::get_or_draw(&http, &door.entropy);
    let responder = PageResponder { door: &door, correlation_id: &correlation_id };
    let url = if let Some(handle) = find_parameter(http.query_string(), AGAIN) {
        door.steps.start.preview_again(&handle, door.read_browser_cookie(&http).as_ref()).await
    } else {
        let link = find_parameter(http.query_string(), "signin").unwrap_or_default();
        door.steps.start.preview(&link).await
    };
    match url {
        Ok(url) => redirect(url.as_str()),
        Err(failure) => responder.failed(&failure),
    }
}

/// `GET /api/oauth/signin?signin=…`: the link of a card. Redirects the browser to the identity provider and sets the
/// cookie that the browser must send on its return. With `again=…` in place of `signin` it is the link on a page whose
/// user means another account.
pub(super) async fn answer(http: HttpRequest, door: web::Data<SignInPages>) -> HttpResponse {
    let correlation_id = RequestId::get_or_draw(&http, &door.entropy);
    let responder = PageResponder { door: &door, correlation_id: &correlation_id };
    // A browser keeps its secret for all its sign-ins, since several may be under way at once.
    let browser = door.read_browser_cookie(&http).unwrap_or_else(|| BrowserSecret::draw(door.entropy.as_ref()));
    // A client with an IPv6 address may use another address of its network for each request.
    let address =
        TrustedProxies::client_address(&http).map(|client| ClientNetwork::from_address(client).first_address());
    if let Some(handle) = find_parameter(http.query_string(), AGAIN) {
        let browser = door.read_browser_cookie(&http);
        return match door.steps.start.begin_again(&handle, browser.as_ref(), address, &correlation_id).await {
            Ok(url) => redirect(url.as_str()),
            Err(failure) => responder.failed(&failure),
        };
    }
    let link = find_parameter(http.query_string(), "signin").unwrap_or_default();
    match door.steps.start.begin(&link, &browser, address, &correlation_id).await {
        Ok(url) => {
            let mut response = redirect(url.as_str());
            door.set_browser_cookie(&mut response, &browser);
            response
        }
        Err(failure) => responder.failed(&failure),
    }
}
