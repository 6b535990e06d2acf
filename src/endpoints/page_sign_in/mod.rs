//! The doors at which pages begin a sign-in: the dialog of an Office add-in ([`add_in_dialog`]) and the login of an app
//! ([`app_sign_in`]).
//!
//! Owns the addresses of both, the way of a browser to [`PageSignIn`] and back, and the pages. It deliberately decides
//! nothing about who may sign in, and no page or address of it ever carries a token of an identity provider.

pub mod add_in_dialog;
pub mod app_sign_in;
mod description;
mod failure_texts;
mod page_refusal;
mod replies;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use url::Url;

use self::page_refusal::PageRefusal;
use self::replies::{begin_notice, log_refusal};

use crate::domain::{Connection, Registrations, SharedEntropy};
use crate::inbound::{
    BrowserCookie, ClientNetwork, RequestId, TrustedProxies, find_parameter, finish_page, redirect_browser,
};
use crate::pages::{NoticePage, PageFrame, PageSources};
use crate::sign_in::{
    BrowserSecret, PageRealm, PageSignIn, PageSignInFailure, PageSignInRequest, PageStep, ProviderParameters,
    SignInError, SignInFailure,
};

#[cfg(test)]
pub use self::page_refusal::list_hints;

/// What both doors use.
#[derive(Clone)]
pub struct PageDoor {
    steps: PageSignIn,
    registrations: Arc<Registrations>,
    public_url: Url,
    cookie: BrowserCookie,
    entropy: SharedEntropy,
}

/// A sign-in that a page has asked for, and whose parameters are in order.
struct WantedSignIn {
    connection: Arc<Connection>,
    realm: PageRealm,
    redirect_uri: Url,
    return_to: String,
}

impl PageDoor {
    /// Signs users in by `steps` for the add-ins and apps of `registrations`. Browsers reach the doors below `public_url`.
    #[must_use]
    pub fn new(steps: PageSignIn, registrations: Arc<Registrations>, public_url: Url, entropy: SharedEntropy) -> Self {
        let cookie = BrowserCookie::new(&public_url);
        Self { steps, registrations, public_url, cookie, entropy }
    }

    fn correlation_id(&self, http: &HttpRequest) -> String {
        RequestId::get_or_draw(http, &self.entropy)
    }

    fn read_browser(&self, http: &HttpRequest) -> Option<BrowserSecret> {
        BrowserSecret::parse(self.cookie.read(http)?)
    }

    /// The address of this service whose path has these segments.
    fn address(&self, segments: &[&str]) -> Url {
        address_below(&self.public_url, segments)
    }

    /// Sends the browser to the identity provider.
    async fn begin(&self, http: &HttpRequest, wanted: WantedSignIn) -> Result<HttpResponse, SignInFailure> {
        // A browser keeps its secret for all its sign-ins, since several may be under way at once.
        let browser = self.read_browser(http).unwrap_or_else(|| BrowserSecret::draw(self.entropy.as_ref()));
        // A client with an IPv6 address may use another address of its network for each request.
        let address =
            TrustedProxies::client_address(http).map(|client| ClientNetwork::from_address(client).first_address());
        let WantedSignIn { connection, realm, redirect_uri, return_to } = wanted;
        let request = PageSignInRequest { connection, realm, redirect_uri, return_to };
        let url = self.steps.begin(request, &browser, address, &self.correlation_id(http)).await?;
        let mut response = redirect_browser(StatusCode::FOUND, url.as_str());
        self.cookie.set(&mut response, browser.expose());
        Ok(response)
    }

    /// Refuses a request for which no sign-in is begun.
    fn refuse(&self, http: &HttpRequest, refusal: PageRefusal, connection: Option<&Arc<Connection>>) -> HttpResponse {
        let correlation_id = self.correlation_id(http);
        log_refusal(refusal, connection.map(|connection| connection.holder.as_str()), &correlation_id);
        let frame = PageFrame::draw(self.entropy.as_ref());
        let policy = frame.content_policy(&PageSources::default());
        let texts = refusal.texts();
        finish_page(begin_notice(&texts, None), &policy, &NoticePage::new(frame, texts.notice(&correlation_id), None))
    }

    /// Takes the browser's return from the identity provider.
    async fn take_return(
        &self,
        http: &HttpRequest,
        connection: &Arc<Connection>,
    ) -> Result<PageStep, PageSignInFailure> {
        let parameters = ProviderParameters::read(|name| find_parameter(http.query_string(), name));
        let browser = self.read_browser(http);
        self.steps.callback(connection, parameters.as_answer(), browser.as_ref(), &self.correlation_id(http)).await
    }
}

/// Whether a page of `failure` leads to the beginning again: a new attempt may succeed.
fn may_begin_again(failure: &SignInFailure) -> bool {
    failure.may_begin_again() || matches!(failure.error, SignInError::StateUnknown | SignInError::LinkUnknown)
}

/// The address of the service at `public_url` whose path has these segments.
fn address_below(public_url: &Url, segments: &[&str]) -> Url {
    let mut address = public_url.clone();
    if let Ok(mut path) = address.path_segments_mut() {
        path.clear().extend(segments);
    }
    address
}
