use std::sync::Arc;

use crate::dev::tenant::client_proof::ClientProof;
use crate::dev::tenant::consents::Consents;
use crate::dev::tenant::directory::{App, Directory};
use crate::dev::tenant::form::Form;
use crate::dev::tenant::login::LoginState;
use crate::dev::tenant::sessions::SessionSwitches;
use crate::dev::tenant::stories::Stories;
use crate::dev::tenant::tenant_segment::TenantSegment;
use crate::dev::tenant::tokens::TokenIssuer;

/// The services that the grants use to decide on a token and to issue it.
pub(in crate::dev) struct GrantServices {
    pub(in crate::dev) directory: Arc<Directory>,
    pub(in crate::dev) consents: Arc<Consents>,
    pub(in crate::dev) stories: Arc<Stories>,
    pub(in crate::dev) logins: Arc<LoginState>,
    pub(in crate::dev) sessions: Arc<SessionSwitches>,
    pub(in crate::dev) tokens: Arc<TokenIssuer>,
}

/// A token request of an authenticated client.
pub(in crate::dev) struct GrantRequest<'a> {
    pub(in crate::dev) services: &'a GrantServices,
    pub(in crate::dev) form: &'a Form,
    pub(in crate::dev) client: &'a App,
    pub(in crate::dev) proof: ClientProof,
    pub(in crate::dev) tenant: TenantSegment<'a>,
}
