//! The doors: what callers see of bot-sso over HTTP.
//!
//! Owns paths, and for each door the one table from outcomes to replies. It deliberately knows neither storage nor the
//! identity providers nor the configuration file; no door knows another.

pub mod api_document;
pub mod bot_gateway;
pub mod operations;
pub mod sign_in_pages;
pub mod token_service;
