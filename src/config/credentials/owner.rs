use crate::config::review::CloudDefaults;

/// Whose credentials they are.
pub(in crate::config) struct CredentialOwner<'a> {
    /// A bot gets tokens of its own only, so that it may be a managed identity; a connection's client exchanges users'
    /// tokens, which a managed identity cannot.
    pub(in crate::config) is_bot: bool,
    /// The application, if that is known.
    pub(in crate::config) client_id: Option<&'a str>,
    pub(in crate::config) cloud: &'static CloudDefaults,
}
