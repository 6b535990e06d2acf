use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::overview::UNNAMED_HOLDER;
use super::replies::{AccountNotice, Responder};
use super::{AccountDoor, PageUser, UserAct};
use crate::domain::{Application, HolderName};
use crate::endpoints::directory::EndCause;
use crate::exchange::PersonToken;
use crate::inbound::{BodyLimits, Form, Problem, read_body, run_to_end};
use crate::observability::{AuditEvent, conceal};

/// The largest body of the form, in bytes.
const MAX_BODY_BYTES: usize = 4 * 1024;
/// How often the grants of an application are listed and ended: a list has 400 of a user's grants at most.
const MAX_ROUNDS: usize = 25;
/// `detail` of what the user ends on this page.
const ACCOUNT_PAGE: &str = "account_page";

/// What a form of the page ends.
enum Wanted {
    /// The session with this id.
    Session(String),
    /// What the user has granted to the application with this client id.
    Application(String),
    /// The tokens that this bot, add-in, back end or app has; `None` for those of which no record says who has them.
    Holder(Option<HolderName>),
}

/// The form of the page.
struct ActForm {
    form_token: String,
    wanted: Option<Wanted>,
}

/// What was done.
enum Done {
    /// The page shows what is left.
    Ended,
    /// The session of this browser has ended.
    SignedOut,
}

/// `POST …/account`: ends one session, the grants of one application, or the tokens of one bot or back end. What has ended already
/// is no error, and what is another user's does not exist here.
pub(super) async fn act(
    http: HttpRequest,
    tenant: web::Path<String>,
    payload: web::Payload,
    door: web::Data<AccountDoor>,
) -> HttpResponse {
    let mut responder = Responder::new(&door, &http);
    let form = match read_form(&http, payload, &door).await {
        Ok(form) => ActForm::read(&form),
        Err(problem) => return problem.respond(),
    };
    match act_and_reply(&tenant, &door, &mut responder, form).await {
        Ok(response) => response,
        Err(_) => responder.notice(AccountNotice::Unavailable),
    }
}

/// Reads the body of a form of this door.
pub(super) async fn read_form(
    http: &HttpRequest,
    payload: web::Payload,
    door: &AccountDoor,
) -> Result<Vec<u8>, Problem> {
    let limits = BodyLimits { bytes: door.limits.bytes.min(MAX_BODY_BYTES), ..door.limits };
    read_body(http, payload, limits).await.map(|body| body.to_vec())
}

async fn act_and_reply(
    tenant: &str,
    door: &web::Data<AccountDoor>,
    responder: &mut Responder<'_>,
    form: ActForm,
) -> Result<HttpResponse, Problem> {
    let view = match door.open(tenant, responder) {
        Ok(view) => view,
        Err(notice) => return Ok(responder.notice(notice)),
    };
    let Some(user) = door.find_user(responder, Arc::clone(&view)).await? else {
        return Ok(responder.lead_to_sign_in(&view));
    };
    let guard = door.form_guard(&view).ok_or(Problem::ServiceUnavailable)?;
    let is_ours = guard.check(responder.http, &user.name_forms(), &form.form_token);
    let Some(wanted) = form.wanted.filter(|_| is_ours) else {
        return door.show_to(&user, responder, StatusCode::FORBIDDEN).await;
    };
    let (owner, act) = (door.clone(), UserAct::new(user.clone(), responder));
    match run_to_end(async move { owner.end(&act, wanted).await }).await.unwrap_or(Err(Problem::ServiceUnavailable))? {
        Done::Ended => Ok(responder.lead_to_page(&user, "done=1")),
        Done::SignedOut => Ok(responder.lead_to_signed_out(&user, false)),
    }
}

impl ActForm {
    fn read(body: &[u8]) -> Self {
        let Ok(form) = Form::parse(body) else { return Self { form_token: String::new(), wanted: None } };
        let find = |name| form.find(name).filter(|value| !form.is_repeated(name) && !value.is_empty());
        let holder = |name: &str| (name != UNNAMED_HOLDER).then(|| HolderName::new(name));
        let wanted = match (find("session"), find("application"), find("holder")) {
            (Some(session), None, None) => Some(Wanted::Session(session.to_owned())),
            (None, Some(application), None) => Some(Wanted::Application(application.to_owned())),
            (None, None, Some(name)) => Some(Wanted::Holder(holder(name))),
            _ => None,
        };
        Self { form_token: find("form_token").unwrap_or_default().to_owned(), wanted }
    }
}

