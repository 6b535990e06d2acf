//! The stage: a local tenant (an Entra-like issuer), a channel issuer, a connector sink, Direct Line, a protected resource
//! and demo bots on loopback. `bot-sso dev` and the integration tests run it. It is the project's only fake.
//!
//! Owns a fixed directory of tenants, users, apps and bots, the keys (generated at each start and never stored), and the
//! text of a configuration for the gateway. It deliberately knows nothing of the gateway's rooms: the command line passes
//! the configuration text to the application and mounts the manifest route. Nothing here may be used in production.
//!
//! Imports between the folders go down only: `app_users` and `playground` may import `guide`, which with `controls` and `bots` may
//! import `channel`, `directories`, `plan` and `workload`, and all of these may import `tenant`. Every folder may import the files with the basics (addresses, locks, keys, token reading,
//! the call log, the fault switches). `services`, `routes`, `listeners` and `stage` put everything together.

mod addresses;
mod admission;
mod app_users;
mod bot_slowness;
mod bots;
mod calls;
mod channel;
mod controls;
mod directories;
mod error;
mod faults;
mod gateway_address;
mod guide;
mod jwt;
mod listeners;
mod lock;
mod masking;
mod plan;
mod playground;
mod private_file;
mod recent_json;
mod routes;
mod services;
mod signing_key;
mod stage;
mod stage_gateway;
mod tenant;
mod workload;

#[cfg(test)]
mod stage_tests;
#[cfg(test)]
mod test_client;

pub use addresses::Transport;
pub use bots::SilentBot;
pub use calls::{CallCounts, CallLog, GrantKind, LoggedTokenRequest};
pub use directories::{DirectoryAppEntry, DirectoryEntry, DirectoryUserEntry, MailOutbox, OutboxMail};
pub use error::StageError;
pub use faults::{Fault, FaultRule, FaultSwitches};
pub use guide::GatewayReplicas;
pub use listeners::{StageApplication, StageListeners};
pub use plan::{BotHosts, OwnBot, PlanProblem, add_own_bot, read_stage_file, write_stage_file};
pub use stage::{Signer, Stage, StageOptions};
pub use tenant::{
    AddInEntry, AgentEntry, App, AppTokenVersion, AppUserEntry, BackEndCredential, BackEndEntry, BotEntry, ClientEntry,
    ClientSecretEntry, ConnectionEntry, Directory, ExchangeEntry, FederatedCredential, FederatedIssuer,
    ManagedIdentityEntry, RegisteredCertificate, ServiceRoleEntry, SessionSwitches, SharedConnectionEntry, SkillEntry,
    StageEntries, Tenant, User, UserScenario,
};
pub use workload::WorkloadClaims;
