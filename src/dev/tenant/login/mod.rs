//! The tenants' login page: authorization requests, passwords, codes, and the refresh tokens that come of them.
//!
//! Owns what a browser sees and what is remembered of it. It deliberately knows nothing of tokens: a code is redeemed
//! at the token endpoint.

mod authorize;
mod login_page;
mod login_state;
mod password;
mod redirect_uris;

pub(in crate::dev) use authorize::{AuthorizationEndpoint, routes};
pub(in crate::dev) use login_state::{LoginState, RefreshGrant};
pub(in crate::dev) use password::check_password;
pub(in crate::dev) use redirect_uris::RedirectUris;
