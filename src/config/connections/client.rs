//! The only connection of a client whose section is in another table than `[connections]`.

use crate::config::credentials::RawCredential;
use crate::config::review::{
    ClientAuthentication, Context, Place, Review, RevisedSettings, SecretReference, WordOrList,
};
use crate::domain::{Application, ConnectionName, HolderName, ProviderKind};

use super::connection::{ConnectionNames, ConnectionSection};
use super::raw::RawConnection;
use super::{directory, entra, oidc};

/// The keys of a client that have the same meaning as in `[connections.<key>]`.
#[derive(Debug, Default)]
pub(in crate::config) struct WrittenClient {
    pub(in crate::config) client_id: Option<String>,
    pub(in crate::config) client_secret: Option<SecretReference>,
    pub(in crate::config) credentials: Option<Vec<RawCredential>>,
    pub(in crate::config) tenants: Option<WordOrList>,
    pub(in crate::config) required_scopes: Option<Vec<String>>,
    pub(in crate::config) authorized_clients: Vec<String>,
    pub(in crate::config) allow_v1: bool,
    /// For providers of kind `oidc` alone.
    pub(in crate::config) client_auth: Option<ClientAuthentication>,
    /// `None` for a client that gets no tokens of resources.
    pub(in crate::config) scopes: Option<Vec<String>>,
    pub(in crate::config) required_granted_scopes: Vec<String>,
    pub(in crate::config) continuous_access: bool,
}

/// The holder of a connection that has no section of its own.
pub(in crate::config) struct ConnectionHolder {
    /// The table of the holder's section.
    pub(in crate::config) table: &'static str,
    /// The name of the holder's section.
    pub(in crate::config) key: String,
    pub(in crate::config) holder: HolderName,
}

impl WrittenClient {
    /// The connection of `owner`, a client of the provider `identity_provider`, whose section is at `place`.
    pub(in crate::config) fn validate(
        self,
        owner: ConnectionHolder,
        identity_provider: Option<String>,
        context: &Context,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<ConnectionSection> {
        let ConnectionHolder { table, key, holder } = owner;
        let name = Some(ConnectionName::new(&key));
        let is_oidc = identity_provider.as_deref().is_some_and(|provider| context.is_oidc(provider));
        let names = ConnectionNames { table, key, name, bot: None, holder: Some(holder), identity_provider };
        if is_oidc {
            oidc::validate(self.into(), names, context, review, place)
        } else {
            entra::validate(self.into(), names, context, review, place)
        }
    }
}

impl From<WrittenClient> for RawConnection {
    fn from(client: WrittenClient) -> Self {
        Self {
            client_id: client.client_id,
            client_secret: client.client_secret,
            credentials: client.credentials,
            tenants: client.tenants,
            required_scopes: client.required_scopes,
            authorized_clients: client.authorized_clients,
            allow_v1: client.allow_v1,
            client_auth: client.client_auth,
            scopes: client.scopes,
            required_granted_scopes: client.required_granted_scopes,
            continuous_access: client.continuous_access,
            ..Self::default()
        }
    }
}

impl ConnectionSection {
    /// The connection of `owner`, which gets tokens as this one does, for `scopes` if they are written. What bots alone use is
    /// left out.
    pub(in crate::config) fn derive_for(
        &self,
        owner: ConnectionHolder,
        scopes: Option<Vec<String>>,
        context: &Context,
    ) -> Self {
        let ConnectionHolder { table, key, holder } = owner;
        let mut derived = Self { table, key, derived_from: Some(self.client_place()), ..self.clone() };
        let connection = &mut derived.connection;
        connection.holder = holder;
        connection.exchange_uris.clear();
        connection.aad_resources.clear();
        if connection.provider_kind == ProviderKind::Directory {
            connection.client_id = Application::id_of_connection(&connection.holder, &connection.name);
            connection.revision = directory::derive_revision(
                &connection.identity_provider,
                &connection.client_id,
                &connection.scopes,
                context,
            );
            return derived;
        }
        let Some(scopes) = scopes else { return derived };
        connection.required_granted_scopes.retain(|required| scopes.contains(required));
        connection.scopes = scopes;
        connection.revision = RevisedSettings {
            provider: &revised_provider(&connection.identity_provider, connection.provider_kind, context),
            client_id: &connection.client_id,
            scopes: &connection.scopes,
            continuous_access: connection.continuous_access,
            required_granted_scopes: &connection.required_granted_scopes,
            authorize_params: &derived.openid.authorize_params,
        }
        .derive_revision_with(
            &derived.openid.token_exchange.as_ref().map(|options| options.list_revised()).unwrap_or_default(),
        );
        derived
    }
}

/// The provider `name` as revisions know it.
fn revised_provider(name: &str, kind: ProviderKind, context: &Context) -> String {
    let issuer = || context.identity_providers.get(name).and_then(|provider| provider.issuer.as_deref());
    match kind {
        ProviderKind::Entra | ProviderKind::Directory => name.to_owned(),
        ProviderKind::OpenIdConnect => format!("{name} {}", issuer().unwrap_or("")),
    }
}
