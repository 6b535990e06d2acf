//! Client authentication at a token endpoint: by a secret, an assertion signed here, or an assertion of another issuer.
//!
//! Owns the form fields that prove the client and the time for which a proof is reused. It deliberately knows no grants
//! and no responses: `token_client` calls the endpoint and chooses the next credential.

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

/// The `client_assertion_type` of a JWT (RFC 7523 §2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How a client proves itself at the token endpoint. Clones share the cache of assertions.
#[derive(Clone, Debug)]
pub enum ClientCredential {
    /// `client_secret_post` (RFC 6749 §2.3.1).
    Secret(Secret),
    /// `private_key_jwt`: an assertion signed with a certificate's key. Each try has a new assertion.
    Certificate(Arc<ClientCertificate>),
    /// An assertion of another issuer in a file that another program renews (workload identity federation).
    AssertionFile(Arc<AssertionFile>),
    /// A managed identity's token as the assertion (federation with a managed identity).
    FederatedIdentity(Arc<FederatedIdentity>),
    /// The client is itself a managed identity. It gets its own tokens from the machine's identity endpoint, and it
    /// cannot redeem users' grants.
    ManagedIdentity(Arc<ManagedIdentity>),
}

/// The request that a proof is made for.
pub(super) struct ProofRequest<'a> {
    pub(super) client_id: &'a str,
    /// The exact URL that the proof is posted to. Entra refuses an assertion for an alias of its login host.
    pub(super) token_endpoint: &'a Url,
    pub(super) clock: &'a SharedClock,
    pub(super) entropy: &'a SharedEntropy,
    pub(super) deadline: Instant,
}

/// The proof that is sent in the form.
#[derive(Debug)]
pub(super) enum Proof {
    Secret(Secret),
    Assertion(Secret),
}

impl ClientCredential {
    /// The credential's kind as the configuration names it, for log lines.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Secret(_) => "secret",
            Self::Certificate(_) => "certificate",
            Self::AssertionFile(_) => "assertion_file",
            Self::FederatedIdentity(_) | Self::ManagedIdentity(_) => "managed_identity",
        }
    }

    /// Signs, reads or fetches the proof for one try.
    pub(super) async fn prove(&self, request: &ProofRequest<'_>) -> Result<Proof, Classification> {
        match self {
            Self::Secret(secret) => Ok(Proof::Secret(secret.clone())),
            Self::Certificate(certificate) => certificate.sign(request).await.map(Proof::Assertion),
            Self::AssertionFile(file) => file.read(request.deadline).await.map(Proof::Assertion),
            Self::FederatedIdentity(identity) => identity.assertion(request.deadline).await.map(Proof::Assertion),
            Self::ManagedIdentity(_) => Err(unusable_credential(
                "a managed identity cannot exchange users' tokens by itself: federate it with the application",
            )),
        }
    }

    /// Drops an assertion of a file that the issuer refused, so that it does not serve while the file cannot be used.
    pub(super) fn drop_refused(&self) {
        if let Self::AssertionFile(file) = self {
            file.forget();
        }
    }

    /// Drops the cached assertion, because the issuer refused its `nbf` or `exp`. Returns whether the next proof may
    /// differ.
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
            // A secret that is read from a file often ends in a line break, which is not part of the secret.
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

/// The credential cannot be presented. The operator must correct it; another credential may be accepted.
fn unusable_credential(hint: &'static str) -> Classification {
    credential_failure(RedeemFailure::Misconfigured, hint)
}

fn credential_failure(failure: RedeemFailure, hint: &'static str) -> Classification {
    let diagnostics = Box::new(Diagnostics { hint, ..Diagnostics::default() });
    Classification {
        credential: CredentialVerdict::OtherMayServe,
        ..Classification::conclusive(RedeemError { failure, diagnostics })
    }
}
