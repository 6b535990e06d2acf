use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::SelfServiceDoor;
use super::known_user::KnownUser;
use super::page_request::add_flow;
use super::refusals::ActFailure;
use super::replies::Responder;
use crate::accounts::DirectoryView;
use crate::domain::{DirectoryUser, SelfServiceSettings, SignInMethod};
use crate::endpoints::directory::authorization::SignInRequest;
use crate::endpoints::directory::languages::Language;
use crate::endpoints::directory::self_service::service::SelfServiceRequest;
use crate::inbound::{BodyLimits, Problem, TrustedProxies, read_body, redirect_browser, run_to_end};

/// The largest body of a form, in bytes.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// An act of a user that is under way. It owns its parts, because it outlives a browser that hangs up.
#[derive(Clone)]
pub(super) struct Act {
    pub(super) door: Data<SelfServiceDoor>,
    pub(super) view: Arc<DirectoryView>,
    http: HttpRequest,
    correlation_id: String,
    language: Language,
    client: Option<IpAddr>,
    /// The request of the application; `None` for a link of a message.
    request: Option<Rc<SignInRequest>>,
}

/// What has become of an act. The same browser gets the same outcome for the same form.
#[derive(Clone, Debug)]
pub(super) enum ActOutcome {
    /// The user has shown who they are, or was created, and may go on to the application.
    SignedIn(Box<DirectoryUser>),
    /// A message may be under way.
    Mailed,
    /// The user's names are changed.
    Changed(Box<KnownUser>),
    /// The link has done its work. The address is where it leads on.
    LinkUsed(Option<String>),
}

/// A form for which an application has sent its user here. Nothing of it was checked but the application's request.
pub(super) struct SentForm {
    pub(super) request: Rc<SignInRequest>,
    pub(super) body: Vec<u8>,
}

impl SelfServiceDoor {
    /// Reads the body of a form.
    pub(super) async fn read_form(&self, http: &HttpRequest, payload: Payload) -> Result<Vec<u8>, Problem> {
        let limits = BodyLimits { bytes: self.limits.bytes.min(MAX_BODY_BYTES), ..self.limits };
        Ok(read_body(http, payload, limits).await?.to_vec())
    }

    /// Reads a form of a page that only an application can ask for. `Err` has the answer to one that cannot be read.
    pub(super) async fn read_sent_form(
        &self,
        tenant: &str,
        payload: Payload,
        responder: &mut Responder<'_>,
        is_on: impl FnOnce(&SelfServiceSettings) -> bool,
    ) -> Result<SentForm, HttpResponse> {
        let body = self.read_form(responder.http, payload).await.map_err(Problem::respond)?;
        match self.read_request(tenant, responder, is_on) {
            Ok(request) => Ok(SentForm { request: Rc::new(request), body }),
            Err(refusal) => Err(responder.refuse(tenant, &refusal, StatusCode::SEE_OTHER)),
        }
    }
}

impl Act {
    /// The act that the browser of `responder` asks for.
    pub(super) fn new(
        door: &Data<SelfServiceDoor>,
        view: &Arc<DirectoryView>,
        request: Option<&Rc<SignInRequest>>,
        responder: &Responder<'_>,
    ) -> Self {
        Self {
            door: door.clone(),
            view: view.clone(),
            http: responder.http.clone(),
            correlation_id: responder.correlation_id.clone(),
            language: responder.language,
            client: TrustedProxies::client_address(responder.http),
            request: request.cloned(),
        }
    }

    /// The request of the browser.
    pub(super) const fn http(&self) -> &HttpRequest {
        &self.http
    }

    /// The request of the application; `None` for a link of a message.
    pub(super) fn request(&self) -> Option<&SignInRequest> {
        self.request.as_deref()
    }

    /// What the acts behind the pages know of the request.
    pub(super) fn service_request(&self) -> SelfServiceRequest<'_> {
        let request = self.request();
        SelfServiceRequest {
            correlation_id: &self.correlation_id,
            client: self.client,
            language: self.language,
            administrator: None,
            application: request.map(|request| request.application.client_id.as_str()),
            return_to: request.map(|request| request.query.as_str()),
        }
    }

    /// Does `work` for the form with this body, which is the browser's own, to its end. The outcome of an earlier try with the same
    /// form counts, also if another replica has got it.
    pub(super) async fn complete<W>(
        self,
        body: Vec<u8>,
        work: impl FnOnce(Self) -> W + 'static,
    ) -> Result<ActOutcome, ActFailure>
    where
        W: Future<Output = Result<ActOutcome, ActFailure>> + 'static,
    {
        let door = self.door.clone();
        // Boxed, because the future holds the whole work, and is copied on its way into a task.
        let work = Box::pin(async move { door.forms.complete(&body, self.complete_once(&body, work)).await });
        let done = run_to_end(work).await;
        done.unwrap_or(Err(ActFailure::Unavailable))
    }
}

impl SelfServiceDoor {
    /// Signs `user`, who has entered a password just now, in at the application, and sends the browser there.
    pub(super) async fn lead_back(
        door: &Data<Self>,
        request: &Rc<SignInRequest>,
        user: Box<DirectoryUser>,
        flow: &'static str,
        responder: &Responder<'_>,
    ) -> HttpResponse {
        let key = request.view.directory.user_key(&user.id).to_string();
        if let Err(limited) = door.sign_ins.charge(&[key.as_bytes()]).await {
            return responder.too_often(limited);
        }
        let (door, request, http) = (door.clone(), request.clone(), responder.http.clone());
        let setting = responder.setting();
        let led = run_to_end(async move {
            let method = SignInMethod::Password;
            if request.permits_code() {
                let completed = door.parts.app_sign_ins.complete(&http, &request, &user, &method).await?;
                let status = StatusCode::SEE_OTHER;
                return Ok::<_, Problem>(door.parts.app_sign_ins.lead_back(&request, &completed, status, setting));
            }
            let mut response = lead_without_code(&request, flow);
            if request.view.settings.sso.is_active {
                let begun = door.parts.browsers.begin(&http, &request.view, &user, &method).await?;
                door.parts.browsers.set_cookie(&mut response, &request.view, &begun);
            }
            Ok(response)
        });
        led.await.and_then(Result::ok).unwrap_or_else(|| responder.unavailable())
    }
}

/// Sends the browser to an application that could not redeem a code, and learns what has ended by the parameter `flow`.
pub(super) fn lead_without_code(request: &SignInRequest, flow: &str) -> HttpResponse {
    // A registered address is a URL.
    let address = add_flow(&request.destination.redirect_uri, flow);
    address.map_or_else(
        || HttpResponse::InternalServerError().finish(),
        |address| redirect_browser(StatusCode::SEE_OTHER, &address),
    )
}
