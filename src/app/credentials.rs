use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{CertificateSection, CredentialSection, IdentityEndpointSection, IdentitySection};
use crate::domain::SharedClock;
use crate::identity_provider::{
    AssertionAlgorithm, AssertionFile, ClientCertificate, ClientCredential, FederatedIdentity, IdentityEndpoint,
    ManagedIdentity,
};
use crate::outbound::{Outbound, OutboundError};

/// Makes credentials of what is configured. Whoever names the same file or managed identity shares what was read or
/// fetched for it.
pub(super) struct Credentials {
    clock: SharedClock,
    connect_timeout: Duration,
    files: HashMap<PathBuf, Arc<AssertionFile>>,
    /// By client id and audience.
    federated: HashMap<(String, String), Arc<FederatedIdentity>>,
    /// The one way to the machine's identity endpoint, made when it is first needed.
    to_endpoint: Option<Outbound>,
}

impl Credentials {
    pub(super) fn new(clock: SharedClock, connect_timeout: Duration) -> Self {
        Self { clock, connect_timeout, files: HashMap::new(), federated: HashMap::new(), to_endpoint: None }
    }

    /// The credentials of `sections`, in their order.
    pub(super) fn of(&mut self, sections: &[CredentialSection]) -> Result<Vec<ClientCredential>, OutboundError> {
        sections.iter().map(|section| self.one(section)).collect()
    }

    fn one(&mut self, section: &CredentialSection) -> Result<ClientCredential, OutboundError> {
        Ok(match section {
            CredentialSection::Secret(secret) => ClientCredential::Secret(secret.clone()),
            CredentialSection::Certificate(section) => ClientCredential::Certificate(Arc::new(certificate(section))),
            CredentialSection::AssertionFile(path) => {
                let make = || Arc::new(AssertionFile::new(path.clone(), self.clock.clone()));
                ClientCredential::AssertionFile(self.files.entry(path.clone()).or_insert_with(make).clone())
            }
            CredentialSection::FederatedIdentity { identity: section, audience } => {
                let name = (section.client_id.clone(), audience.clone());
                if let Some(known) = self.federated.get(&name) {
                    return Ok(ClientCredential::FederatedIdentity(known.clone()));
                }
                let identity = Arc::new(self.identity(section)?);
                let federated = Arc::new(FederatedIdentity::new(identity, audience.clone()));
                self.federated.insert(name, federated.clone());
                ClientCredential::FederatedIdentity(federated)
            }
            CredentialSection::ManagedIdentity(section) => {
                ClientCredential::ManagedIdentity(Arc::new(self.identity(section)?))
            }
        })
    }

    fn identity(&mut self, section: &IdentitySection) -> Result<ManagedIdentity, OutboundError> {
        let endpoint = match section.endpoint.clone() {
            IdentityEndpointSection::AppService { url, header } => IdentityEndpoint::AppService { url, header },
            IdentityEndpointSection::InstanceMetadata { url } => IdentityEndpoint::InstanceMetadata { url },
        };
        let outbound = match &self.to_endpoint {
            Some(outbound) => outbound.clone(),
            None => Outbound::for_single_host(endpoint.url(), self.connect_timeout)?,
        };
        self.to_endpoint = Some(outbound.clone());
        Ok(ManagedIdentity::new(endpoint, section.client_id.clone(), outbound, self.clock.clone()))
    }
}

fn certificate(section: &CertificateSection) -> ClientCertificate {
    let algorithm = if section.rs256 { AssertionAlgorithm::Rs256 } else { AssertionAlgorithm::Ps256 };
    ClientCertificate::new(section.key.clone(), &section.chain, section.send_chain, algorithm)
}
