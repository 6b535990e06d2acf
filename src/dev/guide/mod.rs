//! The texts about the stage: the manifest for programs, the instructions for people, a configuration for the gateway.
//!
//! Owns these texts, and is the only part of the stage that knows the syntax of the configuration file. It deliberately
//! knows nothing of requests: it reads the directory and the addresses.

mod configuration;
mod facts;
mod instructions;
mod manifest;

#[cfg(test)]
mod guide_tests;

pub(in crate::dev) use configuration::{configuration, secrets};
pub(in crate::dev) use facts::{OperatorListener, StageFacts};
pub(in crate::dev) use instructions::instructions;
pub(in crate::dev) use manifest::manifest;
