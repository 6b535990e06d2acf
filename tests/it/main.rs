//! The integration tests run the real application on a real port, with the local tenant as its identity provider.
#![allow(unreachable_pub, reason = "the harness is a module of this binary")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::missing_panics_doc)]
#![allow(clippy::unused_async, reason = "starting something is written alike, whether it has to wait or not")]

#[cfg(feature = "stage")]
mod add_ins;
#[cfg(feature = "stage")]
mod agents;
#[cfg(feature = "stage")]
mod apps;
mod architecture;
#[cfg(feature = "stage")]
mod attacks;
#[cfg(feature = "stage")]
mod back_ends;
#[cfg(feature = "stage")]
mod callers;
#[cfg(feature = "stage")]
mod conformance;
#[cfg(feature = "stage")]
mod credentials;
#[cfg(feature = "stage")]
mod dev_channel;
#[cfg(feature = "stage")]
mod directory;
#[cfg(feature = "stage")]
mod forwarding;
mod fuzzing;
#[cfg(feature = "stage")]
mod generic_provider;
#[cfg(feature = "stage")]
mod harness;
#[cfg(feature = "stage")]
mod long_life;
#[cfg(feature = "stage")]
mod mail;
#[cfg(feature = "stage")]
mod msal;
#[cfg(feature = "stage")]
mod office_pane;
#[cfg(feature = "stage")]
mod openapi;
#[cfg(feature = "stage")]
mod own_bot;
#[cfg(feature = "stage")]
mod page_sign_in;
#[cfg(feature = "stage")]
mod playground;
#[cfg(feature = "stage")]
mod process;
#[cfg(feature = "stage")]
mod real_bot;
#[cfg(feature = "stage")]
mod real_clients;
#[cfg(feature = "stage")]
mod real_skills;
#[cfg(feature = "stage")]
mod replicas;
#[cfg(feature = "stage")]
mod sign_in;
#[cfg(feature = "stage")]
mod sign_in_invokes;
#[cfg(feature = "stage")]
mod skill_invokes;
#[cfg(feature = "stage")]
mod skills;
#[cfg(feature = "stage")]
mod smoke;
#[cfg(feature = "stage")]
mod stage_back_ends;
#[cfg(feature = "stage")]
mod token_service;
#[cfg(all(feature = "stage", feature = "traces"))]
mod traces;
mod without_stage;
