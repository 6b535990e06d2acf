//! The proofs of identity for a program that runs on this machine: a certificate, a managed identity, an assertion of its
//! cluster.
//!
//! Owns the certificates, the managed identity endpoint and the workload issuer. It deliberately does not know how such a
//! proof is checked: the tenant does that.

mod assertions;
mod certificates;
mod managed_identity;

#[cfg(test)]
mod managed_identity_tests;

pub use assertions::WorkloadClaims;
pub(in crate::dev) use assertions::WorkloadIssuer;
pub(in crate::dev) use certificates::{BackEndKey, StageCertificates, make_certificates};
pub(in crate::dev) use managed_identity::{ManagedIdentities, routes};
