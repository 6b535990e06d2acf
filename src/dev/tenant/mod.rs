//! The local tenants: an Entra-like issuer with its login page, token endpoint, key sets and one protected resource.
//!
//! Owns the directory, the users' consents, the tenants' tokens and their refusals with AADSTS numbers. It deliberately
//! knows nothing of channels, bots and the gateway: every client is an app of the directory.

mod client_proof;
mod clients;
mod consents;
mod directory;
mod discovery;
mod form;
mod grants;
mod graph;
mod issued_claims;
mod login;
mod refusal;
mod scopes;
mod sessions;
mod stories;
mod tenant_segment;
mod token_endpoint;
mod tokens;

#[cfg(test)]
mod agent_tests;
#[cfg(test)]
mod federation_tests;
#[cfg(test)]
mod flow_tests;
#[cfg(test)]
mod obo_tests;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod silent_tests;
#[cfg(test)]
mod skill_tests;

use actix_web::web::ServiceConfig;

pub(in crate::dev) use client_proof::ClientProof;
pub use clients::RegisteredCertificate;
pub(in crate::dev) use clients::{AssertionChecks, ClientAuthenticator, FederationChecks, TrustedIssuer};
pub(in crate::dev) use consents::Consents;
pub(in crate::dev) use directory::{
    AGENT_365, CONTOSO_ID, FABRIKAM_ID, GRAPH_SCOPES, WORKLOAD_SUBJECT, derive_id, graph_connection,
};
pub use directory::{
    AddInEntry, AgentEntry, App, AppTokenVersion, AppUserEntry, BackEndCredential, BackEndEntry, BotEntry, ClientEntry,
    ClientSecretEntry, ConnectionEntry, Directory, ExchangeEntry, FederatedCredential, FederatedIssuer,
    ManagedIdentityEntry, ServiceRoleEntry, SharedConnectionEntry, SkillEntry, StageEntries, Tenant, User,
    UserScenario,
};
pub(in crate::dev) use discovery::TenantDiscovery;
pub(in crate::dev) use form::Form;
pub(in crate::dev) use grants::GrantServices;
pub(in crate::dev) use graph::Graph;
pub(in crate::dev) use issued_claims::{IssuedClaims, place_of_activity, place_of_request};
pub(in crate::dev) use login::{AuthorizationEndpoint, LoginState, RedirectUris, ended_session, find_session_user};
pub(in crate::dev) use refusal::{EntraRefusal, EntraRefusalReplies};
pub(in crate::dev) use scopes::{BOT_FRAMEWORK_AUDIENCE, FEDERATION_AUDIENCE, GRAPH_AUDIENCE, Resource};
pub use sessions::SessionSwitches;
pub(in crate::dev) use stories::Stories;
pub(in crate::dev) use token_endpoint::TokenEndpoint;
pub(in crate::dev) use tokens::{TOKEN_LIFETIME, TenantKeys, TokenIssuer};

/// The routes of the tenants. Routes that begin with a tenant's id match many paths, so they come last.
pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    graph::routes(config);
    discovery::routes(config);
    login::routes(config);
    token_endpoint::routes(config);
}
