//! How applications prove who they are: secrets, certificates, assertion files, managed identities.
//!
//! Owns the list of credentials that bots and connections write alike, and what an application with credentials is called
//! ([`AppIdentitySection`]). It deliberately does not know where an application asks for tokens, and asks for none.

mod app_identities;
mod certificate;
mod credential;
mod managed_identity;
mod owner;

#[cfg(test)]
mod credentials_tests;

pub use app_identities::AppIdentitySection;
pub use certificate::CertificateSection;
pub use credential::CredentialSection;
pub use managed_identity::{IdentityEndpointSection, IdentitySection};

pub(in crate::config) use credential::{RawCredential, validate_credentials};
pub(in crate::config) use owner::CredentialOwner;
