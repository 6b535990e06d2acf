use serde::{Deserialize, Serialize};

use crate::domain::{ConnectionName, HolderName, SecretHash};

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
    /// Where the application is told that a session of a user has ended (OpenID Connect Back-Channel Logout 1.0 §2.2).
    pub backchannel_logout_uri: Option<String>,
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
    /// The beginning of the client ids of bot-sso's own applications; no other application has such an id.
    pub const OWN_PREFIX: &str = "bot-sso.";
    /// The client id of the page on which users see where they are signed in.
    pub const ACCOUNT_PAGE_ID: &str = "bot-sso.account";

    /// Whether the client id `id` is one of bot-sso's own applications, in any letter case.
    #[must_use]
    pub fn is_own_id(id: &str) -> bool {
        id.as_bytes()
            .get(..Self::OWN_PREFIX.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(Self::OWN_PREFIX.as_bytes()))
    }

    /// The client id of the application that stands for the connection `name` of `holder`. Names of holders have no dot, so no two
    /// connections share an id.
    #[must_use]
    pub fn id_of_connection(holder: &HolderName, name: &ConnectionName) -> String {
        format!("{}{holder}.{name}", Self::OWN_PREFIX)
    }

    /// Whether the application `client_id` stands for a connection of `holder`.
    #[must_use]
    pub fn is_of_holder(client_id: &str, holder: &HolderName) -> bool {
        let of_holder = client_id.strip_prefix(Self::OWN_PREFIX).and_then(|rest| rest.strip_prefix(holder.as_str()));
        of_holder.is_some_and(|rest| rest.starts_with('.'))
    }

    /// An application of bot-sso itself. It counts as a server that has no secret, so no caller can authenticate as it.
    #[must_use]
    pub fn own(client_id: &str, name: &str, redirect_uri: String) -> Self {
        Self {
            client_id: client_id.to_owned(),
            name: name.to_owned(),
            kind: ApplicationKind::RegularWebApp,
            secrets: Vec::new(),
            redirect_uris: vec![redirect_uri],
            assertion_key: None,
            backchannel_logout_uri: None,
        }
    }

    /// The page at the directory `issuer` on which users see where they are signed in (docs/directory.md §Where am I signed in).
    #[must_use]
    pub fn account_page(issuer: &str) -> Self {
        Self::own(Self::ACCOUNT_PAGE_ID, "Account", format!("{issuer}/account"))
    }

    /// Whether it has no secret, and proves itself by PKCE alone. A server that has no secret yet is not public: it cannot
    /// authenticate.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.kind == ApplicationKind::SinglePageApp && self.secrets.is_empty()
    }
}
