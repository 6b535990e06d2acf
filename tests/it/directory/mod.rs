//! Directories: web apps whose users share one sign-on session.

mod assertions;
mod audit_events;
mod authorization;
mod authorization_attacks;
mod browser;
mod cors;
mod described;
mod discovery;
mod documents;
mod fixture;
mod forms;
mod id_token_hints;
mod introspection;
mod login_page;
mod logout;
mod logout_attacks;
mod management;
mod operators_page;
mod refresh;
mod sessions;
mod token;
mod token_attacks;
mod web_apps;
mod web_message;
