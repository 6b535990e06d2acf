#[cfg(test)]
mod tests;

use url::Url;

use super::client_auth::ClientCredential;
use super::throttle::Asker;
use super::token_client::{EntraClient, EntraMeans, TokenClient, TokenRequest};
use super::{
    Attempt, Capabilities, Grant, IdentityProvider, RedeemError, RedeemFailure, RedeemFuture, RedeemedToken, refusal,
};
use crate::domain::{Connection, ExchangeableToken};

/// Stands for the user's tenant in the token endpoint's address.
const TENANT: &str = "{tenant}";

/// Where an Entra cloud redeems grants.
#[derive(Clone, Debug)]
pub struct EntraSettings {
    /// The provider's name in configuration, for the log.
    pub provider: String,
    /// The token endpoint, `{tenant}` standing for the user's tenant:
    /// `https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token`.
    pub token_endpoint: String,
}

/// Microsoft Entra ID as one application sees it.
pub struct Entra {
    token_endpoint: String,
    client: TokenClient,
}

impl Entra {
    /// A provider that redeems as `client`.
    #[must_use]
    pub fn new(settings: EntraSettings, client: EntraClient, means: EntraMeans) -> Self {
        let EntraSettings { provider, token_endpoint } = settings;
        Self { token_endpoint, client: TokenClient::new(provider, client, means) }
    }

    /// From now on redeems with these, in this order.
    pub fn replace_credentials(&self, credentials: Vec<ClientCredential>) {
        self.client.replace_credentials(credentials);
    }

    /// entra-obo §2. The assertion goes to the configured endpoint in its own tenant and nowhere else.
    async fn on_behalf_of(
        &self,
        connection: &Connection,
        assertion: &ExchangeableToken,
        attempt: &Attempt,
    ) -> Result<RedeemedToken, RedeemError> {
        let url = self.endpoint(&assertion.tenant_id)?;
        let scope = connection.scopes.join(" ");
        let request = TokenRequest {
            url: &url,
            fields: vec![
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                ("assertion", assertion.raw.expose()),
                ("requested_token_use", "on_behalf_of"),
                ("scope", scope.as_str()),
            ],
            asker: Asker {
                client: self.client.client_id().to_owned(),
                tenant: assertion.tenant_id.clone(),
                user: assertion.object_id.clone(),
            },
            anchor: Some(format!("oid:{}@{}", assertion.object_id, assertion.tenant_id)),
            attempt,
        };
        self.client.redeem(&request).await
    }

    /// The tenant is compared with a GUID's form once more: it becomes part of an address.
    fn endpoint(&self, tenant_id: &str) -> Result<Url, RedeemError> {
        let is_guid = tenant_id.len() == 36 && uuid::Uuid::try_parse(tenant_id).is_ok();
        if !is_guid {
            return Err(refusal(RedeemFailure::AssertionRejected, "the assertion's tenant is no GUID"));
        }
        Url::parse(&self.token_endpoint.replace(TENANT, tenant_id))
            .map_err(|_| refusal(RedeemFailure::Misconfigured, "the identity provider's token endpoint is no URL"))
    }
}

impl IdentityProvider for Entra {
    fn capabilities(&self) -> Capabilities {
        Capabilities { on_behalf_of: true }
    }

    fn redeem<'a>(&'a self, connection: &'a Connection, grant: Grant<'a>, attempt: Attempt) -> RedeemFuture<'a> {
        Box::pin(async move {
            match grant {
                Grant::OnBehalfOf(assertion) => self.on_behalf_of(connection, assertion, &attempt).await,
            }
        })
    }
}
