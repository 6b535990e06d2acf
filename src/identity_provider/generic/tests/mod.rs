//! Tests of the provider against a small `OpenID` provider in this process.
//!
//! Owns that provider and what the tests share. It deliberately knows no door and no store: the independent provider is in
//! `tests/it/generic_provider`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod names_and_revocation;
mod settings;
mod user_tokens;

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::Mutex;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::domain::test_samples::sample_connection;
use crate::domain::{OffsetClock, ProviderKind, SystemEntropy};
use crate::identity_provider::ThrottleBoard;
use crate::identity_provider::discovery::DiscoverySettings;
use crate::observability::ProviderMetrics;
use crate::outbound::{Outbound, OutboundSettings};

/// The form and the `Authorization` header of a request.
type Asked = (HashMap<String, String>, Option<String>);

/// A provider whose discovery document the test sets.
#[derive(Default)]
struct Peer {
    document: Mutex<Option<Value>>,
    answer: Mutex<(u16, Value)>,
    fetches: Mutex<usize>,
    asked: Mutex<Vec<Asked>>,
    /// What the userinfo endpoint answers.
    userinfo: Mutex<Value>,
    /// The requests to the revocation endpoint.
    revoked: Mutex<Vec<Asked>>,
    revocation_status: Mutex<u16>,
}

struct Stand {
    peer: Arc<Peer>,
    clock: Arc<OffsetClock>,
    issuer: String,
    provider: Generic,
}

impl Stand {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(configure: impl FnOnce(&mut DiscoverySettings)) -> Self {
        Self::with_settings(GenericSettings::default(), configure)
    }

    fn with_settings(settings_of_connection: GenericSettings, configure: impl FnOnce(&mut DiscoverySettings)) -> Self {
        let token = json!({"token_type": "Bearer", "access_token": "A", "id_token": "a.b.c", "expires_in": 60});
        let peer =
            Arc::new(Peer { answer: Mutex::new((200, token)), revocation_status: Mutex::new(200), ..Peer::default() });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://127.0.0.1:{}/realm", listener.local_addr().unwrap().port());
        let shared = web::Data::from(Arc::clone(&peer));
        let server = HttpServer::new(move || {
            let app = App::new().app_data(shared.clone());
            app.route("/realm/.well-known/openid-configuration", web::get().to(describe))
                .default_service(web::to(answer))
        });
        tokio::spawn(server.workers(1).listen(listener).unwrap().disable_signals().run());
        let mut settings = DiscoverySettings {
            provider: "other".into(),
            metadata_url: Url::parse(&format!("{issuer}/.well-known/openid-configuration")).unwrap(),
            issuer: issuer.clone(),
            authorization_endpoint: None,
            token_endpoint: None,
            userinfo_endpoint: None,
            revocation_endpoint: None,
            has_key_set: false,
        };
        configure(&mut settings);
        let clock = Arc::new(OffsetClock::default());
        let outbound = outbound();
        let means = TokenClientParts {
            outbound: outbound.clone(),
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy),
            throttle: Arc::new(ThrottleBoard::for_single_command(clock.clone())),
            metrics: ProviderMetrics::default(),
        };
        let credentials = vec![ClientCredential::Secret(Secret::from("s:cret"))];
        let client = RedeemingClient { client_id: "the client".into(), credentials };
        let provider =
            Generic::new(Discovery::new(settings, outbound, clock.clone()), settings_of_connection, client, means);
        let stand = Self { peer, clock, issuer, provider };
        stand.describe(&json!({}));
        stand
    }

    /// Sets the discovery document to the default with `changes`; `null` removes a member.
    fn describe(&self, changes: &Value) {
        let mut document = json!({
            "issuer": self.issuer,
            "authorization_endpoint": format!("{}/authorize", self.issuer),
            "token_endpoint": format!("{}/token", self.issuer),
            "jwks_uri": format!("{}/keys", self.issuer),
        });
        document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        document.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        *self.peer.document.lock().unwrap() = Some(document);
    }

    fn fetches(&self) -> usize {
        *self.peer.fetches.lock().unwrap()
    }

    async fn redeem(&self, grant: Grant<'_>) -> Result<RedeemedToken, RedeemError> {
        self.redeem_with(grant, None).await
    }

    async fn redeem_with(
        &self,
        grant: Grant<'_>,
        claims: Option<ClaimsChallenge>,
    ) -> Result<RedeemedToken, RedeemError> {
        let deadline = Instant::now() + Duration::from_secs(8);
        let attempt = Attempt { correlation_id: "c-1".into(), deadline, claims };
        self.provider.redeem(&connection(&[]), grant, attempt).await
    }

    async fn redeem_code(&self) -> Result<RedeemedToken, RedeemError> {
        let redirect_uri = Url::parse("https://sso.example/.auth/web/redirect").unwrap();
        let (code, code_verifier) = (Secret::from("the-code"), Secret::from("the-verifier"));
        let grant = Grant::AuthorizationCode {
            code: &code,
            code_verifier: &code_verifier,
            redirect_uri: &redirect_uri,
            throttled_as: "ada",
            tenant: None,
        };
        self.redeem(grant).await
    }

    async fn refresh(&self, issuer: &str) -> Result<RedeemedToken, RedeemError> {
        let (refresh_token, user) = (Secret::from("r-1"), UserKey::from_parts(issuer, "ada"));
        self.redeem(Grant::RefreshToken { refresh_token: &refresh_token, user: &user }).await
    }

    async fn authorize(&self, scopes: &[&str], ask_consent: bool) -> Result<HashMap<String, String>, RedeemError> {
        let redirect_uri = Url::parse("https://sso.example/.auth/web/redirect").unwrap();
        let (state, nonce) = (Secret::from("s"), Secret::from("n"));
        let request = AuthorizationRequest {
            redirect_uri: &redirect_uri,
            state: &state,
            nonce: &nonce,
            code_challenge: "the-challenge",
            ask_consent,
            choose_account: false,
            asks_anew: false,
            claims: None,
            tenant: None,
        };
        let connection = connection(scopes);
        let url = self.provider.authorize_url(&connection, request).await?;
        assert_eq!(url.path(), "/realm/authorize");
        Ok(url.query_pairs().into_owned().collect())
    }

    fn asked(&self) -> Asked {
        self.peer.asked.lock().unwrap().last().cloned().unwrap()
    }
}

