use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::config::review::{Place, Review, SecretReference};
use crate::domain::Secret;

use super::certificate::{CertificateSection, RawCertificate};
use super::managed_identity::{IdentitySection, ManagedIdentity, RawManagedIdentity};
use super::owner::CredentialOwner;

/// What to write for a credential.
const CREDENTIAL_FORM: &str = "one of secret, certificate, assertion_file and managed_identity";

/// One way of an application to prove who it is.
#[derive(Clone, Debug)]
pub enum CredentialSection {
    /// A client secret.
    Secret(Secret),
    /// A certificate and its key.
    Certificate(CertificateSection),
    /// A file with an assertion that another issuer signed.
    AssertionFile(PathBuf),
    /// A managed identity, which the application is federated with.
    FederatedIdentity {
        /// The identity.
        identity: IdentitySection,
        /// What its token has to be for.
        audience: String,
    },
    /// The application is this managed identity.
    ManagedIdentity(IdentitySection),
}

impl From<ManagedIdentity> for CredentialSection {
    fn from(identity: ManagedIdentity) -> Self {
        match identity {
            ManagedIdentity::Application(identity) => Self::ManagedIdentity(identity),
            ManagedIdentity::Federated { identity, audience } => Self::FederatedIdentity { identity, audience },
        }
    }
}

/// One table of the list, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawCredential {
    secret: Option<SecretReference>,
    certificate: Option<RawCertificate>,
    assertion_file: Option<PathBuf>,
    managed_identity: Option<RawManagedIdentity>,
}

/// The credentials at `place`, in their order; none if one of them cannot be used.
pub(in crate::config) fn validate_credentials(
    raw: Vec<RawCredential>,
    owner: &CredentialOwner<'_>,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<Vec<CredentialSection>> {
    if raw.is_empty() {
        review.report(place, format!("is empty: write at least one table with {CREDENTIAL_FORM}"));
        return None;
    }
    let raw = raw.into_iter().enumerate();
    let validated: Vec<_> = raw.map(|(index, one)| one.validate(owner, review, &place.index(index))).collect();
    validated.into_iter().collect()
}

impl RawCredential {
    fn validate(
        self,
        owner: &CredentialOwner<'_>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<CredentialSection> {
        match self {
            Self { secret: Some(secret), certificate: None, assertion_file: None, managed_identity: None } => {
                review.secret(&secret, &place.key("secret")).map(CredentialSection::Secret)
            }
            Self { secret: None, certificate: Some(certificate), assertion_file: None, managed_identity: None } => {
                certificate.validate(review, &place.key("certificate")).map(CredentialSection::Certificate)
            }
            Self { secret: None, certificate: None, assertion_file: Some(file), managed_identity: None } => {
                assertion_file(&file, review, &place.key("assertion_file")).map(CredentialSection::AssertionFile)
            }
            Self { secret: None, certificate: None, assertion_file: None, managed_identity: Some(identity) } => {
                identity.validate(owner, review, &place.key("managed_identity")).map(CredentialSection::from)
            }
            _ if review.is_reported(place) => None,
            _ => {
                review.report(place, format!("is no credential: write {CREDENTIAL_FORM}, and only one a table"));
                None
            }
        }
    }
}

/// It is read when it is used; here only whether that can work.
fn assertion_file(path: &Path, review: &mut Review<'_>, place: &Place) -> Option<PathBuf> {
    review.public_file(path, place)?;
    Some(review.resolve(path))
}
