//! How a client proves itself at a token endpoint: a secret, a signed assertion, somebody else's assertion.
//!
//! Owns what is sent as proof and how long a proof may be used again. It deliberately knows no grant and no answer: the
//! conversation with the endpoint, and which credential comes next, is `token_client`'s.

mod assertion_file;
mod certificate;
mod managed_identity;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::time::Instant;
use url::Url;

use super::classification::{Classification, CredentialVerdict};
use super::{Diagnostics, RedeemError, RedeemFailure};
use crate::domain::{Secret, SharedClock, SharedEntropy};
use crate::outbound::FormField;

pub use assertion_file::AssertionFile;
pub use certificate::{AssertionAlgorithm, ClientCertificate};
pub use managed_identity::{FederatedIdentity, IdentityEndpoint, ManagedIdentity};

/// `client_assertion_type` of a JWT (RFC 7523 §2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How a client proves itself at the token endpoint. Closed: every kind is handled wherever one is used. Clones share
/// what was read or fetched for the proof.
#[derive(Clone, Debug)]
pub enum ClientCredential {
    /// `client_secret_post` (RFC 6749 §2.3.1).
    Secret(Secret),
    /// `private_key_jwt`: an assertion signed with a certificate's key, a new one for every try.
    Certificate(Arc<ClientCertificate>),
    /// An assertion that another issuer signed and somebody else keeps fresh in a file (workload identity federation).
    AssertionFile(Arc<AssertionFile>),
    /// A managed identity's token as the assertion (federation with a managed identity).
    FederatedIdentity(Arc<FederatedIdentity>),
    /// The client *is* a managed identity: it gets its own tokens without asking the token endpoint, and cannot redeem
    /// users' grants.
    ManagedIdentity(Arc<ManagedIdentity>),
}

/// What one proof is made for.
pub(super) struct ProofRequest<'a> {
    pub(super) client_id: &'a str,
    /// Exactly where the proof is posted to: Entra refuses the alias of a login host.
    pub(super) token_endpoint: &'a Url,
    pub(super) clock: &'a SharedClock,
    pub(super) entropy: &'a SharedEntropy,
    pub(super) deadline: Instant,
}

/// What goes into the form.
#[derive(Debug)]
pub(super) enum Proof {
    Secret(Secret),
    Assertion(Secret),
}

impl ClientCredential {
    /// The kind's name, for the operator.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Secret(_) => "secret",
            Self::Certificate(_) => "certificate",
            Self::AssertionFile(_) => "assertion_file",
            Self::FederatedIdentity(_) | Self::ManagedIdentity(_) => "managed_identity",
        }
    }

    /// Makes, reads or fetches the proof for one try.
    pub(super) async fn prove(&self, request: &ProofRequest<'_>) -> Result<Proof, Classification> {
        match self {
            Self::Secret(secret) => Ok(Proof::Secret(secret.clone())),
            Self::Certificate(certificate) => certificate.sign(request).await.map(Proof::Assertion),
            Self::AssertionFile(file) => file.read(request.deadline).await.map(Proof::Assertion),
            Self::FederatedIdentity(identity) => identity.assertion(request.deadline).await.map(Proof::Assertion),
            Self::ManagedIdentity(_) => Err(unusable(
                "a managed identity cannot exchange users' tokens by itself: federate it with the application",
            )),
        }
    }

    /// Forgets what was kept for the next proof, because it was refused for its age. Says whether the next one will be
    /// another one.
    pub(super) fn renew(&self) -> bool {
        match self {
            Self::Secret(_) | Self::ManagedIdentity(_) => false,
            Self::Certificate(_) => true,
            Self::AssertionFile(file) => file.forget(),
            Self::FederatedIdentity(identity) => identity.forget(),
        }
    }
}

impl Proof {
    /// The form fields that carry the proof.
    pub(super) fn fields(&self) -> Vec<FormField<'_>> {
        match self {
            // Secrets read from files often end in a line break, which no issuer's secret does.
            Self::Secret(secret) => {
                vec![FormField::new("client_secret", secret.expose().trim_end_matches(['\r', '\n']))]
            }
            Self::Assertion(assertion) => {
                vec![
                    FormField::new("client_assertion_type", ASSERTION_TYPE),
                    FormField::new("client_assertion", assertion.expose()),
                ]
            }
        }
    }
}

/// A credential that could not even be presented: the operator's affair, and another one may serve.
fn unusable(hint: &'static str) -> Classification {
    of_credential(RedeemFailure::Misconfigured, hint)
}

fn of_credential(failure: RedeemFailure, hint: &'static str) -> Classification {
    let diagnostics = Box::new(Diagnostics { hint, ..Diagnostics::default() });
    Classification {
        credential: CredentialVerdict::OtherMayServe,
        ..Classification::conclusive(RedeemError { failure, diagnostics })
    }
}
