use serde::{Deserialize, Serialize};

use crate::domain::SecretHash;

/// A web app of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its id at the token endpoint.
    pub client_id: String,
    /// Its name on pages.
    pub name: String,
    /// Whether it can keep a secret.
    pub kind: ApplicationKind,
    /// The hashes of its secrets, one or two; empty for a public application, which proves itself by PKCE.
    pub secrets: Vec<SecretHash>,
    /// Where users may be sent with a code, beside the directory's own list. Compared exactly.
    pub redirect_uris: Vec<String>,
    /// The public key (PEM) of the assertions by which the application signs users of its own in (RFC 7523); `None` if it
    /// may not.
    pub assertion_key: Option<String>,
}

/// What an application can do for its own security.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApplicationKind {
    /// A server with a secret.
    #[serde(rename = "regularwebapp")]
    RegularWebApp,
    /// A page in a browser, which has no secret.
    #[serde(rename = "singlepageapp")]
    SinglePageApp,
}

impl Application {
    /// Whether it has no secret, and proves itself by PKCE alone. A server that has no secret yet is not public: it cannot
    /// authenticate.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.kind == ApplicationKind::SinglePageApp && self.secrets.is_empty()
    }
}
