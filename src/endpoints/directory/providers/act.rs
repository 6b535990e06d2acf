use std::net::IpAddr;

use actix_web::HttpRequest;

use super::ProviderPlace;
use crate::domain::UserKey;
use crate::inbound::TrustedProxies;
use crate::observability::{AuditEntry, AuditEvent, conceal};

/// What a browser does at a provider, as the log and the audit stream name it.
#[derive(Clone)]
pub(super) struct ProviderAct {
    pub(super) place: ProviderPlace,
    pub(super) correlation_id: String,
    pub(super) client: Option<IpAddr>,
}

impl ProviderAct {
    pub(super) fn new(place: ProviderPlace, http: &HttpRequest, correlation_id: &str) -> Self {
        Self { place, correlation_id: correlation_id.to_owned(), client: TrustedProxies::client_address(http) }
    }

    /// Begins an entry of the audit stream about `user` of the directory. Its detail is the provider.
    pub(super) fn audit<'a>(&'a self, event: AuditEvent, user: &'a UserKey) -> AuditEntry<'a> {
        let entry = AuditEntry::new(event).tenant(&self.place.view.directory.tenant).user(user);
        entry.correlation_id(&self.correlation_id).client(self.client)
    }

    /// Logs that `user` of the directory did something at the provider.
    pub(super) fn log(&self, user: &UserKey, what: &'static str) {
        tracing::info!(
            correlation_id = self.correlation_id,
            tenant = self.place.view.directory.tenant.as_str(),
            provider = self.place.provider.name,
            user = %conceal(user),
            code = what,
            "a user of a directory acted by another identity provider"
        );
    }
}
