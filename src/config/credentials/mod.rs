//! How applications authenticate: secrets, certificates, assertion files, managed identities.
//!
//! Owns the list of credentials, which has the same form for bots and connections, and the type of an application with
//! credentials ([`AppIdentitySection`]). It deliberately does not know which endpoint issues an application's tokens,
//! and requests none.

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

pub(in crate::config) use credential::{RawCredential, validate_credentials, warn_of_secret_ids};
pub(in crate::config) use owner::CredentialOwner;
