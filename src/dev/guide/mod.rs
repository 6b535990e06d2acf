//! The texts about the stage: the manifest for programs, what is printed for people, the settings of bots that run elsewhere, a
//! configuration for the gateway.
//!
//! Owns these texts, and is the only part of the stage that knows the syntax of the configuration file. It deliberately
//! knows nothing of requests: it reads the directory and the addresses.

mod back_end_sections;
mod back_end_walkthrough;
mod back_ends;
mod bot_settings;
mod bot_variables;
mod configuration;
mod directories;
mod directory_sections;
mod directory_walkthrough;
mod extraction;
mod facts;
mod manifest;
mod sdk_code;
mod section;
mod walkthrough;
mod welcome;

#[cfg(test)]
mod guide_tests;

pub(in crate::dev) use back_ends::{app_login_url, app_page};
pub(in crate::dev) use configuration::{configuration, secrets};
pub use facts::GatewayReplicas;
pub(in crate::dev) use facts::{OperatorListener, StageFacts};
pub(in crate::dev) use manifest::manifest;
pub(in crate::dev) use walkthrough::walkthrough;
pub(in crate::dev) use welcome::welcome;
