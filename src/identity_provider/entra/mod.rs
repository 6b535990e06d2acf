//! Microsoft Entra ID: the identity provider of AAD v2 connections.
//!
//! Owns the URLs of the Entra endpoints, the parameters of Entra's token requests, and which tenants' users a browser
//! sign-in admits. It deliberately knows neither how a request is sent and retried nor what an error of the token endpoint
//! means.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use quick_cache::sync::Cache;
use url::Url;

use super::authorization::{self, AdmissionFuture, AuthorizationRequest, AuthorizeFuture};
use super::claims::build_claims_parameter;
use super::client_auth::ClientCredential;
use super::throttle::ThrottleKey;
use super::token_client::{RedeemingClient, TokenClient, TokenClientParts};
use super::token_endpoint::TokenEndpointStyle;
use super::token_request::TokenRequest;
use super::{
    Attempt, Capabilities, Grant, IdentityProvider, RedeemError, RedeemFailure, RedeemFuture, RedeemedToken, refusal,
};
use crate::domain::{Connection, ExchangeableToken, PERSONAL_ACCOUNTS_TENANT, Secret, TenantPolicy, UserKey};
use crate::outbound::FormField;
use crate::token_validation::find_tenant;

/// The placeholder for the tenant in the endpoints' URLs.
const TENANT: &str = "{tenant}";
/// The tenant name for users of any organisation. It does not admit personal accounts.
const ORGANIZATIONS: &str = "organizations";
/// The tenant name for users of any organisation and for personal accounts.
const COMMON: &str = "common";
/// The tenant name for personal accounts alone.
const CONSUMERS: &str = "consumers";
const MAX_REMEMBERED_TENANTS: usize = 256;
/// The scopes that make the token response to a code hold an ID token with the user's name.
const IDENTIFYING_SCOPES: [&str; 2] = ["openid", "profile"];

/// The endpoints of an Entra cloud.
#[derive(Clone, Debug)]
pub struct EntraSettings {
    /// The provider's name in configuration, for the log.
    pub provider: String,
    /// The token endpoint, with `{tenant}` in the place of the user's tenant:
    /// `https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token`.
    pub token_endpoint: String,
    /// The authorization endpoint, with `{tenant}` in the place of the tenant that users sign in to:
    /// `https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize`.
    pub authorization_endpoint: String,
    /// `iss`, with `{tenantid}` in the place of the tenant: `https://login.microsoftonline.com/{tenantid}/v2.0`.
    pub issuer: String,
}

/// Microsoft Entra ID, used by one application.
pub struct Entra {
    settings: EntraSettings,
    client: TokenClient,
    /// The URLs of the tenants that were called lately. To parse one takes 10,000 instructions.
    token_endpoints: Cache<String, Arc<Url>>,
}

/// The ids by which Entra names a user.
#[derive(Clone, Copy)]
struct EntraUser<'a> {
    object_id: &'a str,
    tenant_id: &'a str,
}

/// The account that signs in by an authorization code, and the tenant that its browser was sent to.
#[derive(Clone, Copy)]
struct SigningIn<'a> {
    throttled_as: &'a str,
    tenant: Option<&'a str>,
}

impl Entra {
    /// Creates a provider that redeems grants as the application `client`.
    #[must_use]
    pub fn new(settings: EntraSettings, client: RedeemingClient, parts: TokenClientParts) -> Self {
        let client = TokenClient::new(settings.provider.clone(), client, parts);
        Self { settings, client, token_endpoints: Cache::new(MAX_REMEMBERED_TENANTS) }
    }

    /// Replaces the client's credentials. Redemptions that have begun keep the old ones.
    pub fn replace_credentials(&self, credentials: Vec<ClientCredential>) {
        self.client.replace_credentials(credentials);
    }