async fn describe(peer: web::Data<Peer>) -> HttpResponse {
    *peer.fetches.lock().unwrap() += 1;
    let document = peer.document.lock().unwrap().clone();
    document.map_or_else(|| HttpResponse::ServiceUnavailable().finish(), |document| HttpResponse::Ok().json(document))
}

async fn answer(request: HttpRequest, body: String, peer: web::Data<Peer>) -> HttpResponse {
    let is_of_entra = |name: &str| name.starts_with("x-") && name != "x-request-id" || name == "client-request-id";
    assert!(!request.headers().keys().any(|name| is_of_entra(name.as_str())), "Entra's headers are Entra's");
    let authorization = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let form = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    match request.path() {
        "/realm/userinfo" => {
            assert_eq!(authorization.as_deref(), Some("Bearer A"));
            return HttpResponse::Ok().json(peer.userinfo.lock().unwrap().clone());
        }
        "/realm/revoke" => {
            peer.revoked.lock().unwrap().push((form, authorization));
            let status = actix_web::http::StatusCode::from_u16(*peer.revocation_status.lock().unwrap()).unwrap();
            return HttpResponse::build(status).finish();
        }
        path => assert_eq!(path, "/realm/token"),
    }
    peer.asked.lock().unwrap().push((form, authorization));
    let (status, body) = peer.answer.lock().unwrap().clone();
    HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap()).json(body)
}

fn outbound() -> Outbound {
    Outbound::new(&OutboundSettings {
        connect_timeout: Duration::from_secs(1),
        plain_http_hosts: vec!["127.0.0.1".into()],
        private_hosts: vec!["127.0.0.1".into()],
        max_connections_per_host: 16,
        ..OutboundSettings::default()
    })
    .unwrap()
}

fn connection(scopes: &[&str]) -> Connection {
    Connection { client_id: "the client".into(), ..sample_connection("tickets", ProviderKind::OpenIdConnect, scopes) }
}

