//! How applications prove who they are: secrets, certificates, assertion files, managed identities.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::Url;

use crate::domain::Secret;

use super::client_certificate::{CertificateSection, RawCertificate};
use super::cloud::CloudDefaults;
use super::problems::Place;
use super::review::Review;
use super::secrets::SecretReference;

/// What to write for a credential.
const CREDENTIAL_FORM: &str = "one of secret, certificate, assertion_file and managed_identity";
/// The instance metadata service of Azure's machines; the same everywhere.
const INSTANCE_METADATA: &str = "http://169.254.169.254";

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

/// A user-assigned managed identity.
#[derive(Clone, Debug)]
pub struct IdentitySection {
    /// Its client id, a lower-case GUID.
    pub client_id: String,
    /// Where its tokens are had.
    pub endpoint: IdentityEndpointSection,
}

/// Where this machine's managed identities get their tokens, as the environment says.
#[derive(Clone, Debug)]
pub enum IdentityEndpointSection {
    /// `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`, which App Service and its relatives set.
    AppService {
        /// The address.
        url: Url,
        /// The header's value.
        header: Secret,
    },
    /// The instance metadata service.
    InstanceMetadata {
        /// The address.
        url: Url,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawCredential {
    secret: Option<SecretReference>,
    certificate: Option<RawCertificate>,
    assertion_file: Option<PathBuf>,
    managed_identity: Option<RawManagedIdentity>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
struct RawManagedIdentity {
    client_id: Option<String>,
    audience: Option<String>,
}

/// Whose credentials they are.
pub(super) struct CredentialOwner<'a> {
    /// A bot gets tokens of its own only, so that it may be a managed identity; a connection's client exchanges users'
    /// tokens, which a managed identity cannot.
    pub(super) is_bot: bool,
    /// The application, if that is known.
    pub(super) client_id: Option<&'a str>,
    pub(super) defaults: &'static CloudDefaults,
}

/// The credentials at `place`, in their order; none if one of them cannot be used.
pub(super) fn validate(
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
                identity.validate(owner, review, &place.key("managed_identity"))
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

impl RawManagedIdentity {
    fn validate(
        self,
        owner: &CredentialOwner<'_>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<CredentialSection> {
        let at = place.key("client_id");
        let written = self.client_id.map(|text| review.guid(&text, &at));
        let client_id = match written {
            Some(client_id) => client_id?,
            // A bot that is registered as a managed identity: its app id is the identity's client id.
            None if owner.is_bot => owner.client_id?.to_owned(),
            None => {
                let write = "the client id of a user-assigned managed identity that the application is federated with";
                return review.required(None, &at, write);
            }
        };
        let is_the_application = owner.client_id == Some(client_id.as_str());
        if is_the_application && !owner.is_bot {
            let message = "is the connection's own client_id, but a managed identity cannot exchange users' tokens: \
                           write an app registration's id as client_id, and federate it with the identity";
            review.report(&at, message.to_owned());
            return None;
        }
        let identity = IdentitySection { client_id, endpoint: identity_endpoint(review, place)? };
        if is_the_application && self.audience.is_some() {
            let message = "is for federation alone, and this identity is the bot itself: leave it out";
            review.report(&place.key("audience"), message.to_owned());
        }
        let audience = self.audience.unwrap_or_else(|| owner.defaults.token_exchange_audience.to_owned());
        Some(if is_the_application {
            CredentialSection::ManagedIdentity(identity)
        } else {
            CredentialSection::FederatedIdentity { identity, audience }
        })
    }
}

/// What Azure's own SDKs look at, in their order. The address is not among those that the operator wrote: it stays
/// refused to all other calls.
fn identity_endpoint(review: &mut Review<'_>, place: &Place) -> Option<IdentityEndpointSection> {
    let environment = review.environment;
    if let (Some(text), Some(header)) = (environment.find("IDENTITY_ENDPOINT"), environment.find("IDENTITY_HEADER")) {
        let url = review.url(text, place)?;
        return Some(IdentityEndpointSection::AppService { url, header: Secret::from(header) });
    }
    let host = environment.find("AZURE_POD_IDENTITY_AUTHORITY_HOST").unwrap_or(INSTANCE_METADATA);
    let url = review.url(&format!("{}/metadata/identity/oauth2/token", host.trim_end_matches('/')), place)?;
    Some(IdentityEndpointSection::InstanceMetadata { url })
}
