use crate::domain::{AppScope, BackEndName, ConnectionName};

/// A configured back end: a server that exchanges its users' tokens by the standard doors (docs/back-ends.md).
#[derive(Clone, Debug)]
pub struct BackEnd {
    /// The back end's name in the configuration.
    pub name: BackEndName,
    /// The id by which it authenticates.
    pub client_id: String,
    /// Its only connection, which is registered under the back end as its holder.
    pub connection: ConnectionName,
    /// The values that `audience` and `resource` of a token exchange may have.
    pub audiences: Vec<String>,
    /// What it may get tokens for as itself, by `client_credentials`; empty if it may not.
    pub app_scopes: Vec<AppScope>,
}