fn form(fields: HashMap<&str, &str>) -> HashMap<String, String> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

const CODE: [(&str, &str); 4] = [
    ("grant_type", "authorization_code"),
    ("code", "the-code"),
    ("code_verifier", "the-verifier"),
    ("redirect_uri", "https://sso.example/.auth/web/redirect"),
];

#[actix_web::test]
async fn authorize_url_uses_the_documents_endpoint() {
    let stand = Stand::new();
    let query = stand.authorize(&["tickets.read"], false).await.unwrap();
    let expected = [
        ("client_id", "the client"),
        ("response_type", "code"),
        ("redirect_uri", "https://sso.example/.auth/web/redirect"),
        ("scope", "tickets.read openid"),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", "the-challenge"),
        ("code_challenge_method", "S256"),
    ];
    assert_eq!(query, form(HashMap::from(expected)));
    let offline = stand.authorize(&["openid", "offline_access"], false).await.unwrap();
    assert_eq!((offline["scope"].as_str(), offline["prompt"].as_str()), ("openid offline_access", "consent"));
    assert_eq!(stand.authorize(&["openid"], true).await.unwrap()["prompt"], "consent");
    assert_eq!(stand.fetches(), 1, "once for all");
}

#[actix_web::test]
async fn secret_is_sent_in_the_header_unless_the_document_offers_only_the_form() {
    let stand = Stand::new();
    let token = stand.redeem_code().await.unwrap();
    assert_eq!((token.access_token.expose(), token.id_token.unwrap().expose()), ("A", "a.b.c"));
    let basic = "Basic dGhlK2NsaWVudDpzJTNBY3JldA==";
    assert_eq!(stand.asked(), (form(HashMap::from(CODE)), Some(basic.to_owned())), "the+client:s%3Acret");
    for (methods, in_form) in [
        (json!(["client_secret_post", "client_secret_basic"]), false),
        (json!(["private_key_jwt"]), false),
        (json!(["private_key_jwt", "client_secret_post"]), true),
    ] {
        let stand = Stand::new();
        stand.describe(&json!({"token_endpoint_auth_methods_supported": methods}));
        stand.redeem_code().await.unwrap();
        let (sent, authorization) = stand.asked();
        assert_eq!(authorization.is_none(), in_form);
        assert_eq!(sent.contains_key("client_secret"), in_form);
    }
}

#[actix_web::test]
async fn refresh_token_is_sent_only_to_its_issuer() {
    let stand = Stand::new();
    stand.refresh(&stand.issuer).await.unwrap();
    assert_eq!(stand.asked().0, form(HashMap::from([("grant_type", "refresh_token"), ("refresh_token", "r-1")])));
    let refused = stand.refresh("https://elsewhere.example").await.unwrap_err();
    assert_eq!(refused.failure, RedeemFailure::AssertionRejected);
    *stand.peer.answer.lock().unwrap() = (400, json!({"error": "invalid_grant", "error_description": "AADSTS65001"}));
    let refused = stand.refresh(&stand.issuer).await.unwrap_err();
    assert_eq!(refused.failure, RedeemFailure::InteractionRequired { claims: None });
    assert_eq!(refused.diagnostics.aadsts, None, "numbers are Entra's");
    assert_eq!(stand.peer.asked.lock().unwrap().len(), 2);
}