impl AccountDoor {
    async fn end(&self, act: &UserAct, wanted: Wanted) -> Result<Done, Problem> {
        match wanted {
            Wanted::Session(session_id) => self.end_session(act, &session_id).await,
            Wanted::Application(client_id) => self.end_application(act, &client_id).await.map(|()| Done::Ended),
            Wanted::Holder(holder) => self.end_holder(act, holder.as_ref()).await.map(|()| Done::Ended),
        }
    }

    async fn end_session(&self, act: &UserAct, session_id: &str) -> Result<Done, Problem> {
        let sessions = self.list_sessions(&act.user).await?;
        let Some(session) = sessions.iter().find(|session| session.id == session_id) else { return Ok(Done::Ended) };
        let is_own = session.id == act.user.browser.session.id;
        let cause = EndCause {
            detail: (!is_own).then_some(ACCOUNT_PAGE),
            application: None,
            administrator: None,
            correlation_id: &act.correlation_id,
            client: act.client,
        };
        self.parts.endings.end_one(&act.user.view, session, &cause).await?;
        act.log("a session");
        Ok(if is_own { Done::SignedOut } else { Done::Ended })
    }

    async fn end_application(&self, act: &UserAct, client_id: &str) -> Result<(), Problem> {
        let mut count = 0;
        for _ in 0..MAX_ROUNDS {
            let mut grants = self.list_grants(&act.user).await?;
            grants.retain(|grant| grant.client_id == client_id);
            if grants.is_empty() {
                break;
            }
            for grant in &grants {
                let ended = self.parts.grants.end(act.user.tenant(), &grant.id).await;
                ended.map_err(|error| failed("a grant of a user cannot be ended", &error))?;
            }
            count += grants.len();
        }
        if count > 0 {
            let key = act.user.key();
            let entry = act.audit(AuditEvent::DirectoryGrantsRevoked, &key).application(client_id);
            entry.detail(ACCOUNT_PAGE).count(count).write();
            act.log("the grants of an application");
        }
        Ok(())
    }

    /// Signs the user out of every connection by which the holder has a token; the audit stream gets a line for each token from
    /// the sign-out itself. Then removes what the sign-out cannot find: tokens of a connection that is configured no more, and of
    /// an earlier version of the program.
    async fn end_holder(&self, act: &UserAct, holder: Option<&HolderName>) -> Result<(), Problem> {
        let mut slots = Vec::new();
        for slot in self.list_tokens(&act.user).await?.into_iter().filter_map(|PersonToken { slot, .. }| slot) {
            if Some(&slot.account.holder) == holder && !slots.contains(&slot) {
                slots.push(slot);
            }
        }
        for slot in &slots {
            let ended = self.parts.sign_out.of_account(&slot.account, Some(&slot.connection)).await;
            ended.map_err(|error| failed("a user cannot be signed out of a bot", &error))?;
        }
        for key in act.user.keys() {
            let ended = self.parts.tokens.end_of_holder(&key, holder).await;
            let count = ended.map_err(|error| failed("the tokens of a user cannot be removed", &error))?;
            if count > 0 {
                act.audit(AuditEvent::SignedOut, &key).count(count).detail(ACCOUNT_PAGE).write();
            }
        }
        if let Some(holder) = holder {
            self.end_own_grants(act, holder).await?;
        }
        act.log("the tokens of a bot or back end");
        Ok(())
    }

    /// Ends the grants of the applications that stand for connections of the holder. The sign-out ends them in the background, and
    /// the user has to find them ended at once.
    async fn end_own_grants(&self, act: &UserAct, holder: &HolderName) -> Result<(), Problem> {
        let mut grants = self.list_grants(&act.user).await?;
        grants.retain(|grant| Application::is_of_holder(&grant.client_id, holder));
        let client_ids: BTreeSet<&str> = grants.iter().map(|grant| grant.client_id.as_str()).collect();
        for client_id in client_ids {
            self.end_application(act, client_id).await?;
        }
        Ok(())
    }
}

impl UserAct {
    /// Tells the log what the user has ended.
    pub(super) fn log(&self, what: &'static str) {
        let PageUser { view, .. } = &self.user;
        tracing::info!(
            correlation_id = self.correlation_id,
            tenant = view.directory.tenant.as_str(),
            user = %conceal(&self.user.key()),
            what,
            "a user of a directory has ended something on the account page"
        );
    }
}

/// Logs what failed.
pub(super) fn failed(what: &'static str, error: &(dyn Error + 'static)) -> Problem {
    tracing::error!(error, what, "an act on the account page is not complete");
    Problem::ServiceUnavailable
}
