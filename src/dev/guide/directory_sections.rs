//! The sections of the gateway's configuration for directories.

use toml::{Table, Value};

use super::directories::{logout_redirect_uris, redirect_uris};
use super::facts::StageFacts;
use super::section::Section;
use crate::dev::directories::{DIRECTORIES, DirectoryAppEntry, DirectoryEntry};
use crate::domain::SecretHash;

/// The memory for one hash of a password, in KiB: less than the gateway's default, so that the users are there at once.
const HASH_MEMORY_KIB: i64 = 8192;

pub(super) fn directory_sections(facts: &StageFacts) -> impl Iterator<Item = (String, Value)> {
    DIRECTORIES.iter().map(|entry| (entry.name.to_owned(), directory_section(facts, entry).into()))
}

/// The costs of hashes of passwords.
pub(super) fn password_hashes_section() -> Section {
    Section::default().with("memory_kib", HASH_MEMORY_KIB).with("passes", 1)
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
    Section::default()
        .with("tenant_id", entry.tenant_id)
        .with("managed", "api")
        .with("administrators", vec![Value::from(administrator)])
        .with("sdk_all_sessions", true)
        .with("sso", sso)
        .with("applications", apps.collect::<Table>())
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
