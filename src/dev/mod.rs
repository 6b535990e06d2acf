//! The stage: a local tenant (an Entra-like issuer), a channel issuer, a connector sink, a protected resource and demo
//! bots on loopback. `bot-sso dev` and every test run it. It is the project's only fake.
//!
//! Owns its fixed directory of tenants, users, apps and bots, its keys (made at start, thrown away at the end) and the
//! text of a configuration that fits it. It deliberately knows nothing of the gateway's rooms: the command line hands
//! the configuration text to the application and mounts the manifest route. Nothing here may be used in production.
//!
//! The sub-rooms import downwards only: `guide`, `controls` and `bots` over `channel` and `workload`, these over
//! `tenant`. Below them lie the ground files (addresses, locks, keys, token reading, the call log, the fault switches);
//! above them `services`, `routes`, `listeners` and the stage itself put everything together.

mod addresses;
mod bots;
mod calls;
mod channel;
mod controls;
mod error;
mod faults;
mod guide;
mod jwt;
mod listeners;
mod lock;
mod loopback_host;
mod masking;
mod private_file;
mod routes;
mod services;
mod signing_key;
mod stage;
mod stage_texts;
mod tenant;
mod workload;

#[cfg(test)]
mod stage_tests;
#[cfg(test)]
mod test_client;

pub use calls::{CallCounts, Calls, GrantKind, LoggedTokenRequest};
pub use error::StageError;
pub use faults::{Fault, FaultRule, FaultSwitches};
pub use stage::{Signer, Stage, StageOptions};
pub use tenant::{
    App, AppTokenVersion, BotEntry, ClientEntry, ConnectionEntry, Directory, FederatedCredential, FederatedIssuer,
    ManagedIdentityEntry, RegisteredCertificate, SessionSwitches, Tenant, User, UserScenario,
};
pub use workload::WorkloadClaims;
