//! `ProvidersDoor`: the pages on which users link accounts. `mod.rs` has the type.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::link_form::{LinkForm, LinkedSession};
use super::notices::{choose_notice, report, say_lost};
use super::pages::{ConfirmLinkPage, LinkPage};
use super::purpose::Purpose;
use super::{ACCOUNT_PATH, CONFIRM_PATH, LINK_PATH, ProviderPlace, ProvidersDoor, UNLINK_PATH};
use crate::domain::ProviderIdentity;
use crate::endpoints::directory::BrowserSession;
use crate::endpoints::directory::authorization::Responder;
use crate::inbound::{begin_page, finish_page, redirect_browser};
use crate::pages::PageSources;
use crate::sign_in::IdentifiedAtProvider;

/// What the forms do, in the text that binds their tokens.
pub(super) const LINK: &str = "link";
pub(super) const UNLINK: &str = "unlink";

/// `GET …/providers/{provider}/link`: the page on which the user of the browser's session links the account at the provider, or
/// removes the link. A browser without a session is led to the user's page, which asks to sign in.
pub(super) async fn show(http: HttpRequest, door: web::Data<ProvidersDoor>) -> HttpResponse {
    let responder = Responder::new(&door.authorization, &http);
    let Some(place) = door.find_place(&http) else { return say_lost(&responder) };
    match door.find_session(&http, &place).await {
        Ok(Some(session)) => door.show_link_page(&place, &session, &responder),
        Ok(None) => lead_to_account(&place),
        Err(_) => responder.unavailable(),
    }
}

/// `POST …/providers/{provider}/link`: sends the browser to the provider, which is to ask the user to sign in.
pub(super) async fn begin(http: HttpRequest, payload: web::Payload, door: web::Data<ProvidersDoor>) -> HttpResponse {
    let responder = Responder::new(&door.authorization, &http);
    let form = match LinkForm::read(&http, payload, &door).await {
        Ok(form) => form,
        Err(problem) => return problem.respond(),
    };
    let Some(place) = door.find_place(&http) else { return say_lost(&responder) };
    let session = match door.find_session(&http, &place).await {
        Ok(Some(session)) => session,
        Ok(None) => return lead_to_account(&place),
        Err(_) => return responder.unavailable(),
    };
    let action = place.name_form(LINK, &session.session.id);
    if !door.guard(&place).is_some_and(|guard| form.is_of(&guard, &http, &action)) {
        return door.show_link_page(&place, &session, &responder);
    }
    let purpose = Purpose::Link { user_id: session.user.id, session_id: session.session.id };
    match door.send(&place, purpose, true, &responder).await {
        Ok(response) => response,
        Err(failure) => {
            report(&failure, &place, &responder);
            let notice = choose_notice(&failure);
            responder.notice(notice.status(), &responder.language.texts().providers.link_failed)
        }
    }
}

/// Leads to the page of the user's account.
pub(super) fn lead_to_account(place: &ProviderPlace) -> HttpResponse {
    redirect_browser(StatusCode::SEE_OTHER, &place.path(ACCOUNT_PATH))
}

/// The identities of the user of `session` at the provider of `place`.
pub(super) fn list_linked<'a>(
    place: &'a ProviderPlace,
    session: &'a BrowserSession,
) -> impl Iterator<Item = &'a ProviderIdentity> {
    session.user.identities.iter().filter(|identity| identity.provider == place.provider.name)
}

impl ProvidersDoor {
    fn show_link_page(
        &self,
        place: &ProviderPlace,
        session: &BrowserSession,
        responder: &Responder<'_>,
    ) -> HttpResponse {
        let Some(guard) = self.guard(place) else { return responder.unavailable() };
        let (http, entropy) = (responder.http, self.authorization.ambient.entropy.as_ref());
        let token = guard.issue(http, &place.name_form(LINK, &session.session.id), entropy);
        let unlink_token = guard.issue_beside(http, &token, &place.name_form(UNLINK, &session.session.id));
        let (frame, texts) = (responder.setting().frame, responder.language.texts());
        // The form leads to the provider, on whatever host that is, and Chromium checks each redirect.
        let is_secure = place.view.directory.issuer.starts_with("https:");
        let forms = if is_secure { "https:" } else { "https: http:" };
        let policy = frame.content_policy(&PageSources { forms, ..PageSources::default() });
        let page = LinkPage {
            frame,
            language: texts.tag,
            texts: &texts.providers,
            provider: &place.provider.label,
            account: &session.user.shown_name(),
            is_linked: list_linked(place, session).next().is_some(),
            link_action: place.path(LINK_PATH),
            link_token: &token.value,
            unlink_action: place.path(UNLINK_PATH),
            unlink_token: &unlink_token,
            account_page: place.path(ACCOUNT_PATH),
        };
        let mut response = finish_page(begin_page(StatusCode::OK, "no-referrer"), &policy, &page);
        guard.set_cookie(&mut response, &token);
        response
    }

    /// Asks the user whether the account of the person at the provider is to be linked. The session must be the one in which the
    /// link was begun.
    pub(super) async fn ask_for_link(
        &self,
        place: &ProviderPlace,
        identified: &IdentifiedAtProvider,
        began: LinkedSession<'_>,
        responder: &Responder<'_>,
    ) -> HttpResponse {
        let texts = responder.language.texts();
        let session = match self.find_session(responder.http, place).await {
            Ok(session) => session.filter(|session| began.is(session)),
            Err(_) => return responder.unavailable(),
        };
        let Some(session) = session else {
            return responder.notice(StatusCode::FORBIDDEN, &texts.providers.link_failed);
        };
        let tenant = &place.view.directory.tenant;
        match self.authorization.parts.users.find_by_identity(tenant, &identified.user).await {
            Ok(Some(owner)) if owner.id == session.user.id => lead_to_account(place),
            Ok(Some(_)) => responder.notice(StatusCode::CONFLICT, &texts.providers.of_another_user),
            Ok(None) => self.show_confirmation(place, identified, &session, responder),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the user of an identity cannot be read");
                responder.unavailable()
            }
        }
    }

    fn show_confirmation(
        &self,
        place: &ProviderPlace,
        identified: &IdentifiedAtProvider,
        session: &BrowserSession,
        responder: &Responder<'_>,
    ) -> HttpResponse {
        let Some(guard) = self.guard(place) else { return responder.unavailable() };
        let handle = identified.handle.expose();
        let action = place.name_form(handle, &session.session.id);
        let token = guard.issue(responder.http, &action, self.authorization.ambient.entropy.as_ref());
        let (frame, texts) = (responder.setting().frame, responder.language.texts());
        let policy = frame.content_policy(&PageSources::default());
        let account_name = identified.account_name.as_deref();
        let other_account = account_name.or(identified.names.display.as_deref());
        let page = ConfirmLinkPage {
            frame,
            language: texts.tag,
            texts: &texts.providers,
            provider: &place.provider.label,
            account: &session.user.shown_name(),
            other_account: other_account.unwrap_or(identified.user.subject()),
            action: place.path(CONFIRM_PATH),
            form_token: &token.value,
            handle,
            account_page: place.path(ACCOUNT_PATH),
        };
        let mut response = finish_page(begin_page(StatusCode::OK, "no-referrer"), &policy, &page);
        guard.set_cookie(&mut response, &token);
        response
    }
}
