use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::app_sessions::{AppOfDirectory, SignedIn};
use super::directory_addresses::{callback_address, oauth_address, signed_out_address};
use crate::dev::addresses::Addresses;
use crate::dev::gateway_address::GatewayAddress;
use crate::dev::jwt::{text_member, unverified_claims};
use crate::domain::Secret;
use crate::outbound::{FormField, HttpAnswer, Outbound, RequestHeader};

/// The time limit for one call.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum size of an answer of the userinfo endpoint, in bytes.
const MAX_USERINFO_BYTES: usize = 64 * 1024;

/// What the apps call at the gateway.
pub(in crate::dev) struct AppClient {
    pub(in crate::dev) addresses: Arc<Addresses>,
    pub(in crate::dev) gateway: Arc<GatewayAddress>,
    pub(in crate::dev) outbound: Outbound,
}

/// Which sessions a logout ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LogoutOf {
    ThisBrowser,
    AllBrowsers,
}

impl AppClient {
    /// The address of the authorization request by which a user signs in to `app`.
    pub(super) fn authorization(&self, app: AppOfDirectory, state: &str, nonce: &str) -> Option<Url> {
        let mut url = Url::parse(&format!("{}/authorization", self.oauth(app)?)).ok()?;
        url.query_pairs_mut()
            .append_pair("client_id", app.app.client_id)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", &self.callback(app))
            .append_pair("scope", "openid appid_default")
            .append_pair("state", state)
            .append_pair("nonce", nonce);
        Some(url)
    }

    /// The address at which a browser's session ends, and from which the browser returns to `app`. The parameters are those
    /// that `logoutSSO` of App ID's SDK sends (docs/protocols/app-id.md §Logout).
    pub(super) fn logout(&self, app: AppOfDirectory, of: LogoutOf) -> Option<Url> {
        let mut url = Url::parse(&format!("{}/cloud_directory/sso/logout", self.oauth(app)?)).ok()?;
        let mut query = url.query_pairs_mut();
        query.append_pair("redirect_uri", &signed_out_address(&self.addresses, app.directory, app.app));
        if of == LogoutOf::AllBrowsers {
            query.append_pair("all_sessions", "true");
        }
        query.append_pair("client_id", app.app.client_id);
        drop(query);
        Some(url)
    }

    /// Redeems a code.
    ///
    /// # Errors
    /// A sentence for the page.
    pub(super) async fn redeem(&self, app: AppOfDirectory, code: &str, nonce: &str) -> Result<SignedIn, String> {
        let redirect_uri = self.callback(app);
        let form = [
            FormField::new("grant_type", "authorization_code"),
            FormField::new("code", code),
            FormField::new("redirect_uri", &redirect_uri),
        ];
        let signed_in = self.token(app, &form).await?;
        // The ID token comes from the token endpoint itself, so its signature need not be checked (OpenID Connect Core §3.1.3.7).
        if text_member(&signed_in.claims, "nonce") == Some(nonce) {
            Ok(signed_in)
        } else {
            Err("The ID token is not for this sign-in.".to_owned())
        }
    }

    /// Gets new tokens for the refresh token.
    ///
    /// # Errors
    /// A sentence for the page.
    pub(super) async fn refresh(&self, app: AppOfDirectory, signed_in: &SignedIn) -> Result<SignedIn, String> {
        let token = signed_in.refresh_token.as_ref().ok_or("The app has no refresh token.")?;
        let form = [FormField::new("grant_type", "refresh_token"), FormField::new("refresh_token", token.expose())];
        let refreshed = self.token(app, &form).await?;
        Ok(SignedIn { refreshes: signed_in.refreshes.saturating_add(1), ..refreshed })
    }

    /// What the userinfo endpoint says of the user.
    ///
    /// # Errors
    /// A sentence for the page.
    pub(super) async fn userinfo(&self, app: AppOfDirectory, signed_in: &SignedIn) -> Result<Value, String> {
        let url = self.endpoint(app, "userinfo")?;
        let authorization = format!("Bearer {}", signed_in.access_token.expose());
        let headers = [RequestHeader::new("authorization", &authorization)];
        let deadline = Instant::now() + CALL_TIMEOUT;
        let answer = self.outbound.get_with(&url, &headers, deadline, MAX_USERINFO_BYTES).await;
        read(&answer.map_err(|error| error.to_string())?, "userinfo endpoint")
    }

    async fn token(&self, app: AppOfDirectory, form: &[FormField<'_>]) -> Result<SignedIn, String> {
        let url = self.endpoint(app, "token")?;
        let pair = format!("{}:{}", app.app.client_id, app.app.client_secret);
        let authorization = format!("Basic {}", STANDARD.encode(pair));
        let headers = [RequestHeader::new("authorization", &authorization)];
        let answer = self.outbound.post_form(&url, &headers, form, Instant::now() + CALL_TIMEOUT).await;
        let answer = read(&answer.map_err(|error| error.to_string())?, "token endpoint")?;
        let secret = |name| text_member(&answer, name).map(Secret::from);
        let claims = text_member(&answer, "id_token").and_then(unverified_claims);
        match (claims, secret("access_token")) {
            (Some(claims), Some(access_token)) => {
                Ok(SignedIn { claims, access_token, refresh_token: secret("refresh_token"), refreshes: 0 })
            }
            _ => Err("The token endpoint has given no tokens of a user.".to_owned()),
        }
    }

    fn endpoint(&self, app: AppOfDirectory, name: &str) -> Result<Url, String> {
        let oauth = self.oauth(app).ok_or("The gateway is not attached to the stage.")?;
        Url::parse(&format!("{oauth}/{name}")).map_err(|error| error.to_string())
    }

    fn oauth(&self, app: AppOfDirectory) -> Option<String> {
        let gateway = self.gateway.find()?;
        Some(oauth_address(gateway.as_str().trim_end_matches('/'), app.directory))
    }

    fn callback(&self, app: AppOfDirectory) -> String {
        callback_address(&self.addresses, app.directory, app.app)
    }
}

/// The JSON of an answer, or a sentence about a refusal, with the error that the endpoint names.
fn read(answer: &HttpAnswer, endpoint: &str) -> Result<Value, String> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.status == 200 {
        return Ok(body);
    }
    let error = text_member(&body, "error").unwrap_or("no error code");
    Err(format!("The {endpoint} has answered {} ({error}).", answer.status))
}
