//! The doors of directories: web apps whose users share one sign-on session (IBM App ID's Cloud Directory).
//!
//! Owns the paths under `/oauth/v4/{tenant}` and `/management/v4/{tenant}`, and the pages on which users sign in and out. It
//! deliberately knows neither how passwords, sessions and keys are kept nor what their records look like.

pub mod account;
pub mod authorization;
mod browser_sessions;
mod form_guards;
mod granted_scope;
pub mod languages;
pub mod logout;
mod mails;
pub mod management;
mod notices;
pub mod oauth;
mod password_audit;
pub mod providers;
pub mod redemption;
pub mod self_service;
mod session_endings;

pub use browser_sessions::{BegunSession, BrowserSession, BrowserSessions};
use form_guards::form_guard;
pub use mails::{DirectoryMail, DirectoryMails, MailTemplate};
pub use notices::Notice;
pub use session_endings::{EndCause, SessionEndings, SessionsNotEnded};
