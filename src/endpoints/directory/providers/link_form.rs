use actix_web::{HttpRequest, web};

use super::{ProviderPlace, ProvidersDoor};
use crate::endpoints::directory::{BrowserSession, form_guard};
use crate::inbound::{BodyLimits, Form, FormGuard, Problem, read_body};

/// The largest body of the forms, in bytes.
const MAX_BODY_BYTES: usize = 4 * 1024;

/// The user whose account is linked, by the session of the browser that began.
#[derive(Clone, Copy)]
pub(super) struct LinkedSession<'a> {
    pub(super) user_id: &'a str,
    pub(super) session_id: &'a str,
}

/// A form of one of the pages on links.
#[derive(Default)]
pub(super) struct LinkForm {
    form_token: String,
    /// The handle of the sign-in at the provider.
    pub(super) handle: String,
}

impl LinkForm {
    /// Reads the form. An unreadable one has nothing.
    pub(super) async fn read(http: &HttpRequest, payload: web::Payload, door: &ProvidersDoor) -> Result<Self, Problem> {
        let limits = door.authorization.limits;
        let limits = BodyLimits { bytes: limits.bytes.min(MAX_BODY_BYTES), ..limits };
        let body = read_body(http, payload, limits).await?;
        let Ok(form) = Form::parse(&body) else { return Ok(Self::default()) };
        let find = |name| form.find(name).filter(|_| !form.is_repeated(name)).unwrap_or_default().to_owned();
        Ok(Self { form_token: find("form_token"), handle: find("handle") })
    }

    /// Whether the form is that of the page for `action` in this browser.
    pub(super) fn is_of(&self, guard: &FormGuard, http: &HttpRequest, action: &str) -> bool {
        guard.check(http, action, &self.form_token)
    }
}

impl LinkedSession<'_> {
    /// Whether `found` is this session: nobody else has signed in in the browser meanwhile.
    pub(super) fn is(self, found: &BrowserSession) -> bool {
        found.user.id == self.user_id && found.session.id == self.session_id
    }
}

impl ProvidersDoor {
    /// What guards the forms of the directory; `None` for a directory without keys, which does not exist.
    pub(super) fn guard(&self, place: &ProviderPlace) -> Option<FormGuard> {
        form_guard(&self.authorization.parts.keys, &place.view.directory)
    }

    /// The session of the browser that calls.
    pub(super) async fn find_session(
        &self,
        http: &HttpRequest,
        place: &ProviderPlace,
    ) -> Result<Option<BrowserSession>, Problem> {
        self.authorization.parts.browsers.find(http, &place.view).await
    }
}
