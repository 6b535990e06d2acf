//! The sections of the gateway's configuration for directories.

use toml::{Table, Value};

use super::back_end_sections::client_secret;
use super::directories::{logout_redirect_uris, redirect_uris};
use super::facts::{IDENTITY_PROVIDER, StageFacts};
use super::section::Section;
use crate::dev::directories::{
    DIRECTORIES, DirectoryAppEntry, DirectoryConnectionEntry, DirectoryEntry, DirectoryProviderEntry,
    directory_connections,
};
use crate::domain::SecretHash;

/// The memory for one hash of a password, in KiB: less than the gateway's default, so that the users are there at once.
const HASH_MEMORY_KIB: i64 = 8192;

pub(super) fn directory_sections(facts: &StageFacts) -> impl Iterator<Item = (String, Value)> {
    DIRECTORIES.iter().map(|entry| (entry.name.to_owned(), directory_section(facts, entry).into()))
}

/// The connections of bots whose users are those of a directory.
pub(super) fn directory_connection_sections(facts: &StageFacts) -> impl Iterator<Item = (String, Value)> {
    directory_connections(&facts.directory).map(|DirectoryConnectionEntry { bot, directory }| {
        let section = Section::default().with("name", directory).with("bot", bot).with("identity_provider", directory);
        (format!("{bot}-{directory}"), section.into())
    })
}

/// The costs of hashes of passwords.
pub(super) fn password_hashes_section() -> Section {
    Section::default().with("memory_kib", HASH_MEMORY_KIB).with("passes", 1)
}

/// Mails stay on this machine: the stage lists them.
pub(super) fn mail_section(facts: &StageFacts) -> Section {
    let outbox = facts.outbox.folder().to_string_lossy().into_owned();
    Section::default().with("from", "sign-in@stage.example").with("outbox", outbox)
}

/// The management API may change the directory: programs register addresses of their own there.
fn directory_section(facts: &StageFacts, entry: &DirectoryEntry) -> Section {
    let administrator = Section::default()
        .with("name", "stage")
        .with("role", "manager")
        .with("token_sha256", hashes(entry.management_token));
    let sso =
        Section::default().with("is_active", true).with("logout_redirect_uris", logout_redirect_uris(facts, entry));
    let apps = entry.apps.iter().map(|app| (app.name.to_owned(), app_section(facts, entry, app).into()));
    let providers = entry.provider.iter().filter_map(|provider| provider_section(facts, provider));
    let providers: Table = providers.collect();
    Section::default()
        .with("tenant_id", entry.tenant_id)
        .with("managed", "api")
        .with("administrators", vec![Value::from(administrator)])
        .with("sdk_all_sessions", true)
        .with("sso", sso)
        .with("self_service", self_service_section())
        .with("applications", apps.collect::<Table>())
        .with_some("providers", (!providers.is_empty()).then_some(providers))
}

/// The local tenant, at which users of the directory can sign in as well.
fn provider_section(facts: &StageFacts, entry: &DirectoryProviderEntry) -> Option<(String, Value)> {
    let connection = facts.directory.find_shared_connection(entry.connection)?;
    let tenants: Vec<&str> = facts.directory.tenants.iter().map(|tenant| tenant.id).collect();
    let section = Section::default()
        .with("identity_provider", IDENTITY_PROVIDER)
        .with("label", entry.label)
        .with("client_id", connection.client_id)
        .with("client_secret", client_secret(connection.name))
        .with("tenants", tenants);
    Some((entry.name.to_owned(), section.into()))
}

/// Users may do everything by themselves. They confirm their address, and may sign in before.
fn self_service_section() -> Section {
    Section::default()
        .with("enabled", true)
        .with("sign_up", true)
        .with("confirmation", "asked")
        .with("welcome_mail", true)
        .with("reset_password", true)
        .with("password_mail", true)
}

fn app_section(facts: &StageFacts, directory: &DirectoryEntry, app: &DirectoryAppEntry) -> Section {
    Section::default()
        .with("client_id", app.client_id)
        .with("name", app.title)
        .with("type", "regularwebapp")
        .with("secret_sha256", hashes(app.client_secret))
        .with("redirect_uris", redirect_uris(facts, directory, app))
}

fn hashes(secret: &str) -> Vec<String> {
    vec![SecretHash::of(secret).to_text()]
}