#[actix_web::test]
async fn refresh_with_a_claims_challenge_requires_interaction() {
    let stand = Stand::new();
    let (refresh_token, user) = (Secret::from("r-1"), UserKey::from_parts(&stand.issuer, "ada"));
    let grant = Grant::RefreshToken { refresh_token: &refresh_token, user: &user };
    let refused = stand.redeem_with(grant, ClaimsChallenge::parse(r#"{"a":1}"#)).await.unwrap_err();
    assert_eq!(refused.failure, RedeemFailure::InteractionRequired { claims: Some(r#"{"a":1}"#.to_owned()) });
    assert_eq!(stand.peer.asked.lock().unwrap().len(), 0, "the refresh token stays good");
}

#[actix_web::test]
async fn response_without_iss_is_refused_when_the_document_announces_iss() {
    let stand = Stand::new();
    assert_eq!(stand.provider.admits_issuer(None).await, Ok(true));
    assert_eq!(stand.provider.admits_issuer(Some(&stand.issuer)).await, Ok(true));
    assert_eq!(stand.provider.admits_issuer(Some("https://elsewhere.example")).await, Ok(false));
    let stand = Stand::new();
    stand.describe(&json!({"authorization_response_iss_parameter_supported": true}));
    assert_eq!(stand.provider.admits_issuer(None).await, Ok(false));
    assert_eq!(stand.provider.admits_issuer(Some(&stand.issuer)).await, Ok(true));
}

#[actix_web::test]
async fn document_of_another_issuer_or_with_endpoints_on_another_host_is_refused() {
    for changes in [
        json!({"issuer": "https://elsewhere.example"}),
        json!({"authorization_endpoint": "https://elsewhere.example/authorize"}),
        json!({"token_endpoint": "https://elsewhere.example/token"}),
        json!({"token_endpoint": "ftp://127.0.0.1/token"}),
        json!({"token_endpoint": "http://127.0.0.1:9/token"}),
        json!({"token_endpoint": null}),
        json!({"jwks_uri": "https://elsewhere.example/keys"}),
        json!({"jwks_uri": "ftp://127.0.0.1/keys"}),
        json!({"jwks_uri": null}),
    ] {
        let stand = Stand::new();
        stand.describe(&changes);
        let error = stand.redeem_code().await.unwrap_err();
        assert_eq!(error.failure, RedeemFailure::Misconfigured, "{changes}");
        assert!(stand.peer.asked.lock().unwrap().is_empty());
    }
    let configured = Stand::with(|settings| {
        settings.token_endpoint = Some(Url::parse(&format!("{}/token", settings.issuer)).unwrap());
    });
    configured.describe(&json!({"token_endpoint": "https://elsewhere.example/token"}));
    assert!(configured.redeem_code().await.is_ok());
    let configured = Stand::with(|settings| settings.has_key_set = true);
    configured.describe(&json!({"jwks_uri": "https://elsewhere.example/keys"}));
    assert!(configured.redeem_code().await.is_ok());
}

#[actix_web::test]
async fn key_set_on_another_host_is_reported_before_the_user_is_sent_away() {
    let stand = Stand::new();
    stand.describe(&json!({"jwks_uri": "https://elsewhere.example/keys"}));
    let error = stand.authorize(&["openid"], false).await.unwrap_err();
    assert_eq!(error.failure, RedeemFailure::Misconfigured);
    assert!(error.diagnostics.hint.contains("jwks_url"), "{}", error.diagnostics.hint);
}

#[actix_web::test]
async fn concurrent_callers_share_one_fetch_and_one_failure() {
    let stand = Stand::new();
    *stand.peer.document.lock().unwrap() = None;
    // All eight callers wait before the runtime starts the fetch.
    let waiting = (0..8).map(|_| stand.authorize(&[], false));
    let outcomes = futures_util::future::join_all(waiting).await;
    assert!(outcomes.iter().all(|outcome| outcome.as_ref().unwrap_err().failure == RedeemFailure::Transient));
    assert_eq!(stand.fetches(), 1);
    stand.describe(&json!({}));
    assert!(stand.authorize(&[], false).await.is_err(), "no second request at once");
    stand.clock.advance(Duration::from_secs(3));
    assert!(stand.authorize(&[], false).await.is_ok());
    assert_eq!(stand.fetches(), 2);
}

#[actix_web::test]
async fn cached_document_is_used_during_an_outage() {
    let stand = Stand::new();
    stand.authorize(&[], false).await.unwrap();
    *stand.peer.document.lock().unwrap() = None;
    stand.clock.advance(Duration::from_hours(7));
    assert!(stand.authorize(&[], false).await.is_ok());
    assert!(stand.authorize(&[], false).await.is_ok());
    assert_eq!(stand.fetches(), 2);
}

#[actix_web::test]
async fn on_behalf_of_grant_is_misconfigured() {
    assert!(!Stand::new().provider.capabilities().on_behalf_of);
}
