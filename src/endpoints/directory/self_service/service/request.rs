use std::net::IpAddr;

use super::SelfServiceError;
use crate::accounts::DirectoryView;
use crate::endpoints::directory::EndCause;
use crate::endpoints::directory::languages::Language;
use crate::inbound::ClientNetwork;
use crate::observability::{AuditEntry, AuditEvent, conceal};

/// Who asks for an act, and how.
#[derive(Clone, Copy, Debug)]
pub struct SelfServiceRequest<'a> {
    /// The id of the request.
    pub correlation_id: &'a str,
    /// The address that the request came from.
    pub client: Option<IpAddr>,
    /// The language of the messages.
    pub language: Language,
    /// The name of the administrator who asks; `None` for a stranger or the user.
    pub administrator: Option<&'a str>,
    /// The client id of the application by which the user has come.
    pub application: Option<&'a str>,
    /// That application's request for one of our pages, as a query. The page of a link leads back by it.
    pub return_to: Option<&'a str>,
}

impl SelfServiceRequest<'_> {
    /// Refuses what the directory does not let users do by themselves. An administrator may do it for them.
    pub(super) fn require(&self, is_on: bool) -> Result<(), SelfServiceError> {
        if is_on || self.administrator.is_some() { Ok(()) } else { Err(SelfServiceError::SwitchedOff) }
    }

    /// The network under which refused passwords are counted. A client with an IPv6 address may use another address of its network for each
    /// try.
    pub(super) fn network(&self) -> Option<String> {
        self.client.map(|client| ClientNetwork::from_address(client).first_address().to_string())
    }

    /// Why sessions end, as the audit stream says it.
    pub(super) fn end_cause(&self, detail: &'static str) -> EndCause<'_> {
        EndCause {
            detail: Some(detail),
            application: self.application,
            administrator: self.administrator,
            correlation_id: self.correlation_id,
            client: self.client,
        }
    }

    /// Notes in log and audit stream what was done, to the user with this id if there is one.
    pub(super) fn note(&self, event: AuditEvent, view: &DirectoryView, user_id: Option<&str>) {
        self.note_detail(event, view, user_id, None);
    }

    /// As [`SelfServiceRequest::note`], with a word that says more.
    pub(super) fn note_detail(
        &self,
        event: AuditEvent,
        view: &DirectoryView,
        user_id: Option<&str>,
        detail: Option<&'static str>,
    ) {
        let (directory, user) = (&view.directory, user_id.map(|id| view.directory.user_key(id)));
        let mut entry = AuditEntry::new(event).tenant(&directory.tenant);
        entry = entry.correlation_id(self.correlation_id).client(self.client);
        if let Some(application) = self.application {
            entry = entry.application(application);
        }
        if let Some(administrator) = self.administrator {
            entry = entry.administrator(administrator);
        }
        if let Some(user) = &user {
            entry = entry.user(user);
        }
        if let Some(detail) = detail {
            entry = entry.detail(detail);
        }
        entry.write();
        let (correlation_id, tenant, event) = (self.correlation_id, directory.tenant.as_str(), event.name());
        let user = user.as_ref().map(|user| conceal(user).to_string());
        tracing::info!(correlation_id, tenant, user, event, detail, "self-service at a directory");
    }
}
