use crate::domain::{AppId, ConnectionName};

/// A configured app: trusted functions read the tokens of its users with a service token (docs/service-role.md).
#[derive(Clone, Debug)]
pub struct ServiceRoleApp {
    /// The app's id in the configuration and in URL paths.
    pub id: AppId,
    /// Its only connection, which is registered under the app as its holder.
    pub connection: ConnectionName,
    /// Whether a service token alone reads the token of any user. If not, `on-behalf-of` is required.
    pub allows_service_only: bool,
    /// Whether a request on behalf of one user may read the token of another one.
    pub allows_cross_user: bool,
    /// The origins to which a sign-in may lead back, compared exactly.
    pub login_origins: Vec<String>,
    /// What a sign-in that was begun with `from_url` brings back in the query.
    pub redirect_token: RedirectToken,
}

/// What a sign-in brings back in the query of `from_url`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RedirectToken {
    /// A code that works once, which the app redeems with its service token.
    #[default]
    Code,
    /// The app's user token itself, as `access_token`: for front ends that know no code.
    Query,
}
