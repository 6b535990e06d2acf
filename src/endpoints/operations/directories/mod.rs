//! The operator's pages about directories: single sign-on, users and their sessions (docs/directory.md §The operator's page).

mod directory_page;
mod fields;
mod frame;
mod list_page;
mod operator_sessions;
mod session_endings;
mod settings_form;
mod sign_in;
mod templates;
mod user_page;

use actix_web::{HttpRequest, HttpResponse, web};

use self::frame::PageError;
use self::operator_sessions::OperatorSessions;
use crate::accounts::{Directories, DirectoryUsers, DirectoryView};
use crate::domain::{ClockAndEntropy, TenantId, draw_256_bits};
use crate::inbound::{
    BodyLimits, Door, ExpectedBearer, FormGuard, LetterCase, Operation, RequestId, TrustedProxies, read_segment,
};
use crate::observability::{AuditEntry, AuditEvent};
use crate::sessions::SsoSessions;
use crate::sign_out::BackChannel;
use std::net::IpAddr;
use std::sync::Arc;

pub use self::sign_in::SIGN_IN_PATH;

/// Where the list of directories is.
const LIST_PATH: &str = "/admin/directories";
/// The path below which the pages are, and their cookies are sent.
const BASE_PATH: &str = "/admin";
/// The name of the operator in the audit stream.
const OPERATOR: &str = "operator";

/// The directories that the operator sees and changes.
#[derive(Clone)]
pub struct OperatedDirectories {
    /// The directories and their settings.
    pub directories: Directories,
    /// Their users.
    pub users: DirectoryUsers,
    /// The sessions of the users' browsers.
    pub sessions: SsoSessions,
    /// Tells applications of sessions that end.
    pub back_channel: BackChannel,
}

/// Who may open the pages, and how.
pub struct PageAccess {
    /// `operations.admin_token`.
    pub admin_token: ExpectedBearer,
    /// Whether browsers reach the listener by https.
    pub is_secure: bool,
    /// The limits on forms.
    pub limits: BodyLimits,
}

/// The state of the pages; built once.
pub struct DirectoryPages {
    operated: OperatedDirectories,
    access: PageAccess,
    operators: OperatorSessions,
    guard: FormGuard,
    ambient: ClockAndEntropy,
}

impl DirectoryPages {
    /// The pages about `operated`, for the operator who has the token of `access`.
    #[must_use]
    pub fn new(operated: OperatedDirectories, access: PageAccess, ambient: ClockAndEntropy) -> Self {
        let mut key = [0; 32];
        ambient.entropy.fill(&mut key);
        let guard = FormGuard::new(key, BASE_PATH, access.is_secure);
        let operators = OperatorSessions::new(access.is_secure, ambient.clock.clone());
        Self { operated, access, operators, guard, ambient }
    }

    /// Whether the browser of `http` has signed in with the present admin token.
    fn is_signed_in(&self, http: &HttpRequest) -> bool {
        self.operators.is_signed_in(http, &self.access.admin_token)
    }

    /// The directory in the path.
    fn find_directory(&self, http: &HttpRequest) -> Result<Arc<DirectoryView>, PageError> {
        let tenant = read_segment(http, 3).ok_or(PageError::NotFound)?;
        self.operated.directories.find(&tenant).ok_or(PageError::NotFound)
    }

    /// The secret of a new cookie.
    fn draw_secret(&self) -> String {
        draw_256_bits(&*self.ambient.entropy).expose().to_owned()
    }
}

/// What the audit stream says of the operator's request.
pub(super) struct OperatorAct {
    pub(super) tenant: TenantId,
    pub(super) correlation_id: String,
    pub(super) client: Option<IpAddr>,
}

impl OperatorAct {
    fn new(http: &HttpRequest, tenant: &TenantId) -> Self {
        let client = TrustedProxies::client_address(http);
        Self { tenant: tenant.clone(), correlation_id: RequestId::find(http), client }
    }

    fn audit(&self, event: AuditEvent) -> AuditEntry<'_> {
        let entry = AuditEntry::new(event).tenant(&self.tenant).administrator(OPERATOR);
        entry.correlation_id(&self.correlation_id).client(self.client)
    }
}

/// This door's operations.
pub const DOOR: Door = Door {
    name: "Operations: directories",
    description: "The operator's pages about directories.",
    bearer: "",
    operations: OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: false,
};

const OPERATIONS: &[Operation] = &[
    list_page::SHOW,
    sign_in::SIGN_IN,
    sign_in::SIGN_OUT,
    directory_page::SHOW,
    settings_form::CHANGE,
    user_page::SHOW,
    user_page::END,
];

/// Adds the paths of the pages.
pub fn configure(config: &mut web::ServiceConfig, state: web::Data<DirectoryPages>) {
    config.app_data(state);
    DOOR.add_routes(config);
}

/// The answer of a page: itself, or why it is not shown.
type PageResult = Result<HttpResponse, PageError>;
