//! The pages on which users help themselves.

mod attacks;
mod details;
mod forgotten_password;
mod links;
mod mail_headers;
pub mod mailbox;
mod own_password;
mod real_browser;
pub mod setting;
mod sign_up;
