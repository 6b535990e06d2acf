use crate::domain::SecretHash;

/// A caller of a directory's management API.
#[derive(Clone, Debug)]
pub struct Administrator {
    /// Its name in the audit stream.
    pub name: String,
    /// What it may do.
    pub role: AdministratorRole,
    /// The hashes of its tokens, one or two. The same secret is its bearer and its API key.
    pub tokens: Vec<SecretHash>,
}

/// What an administrator may do; each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdministratorRole {
    /// Reads settings, applications and users.
    Reader,
    /// Changes them.
    Writer,
    /// The same: App ID has the role for what bot-sso does not have.
    Manager,
}
