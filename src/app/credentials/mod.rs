//! The credentials with which applications authenticate: built from the configuration, and watched for their ends.

mod ends;
mod renewable;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub(super) use self::ends::CredentialEnds;
pub(in crate::app) use self::renewable::{CredentialHolder, RenewableCredential, ReplaceCredentials};
use crate::config::{CertificateSection, CredentialSection, IdentityEndpointSection, IdentitySection};
use crate::domain::SharedClock;
use crate::identity_provider::{
    AssertionAlgorithm, AssertionFile, ClientCertificate, ClientCredential, FederatedIdentity, IdentityEndpoint,
    ManagedIdentity,
};
use crate::outbound::{Outbound, OutboundError};

/// Builds client credentials from the configuration. Sections that name the same file or the same managed identity
/// share one object, which caches the content that it has read or fetched.
pub(super) struct CredentialBuilder {
    clock: SharedClock,
    connect_timeout: Duration,
    files: HashMap<PathBuf, Arc<AssertionFile>>,
    /// By client id and audience.
    federated: HashMap<(String, String), Arc<FederatedIdentity>>,
    /// The HTTP client for the machine's identity endpoint, created when it is first needed.
    identity_endpoint_client: Option<Outbound>,
}

impl CredentialBuilder {
    pub(super) fn new(clock: SharedClock, connect_timeout: Duration) -> Self {
        Self {
            clock,
            connect_timeout,
            files: HashMap::new(),
            federated: HashMap::new(),
            identity_endpoint_client: None,
        }
    }

    /// Builds the credentials of `sections`, in their order.
    pub(super) fn build_all(&mut self, sections: &[CredentialSection]) -> Result<Vec<ClientCredential>, OutboundError> {
        sections.iter().map(|section| self.build_one(section)).collect()
    }

    fn build_one(&mut self, section: &CredentialSection) -> Result<ClientCredential, OutboundError> {
        Ok(match section {
            CredentialSection::Secret(secret) => ClientCredential::Secret(secret.clone()),
            CredentialSection::Certificate(section) => {
                ClientCredential::Certificate(Arc::new(build_certificate(section)))
            }
            CredentialSection::AssertionFile(path) => {
                let make = || Arc::new(AssertionFile::new(path.clone(), self.clock.clone()));
                ClientCredential::AssertionFile(self.files.entry(path.clone()).or_insert_with(make).clone())
            }
            CredentialSection::FederatedIdentity { identity: section, audience } => {
                let name = (section.client_id.clone(), audience.clone());
                if let Some(known) = self.federated.get(&name) {
                    return Ok(ClientCredential::FederatedIdentity(known.clone()));
                }
                let identity = Arc::new(self.build_identity(section)?);
                let federated = Arc::new(FederatedIdentity::new(identity, audience.clone()));
                self.federated.insert(name, federated.clone());
                ClientCredential::FederatedIdentity(federated)
            }
            CredentialSection::ManagedIdentity(section) => {
                ClientCredential::ManagedIdentity(Arc::new(self.build_identity(section)?))
            }
        })
    }

    fn build_identity(&mut self, section: &IdentitySection) -> Result<ManagedIdentity, OutboundError> {
        let endpoint = match section.endpoint.clone() {
            IdentityEndpointSection::AppService { url, header } => IdentityEndpoint::AppService { url, header },
            IdentityEndpointSection::InstanceMetadata { url } => IdentityEndpoint::InstanceMetadata { url },
        };
        let outbound = match &self.identity_endpoint_client {
            Some(outbound) => outbound.clone(),
            None => Outbound::for_single_host(endpoint.url(), self.connect_timeout)?,
        };
        self.identity_endpoint_client = Some(outbound.clone());
        Ok(ManagedIdentity::new(endpoint, section.client_id.clone(), outbound, self.clock.clone()))
    }
}

fn build_certificate(section: &CertificateSection) -> ClientCertificate {
    let algorithm = if section.rs256 { AssertionAlgorithm::Rs256 } else { AssertionAlgorithm::Ps256 };
    ClientCertificate::new(section.key.clone(), &section.chain, section.send_chain, algorithm)
        .with_audience(section.audience.clone())
        .with_key_id(section.key_id.clone())
}
