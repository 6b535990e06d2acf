//! The tenants' login page: authorization requests, passwords, sessions of browsers, authorization codes and refresh tokens.
//!
//! Owns the pages that a browser shows, and the codes and refresh tokens that were issued. It deliberately knows nothing
//! of access tokens: a code is redeemed at the token endpoint.

mod authorize;
mod browser_session;
mod client_return;
mod login_page;
mod login_state;
mod password;
mod redirect_uris;

pub(in crate::dev) use authorize::{AuthorizationEndpoint, routes};
pub(in crate::dev) use browser_session::{ended_session, find_session_user};
pub(in crate::dev) use login_state::{LoginState, RefreshGrant, SignInKind};
pub(in crate::dev) use password::check_password;
pub(in crate::dev) use redirect_uris::RedirectUris;
