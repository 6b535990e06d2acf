use serde::Deserialize;
use url::Url;

use crate::config::review::{Place, Review};
use crate::domain::Secret;

use super::owner::CredentialOwner;

/// The instance metadata service of Azure's machines; the same everywhere.
const INSTANCE_METADATA: &str = "http://169.254.169.254";

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

/// What a managed identity is to an application that writes it as its credential.
pub(super) enum ManagedIdentity {
    /// The application is the identity.
    Application(IdentitySection),
    /// The application is federated with it.
    Federated {
        identity: IdentitySection,
        /// What its token has to be for.
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
        let audience = self.audience.unwrap_or_else(|| owner.cloud.token_exchange_audience.to_owned());
        Some(if is_the_application {
            ManagedIdentity::Application(identity)
        } else {
            ManagedIdentity::Federated { identity, audience }
        })
    }
}

/// What Azure's own SDKs look at, in their order. The address is not among those that the operator wrote: it stays
/// refused to all other calls.
fn identity_endpoint(review: &mut Review<'_>, place: &Place) -> Option<IdentityEndpointSection> {
    if let (Some(text), Some(header)) = (review.variable("IDENTITY_ENDPOINT"), review.variable("IDENTITY_HEADER")) {
        let url = review.url(text, place)?;
        return Some(IdentityEndpointSection::AppService { url, header: Secret::from(header) });
    }
    let host = review.variable("AZURE_POD_IDENTITY_AUTHORITY_HOST").unwrap_or(INSTANCE_METADATA);
    let url = review.url(&format!("{}/metadata/identity/oauth2/token", host.trim_end_matches('/')), place)?;
    Some(IdentityEndpointSection::InstanceMetadata { url })
}