    /// Redeems an on-behalf-of grant (docs/protocols/entra-obo.md §2). The assertion is sent only to the configured
    /// endpoint, in the tenant of the assertion.
    async fn redeem_on_behalf_of(
        &self,
        connection: &Connection,
        assertion: &ExchangeableToken,
        attempt: &Attempt,
    ) -> Result<RedeemedToken, RedeemError> {
        let Some(tenant_id) = assertion.user.tenant_id() else {
            return Err(refusal(RedeemFailure::AssertionRejected, "the token to exchange is not of an Entra user"));
        };
        let user = EntraUser { object_id: assertion.user.subject(), tenant_id };
        let fields = vec![
            FormField::new("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            FormField::new("assertion", assertion.raw.expose()),
            FormField::new("requested_token_use", "on_behalf_of"),
        ];
        self.redeem_for(user, connection, fields, attempt).await
    }

    /// Redeems a refresh token (RFC 6749 §6) in the tenant that issued it.
    async fn redeem_refresh_token(
        &self,
        connection: &Connection,
        refresh_token: &Secret,
        user: &UserKey,
        attempt: &Attempt,
    ) -> Result<RedeemedToken, RedeemError> {
        let Some(tenant_id) = user.tenant_id() else {
            return Err(refusal(RedeemFailure::AssertionRejected, "the refresh token's user is not an Entra user"));
        };
        let user = EntraUser { object_id: user.subject(), tenant_id };
        let fields = vec![
            FormField::new("grant_type", "refresh_token"),
            FormField::new("refresh_token", refresh_token.expose()),
        ];
        self.redeem_for(user, connection, fields, attempt).await
    }

    /// Redeems an authorization code (RFC 6749 §4.1.3) in the tenant that the browser was sent to. The user is known
    /// only from the response, so the throttle key holds `throttled_as` in the place of the user.
    async fn redeem_code<'a>(
        &'a self,
        connection: &'a Connection,
        mut fields: Vec<FormField<'a>>,
        signing_in: SigningIn<'a>,
        attempt: &Attempt,
    ) -> Result<RedeemedToken, RedeemError> {
        let SigningIn { throttled_as, tenant } = signing_in;
        let tenant = sign_in_segment(connection, tenant);
        let url = fill_tenant(&self.settings.token_endpoint, tenant)?;
        let scope = authorization::join_scopes(connection, &IDENTIFYING_SCOPES);
        let claims = build_claims_parameter(connection, attempt.claims.as_ref());
        fields.push(FormField::new("scope", scope.as_str()));
        fields.extend(claims.as_deref().map(|claims| FormField::new("claims", claims)));
        let throttle_key = self.throttle_key(tenant, throttled_as);
        let style = TokenEndpointStyle::Entra;
        let request = TokenRequest {
            url: &url,
            style,
            fields,
            throttle_key,
            anchor: None,
            app_scope: None,
            is_repeatable: false,
            attempt,
        };
        self.client.redeem(&request).await
    }

    /// Redeems a grant of a known user. Adds the fields that all such grants have: the connection's scopes and the
    /// `claims` parameter.
    async fn redeem_for<'a>(
        &'a self,
        user: EntraUser<'a>,
        connection: &'a Connection,
        mut fields: Vec<FormField<'a>>,
        attempt: &Attempt,
    ) -> Result<RedeemedToken, RedeemError> {
        let url = self.endpoint(user.tenant_id)?;
        // An app's ID token is renewed with its access token, which Entra does only for these scopes.
        let needed = if connection.holder.find_app().is_some() { &IDENTIFYING_SCOPES[..] } else { &[] };
        let scope = authorization::join_scopes(connection, needed);
        let claims = build_claims_parameter(connection, attempt.claims.as_ref());
        fields.push(FormField::new("scope", scope.as_str()));
        fields.extend(claims.as_deref().map(|claims| FormField::new("claims", claims)));
        let throttle_key = self.throttle_key(user.tenant_id, user.object_id);
        let anchor = Some(format!("oid:{}@{}", user.object_id, user.tenant_id));
        let style = TokenEndpointStyle::Entra;
        let request = TokenRequest {
            url: &url,
            style,
            fields,
            throttle_key,
            anchor,
            app_scope: None,
            is_repeatable: true,
            attempt,
        };
        self.client.redeem(&request).await
    }

    fn throttle_key<'a>(&'a self, tenant: &'a str, user: &'a str) -> ThrottleKey<'a> {
        ThrottleKey { client: self.client.client_id(), tenant, user }
    }

    /// The token endpoint's URL. The tenant must be a GUID, because it becomes part of the URL's path.
    fn endpoint(&self, tenant_id: &str) -> Result<Arc<Url>, RedeemError> {
        if let Some(known) = self.token_endpoints.get(tenant_id) {
            return Ok(known);
        }
        if !is_guid(tenant_id) {
            return Err(refusal(RedeemFailure::AssertionRejected, "the assertion's tenant is not a GUID"));
        }
        let endpoint = Arc::new(fill_tenant(&self.settings.token_endpoint, tenant_id)?);
        self.token_endpoints.insert(tenant_id.to_owned(), Arc::clone(&endpoint));
        Ok(endpoint)
    }

    /// Whether `iss` is the issuer of a tenant of this cloud.
    fn is_issuer(&self, iss: &str) -> bool {
        iss == self.settings.issuer || find_tenant(&self.settings.issuer, iss).is_some()
    }
}

