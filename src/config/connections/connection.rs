use crate::config::credentials::{AppIdentitySection, CredentialSection};
use crate::config::identity_providers::EntraSection;
use crate::config::review::OpenIdOptions;
use crate::domain::{AppScope, Connection, ConnectionName, HolderName, PERSONAL_ACCOUNTS_TENANT, TenantPolicy};

/// The beginning of the name that stands for the holder of a connection that no bot has.
const LENDING: &str = "connection/";

/// A connection and the credentials with which its client redeems grants.
#[derive(Clone, Debug)]
pub struct ConnectionSection {
    /// The table that its section is in: `connections`, `add_ins`, `back_ends` or `apps`.
    pub table: &'static str,
    /// The key of its section, `[<table>.<key>]`. Bots and clients use `connection.name` instead.
    pub key: String,
    /// The validated connection.
    pub connection: Connection,
    /// The credentials of its client, in the order in which they are tried; empty only if its users are those of a directory.
    pub credentials: Vec<CredentialSection>,
    /// The settings of authorization requests and of client authentication, for providers of kind `oidc`.
    pub openid: OpenIdOptions,
    /// The place of the section whose client and credentials it has; `None` if they are in its own.
    pub derived_from: Option<String>,
}

impl ConnectionSection {
    /// Its place in the configuration, as `connections.graph`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}.{}", self.table, self.key)
    }

    /// The place of its client and credentials: its own, or that of the section from which it is derived.
    #[must_use]
    pub fn client_place(&self) -> String {
        self.derived_from.clone().unwrap_or_else(|| self.place())
    }

    /// Whether no bot has the connection, so that it only describes those of apps and back ends.
    pub(in crate::config) fn belongs_to_none(&self) -> bool {
        self.connection.holder.as_str().starts_with(LENDING)
    }

    /// Whether both connections have the same holder and the same name.
    pub(super) fn has_same_holder_and_name(&self, other: &Self) -> bool {
        self.connection.holder == other.connection.holder && self.connection.name == other.connection.name
    }

    /// The client as an application that requests tokens for itself, in the first organization's tenant that the connection lists.
    pub(in crate::config) fn app_identity(&self, provider: &EntraSection) -> Option<AppIdentitySection> {
        let connection = &self.connection;
        let tenant = match &connection.exchange.tenants {
            // An application gets tokens for itself in the tenant of an organization only.
            TenantPolicy::Listed(tenants) => {
                tenants.iter().map(String::as_str).find(|tenant| *tenant != PERSONAL_ACCOUNTS_TENANT)
            }
            TenantPolicy::AnyOrganization | TenantPolicy::AnyAccount => None,
        };
        Some(AppIdentitySection {
            place: self.client_place(),
            token_endpoint: provider.build_token_endpoint(tenant.unwrap_or("organizations"))?,
            identity_provider: connection.identity_provider.clone(),
            client_id: connection.client_id.clone(),
            tenant: tenant.map(str::to_owned),
            scope: AppScope::configured_for(&connection.client_id),
            credentials: self.credentials.clone(),
        })
    }
}

/// Stands for the holder of the connection `key` that no bot has. Bots have no `/` in their names.
pub(super) fn lending_holder(key: &str) -> HolderName {
    HolderName::new(&format!("{LENDING}{key}"))
}

/// The names of a connection, and the names that it refers to. `None` for a name whose problem has been reported.
pub(super) struct ConnectionNames {
    /// The table of the section.
    pub(super) table: &'static str,
    pub(super) key: String,
    pub(super) name: Option<ConnectionName>,
    /// The bot whose app id is the default of the client id; `None` for a holder that is no bot.
    pub(super) bot: Option<String>,
    pub(super) holder: Option<HolderName>,
    pub(super) identity_provider: Option<String>,
}
