//! `ProvidersDoor`: where a browser is sent to a provider. `mod.rs` has the type.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::notices::{choose_notice, report, say_lost};
use super::purpose::Purpose;
use super::{ProviderPlace, ProvidersDoor, TENANT};
use crate::endpoints::directory::authorization::{
    AUTHORIZATION_PATH, Prompt, RefusedRequest, RequestFault, Responder, SignInRequest,
};
use crate::inbound::{ClientNetwork, TrustedProxies, read_segment, redirect_browser};
use crate::sign_in::{BrowserSecret, LoginAtProvider, SignInFailure};

/// `GET …/providers/{provider}/login`: sends the browser to the provider. The application's request is in the query, and is checked
/// as at first.
pub(super) async fn begin(http: HttpRequest, door: web::Data<ProvidersDoor>) -> HttpResponse {
    let authorization = &door.authorization;
    let mut responder = Responder::new(authorization, &http);
    let tenant = read_segment(&http, TENANT).unwrap_or_default();
    let request = match authorization.read_request_in(http.query_string(), &tenant, &mut responder) {
        Ok(request) => request,
        Err(refusal) => return responder.refuse(&tenant, &refusal, StatusCode::FOUND),
    };
    // The page may be older than a configuration without this provider.
    let Some(place) = door.find_place(&http) else { return begin_again(&tenant, &request) };
    if request.prompt == Prompt::Never {
        let refused = RefusedRequest { destination: request.destination, fault: RequestFault::LoginRequired };
        return responder.tell_fault(&refused, StatusCode::FOUND);
    }
    let purpose = Purpose::SignIn { query: request.query.clone() };
    let asks_anew = request.prompt == Prompt::Always || request.max_age.is_some();
    match door.send(&place, purpose, asks_anew, &responder).await {
        Ok(response) => response,
        Err(failure) => {
            report(&failure, &place, &responder);
            door.show_login_again(&request, &choose_notice(&failure), &responder)
        }
    }
}

/// Leads to the sign-in page of `request`, without what chooses a provider.
pub(super) fn begin_again(tenant: &str, request: &SignInRequest) -> HttpResponse {
    let path = AUTHORIZATION_PATH.replace("{tenant}", tenant);
    redirect_browser(StatusCode::FOUND, &format!("{path}?{}", request.query))
}

impl ProvidersDoor {
    /// Sends the browser to the provider of `place`.
    pub(super) async fn send(
        &self,
        place: &ProviderPlace,
        purpose: Purpose,
        asks_anew: bool,
        responder: &Responder<'_>,
    ) -> Result<HttpResponse, SignInFailure> {
        let (http, entropy) = (responder.http, self.authorization.ambient.entropy.as_ref());
        let Some(redirect_uri) = place.redirect_uri() else { return Ok(say_lost(responder)) };
        // A browser keeps its secret for all its sign-ins, since several may be under way at once.
        let browser = self.read_browser(http).unwrap_or_else(|| BrowserSecret::draw(entropy));
        // A client with an IPv6 address may use another address of its network for each request.
        let address =
            TrustedProxies::client_address(http).map(|client| ClientNetwork::from_address(client).first_address());
        let login = LoginAtProvider {
            connection: place.provider.connection.clone(),
            redirect_uri,
            asks_anew,
            return_to: purpose.to_text(),
        };
        let url = self.steps.begin(login, &browser, address, &responder.correlation_id).await?;
        // 303, because the form that begins a link is a POST.
        let mut response = redirect_browser(StatusCode::SEE_OTHER, url.as_str());
        self.cookie.set(&mut response, browser.expose());
        // The session that is to begin is bound to the browser by the secret of its forms, and the browser may have seen none.
        if let Some(guard) = self.guard(place) {
            guard.set_cookie(&mut response, &guard.issue(http, "provider sign-in", entropy));
        }
        Ok(response)
    }
}