/// The path segment of the tenant whose endpoints a sign-in uses: `tenant` if it is given and a GUID, else what the
/// connection alone says. Personal accounts sign in at segments of their own (docs/protocols/entra-obo.md §2).
fn sign_in_segment<'a>(connection: &'a Connection, tenant: Option<&'a str>) -> &'a str {
    let one = |tenant: &'a str| if tenant.eq_ignore_ascii_case(PERSONAL_ACCOUNTS_TENANT) { CONSUMERS } else { tenant };
    if let Some(tenant) = tenant.filter(|tenant| is_guid(tenant)) {
        return one(tenant);
    }
    match &connection.exchange.tenants {
        TenantPolicy::Listed(tenants) => match tenants.as_slice() {
            [only] => one(only),
            several if several.iter().any(|listed| listed == PERSONAL_ACCOUNTS_TENANT) => COMMON,
            _ => ORGANIZATIONS,
        },
        TenantPolicy::AnyOrganization => ORGANIZATIONS,
        TenantPolicy::AnyAccount => COMMON,
    }
}

/// Entra takes one value. A user who chooses another account is asked for consent as well if that account lacks it.
fn choose_prompt(request: &AuthorizationRequest<'_>) -> Option<&'static str> {
    // Entra takes one word alone.
    match (request.asks_anew, request.choose_account, request.ask_consent) {
        (true, _, _) => Some("login"),
        (false, true, _) => Some("select_account"),
        (false, false, true) => Some("consent"),
        (false, false, false) => None,
    }
}

fn fill_tenant(template: &str, tenant: &str) -> Result<Url, RedeemError> {
    Url::parse(&template.replace(TENANT, tenant))
        .map_err(|_| refusal(RedeemFailure::Misconfigured, "an endpoint of the identity provider is not a URL"))
}

fn is_guid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

impl IdentityProvider for Entra {
    fn capabilities(&self) -> Capabilities {
        Capabilities { on_behalf_of: true, refresh_token: true, authorization_code: true }
    }

    fn redeem<'a>(&'a self, connection: &'a Connection, grant: Grant<'a>, attempt: Attempt) -> RedeemFuture<'a> {
        Box::pin(async move {
            match grant {
                Grant::OnBehalfOf(assertion) => self.redeem_on_behalf_of(connection, assertion, &attempt).await,
                Grant::RefreshToken { refresh_token, user } => {
                    self.redeem_refresh_token(connection, refresh_token, user, &attempt).await
                }
                Grant::AuthorizationCode { code, code_verifier, redirect_uri, throttled_as, tenant } => {
                    let fields = authorization::code_fields(code, code_verifier, redirect_uri);
                    self.redeem_code(connection, fields, SigningIn { throttled_as, tenant }, &attempt).await
                }
            }
        })
    }

    fn authorize_url<'a>(
        &'a self,
        connection: &'a Connection,
        request: AuthorizationRequest<'a>,
    ) -> AuthorizeFuture<'a> {
        Box::pin(async move {
            let endpoint =
                fill_tenant(&self.settings.authorization_endpoint, sign_in_segment(connection, request.tenant))?;
            let scope = authorization::join_scopes(connection, &IDENTIFYING_SCOPES);
            let claims = build_claims_parameter(connection, request.claims);
            let mut url = authorization::build_authorize_url(
                endpoint,
                &connection.client_id,
                &scope,
                claims.as_deref(),
                &request,
            );
            url.query_pairs_mut()
                .append_pair("response_mode", "query")
                .extend_pairs(choose_prompt(&request).map(|prompt| ("prompt", prompt)));
            Ok(url)
        })
    }

    fn admits_issuer<'a>(&'a self, iss: Option<&'a str>) -> AdmissionFuture<'a> {
        // Entra does not send `iss` at present, so a response without it is accepted.
        Box::pin(async move { Ok(iss.is_none_or(|iss| self.is_issuer(iss))) })
    }
}
