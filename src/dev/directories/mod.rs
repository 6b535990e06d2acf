//! The directories of the stage: their users, and web apps whose users sign in at the gateway once for all apps of a
//! directory.
//!
//! Owns the entries, the pages of the apps, and the calls by which the users are made at the gateway. It deliberately knows the
//! gateway by its addresses alone: the apps use its OAuth endpoints, and the users are made by its management API, as any
//! program would do it.

mod app_client;
mod app_pages;
mod app_sessions;
mod directory_addresses;
mod endpoints;
mod entries;
mod outbox;
mod user_maker;

pub(in crate::dev) use app_client::AppClient;
pub(in crate::dev) use app_sessions::AppSessions;
pub(in crate::dev) use directory_addresses::{
    app_address, callback_address, management_address, oauth_address, outbox_address, overview_address,
    signed_out_address,
};
pub(in crate::dev) use endpoints::{DirectoryAppServices, routes};
pub(in crate::dev) use entries::{
    DIRECTORIES, DirectoryConnectionEntry, DirectoryProviderEntry, directory_connections,
};
pub use entries::{DirectoryAppEntry, DirectoryEntry, DirectoryUserEntry};
pub use outbox::{MailOutbox, OutboxMail};
pub(in crate::dev) use user_maker::{DirectoryUserIds, UserMaker};
