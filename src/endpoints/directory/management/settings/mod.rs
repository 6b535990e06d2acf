//! The settings of a directory, as its administrators see and change them.

mod action_urls;
mod cloud_directory;
mod password_management;
mod password_regex;
mod redirect_uris;
mod sso;
mod tokens;

pub(super) use action_urls::{DELETE as DELETE_ACTION_URL, GET as GET_ACTION_URL, PUT as PUT_ACTION_URL};
pub(super) use cloud_directory::{GET as GET_CLOUD_DIRECTORY, PUT as PUT_CLOUD_DIRECTORY};
pub(super) use password_management::{GET as GET_PASSWORD_MANAGEMENT, PUT as PUT_PASSWORD_MANAGEMENT};
pub(super) use password_regex::{GET as GET_PASSWORD_REGEX, PUT as PUT_PASSWORD_REGEX};
pub(super) use redirect_uris::{GET as GET_REDIRECT_URIS, PUT as PUT_REDIRECT_URIS};
pub(super) use sso::{GET as GET_SSO, PUT as PUT_SSO};
pub(super) use tokens::{GET as GET_TOKENS, PUT as PUT_TOKENS};
