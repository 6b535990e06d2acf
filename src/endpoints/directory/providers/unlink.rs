use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::link::{UNLINK, lead_to_account, list_linked};
use super::link_form::LinkForm;
use super::notices::say_lost;
use super::{ProviderAct, ProviderPlace, ProvidersDoor};
use crate::accounts::UserChangeError;
use crate::domain::UserKey;
use crate::endpoints::directory::authorization::Responder;
use crate::inbound::run_to_end;
use crate::observability::AuditEvent;

/// `POST …/providers/{provider}/unlink`: takes the identities at the provider from the browser's user. It is refused where the user
/// could not sign in any more.
pub(super) async fn unlink(http: HttpRequest, payload: web::Payload, door: web::Data<ProvidersDoor>) -> HttpResponse {
    let responder = Responder::new(&door.authorization, &http);
    let form = match LinkForm::read(&http, payload, &door).await {
        Ok(form) => form,
        Err(problem) => return problem.respond(),
    };
    let Some(place) = door.find_place(&http) else { return say_lost(&responder) };
    let texts = &responder.language.texts().providers;
    let Ok(session) = door.find_session(&http, &place).await else { return responder.unavailable() };
    let Some(session) = session else { return lead_to_account(&place) };
    let action = place.name_form(UNLINK, &session.session.id);
    if !door.guard(&place).is_some_and(|guard| form.is_of(&guard, &http, &action)) {
        return responder.notice(StatusCode::FORBIDDEN, &texts.link_failed);
    }
    let keys: Vec<UserKey> = list_linked(&place, &session).map(|identity| identity.key.clone()).collect();
    let act = ProviderAct::new(place.clone(), &http, &responder.correlation_id);
    let unlinking = Unlinking { door: door.clone(), act, user_id: session.user.id, keys };
    match run_to_end(async move { unlinking.unlink().await }).await {
        Some(Ok(())) => lead_to_account(&place),
        Some(Err(UserChangeError::LastIdentity)) => responder.notice(StatusCode::CONFLICT, &texts.last_identity),
        Some(Err(_)) | None => responder.unavailable(),
    }
}

/// The links that are removed. It owns its parts, because it outlives a browser that hangs up.
struct Unlinking {
    door: web::Data<ProvidersDoor>,
    act: ProviderAct,
    user_id: String,
    keys: Vec<UserKey>,
}

impl Unlinking {
    async fn unlink(&self) -> Result<(), UserChangeError> {
        let ProviderPlace { view, provider } = &self.act.place;
        let (users, user) = (&self.door.authorization.parts.users, view.directory.user_key(&self.user_id));
        for key in &self.keys {
            let unlinked = users.unlink_identity(&view.directory.tenant, &self.user_id, key).await;
            let unlinked = unlinked.inspect_err(|error| {
                tracing::info!(correlation_id = self.act.correlation_id, %error, "a link was not removed");
            });
            if unlinked?.is_some() {
                self.act.audit(AuditEvent::DirectoryIdentityUnlinked, &user).detail(&provider.name).write();
                self.act.log(&user, "unlinked");
            }
        }
        Ok(())
    }
}
