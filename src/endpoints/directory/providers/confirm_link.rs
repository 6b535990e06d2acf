use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::link::lead_to_account;
use super::link_form::{LinkForm, LinkedSession};
use super::notices::{report, say_lost};
use super::purpose::Purpose;
use super::{ProviderAct, ProviderPlace, ProvidersDoor};
use crate::accounts::UserChangeError;
use crate::domain::{DirectoryUser, ProviderIdentity};
use crate::endpoints::directory::BrowserSession;
use crate::endpoints::directory::authorization::Responder;
use crate::inbound::run_to_end;
use crate::observability::AuditEvent;
use crate::sign_in::IdentifiedAtProvider;

/// `POST …/providers/{provider}/link/confirm`: links the account of the person who has just signed in at the provider to that of the
/// browser's user.
pub(super) async fn confirm(http: HttpRequest, payload: web::Payload, door: web::Data<ProvidersDoor>) -> HttpResponse {
    let responder = Responder::new(&door.authorization, &http);
    let form = match LinkForm::read(&http, payload, &door).await {
        Ok(form) => form,
        Err(problem) => return problem.respond(),
    };
    let Some(place) = door.find_place(&http) else { return say_lost(&responder) };
    let texts = &responder.language.texts().providers;
    let Ok(session) = door.find_session(&http, &place).await else { return responder.unavailable() };
    let Some(session) = session.filter(|session| is_genuine(&door, &place, &form, session, &http)) else {
        return responder.notice(StatusCode::FORBIDDEN, &texts.link_failed);
    };
    let browser = door.read_browser(&http);
    let identified = match door.steps.find(&place.provider.connection, &form.handle, browser.as_ref()).await {
        Ok(identified) => identified,
        Err(failure) => {
            report(&failure, &place, &responder);
            return responder.notice(StatusCode::BAD_REQUEST, &texts.link_failed);
        }
    };
    if !is_for(&identified, &session) {
        return responder.notice(StatusCode::FORBIDDEN, &texts.link_failed);
    }
    let act = ProviderAct::new(place.clone(), &http, &responder.correlation_id);
    let linking = Linking { door: door.clone(), act, user: session.user, identified };
    match run_to_end(async move { linking.link().await }).await {
        Some(Ok(())) => lead_to_account(&place),
        Some(Err(UserChangeError::Taken)) => responder.notice(StatusCode::CONFLICT, &texts.of_another_user),
        Some(Err(UserChangeError::BadProfile(_) | UserChangeError::Unknown | UserChangeError::ChangedMeanwhile)) => {
            responder.notice(StatusCode::CONFLICT, &texts.link_failed)
        }
        Some(Err(_)) | None => responder.unavailable(),
    }
}

/// Whether the form is that of the page which this browser got in this session.
fn is_genuine(
    door: &ProvidersDoor,
    place: &ProviderPlace,
    form: &LinkForm,
    session: &BrowserSession,
    http: &HttpRequest,
) -> bool {
    let action = place.name_form(&form.handle, &session.session.id);
    door.guard(place).is_some_and(|guard| form.is_of(&guard, http, &action))
}

/// Whether the sign-in at the provider was begun to link the account of the session's user.
fn is_for(identified: &IdentifiedAtProvider, session: &BrowserSession) -> bool {
    match Purpose::read(&identified.return_to) {
        Some(Purpose::Link { user_id, session_id }) => {
            LinkedSession { user_id: &user_id, session_id: &session_id }.is(session)
        }
        Some(Purpose::SignIn { .. }) | None => false,
    }
}

/// The link that is made. It owns its parts, because it outlives a browser that hangs up.
struct Linking {
    door: web::Data<ProvidersDoor>,
    act: ProviderAct,
    /// The user as the session was found.
    user: DirectoryUser,
    identified: IdentifiedAtProvider,
}

impl Linking {
    async fn link(&self) -> Result<(), UserChangeError> {
        let ProviderPlace { view, provider } = &self.act.place;
        let identity =
            ProviderIdentity { provider: provider.name.clone(), key: self.identified.user.clone(), is_proven: true };
        let users = &self.door.authorization.parts.users;
        users.link_own_identity(&view.directory.tenant, &self.user, identity).await.inspect_err(|error| {
            tracing::info!(correlation_id = self.act.correlation_id, %error, "accounts were not linked");
        })?;
        let user = view.directory.user_key(&self.user.id);
        self.act.audit(AuditEvent::DirectoryIdentityLinked, &user).detail(&provider.name).write();
        self.act.log(&user, "linked");
        // The result of the sign-in has served.
        if self.door.steps.end(&self.identified).await.is_err() {
            tracing::warn!("a step of a browser's sign-in stays kept until it expires");
        }
        Ok(())
    }
}
