use crate::config::review::CloudDefaults;

/// The application that a list of credentials belongs to.
pub(in crate::config) struct CredentialOwner<'a> {
    /// Whether the application is a bot. A bot requests only tokens for itself, so it may be a managed identity. The
    /// client of a connection exchanges users' tokens, which a managed identity cannot.
    pub(in crate::config) is_bot: bool,
    /// The application's client id; `None` if it is missing or has been reported as a problem.
    pub(in crate::config) client_id: Option<&'a str>,
    pub(in crate::config) cloud: &'static CloudDefaults,
    /// The issuer of the connection's provider of kind `oidc`, as written; `None` for applications of Entra.
    pub(in crate::config) openid_issuer: Option<&'a str>,
}
