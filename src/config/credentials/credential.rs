use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::config::review::{Place, Review, SecretReference, WrittenExpiry};
use crate::domain::Secret;

use super::certificate::{CertificateSection, RawCertificate};
use super::managed_identity::{IdentitySection, ManagedIdentity, RawManagedIdentity};
use super::owner::CredentialOwner;

/// The forms of a credential, for messages.
const CREDENTIAL_FORM: &str = "one of secret, certificate, assertion_file and managed_identity";

/// One way for an application to authenticate.
#[derive(Clone, Debug)]
pub enum CredentialSection {
    /// A client secret.
    Secret(Secret),
    /// A certificate and its key.
    Certificate(CertificateSection),
    /// A file with an assertion of another issuer, which the application trusts through a federated credential.
    AssertionFile(PathBuf),
    /// A managed identity that the application trusts through a federated credential.
    FederatedIdentity {
        /// The identity.
        identity: IdentitySection,
        /// The audience that its token must have.
        audience: String,
    },
    /// A managed identity that is the application itself.
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

/// One table of the list of credentials, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawCredential {
    secret: Option<SecretReference>,
    expires: Option<WrittenExpiry>,
    certificate: Option<RawCertificate>,
    assertion_file: Option<PathBuf>,
    managed_identity: Option<RawManagedIdentity>,
}

/// The credentials at `place`, in the order of the list; `None` if one of them has a problem.
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
        mut self,
        owner: &CredentialOwner<'_>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<CredentialSection> {
        if let Some(expires) = self.expires.take() {
            if self.secret.is_some() {
                review.expiry(&expires, &place.key("secret"), &place.key("expires"));
            } else {
                let message = "belongs beside a secret, and this is none: leave it out";
                review.report(&place.key("expires"), message.to_owned());
            }
        }
        match self {
            Self { secret: Some(secret), certificate: None, assertion_file: None, managed_identity: None, .. } => {
                review.secret(&secret, &place.key("secret")).map(CredentialSection::Secret)
            }
            Self {
                secret: None, certificate: Some(certificate), assertion_file: None, managed_identity: None, ..
            } => certificate.validate(owner, review, &place.key("certificate")).map(CredentialSection::Certificate),
            Self { secret: None, certificate: None, assertion_file: Some(file), managed_identity: None, .. } => {
                assertion_file(&file, review, &place.key("assertion_file")).map(CredentialSection::AssertionFile)
            }
            Self {
                secret: None, certificate: None, assertion_file: None, managed_identity: Some(identity), ..
            } => identity.validate(owner, review, &place.key("managed_identity")).map(CredentialSection::from),
            _ if review.is_reported(place) => None,
            _ => {
                review.report(place, format!("is not a credential: write exactly {CREDENTIAL_FORM}"));
                None
            }
        }
    }
}

/// Checks that the file can be read. Its content is not kept: the file is read again at each use.
fn assertion_file(path: &Path, review: &mut Review<'_>, place: &Place) -> Option<PathBuf> {
    review.public_file(path, place)?;
    Some(review.resolve(path))
}

/// Warns of each secret of an Entra application that is a GUID. Entra's secrets are none, but the portal shows the id of
/// each secret, a GUID, beside its value.
pub(in crate::config) fn warn_of_secret_ids(
    credentials: &[CredentialSection],
    review: &mut Review<'_>,
    place_of: impl Fn(usize) -> Place,
) {
    for (index, credential) in credentials.iter().enumerate() {
        let CredentialSection::Secret(secret) = credential else { continue };
        if uuid::Uuid::try_parse(secret.expose().trim()).is_ok() {
            let message = "leads to a GUID, which is probably the secret's id: write the secret's value, which the portal \
                           shows once, when the secret is made";
            review.warn(&place_of(index), message.to_owned());
        }
    }
}
