#[cfg(test)]
mod tests;

use url::Url;

use super::claims::claims_of;
use super::client_auth::ClientCredential;
use super::throttle::Asker;
use super::token_client::{EntraClient, EntraMeans, TokenClient, TokenRequest};
use super::{
    Attempt, Capabilities, Grant, IdentityProvider, RedeemError, RedeemFailure, RedeemFuture, RedeemedToken, refusal,
};
use crate::domain::{Connection, ExchangeableToken, Secret, UserKey};

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
        let fields = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", assertion.raw.expose()),
            ("requested_token_use", "on_behalf_of"),
        ];
        self.ask(connection, (&assertion.object_id, &assertion.tenant_id), (&url, fields), attempt).await
    }

    /// RFC 6749 §6, in the tenant that the token came from.
    async fn refresh(
        &self,
        connection: &Connection,
        (refresh_token, user): (&Secret, &UserKey),
        attempt: &Attempt,
    ) -> Result<RedeemedToken, RedeemError> {
        let Some(tenant_id) = user.tenant_id() else {
            return Err(refusal(RedeemFailure::AssertionRejected, "the refresh token's user is not one of Entra's"));
        };
        let url = self.endpoint(tenant_id)?;
        let fields = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose())];
        self.ask(connection, (user.subject(), tenant_id), (&url, fields), attempt).await
    }

    /// What every grant of a user asks for: the connection's scopes, and what resources and the client's abilities add.
    async fn ask(
        &self,
        connection: &Connection,
        (object_id, tenant_id): (&str, &str),
        (url, mut fields): (&Url, Vec<(&'static str, &str)>),
        attempt: &Attempt,
    ) -> Result<RedeemedToken, RedeemError> {
        let scope = connection.scopes.join(" ");
        let claims = claims_of(connection, attempt.claims.as_ref());
        fields.push(("scope", scope.as_str()));
        fields.extend(claims.as_deref().map(|claims| ("claims", claims)));
        let asker = Asker {
            client: self.client.client_id().to_owned(),
            tenant: tenant_id.to_owned(),
            user: object_id.to_owned(),
        };
        let anchor = Some(format!("oid:{object_id}@{tenant_id}"));
        self.client.redeem(&TokenRequest { url, fields, asker, anchor, attempt }).await
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
        Capabilities { on_behalf_of: true, refresh_token: true }
    }

    fn redeem<'a>(&'a self, connection: &'a Connection, grant: Grant<'a>, attempt: Attempt) -> RedeemFuture<'a> {
        Box::pin(async move {
            match grant {
                Grant::OnBehalfOf(assertion) => self.on_behalf_of(connection, assertion, &attempt).await,
                Grant::RefreshToken { refresh_token, user } => {
                    self.refresh(connection, (refresh_token, user), &attempt).await
                }
            }
        })
    }
}
