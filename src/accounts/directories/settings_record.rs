//! The record of a directory's settings.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{
    Application, ApplicationKind, DirectorySettings, IdentityField, PasswordPolicy, SecretHash, SelfServiceSettings,
    SsoSettings, TokenSettings,
};
use crate::records::{Content, Kind, Plaintext, catalogue, encode_json};

/// The settings of a directory, as they are stored.
#[derive(Serialize, Deserialize)]
pub(super) struct SettingsRecord {
    sso: SsoSettings,
    redirect_uris: Vec<String>,
    tokens: TokenSettings,
    passwords: PasswordPolicy,
    identity_field: IdentityField,
    applications: Vec<ApplicationRecord>,
    #[serde(default)]
    self_service: SelfServiceSettings,
}

#[derive(Serialize, Deserialize)]
struct ApplicationRecord {
    client_id: String,
    name: String,
    kind: ApplicationKind,
    /// The hashes in hexadecimal digits.
    secrets: Vec<String>,
    redirect_uris: Vec<String>,
    assertion_key: Option<String>,
    #[serde(default)]
    backchannel_logout_uri: Option<String>,
}

impl SettingsRecord {
    pub(super) fn of(settings: &DirectorySettings) -> Self {
        let settings = settings.clone();
        Self {
            sso: settings.sso,
            redirect_uris: settings.redirect_uris,
            tokens: settings.tokens,
            passwords: settings.passwords,
            identity_field: settings.identity_field,
            applications: settings.applications.into_iter().map(ApplicationRecord::of).collect(),
            self_service: settings.self_service,
        }
    }

    /// The settings; `None` if the hash of a secret cannot be read.
    fn read(self) -> Option<DirectorySettings> {
        Some(DirectorySettings {
            sso: self.sso,
            redirect_uris: self.redirect_uris,
            tokens: self.tokens,
            passwords: self.passwords,
            identity_field: self.identity_field,
            applications: self.applications.into_iter().map(ApplicationRecord::read).collect::<Option<_>>()?,
            self_service: self.self_service,
        })
    }
}

impl ApplicationRecord {
    fn of(application: Application) -> Self {
        Self {
            client_id: application.client_id,
            name: application.name,
            kind: application.kind,
            secrets: application.secrets.into_iter().map(SecretHash::to_text).collect(),
            redirect_uris: application.redirect_uris,
            assertion_key: application.assertion_key,
            backchannel_logout_uri: application.backchannel_logout_uri,
        }
    }

    fn read(self) -> Option<Application> {
        Some(Application {
            client_id: self.client_id,
            name: self.name,
            kind: self.kind,
            secrets: self.secrets.iter().map(|hash| SecretHash::parse(hash)).collect::<Option<_>>()?,
            redirect_uris: self.redirect_uris,
            assertion_key: self.assertion_key,
            backchannel_logout_uri: self.backchannel_logout_uri,
        })
    }
}

/// Settings that were read from the store.
pub(super) struct StoredSettings(pub(super) DirectorySettings);

impl Content for StoredSettings {
    const KIND: &'static Kind = &catalogue::DIRECTORY_SETTINGS;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(&SettingsRecord::of(&self.0))
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json::<SettingsRecord>(Self::KIND)?.read().map(Self)
    }
}
