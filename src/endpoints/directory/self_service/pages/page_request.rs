//! `SelfServiceDoor`: the requests of applications for pages. `mod.rs` has the type.

use actix_web::HttpRequest;
use url::Url;

use super::SelfServiceDoor;
use super::own_page::PageLink;
use super::refusals::PageRefusal;
use super::replies::Responder;
use crate::domain::SelfServiceSettings;
use crate::endpoints::directory::authorization::{
    AUTHORIZATION_PATH, RequestParameters, RequestPurpose, RequestRefusal, SignInRequest, TrustedRequest,
    UntrustedRequest,
};
use crate::endpoints::directory::languages::Language;
use crate::inbound::find_parameter;

/// The longest parameter of a page's own, in bytes.
const MAX_OWN_BYTES: usize = 256;

impl SelfServiceDoor {
    /// Reads an application's request for a page of the directory `tenant`, and chooses the language. `is_on`: whether the directory
    /// offers the page.
    pub(super) fn read_request(
        &self,
        tenant: &str,
        responder: &mut Responder<'_>,
        is_on: impl FnOnce(&SelfServiceSettings) -> bool,
    ) -> Result<SignInRequest, PageRefusal> {
        let untrusted = |refusal| PageRefusal::Request(RequestRefusal::Untrusted(refusal));
        let view = self.parts.directories.find(tenant).ok_or(untrusted(UntrustedRequest::UnknownDirectory))?;
        let parameters = RequestParameters::read(responder.http.query_string().as_bytes())
            .map_err(|_| untrusted(UntrustedRequest::Unreadable))?;
        let (ui_locales, language) = (parameters.find("ui_locales"), parameters.find("language"));
        responder.language = Language::choose(responder.http, ui_locales, language);
        if !is_on(&view.settings.self_service) {
            return Err(PageRefusal::SwitchedOff);
        }
        let trusted = TrustedRequest::find(view, parameters).map_err(untrusted)?;
        trusted.check_for_page().map_err(|refused| PageRefusal::Request(RequestRefusal::Told(refused)))
    }
}

impl Responder<'_> {
    /// The links by which the user leaves a page without having done what it is for. `flow`: what App ID's SDK reads at its own
    /// address (docs/protocols/app-id.md §Browser pages); other applications know nothing of it.
    pub(super) fn list_ways_out(&self, request: &SignInRequest, flow: &str) -> Vec<PageLink> {
        let texts = self.texts();
        let path = AUTHORIZATION_PATH.replace("{tenant}", request.view.directory.tenant.as_str());
        let sign_in = || PageLink {
            id: "sign-in",
            address: format!("{path}?{}", request.to_sign_in_query()),
            text: texts.sign_in.to_owned(),
        };
        match request.purpose {
            RequestPurpose::SignIn => vec![sign_in()],
            RequestPurpose::SignUp => {
                std::iter::once(sign_in()).chain(self.link_to_application(request, flow)).collect()
            }
            RequestPurpose::OwnPage => self.link_to_application(request, flow).into_iter().collect(),
        }
    }

    /// The link to the application.
    pub(super) fn link_to_application(&self, request: &SignInRequest, flow: &str) -> Option<PageLink> {
        let address = add_flow(&request.destination.redirect_uri, flow)?;
        let [before, after] = self.texts().to_application;
        let text = format!("{before}{}{after}", request.application.name);
        Some(PageLink { id: "application", address, text })
    }
}

/// The address of an application with the parameter by which App ID's SDK knows what has ended. A registered address is a URL.
pub(super) fn add_flow(redirect_uri: &str, flow: &str) -> Option<String> {
    let mut address = Url::parse(redirect_uri).ok()?;
    address.query_pairs_mut().append_pair("flow", flow);
    Some(address.into())
}

/// A parameter that a page has beside those of the application's request; `None` if it is absent, repeated or too long.
pub(super) fn read_own_parameter(http: &HttpRequest, name: &str) -> Option<String> {
    let value = find_parameter(http.query_string(), name)?;
    Some(value.into_owned()).filter(|value| !value.is_empty() && value.len() <= MAX_OWN_BYTES)
}
