//! The OpenID provider, and a client that uses the application's provider code without its pages.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bot_sso::domain::{
    Connection, ConnectionName, ConnectionRevision, ExchangePolicy, HolderName, OffsetClock, ProviderKind, Secret,
    SystemEntropy, TenantPolicy, UserKey,
};
use bot_sso::identity_provider::{
    AssertionAlgorithm, Attempt, AuthorizationRequest, ClientCertificate, ClientCredential, Discovery,
    DiscoverySettings, Generic, GenericSettings, Grant, IdentityProvider, RedeemError, RedeemedToken, RedeemingClient,
    ThrottleBoard, TokenClientParts,
};
use bot_sso::observability::ProviderMetrics;
use bot_sso::outbound::{Outbound, OutboundSettings};
use bot_sso::token_validation::{
    IdTokenError, IdTokenValidator, IdentifiedUser, KeySet, KeySetSource, TrustedIdTokenIssuer,
};
use jsonwebtoken::EncodingKey;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::browser::{Browser, Page};
use crate::harness::peers::{Peer, Program};
use crate::harness::waiting::wait_for;

/// The redirect URI of every application that a harness starts.
pub const REDIRECT_URI: &str = "http://127.0.0.1:1/.auth/web/redirect";
pub const CLIENT: &str = "tickets bot";
pub const CERTIFIED_CLIENT: &str = "certified bot";
pub const CLIENT_SECRET: &str = "tickets: a + secret-of-the-local-stage";

/// Object id and tenant of the stage's Ada. A user of the other provider has the same values in claims of these names.
pub const OID: &str = "a0000000-1111-4222-8333-00000000ada0";
pub const TID: &str = "8c1e0f2a-5b3d-4c6e-9f7a-0b1c2d3e4f50";

/// The running OpenID provider.
pub struct OidcProvider {
    pub peer: Peer,
    pub issuer: String,
}

impl OidcProvider {
    /// The tokens granted so far. Waits until there are `count` of them, because the provider prints a grant a moment
    /// later.
    pub async fn grants(&self, count: usize) -> Vec<Value> {
        wait_for("the grants", async || {
            let granted: Vec<_> = self.peer.events().into_iter().filter(|event| event["event"] == "grant").collect();
            (granted.len() >= count).then_some(granted)
        })
        .await
    }

    pub async fn start(scenario: &str) -> Self {
        Self::start_with(scenario, &[]).await
    }

    /// Starts it with more environment variables (tests/peers/README.md).
    pub async fn start_with(scenario: &str, more: &[(&'static str, &str)]) -> Self {
        let mut environment = vec![
            ("REDIRECT_URI", REDIRECT_URI.to_owned()),
            ("CLIENT_SECRET", CLIENT_SECRET.to_owned()),
            ("CLIENT_CERTIFICATE", fixture("client-certificate.pem").display().to_string()),
            ("OID", OID.to_owned()),
            ("TID", TID.to_owned()),
        ];
        environment.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let program = Program { peer: "oidc-provider", script: "provider.mjs" };
        let mut peer = Peer::start(&program, &format!("oidc-provider-{scenario}"), &environment);
        let issuer = format!("http://127.0.0.1:{}", peer.port().await);
        Self { peer, issuer }
    }

    /// Signs `login` in on the provider's pages, which begin at `url`; returns where the browser is sent back to.
    pub async fn sign_in(&self, browser: &mut Browser, url: Url, login: &str) -> Url {
        let begin = browser.get(url).await;
        let page = browser.follow(begin, REDIRECT_URI).await;
        let page = browser.submit(&page, &[("login", login), ("password", "any")]).await;
        let mut page = browser.follow(page, REDIRECT_URI).await;
        if page.location.is_none() {
            page = browser.submit(&page, &[]).await;
            page = browser.follow(page, REDIRECT_URI).await;
        }
        page.location.unwrap_or_else(|| panic!("no way back: {} {}", page.status, page.text))
    }

    /// Cancels on the provider's pages and returns the address that the browser is sent back to.
    pub async fn cancel(&self, browser: &mut Browser, url: Url) -> Url {
        let begin = browser.get(url).await;
        let page: Page = browser.follow(begin, REDIRECT_URI).await;
        let abort = page.url.join(&format!("{}/abort", page.url.path())).unwrap();
        let page = browser.get(abort).await;
        browser.follow(page, REDIRECT_URI).await.location.unwrap()
    }
}

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/credentials").join(name)
}

pub fn with_secret() -> ClientCredential {
    ClientCredential::Secret(Secret::from(CLIENT_SECRET))
}

pub fn with_certificate(algorithm: AssertionAlgorithm) -> ClientCredential {
    let text = std::fs::read_to_string(fixture("client-certificate.pem")).unwrap();
    let der: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = EncodingKey::from_rsa_pem(&std::fs::read(fixture("client-key.pem")).unwrap()).unwrap();
    let chain = [STANDARD.decode(der).unwrap()];
    ClientCredential::Certificate(Arc::new(ClientCertificate::new(key, &chain, false, algorithm)))
}

/// One client of the provider, with the code that validates its users.
pub struct Client {
    pub provider: Generic,
    pub connection: Connection,
    validator: IdTokenValidator,
    issuer: String,
}

/// The values that one sign-in begins with.
pub struct BegunSignIn {
    pub url: Url,
    pub verifier: Secret,
    pub nonce: Secret,
}

impl Client {
    pub fn new(oidc_provider: &OidcProvider, client_id: &str, credential: ClientCredential) -> Self {
        let outbound = Outbound::new(&OutboundSettings {
            connect_timeout: Duration::from_secs(2),
            plain_http_hosts: vec!["127.0.0.1".into()],
            private_hosts: vec!["127.0.0.1".into()],
            max_connections_per_host: 8,
            ..OutboundSettings::default()
        })
        .unwrap();
        let (clock, entropy) = (Arc::new(OffsetClock::default()), Arc::new(SystemEntropy));
        let issuer = oidc_provider.issuer.clone();
        let metadata_url = Url::parse(&format!("{issuer}/.well-known/openid-configuration")).unwrap();
        let settings = DiscoverySettings {
            provider: "elsewhere".into(),
            issuer: issuer.clone(),
            metadata_url: metadata_url.clone(),
            authorization_endpoint: None,
            token_endpoint: None,
            userinfo_endpoint: None,
            revocation_endpoint: None,
            has_key_set: false,
        };
        let source = KeySetSource::Metadata(metadata_url);
        let key_set = KeySet::of_openid_provider("elsewhere", source, outbound.clone(), clock.clone(), entropy.clone());
        let trust = TrustedIdTokenIssuer::OpenIdConnect { issuer: issuer.clone(), key_set };
        let discovery = Discovery::new(settings, outbound.clone(), clock.clone());
        let throttle = Arc::new(ThrottleBoard::for_single_command(clock.clone()));
        let means =
            TokenClientParts { outbound, clock: clock.clone(), entropy, throttle, metrics: ProviderMetrics::default() };
        let client = RedeemingClient { client_id: client_id.to_owned(), credentials: vec![credential] };
        Self {
            provider: Generic::new(discovery, GenericSettings::default(), client, means),
            connection: connection(client_id),
            validator: IdTokenValidator::new(trust, clock),
            issuer,
        }
    }

