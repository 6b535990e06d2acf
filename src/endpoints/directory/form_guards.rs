use crate::domain::Directory;
use crate::inbound::FormGuard;
use crate::token_issuer::DirectoryKeyRing;

/// What guards the forms on the pages of `directory`, whose cookie is for the directory's paths alone. `None` for a directory
/// without keys, which does not exist.
pub(super) fn form_guard(keys: &DirectoryKeyRing, directory: &Directory) -> Option<FormGuard> {
    let key = keys.find(&directory.tenant)?.mac("form token", &[]);
    let path = format!("/oauth/v4/{}", directory.tenant);
    Some(FormGuard::new(key, &path, directory.issuer.starts_with("https:")))
}
