//! `[directories.<name>]` and `[password_hashes]`: users who sign in here, and share one session between web apps.
//!
//! Owns the keys and the checks of directories, of their administrators and applications, and of what a password must be like.
//! It deliberately does not know that the management API may change most of it later: for that, the file has the first
//! values.

mod administrators;
mod application;
mod assertion_key;
mod directory;
mod password_hashes;
mod passwords;
mod providers;
mod redirect_uris;
mod section;
mod self_service;
mod settings;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use section::{DirectorySection, PasswordHashesSection};

use directory::DirectorySurroundings;
pub(in crate::config) use directory::RawDirectory;
pub(in crate::config) use password_hashes::RawPasswordHashes;
pub(in crate::config) use passwords::is_pattern;

use url::Url;

use crate::config::review::{Context, Place, Review, WrittenDirectory};

/// The facts about the directories in the file that connections need; `public_url` is that of the server as it is written.
pub(in crate::config) fn written_directories(
    raw: &BTreeMap<String, RawDirectory>,
    public_url: &str,
) -> BTreeMap<String, WrittenDirectory> {
    let written = |name: &String, directory: &RawDirectory| {
        let tenant = directory.written_tenant().unwrap_or(name);
        (name.clone(), WrittenDirectory { issuer: format!("{public_url} {tenant}") })
    };
    raw.iter().map(|(name, directory)| written(name, directory)).collect()
}

/// Reports each directory whose name an identity provider has, too: a connection that names it could mean either.
pub(in crate::config) fn refuse_names_of_providers(context: &Context, review: &mut Review<'_>) {
    for name in context.directories.keys().filter(|name| context.identity_providers.contains_key(*name)) {
        let message = format!(
            "is also the name of an identity provider, and a connection with identity_provider = {name:?} could mean either: write \
             another name, and tenant_id = {name:?} to keep its users"
        );
        review.report(&Place::section("directories").key(name), message);
    }
}

/// The sections `[directories.<name>]`; `public_url` is that of the server, if it has no problem.
pub(in crate::config) fn validate_directories(
    raw: BTreeMap<String, RawDirectory>,
    public_url: Option<&Url>,
    context: &Context,
    review: &mut Review<'_>,
) -> Vec<DirectorySection> {
    let mut sections: Vec<DirectorySection> = Vec::new();
    for (name, directory) in raw {
        let place = Place::section("directories").key(&name);
        review.path_name(&name, "a directory", &place);
        let Some(section) = directory.validate(&name, DirectorySurroundings { public_url, context }, review, &place)
        else {
            continue;
        };
        refuse_same_tenant(&sections, &section, review, &place);
        sections.push(section);
    }
    administrators::refuse_shared_tokens(&sections, review);
    sections
}

/// Reports the tenant id of `section`, whose place is `place`, if one of `others` has it in any letter case: it is a part of
/// cookies' names and of paths, which some proxies compare without regard to case.
fn refuse_same_tenant(others: &[DirectorySection], section: &DirectorySection, review: &mut Review<'_>, place: &Place) {
    let tenant = section.directory.tenant.as_str();
    let other = others.iter().find(|other| other.directory.tenant.as_str().eq_ignore_ascii_case(tenant));
    if let Some(other) = other {
        let message = format!(
            "{tenant:?} is also the tenant of the directory {:?}: write another id, of letters, digits and hyphens",
            other.directory.name
        );
        review.report(&place.key("tenant_id"), message);
    }
}
