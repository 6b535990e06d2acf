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
mod redirect_uris;
mod section;
mod settings;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use section::{DirectorySection, PasswordHashesSection};

pub(in crate::config) use directory::RawDirectory;
pub(in crate::config) use password_hashes::RawPasswordHashes;
pub(in crate::config) use passwords::is_pattern;

use url::Url;

use crate::config::review::{Place, Review};

/// The sections `[directories.<name>]`; `public_url` is that of the server, if it has no problem.
pub(in crate::config) fn validate_directories(
    raw: BTreeMap<String, RawDirectory>,
    public_url: Option<&Url>,
    review: &mut Review<'_>,
) -> Vec<DirectorySection> {
    let mut sections: Vec<DirectorySection> = Vec::new();
    for (name, directory) in raw {
        let place = Place::section("directories").key(&name);
        review.path_name(&name, "a directory", &place);
        let Some(section) = directory.validate(&name, public_url, review, &place) else { continue };
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
