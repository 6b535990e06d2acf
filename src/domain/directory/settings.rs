use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{AddressFault, Application, PasswordPolicy, SelfServiceSettings, check_browser_addresses};

/// What the management API may change of a directory.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DirectorySettings {
    /// Single sign-on.
    pub sso: SsoSettings,
    /// Where users may be sent with a code, by any application. Compared exactly.
    pub redirect_uris: Vec<String>,
    /// The lives of tokens.
    pub tokens: TokenSettings,
    /// What a password must be like, and how many wrong ones lock a user.
    pub passwords: PasswordPolicy,
    /// By what users sign in.
    pub identity_field: IdentityField,
    /// The web apps.
    pub applications: Vec<Application>,
    /// What users may do by themselves.
    pub self_service: SelfServiceSettings,
}

/// Single sign-on of a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SsoSettings {
    /// Whether a user who has signed in to one application is signed in to the others silently.
    pub is_active: bool,
    /// Seconds without a use after which a session ends, 1 to 604800.
    pub inactivity_timeout_seconds: u32,
    /// Where a logout may lead. Compared exactly.
    pub logout_redirect_uris: Vec<String>,
    /// How often single sign-on was switched off. A session of an earlier number has ended.
    #[serde(default)]
    pub switch_offs: u64,
}

/// The lives of a directory's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenSettings {
    /// Seconds that access and ID tokens are valid, 300 to 86400.
    pub access_seconds: u32,
    /// Whether refresh tokens are issued.
    pub refresh_enabled: bool,
    /// Seconds that a refresh token is valid after it was issued, 86400 to 7776000.
    pub refresh_seconds: u32,
}

/// By what users sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum IdentityField {
    /// By an e-mail address.
    #[default]
    #[serde(rename = "email")]
    Email,
    /// By a user name.
    #[serde(rename = "userName")]
    UserName,
}

/// Why single sign-on cannot be set like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SsoFault {
    /// The time without a use is out of its range.
    #[error("inactivityTimeoutSeconds must be from 1 to 604800.")]
    Inactivity,
    /// An address of `logoutRedirectUris` is none to which a browser can be sent.
    #[error("logoutRedirectUris: {0}.")]
    Address(#[from] AddressFault),
}

impl SsoSettings {
    /// The longest inactivity that can be set, in seconds.
    pub const LONGEST_INACTIVITY_SECONDS: u32 = 604_800;

    /// Checks the ranges (docs/directory.md §Settings).
    ///
    /// # Errors
    /// [`SsoFault`].
    pub fn check(&self) -> Result<(), SsoFault> {
        if !(1..=Self::LONGEST_INACTIVITY_SECONDS).contains(&self.inactivity_timeout_seconds) {
            return Err(SsoFault::Inactivity);
        }
        Ok(check_browser_addresses(&self.logout_redirect_uris)?)
    }
}

impl Default for SsoSettings {
    fn default() -> Self {
        Self { is_active: false, inactivity_timeout_seconds: 86_400, logout_redirect_uris: Vec::new(), switch_offs: 0 }
    }
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self { access_seconds: 3600, refresh_enabled: true, refresh_seconds: 2_592_000 }
    }
}

impl TokenSettings {
    /// The seconds that access and ID tokens may be valid.
    pub const ACCESS_SECONDS: RangeInclusive<u32> = 300..=86_400;
    /// The seconds that a refresh token may be valid.
    pub const REFRESH_SECONDS: RangeInclusive<u32> = 86_400..=7_776_000;
}

impl DirectorySettings {
    /// The applications that a directory may have (docs/directory.md §Applications).
    pub const MAX_APPLICATIONS: usize = 200;
    /// The addresses that the lists of a directory and its applications may have together: all are in one record, and in memory.
    pub const MAX_ALL_ADDRESSES: usize = 2000;

    /// The number of addresses in all lists.
    #[must_use]
    pub fn count_addresses(&self) -> usize {
        let of_applications: usize = self.applications.iter().map(|application| application.redirect_uris.len()).sum();
        self.redirect_uris.len() + self.sso.logout_redirect_uris.len() + of_applications
    }

    /// The application with this client id.
    #[must_use]
    pub fn find_application(&self, client_id: &str) -> Option<&Application> {
        self.applications.iter().find(|application| application.client_id == client_id)
    }

    /// Whether users of `application` may be sent to `uri` with a code: the application's list or the directory's has exactly
    /// this text (RFC 9700 §2.1).
    #[must_use]
    pub fn allows_redirect(&self, application: &Application, uri: &str) -> bool {
        self.redirect_uris.iter().chain(&application.redirect_uris).any(|allowed| allowed == uri)
    }
}
