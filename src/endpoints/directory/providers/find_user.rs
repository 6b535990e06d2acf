use std::error::Error;
use std::rc::Rc;

use actix_web::{HttpRequest, web};

use super::{ProviderAct, ProvidersDoor};
use crate::domain::{DirectoryUser, ProviderIdentity, SignInMethod};
use crate::endpoints::directory::authorization::{CompletedSignIn, LoginNotice, SignInRequest};
use crate::inbound::Problem;
use crate::observability::{AuditEvent, DirectoryCount};
use crate::sign_in::{BrowserSecret, IdentifiedAtProvider};

/// The sign-in of a person whom a provider has identified. It owns its parts, because it outlives a browser that hangs up.
pub(super) struct ProviderSignIn {
    pub(super) door: web::Data<ProvidersDoor>,
    pub(super) request: Rc<SignInRequest>,
    pub(super) http: HttpRequest,
    pub(super) act: ProviderAct,
    pub(super) identified: IdentifiedAtProvider,
    pub(super) browser: BrowserSecret,
}

/// What becomes of the sign-in.
pub(super) enum SignInOutcome {
    /// The user is signed in.
    SignedIn(CompletedSignIn),
    /// This return was answered before, and what came of it has ended: the application's request begins anew.
    Again,
    /// The sign-in page is shown again.
    Refused(LoginNotice),
}

impl ProviderSignIn {
    /// Finds the user, begins the session, and issues the code. A repeated return of the browser does so again as long as the session
    /// lives that the first one has begun: after a logout, the back button of the browser signs nobody in.
    pub(super) async fn complete(&self) -> Result<SignInOutcome, Problem> {
        let Some(user) = self.find_user().await? else { return Ok(SignInOutcome::Again) };
        let (parts, view) = (&self.door.authorization.parts, &self.request.view);
        if let Some(session_id) = &self.identified.outcome
            && !parts.browsers.is_live(view, &user, session_id).await?
        {
            return Ok(SignInOutcome::Again);
        }
        let key = view.directory.user_key(&user.id);
        if !user.active {
            let refused = self.act.audit(AuditEvent::DirectorySignInRefused, &key);
            refused.application(&self.request.application.client_id).detail("not_active").write();
            parts.counts.add(&view.directory.name, DirectoryCount::SignInRefused);
            self.act.log(&key, "not_active");
            return Ok(SignInOutcome::Refused(LoginNotice::NotAllowed));
        }
        let is_signed_out = self.door.steps.may_be_signed_out(&self.identified, &key).await;
        if is_signed_out.map_err(|_| Problem::ServiceUnavailable)? {
            return Ok(SignInOutcome::Refused(LoginNotice::ProviderRefused));
        }
        if let Err(limited) = self.door.authorization.rates.charge(&key, &self.act.correlation_id).await {
            return Ok(SignInOutcome::Refused(LoginNotice::TooMany { retry_after: limited.retry_after }));
        }
        let method = SignInMethod::Provider(self.act.place.provider.name.clone());
        let completed = parts.app_sign_ins.complete(&self.http, &self.request, &user, &method).await?;
        self.note_outcome(&completed).await?;
        let signed_in = self.act.audit(AuditEvent::DirectorySignedInByProvider, &key);
        signed_in.application(&self.request.application.client_id).detail(&self.act.place.provider.name).write();
        parts.counts.add(&view.directory.name, DirectoryCount::SignInByProvider);
        self.act.log(&key, "signed_in");
        Ok(SignInOutcome::SignedIn(completed))
    }

    /// The user who is the identified person, or a new one. Nothing but issuer and id counts: an e-mail address or a name that the
    /// provider states may be another person's here. `None` for a repeated return whose user was deleted since.
    async fn find_user(&self) -> Result<Option<DirectoryUser>, Problem> {
        let (users, directory) = (&self.door.authorization.parts.users, &self.request.view.directory);
        let IdentifiedAtProvider { user: person, names, outcome, .. } = &self.identified;
        if let Some(user) = users.find_by_identity(&directory.tenant, person).await.map_err(store_failed)? {
            if outcome.is_none() && !user.has_proven(person) {
                users.prove_identity(&directory.tenant, &user.id, person).await.map_err(store_failed)?;
            }
            return Ok(Some(user));
        }
        if outcome.is_some() {
            return Ok(None);
        }
        let (provider, key) = (self.act.place.provider.name.clone(), person.clone());
        let identity = ProviderIdentity { provider, key, is_proven: true };
        let created = users.create_for_identity(&directory.tenant, identity, names.clone()).await;
        let user = created.map_err(store_failed)?;
        let key = directory.user_key(&user.id);
        self.act.audit(AuditEvent::DirectoryUserCreated, &key).detail("provider").write();
        self.act.log(&key, "created");
        Ok(Some(user))
    }

    /// Notes what has come of the identification, so that it serves this once.
    async fn note_outcome(&self, completed: &CompletedSignIn) -> Result<(), Problem> {
        let (connection, outcome) = (&self.act.place.provider.connection, completed.session_id().unwrap_or_default());
        let noted = self.door.steps.note_outcome(connection, &self.identified, &self.browser, outcome).await;
        noted.map_err(|_| Problem::ServiceUnavailable)
    }
}

fn store_failed(error: impl Error + 'static) -> Problem {
    tracing::error!(error = &error as &dyn Error, "the user of another identity provider cannot be read or written");
    Problem::ServiceUnavailable
}
