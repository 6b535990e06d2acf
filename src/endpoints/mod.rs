//! The doors: the HTTP interfaces of bot-sso.
//!
//! Owns the paths, and for each door the one table from outcomes to replies. It deliberately knows no storage, no
//! identity provider and no configuration file, and no door knows another.

pub mod add_in;
pub mod api_document;
pub mod back_channel_logout;
pub mod back_end;
pub mod bot_gateway;
pub mod directory;
pub mod health;
pub mod metrics;
pub mod office_pane;
pub mod operations;
pub mod page_sign_in;
pub mod service_role;
pub mod sign_in_pages;
pub mod skill_host;
pub mod token_service;
pub mod web_chat;
