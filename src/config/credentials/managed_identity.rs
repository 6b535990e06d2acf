use serde::Deserialize;
use url::Url;

use crate::config::review::{Place, Review};
use crate::domain::Secret;

use super::owner::CredentialOwner;

/// The instance metadata service of Azure's machines; every machine has it at this address.
const INSTANCE_METADATA: &str = "http://169.254.169.254";

/// A user-assigned managed identity.
#[derive(Clone, Debug)]
pub struct IdentitySection {
    /// Its client id, a lower-case GUID.
    pub client_id: String,
    /// The endpoint that issues its tokens.
    pub endpoint: IdentityEndpointSection,
}

/// The endpoint that issues tokens for this machine's managed identities: the one that the environment names, else the
/// instance metadata service.
#[derive(Clone, Debug)]
pub enum IdentityEndpointSection {
    /// The endpoint that App Service and similar hosts name in `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`.
    AppService {
        /// The address in `IDENTITY_ENDPOINT`.
        url: Url,
        /// The value for the header `X-IDENTITY-HEADER`.
        header: Secret,
    },
    /// The instance metadata service.
    InstanceMetadata {
        /// The address of its token endpoint.
        url: Url,
    },
}

/// How a managed identity authenticates the application that has it as a credential.
pub(super) enum ManagedIdentity {
    /// The application is the managed identity.
    Application(IdentitySection),
    /// The application trusts the managed identity through a federated credential.
    Federated {
        identity: IdentitySection,
        /// The audience that its token must have.
        audience: String,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawManagedIdentity {
    client_id: Option<String>,
    audience: Option<String>,
}

impl RawManagedIdentity {
    pub(super) fn validate(
        self,
        owner: &CredentialOwner<'_>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<ManagedIdentity> {
        let at = place.key("client_id");
        let written = self.client_id.map(|text| review.guid(&text, &at));
        let client_id = match written {
            Some(client_id) => client_id?,
            // If a bot is registered as a managed identity, its app id is the identity's client id.
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
        if let Some(audience) = &self.audience {
            review.exact_name(audience, owner.cloud.token_exchange_audience, &place.key("audience"));
        }
        let audience = self.audience.unwrap_or_else(|| owner.cloud.token_exchange_audience.to_owned());
        Some(if is_the_application {
            ManagedIdentity::Application(identity)
        } else {
            ManagedIdentity::Federated { identity, audience }
        })
    }
}

/// Reads the same variables as Azure's own SDKs, in the same order. The address is not added to the hosts that the file
/// names, so every other call to it stays refused.
fn identity_endpoint(review: &mut Review<'_>, place: &Place) -> Option<IdentityEndpointSection> {
    if let (Some(text), Some(header)) = (review.variable("IDENTITY_ENDPOINT"), review.variable("IDENTITY_HEADER")) {
        let url = url_of_variable("IDENTITY_ENDPOINT", text, review, place)?;
        return Some(IdentityEndpointSection::AppService { url, header: Secret::from(header) });
    }
    let name = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
    let host = review.variable(name).unwrap_or(INSTANCE_METADATA);
    let address = format!("{}/metadata/identity/oauth2/token", host.trim_end_matches('/'));
    Some(IdentityEndpointSection::InstanceMetadata { url: url_of_variable(name, &address, review, place)? })
}

/// The address in the environment variable `name`.
fn url_of_variable(name: &str, text: &str, review: &mut Review<'_>, place: &Place) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    if url.is_none() {
        let message =
            format!("{text:?} is not an http(s) address: set the environment variable {name} to one, or take it out");
        review.report(place, message);
    }
    url
}
