//! The door of Office add-ins: identity, calls of an API on behalf of users, user data, and tokens for servers
//! (docs/office-add-ins.md).

mod api;
mod cors;
mod described;
mod downstream;
mod failures;
mod fixture;
mod identity;
mod paths;
mod refused_by_api;
mod sessions;
mod streaming;
mod token;
