use crate::config::credentials::{AppIdentitySection, CredentialSection};
use crate::config::identity_providers::EntraSection;
use crate::config::review::{Place, Review};
use crate::domain::{AppScope, Connection, ConnectionName, TenantPolicy};

/// The longest wire name taken, in bytes (DESIGN §5.13).
const MAX_NAME_BYTES: usize = 256;

/// A connection and the credentials it is redeemed with.
#[derive(Clone, Debug)]
pub struct ConnectionSection {
    /// Its key in the file: `[connections.<key>]`. The wire name is `connection.name`.
    pub key: String,
    /// The connection.
    pub connection: Connection,
    /// How its client proves itself, in the order in which that is tried; never empty.
    pub credentials: Vec<CredentialSection>,
}

impl ConnectionSection {
    /// Whether both are the connection of one name of one bot.
    pub(super) fn has_names_of(&self, other: &Self) -> bool {
        self.connection.bot == other.connection.bot && self.connection.name == other.connection.name
    }

    /// The client as an application that asks for tokens for itself: in the first tenant that is listed.
    pub(in crate::config) fn app_identity(&self, provider: &EntraSection) -> Option<AppIdentitySection> {
        let connection = &self.connection;
        let tenant = match &connection.exchange.tenants {
            TenantPolicy::Listed(tenants) => tenants.first().map(String::as_str),
            TenantPolicy::AnyOrganization => None,
        };
        Some(AppIdentitySection {
            place: format!("connections.{}", self.key),
            token_endpoint: provider.token_endpoint_of(tenant.unwrap_or("organizations"))?,
            identity_provider: connection.identity_provider.clone(),
            client_id: connection.client_id.clone(),
            tenant: tenant.map(str::to_owned),
            scope: AppScope::configured_for(&connection.client_id),
            credentials: self.credentials.clone(),
        })
    }
}

/// The names of a connection, and those that it refers to. `None`: it has been reported.
pub(super) struct ConnectionNames {
    pub(super) key: String,
    pub(super) name: Option<ConnectionName>,
    pub(super) bot: Option<String>,
    pub(super) identity_provider: Option<String>,
}

/// A connection's name on the wire.
pub(super) fn wire_name(name: &str, review: &mut Review<'_>, place: &Place) -> Option<ConnectionName> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        review.report(place, format!("is no name for a connection: write 1 to {MAX_NAME_BYTES} bytes of text"));
        return None;
    }
    Some(ConnectionName::new(name))
}