    pub async fn begin(&self) -> BegunSignIn {
        let (verifier, nonce) = ("v".repeat(43), "the-nonce");
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()).as_ref());
        let (state, nonce) = (Secret::from("the-state"), Secret::from(nonce));
        let redirect_uri = Url::parse(REDIRECT_URI).unwrap();
        let request = AuthorizationRequest {
            redirect_uri: &redirect_uri,
            state: &state,
            nonce: &nonce,
            code_challenge: &challenge,
            ask_consent: false,
            choose_account: false,
            asks_anew: false,
            claims: None,
            tenant: None,
        };
        let url = self.provider.authorize_url(&self.connection, request).await.unwrap();
        BegunSignIn { url, verifier: Secret::new(verifier), nonce }
    }

    pub async fn redeem(&self, code: &str, verifier: &Secret) -> Result<RedeemedToken, RedeemError> {
        let (code, redirect_uri) = (Secret::from(code), Url::parse(REDIRECT_URI).unwrap());
        let grant = Grant::AuthorizationCode {
            code: &code,
            code_verifier: verifier,
            redirect_uri: &redirect_uri,
            throttled_as: "ada",
            tenant: None,
        };
        self.provider.redeem(&self.connection, grant, attempt()).await
    }

    pub async fn refresh(&self, refresh_token: &Secret, subject: &str) -> Result<RedeemedToken, RedeemError> {
        let user = UserKey::from_parts(&self.issuer, subject);
        let grant = Grant::RefreshToken { refresh_token, user: &user };
        self.provider.redeem(&self.connection, grant, attempt()).await
    }

    pub async fn identify(&self, raw: &Secret, nonce: &Secret) -> Result<IdentifiedUser, IdTokenError> {
        let tenants = &self.connection.exchange.tenants;
        self.validator.validate(raw, &self.connection.client_id, nonce, tenants).await
    }
}

fn attempt() -> Attempt {
    Attempt { correlation_id: "c-1".into(), deadline: Instant::now() + Duration::from_secs(8), claims: None }
}

fn connection(client_id: &str) -> Connection {
    Connection {
        holder: HolderName::new("demo"),
        name: ConnectionName::new("tickets"),
        identity_provider: "elsewhere".into(),
        provider_kind: ProviderKind::OpenIdConnect,
        client_id: client_id.into(),
        scopes: ["openid", "profile", "offline_access"].map(str::to_owned).into(),
        required_granted_scopes: Vec::new(),
        continuous_access: false,
        allow_other_accounts: false,
        asks_offline_by_parameter: false,
        token_exchange_uri: None,
        exchange_uris: Vec::new(),
        aad_resources: Vec::new(),
        exchange: ExchangePolicy {
            subject: None,
            tenants: TenantPolicy::Listed(Vec::new()),
            audiences: Vec::new(),
            required_scopes: Vec::new(),
            authorized_clients: Vec::new(),
            allow_v1: false,
        },
        revision: ConnectionRevision([0; 16]),
    }
}
