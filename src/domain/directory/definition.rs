use std::fmt;
use std::sync::Arc;

use crate::domain::{Administrator, Application, LoginProvider, UserKey};

/// The id of a directory: one segment of the paths of its doors, letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(Arc<str>);

/// What only the configuration says of a directory. What the management API may change is in
/// [`DirectorySettings`](crate::domain::DirectorySettings).
#[derive(Clone, Debug)]
pub struct Directory {
    /// The name of its section in the configuration.
    pub name: String,
    /// Its id in paths and tokens.
    pub tenant: TenantId,
    /// `oauth_server_url`: the address of its OAuth door, which is the issuer of its tokens, exactly.
    pub issuer: String,
    /// Who changes its settings.
    pub managed_by: ManagedBy,
    /// The longest life of a session, in seconds, however active it is; `None` for no limit.
    pub absolute_lifetime_seconds: Option<u64>,
    /// Whether `all_sessions=true` of a logout is obeyed at once, without an `id_token_hint` and without a question.
    pub sdk_all_sessions: bool,
    /// The age in seconds at which the signing key is replaced.
    pub signing_key_lifetime_seconds: u64,
    /// The callers of the management API.
    pub administrators: Vec<Administrator>,
    /// The other identity providers at which its users can sign in.
    pub login_providers: Vec<LoginProvider>,
    /// Whether each sign-in asks the user while there are other identity providers, as App ID documents it. Otherwise sessions
    /// serve all the same.
    pub prompts_with_login_providers: bool,
    /// The applications of bot-sso itself: the connections of bots whose users are those of the directory, and the page on which
    /// users see where they are signed in. They are not in the settings, and nobody can change them.
    pub own_applications: Vec<Application>,
}

/// Who changes the settings of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManagedBy {
    /// The management API; the configuration has the first values.
    Api,
    /// The configuration; the management API only reads them.
    File,
}

impl TenantId {
    /// Takes `id`, which the caller has checked by [`TenantId::is_valid`].
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self(Arc::from(id))
    }

    /// Whether `id` is 1 to 64 letters, digits and hyphens.
    #[must_use]
    pub fn is_valid(id: &str) -> bool {
        (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Directory {
    /// The key of the directory's user with this id.
    #[must_use]
    pub fn user_key(&self, user_id: &str) -> UserKey {
        UserKey::of_directory(self.tenant.as_str(), user_id)
    }
}
