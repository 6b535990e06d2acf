//! How the clients of the token endpoint prove who they are: secrets, certificates, federated credentials.
//!
//! Owns the checks and their refusals. It deliberately knows nothing of grants: a client is authenticated before the
//! token endpoint reads the grant.

mod agent_identity;
mod assertion;
mod authenticator;
mod certificate;
mod federation;

pub(in crate::dev) use assertion::AssertionChecks;
pub(in crate::dev) use authenticator::ClientAuthenticator;
pub use certificate::RegisteredCertificate;
pub(in crate::dev) use federation::{FederationChecks, TrustedIssuer};
