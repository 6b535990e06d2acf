//! The stage: a local tenant (an Entra-like issuer), a channel issuer, a connector sink, a protected resource and demo
//! bots on loopback; what `bot-sso dev` runs and what every test boots. It is the project's one fake.
//!
//! Owns its fixed directory of tenants, users, apps and bots, its keys (made at start, thrown away at the end) and the
//! text of a configuration that fits it. It deliberately knows nothing of the gateway's rooms: whoever starts it hands
//! the configuration text to the application and mounts the manifest route. Nothing here may be used in production.

mod authorize;
mod calls;
mod certificates;
mod channel;
mod client_assertion;
mod client_auth;
mod configuration;
mod connector_sink;
mod controls;
mod demo_bot;
mod demo_bot_calls;
mod directory;
mod directory_entries;
mod discovery;
mod error;
mod faults;
mod federation;
mod form;
mod grants;
mod graph;
mod instructions;
mod keys;
mod listeners;
mod login_state;
mod managed_identity;
mod manifest;
mod masking;
mod refusal;
mod scopes;
mod sessions;
mod stage;
mod state;
mod token_endpoint;
mod tokens;
mod verification;

#[cfg(test)]
mod demo_tests;
#[cfg(test)]
mod federation_tests;
#[cfg(test)]
mod flow_tests;
#[cfg(test)]
mod obo_tests;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod test_client;

pub use calls::{CallCounts, Calls, GrantKind, SeenRequest};
pub use certificates::ClientCertificate;
pub use directory::{
    App, BotEntry, ClientEntry, ConnectionEntry, Directory, IdentityEntry, Story, Tenant, TokenVersion, User,
};
pub use error::StageError;
pub use faults::{Fault, FaultRule, FaultSwitches};
pub use federation::{FederatedCredential, FederatedIssuer, WorkloadClaims};
pub use sessions::SessionSwitches;
pub use stage::{Signer, Stage, StageOptions};
