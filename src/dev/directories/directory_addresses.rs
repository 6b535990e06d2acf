use super::entries::{DirectoryAppEntry, DirectoryEntry};
use crate::dev::addresses::Addresses;

/// The path of the page that lists the apps of all directories. The pages of an app are below it.
pub(super) const APPS_PATH: &str = "/directory-apps";

/// The address of the directory's OAuth endpoints, which is the issuer of its tokens. `gateway` has no slash at its end.
pub(in crate::dev) fn oauth_address(gateway: &str, directory: &DirectoryEntry) -> String {
    format!("{gateway}/oauth/v4/{}", directory.tenant_id)
}

/// The address of the directory's management API.
pub(in crate::dev) fn management_address(gateway: &str, directory: &DirectoryEntry) -> String {
    format!("{gateway}/management/v4/{}", directory.tenant_id)
}

/// The page that lists the apps of all directories.
pub(in crate::dev) fn overview_address(addresses: &Addresses) -> String {
    format!("{}{APPS_PATH}", addresses.http_base)
}

/// The page of an app.
pub(in crate::dev) fn app_address(
    addresses: &Addresses,
    directory: &DirectoryEntry,
    app: &DirectoryAppEntry,
) -> String {
    format!("{}{APPS_PATH}/{}/{}", addresses.http_base, directory.name, app.name)
}

/// The redirect URI of an app.
pub(in crate::dev) fn callback_address(
    addresses: &Addresses,
    directory: &DirectoryEntry,
    app: &DirectoryAppEntry,
) -> String {
    format!("{}/callback", app_address(addresses, directory, app))
}

/// Where a logout leads that the app has begun.
pub(in crate::dev) fn signed_out_address(
    addresses: &Addresses,
    directory: &DirectoryEntry,
    app: &DirectoryAppEntry,
) -> String {
    format!("{}/signed-out", app_address(addresses, directory, app))
}

/// The list of mails that the directory has sent.
pub(in crate::dev) fn outbox_address(addresses: &Addresses, directory: &DirectoryEntry) -> String {
    format!("{}/directory-outbox/{}", addresses.http_base, directory.name)
}
