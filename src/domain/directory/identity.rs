use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::{Connection, UserKey};

/// The name of the directory itself among the providers by which users sign in.
pub(super) const OWN_PROVIDER: &str = "cloud_directory";

/// By what a user has signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInMethod {
    /// By the password of the directory.
    #[default]
    Password,
    /// At the [`LoginProvider`] with this name.
    Provider(String),
}

/// Another identity provider at which users of a directory can sign in.
#[derive(Clone, Debug)]
pub struct LoginProvider {
    /// Its name in the directory's section, in addresses and in `amr`.
    pub name: String,
    /// The text of its button.
    pub label: String,
    /// The client by which users sign in there. No token is kept in it.
    pub connection: Arc<Connection>,
}

/// Who a user of a directory is at another identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderIdentity {
    /// The name of the [`LoginProvider`].
    pub provider: String,
    /// The person there. It belongs to one user of the directory.
    pub key: UserKey,
    /// Whether the person has shown it, by a sign-in at the provider, since an administrator last wrote the identity or the password.
    /// An identity that is not proven serves to sign in, and gives no access to what is kept of the person elsewhere.
    pub is_proven: bool,
}

/// Who a user is at a provider, as tokens say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedIdentity<'a> {
    /// The name of the provider; `cloud_directory` for the directory itself.
    pub provider: &'a str,
    /// The user's id there.
    pub id: &'a str,
}

impl SignInMethod {
    /// The name of the provider, as tokens say it in `amr`.
    #[must_use]
    pub fn provider(&self) -> &str {
        match self {
            Self::Password => OWN_PROVIDER,
            Self::Provider(name) => name,
        }
    }
}
