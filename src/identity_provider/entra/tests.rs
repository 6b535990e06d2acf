#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{HashMap, VecDeque};
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::json;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::domain::{
    BotName, Clock, ConnectionName, ConnectionRevision, ExchangePolicy, OffsetClock, Secret, SecurityContext,
    SystemEntropy, TenantPolicy, UserKey,
};
use crate::identity_provider::ThrottleBoard;
use crate::outbound::{Outbound, OutboundSettings};

const TENANT_ID: &str = "11111111-2222-4333-8444-555555555555";
const CONSENT: &str =
    r#"{"error":"invalid_grant","suberror":"consent_required","error_codes":[65001],"trace_id":"t-1"}"#;
const TOKEN: &str = r#"{"token_type":"Bearer","access_token":"B","expires_in":3600,"scope":"User.Read"}"#;

/// One scripted response: status, `Retry-After`, body.
#[derive(Clone)]
struct Scripted(u16, Option<&'static str>, &'static str);

/// The parts of a request that the test server received.
#[derive(Clone, Debug)]
struct Seen {
    path: String,
    headers: HashMap<String, String>,
    form: HashMap<String, String>,
}

#[derive(Default)]
struct Peer {
    script: Mutex<VecDeque<Scripted>>,
    /// The server never responds.
    hangs: AtomicBool,
    seen: Mutex<Vec<Seen>>,
}

/// A token endpoint that sends the scripted responses in order, and a token after the last one.
struct Stand {
    peer: Arc<Peer>,
    clock: Arc<OffsetClock>,
    entra: Entra,
}

impl Stand {
    fn new(script: impl IntoIterator<Item = Scripted>) -> Self {
        Self::with_secrets(script, &["s3cret"])
    }

    fn with_secrets(script: impl IntoIterator<Item = Scripted>, secrets: &[&str]) -> Self {
        let peer = Arc::new(Peer { script: Mutex::new(script.into_iter().collect()), ..Peer::default() });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = web::Data::from(Arc::clone(&peer));
        let server =
            HttpServer::new(move || App::new().app_data(shared.clone()).default_service(web::to(answer))).workers(1);
        tokio::spawn(server.listen(listener).unwrap().disable_signals().run());
        let clock = Arc::new(OffsetClock::default());
        let settings = EntraSettings {
            provider: "entra".into(),
            token_endpoint: format!("http://127.0.0.1:{port}/{{tenant}}/oauth2/v2.0/token"),
            authorization_endpoint: format!("http://127.0.0.1:{port}/{{tenant}}/oauth2/v2.0/authorize"),
            issuer: "https://login.example/{tenantid}/v2.0".into(),
        };
        let credentials = secrets.iter().map(|secret| ClientCredential::Secret(Secret::from(*secret))).collect();
        let client = RedeemingClient { client_id: "client-1".into(), credentials };
        let means = TokenClientParts {
            outbound: outbound(),
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy),
            throttle: Arc::new(ThrottleBoard::for_single_command(clock.clone())),
        };
        Self { peer, clock, entra: Entra::new(settings, client, means) }
    }

    async fn redeem(&self, user: &str) -> Result<RedeemedToken, RedeemError> {
        self.redeem_within(user, Duration::from_secs(8)).await
    }

    async fn redeem_within(&self, user: &str, budget: Duration) -> Result<RedeemedToken, RedeemError> {
        let attempt = Attempt { correlation_id: "c-1".into(), deadline: Instant::now() + budget, claims: None };
        self.entra.redeem(&connection(), Grant::OnBehalfOf(&assertion(user, TENANT_ID)), attempt).await
    }

    fn calls(&self) -> usize {
        self.peer.seen.lock().unwrap().len()
    }
}

fn outbound() -> Outbound {
    Outbound::new(OutboundSettings {
        connect_timeout: Duration::from_secs(1),
        plain_http_hosts: vec!["127.0.0.1".into()],
        private_hosts: vec!["127.0.0.1".into()],
        max_connections_per_host: 16,
        ..OutboundSettings::default()
    })
    .unwrap()
}

async fn answer(request: HttpRequest, body: String, peer: web::Data<Peer>) -> HttpResponse {
    let text = |value: &actix_web::http::header::HeaderValue| value.to_str().unwrap().to_owned();
    peer.seen.lock().unwrap().push(Seen {
        path: request.path().to_owned(),
        headers: request.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        form: url::form_urlencoded::parse(body.as_bytes()).into_owned().collect(),
    });
    let next = peer.script.lock().unwrap().pop_front();
    let Scripted(status, retry_after, body) = next.unwrap_or(Scripted(200, None, TOKEN));
    if peer.hangs.load(Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
    let mut response = HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap());
    if let Some(retry_after) = retry_after {
        response.insert_header(("retry-after", retry_after));
    }
    response.body(body)
}

fn assertion(user: &str, tenant: &str) -> ExchangeableToken {
    ExchangeableToken {
        raw: Secret::from("the.user's.assertion"),
        user: UserKey::entra(user, tenant),
        object_id: user.into(),
        tenant_id: tenant.into(),
        expires_at: crate::domain::Timestamp::from_unix_seconds(4_000_000_000),
        security_context: SecurityContext([0; 16]),
        token_id: None,
    }
}

fn connection() -> Connection {
    Connection {
        bot: BotName::new("bot"),
        name: ConnectionName::new("graph"),
        identity_provider: "entra".into(),
        client_id: "client-1".into(),
        scopes: vec!["User.Read".into(), "Mail.Read".into()],
        continuous_access: false,
        token_exchange_uri: None,
        provider_kind: crate::domain::ProviderKind::Entra,
        exchange_uris: Vec::new(),
        aad_resources: Vec::new(),
        exchange: ExchangePolicy {
            tenants: TenantPolicy::AnyOrganization,
            audiences: vec![],
            required_scopes: vec![],
            authorized_clients: vec![],
            allow_v1: false,
        },
        revision: ConnectionRevision([0; 16]),
    }
}

fn failure(outcome: Result<RedeemedToken, RedeemError>) -> RedeemFailure {
    outcome.unwrap_err().failure
}

#[actix_web::test]
async fn redeem_sends_the_documented_request_and_returns_the_token() {
    let stand = Stand::new([]);
    let token = stand.redeem("u1").await.unwrap();
    assert_eq!(token.access_token.expose(), "B");
    assert_eq!(token.granted_scope.as_deref(), Some("User.Read"));
    let life = stand.clock.now().until(token.expires_at);
    assert!(life <= Duration::from_hours(1) && life > Duration::from_secs(3590));
    let seen = stand.peer.seen.lock().unwrap()[0].clone();
    assert_eq!(seen.path, format!("/{TENANT_ID}/oauth2/v2.0/token"));
    let form: HashMap<&str, &str> = seen.form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let expected = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("client_id", "client-1"),
        ("client_secret", "s3cret"),
        ("assertion", "the.user's.assertion"),
        ("requested_token_use", "on_behalf_of"),
        ("scope", "User.Read Mail.Read"),
    ];
    assert_eq!(form, HashMap::from(expected));
    for (name, value) in [
        ("client-request-id", "c-1"),
        ("return-client-request-id", "true"),
        ("x-ms-lib-capability", "retry-after, h429"),
        ("x-anchormailbox", &format!("oid:u1@{TENANT_ID}")),
    ] {
        assert_eq!(seen.headers[name], value);
    }
}

#[actix_web::test]
async fn error_response_is_classified_and_not_retried() {
    let stand = Stand::new([Scripted(400, None, CONSENT)]);
    let error = stand.redeem("u1").await.unwrap_err();
    assert_eq!(error.failure, RedeemFailure::ConsentRequired);
    assert_eq!(error.diagnostics.http_status, Some(400));
    assert_eq!(error.diagnostics.aadsts, Some(65001));
    assert_eq!(error.diagnostics.trace_id.as_deref(), Some("t-1"));
    assert_eq!(stand.calls(), 1);
}

#[actix_web::test]
async fn redeem_succeeds_after_temporary_faults() {
    let passing = r#"{"error":"invalid_grant","error_codes":[90033]}"#;
    let stand = Stand::new([Scripted(503, None, "<html>"), Scripted(400, None, passing)]);
    assert!(stand.redeem("u1").await.is_ok());
    assert_eq!(stand.calls(), 3);
}

#[actix_web::test]
async fn redeem_gives_up_after_two_retries() {
    let stand = Stand::new((0..9).map(|_| Scripted(500, None, "")));
    assert_eq!(failure(stand.redeem("u1").await), RedeemFailure::Transient);
    assert_eq!(stand.calls(), 3);
    assert!(stand.redeem("u1").await.is_err(), "an outage blocks no user");
    assert_eq!(stand.calls(), 6);
}

#[actix_web::test]
async fn retry_is_not_started_when_too_little_time_is_left() {
    let stand = Stand::new((0..9).map(|_| Scripted(500, None, "")));
    // The shortest pause and the least time for a retry.
    let budget = Duration::from_millis(100 + 300);
    assert_eq!(failure(stand.redeem_within("u1", budget).await), RedeemFailure::Transient);
    assert_eq!(stand.calls(), 1);
}

#[actix_web::test]
async fn redeem_ends_at_the_deadline_when_the_endpoint_does_not_respond() {
    let stand = Stand::new([]);
    stand.peer.hangs.store(true, Ordering::SeqCst);
    assert_eq!(failure(stand.redeem_within("u1", Duration::from_millis(400)).await), RedeemFailure::Transient);
    assert_eq!(stand.calls(), 1);
}

#[actix_web::test]
async fn retry_after_blocks_the_throttled_user_only() {
    let stand = Stand::new([Scripted(429, Some("120"), "Too many requests")]);
    let wait = Some(Duration::from_mins(2));
    assert_eq!(failure(stand.redeem("u1").await), RedeemFailure::Throttled { retry_after: wait });
    let RedeemFailure::Throttled { retry_after: Some(left) } = failure(stand.redeem("u1").await) else {
        panic!("still throttled")
    };
    assert!(left > Duration::from_secs(100) && left <= Duration::from_mins(2));
    assert_eq!(stand.calls(), 1, "the issuer received no second request");
    assert!(stand.redeem("u2").await.is_ok());
    stand.clock.advance(Duration::from_mins(2));
    assert!(stand.redeem("u1").await.is_ok());
}

#[actix_web::test]
async fn several_throttled_users_or_a_tenant_code_block_the_tenant() {
    let stand = Stand::new((0..5).map(|_| Scripted(429, Some("60"), "")));
    for user in ["u1", "u2", "u3", "u4", "u5"] {
        assert!(stand.redeem(user).await.is_err());
    }
    assert!(matches!(failure(stand.redeem("u6").await), RedeemFailure::Throttled { .. }));
    assert_eq!(stand.calls(), 5);

    let tenant = r#"{"error":"invalid_request","error_codes":[90055]}"#;
    let stand = Stand::new([Scripted(429, Some("60"), tenant)]);
    assert!(stand.redeem("u1").await.is_err());
    assert!(matches!(failure(stand.redeem("u2").await), RedeemFailure::Throttled { .. }));
    assert_eq!(stand.calls(), 1);
}

#[actix_web::test]
async fn next_credential_is_tried_after_a_refused_one_and_then_preferred() {
    let expired = r#"{"error":"invalid_client","error_codes":[7000222]}"#;
    let stand = Stand::with_secrets([Scripted(401, None, expired)], &["old", "new"]);
    assert!(stand.redeem("u1").await.is_ok());
    assert!(stand.redeem("u2").await.is_ok());
    let secrets: Vec<String> =
        stand.peer.seen.lock().unwrap().iter().map(|seen| seen.form["client_secret"].clone()).collect();
    assert_eq!(secrets, ["old", "new", "new"]);

    let stand = Stand::with_secrets((0..9).map(|_| Scripted(401, None, expired)), &["old", "older"]);
    assert_eq!(failure(stand.redeem("u1").await), RedeemFailure::Misconfigured);
    assert_eq!(stand.calls(), 2, "each credential once");
}

#[actix_web::test]
async fn missing_credentials_or_an_invalid_endpoint_are_misconfigured() {
    let mut stand = Stand::with_secrets([], &[]);
    assert_eq!(failure(stand.redeem("u1").await), RedeemFailure::Misconfigured);
    stand.entra.settings.token_endpoint = "not a url {tenant}".into();
    assert_eq!(failure(stand.redeem("u1").await), RedeemFailure::Misconfigured);
    stand.entra.settings.token_endpoint = "https://10.0.0.1/{tenant}".into();
    stand.entra.replace_credentials(vec![ClientCredential::Secret(Secret::from("s"))]);
    assert_eq!(
        failure(stand.redeem("u1").await),
        RedeemFailure::Misconfigured,
        "a private address that is not permitted"
    );
    assert_eq!(stand.calls(), 0);
}

#[actix_web::test]
async fn tenant_that_is_not_a_guid_is_rejected() {
    let stand = Stand::new([]);
    for tenant in ["", "common", "../evil", "11111111222243338444555555555555", "{11111111-2222-4333-8444-55555555555}"]
    {
        let attempt =
            Attempt { correlation_id: "c".into(), deadline: Instant::now() + Duration::from_secs(1), claims: None };
        let outcome = stand.entra.redeem(&connection(), Grant::OnBehalfOf(&assertion("u", tenant)), attempt).await;
        assert_eq!(failure(outcome), RedeemFailure::AssertionRejected, "{tenant}");
    }
    assert_eq!(stand.calls(), 0);
}

#[actix_web::test]
async fn unreachable_endpoint_is_transient() {
    let mut stand = Stand::new([]);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    stand.entra.settings.token_endpoint = format!("http://127.0.0.1:{free}/{{tenant}}/token");
    assert_eq!(failure(stand.redeem("u1").await), RedeemFailure::Transient);
}

#[actix_web::test]
async fn errors_hold_neither_assertion_nor_secret_nor_token() {
    let stand = Stand::new([Scripted(200, None, r#"{"access_token":"tok en"}"#)]);
    let error = stand.redeem("u1").await.unwrap_err();
    let printed = format!("{error} {error:?} {:?}", json!({"hint": error.diagnostics.hint}));
    for secret in ["assertion'", "s3cret", "tok en"] {
        assert!(!printed.contains(secret));
    }
    assert!(error.diagnostics.hint.contains("access_token"));
}

#[actix_web::test]
async fn refresh_is_sent_to_the_users_tenant_with_the_connections_scopes_and_claims() {
    const ANSWER: &str =
        r#"{"token_type":"Bearer","access_token":"B2","expires_in":3600,"refresh_in":"1800","refresh_token":"r2"}"#;
    let stand = Stand::new([Scripted(200, None, ANSWER)]);
    let connection = Connection { continuous_access: true, ..connection() };
    let (refresh_token, user) = (Secret::from("r1"), UserKey::entra("user-1", TENANT_ID));
    let claims = crate::domain::ClaimsChallenge::parse(r#"{"access_token":{"nbf":{"value":"1"}}}"#);
    let attempt = Attempt { correlation_id: "c-1".into(), deadline: Instant::now() + Duration::from_secs(8), claims };
    let grant = Grant::RefreshToken { refresh_token: &refresh_token, user: &user };
    let redeemed = stand.entra.redeem(&connection, grant, attempt).await.unwrap();
    assert_eq!(redeemed.refresh_token.unwrap().expose(), "r2");
    let life = redeemed.refresh_at.unwrap().until(redeemed.expires_at);
    assert_eq!(life, Duration::from_mins(30));
    let seen = stand.peer.seen.lock().unwrap()[0].clone();
    assert_eq!(seen.path, format!("/{TENANT_ID}/oauth2/v2.0/token"));
    assert_eq!(seen.headers["x-anchormailbox"], format!("oid:user-1@{TENANT_ID}"));
    let claims: serde_json::Value = serde_json::from_str(&seen.form["claims"]).unwrap();
    assert_eq!(claims, json!({"access_token": {"xms_cc": {"values": ["cp1"]}, "nbf": {"value": "1"}}}));
    let mut names: Vec<_> = seen.form.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["claims", "client_id", "client_secret", "grant_type", "refresh_token", "scope"]);
    assert_eq!((seen.form["grant_type"].as_str(), seen.form["refresh_token"].as_str()), ("refresh_token", "r1"));
    assert_eq!(seen.form["scope"], "User.Read Mail.Read");
}

#[actix_web::test]
async fn refresh_token_of_another_issuers_user_is_not_sent() {
    let stand = Stand::new([]);
    for issuer in ["https://issuer.example", "entra:common", "entra:"] {
        let (refresh_token, user) = (Secret::from("r1"), UserKey::from_parts(issuer, "someone"));
        let deadline = Instant::now() + Duration::from_secs(8);
        let attempt = Attempt { correlation_id: "c-1".into(), deadline, claims: None };
        let grant = Grant::RefreshToken { refresh_token: &refresh_token, user: &user };
        let outcome = stand.entra.redeem(&connection(), grant, attempt).await;
        assert_eq!(failure(outcome), RedeemFailure::AssertionRejected, "{issuer}");
    }
    assert_eq!(stand.calls(), 0);
}

fn taking(tenants: TenantPolicy, scopes: &[&str]) -> Connection {
    let exchange = ExchangePolicy { tenants, ..connection().exchange };
    Connection { exchange, scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(), ..connection() }
}

#[actix_web::test]
async fn authorize_url_names_the_tenant_and_binds_the_response_to_the_sign_in() {
    let stand = Stand::new([]);
    let redirect_uri = Url::parse("https://sso.example/.auth/web/redirect").unwrap();
    let challenge = crate::domain::ClaimsChallenge::parse(r#"{"access_token":{"acrs":{"value":"c1"}}}"#).unwrap();
    let (state, nonce) = (Secret::from("the-state"), Secret::from("the-nonce"));
    let request = AuthorizationRequest {
        redirect_uri: &redirect_uri,
        state: &state,
        nonce: &nonce,
        code_challenge: "the-challenge",
        ask_consent: true,
        choose_account: false,
        claims: Some(&challenge),
        tenant: None,
    };
    let single = taking(TenantPolicy::Listed(vec![TENANT_ID.into()]), &["User.Read", "Profile", "offline_access"]);
    let url = stand.entra.authorize_url(&single, request).await.unwrap();
    assert_eq!(url.path(), format!("/{TENANT_ID}/oauth2/v2.0/authorize"));
    let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
    let expected = [
        ("client_id", "client-1"),
        ("response_type", "code"),
        ("redirect_uri", "https://sso.example/.auth/web/redirect"),
        ("scope", "User.Read Profile offline_access openid"),
        ("state", "the-state"),
        ("nonce", "the-nonce"),
        ("code_challenge", "the-challenge"),
        ("code_challenge_method", "S256"),
        ("claims", challenge.as_str()),
        ("response_mode", "query"),
        ("prompt", "consent"),
    ];
    assert_eq!(query, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());

    let any = Connection { continuous_access: true, ..taking(TenantPolicy::AnyOrganization, &["User.Read"]) };
    let plain = AuthorizationRequest { ask_consent: false, claims: None, ..request };
    let url = stand.entra.authorize_url(&any, plain).await.unwrap();
    assert_eq!(url.path(), "/organizations/oauth2/v2.0/authorize");
    let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!(query["claims"], r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#);
    assert_eq!(query.get("prompt"), None);

    let chosen = AuthorizationRequest { choose_account: true, tenant: Some(TENANT_ID), ..request };
    let url = stand.entra.authorize_url(&any, chosen).await.unwrap();
    assert_eq!(url.path(), format!("/{TENANT_ID}/oauth2/v2.0/authorize"));
    let prompts: Vec<_> = url.query_pairs().filter(|(name, _)| name == "prompt").map(|(_, value)| value).collect();
    assert_eq!(prompts, ["select_account"], "one value, although consent is wanted, too");
}

#[test]
fn a_sign_in_goes_to_the_given_tenant_or_where_the_connection_alone_says() {
    let (other, personal) = ("33333333-3333-4333-8333-333333333333", PERSONAL_ACCOUNTS_TENANT);
    let listed = |tenants: &[&str]| TenantPolicy::Listed(tenants.iter().map(|tenant| (*tenant).to_owned()).collect());
    for (tenants, given, segment) in [
        (listed(&[TENANT_ID]), None, TENANT_ID),
        (listed(&[TENANT_ID, other]), None, "organizations"),
        (listed(&[TENANT_ID, other]), Some(other), other),
        (listed(&[personal]), None, "consumers"),
        (listed(&[TENANT_ID, personal]), None, "common"),
        (listed(&[TENANT_ID, personal]), Some(TENANT_ID), TENANT_ID),
        (listed(&[TENANT_ID, personal]), Some(personal), "consumers"),
        (TenantPolicy::AnyOrganization, None, "organizations"),
        (TenantPolicy::AnyOrganization, Some(other), other),
        (TenantPolicy::AnyAccount, None, "common"),
        (TenantPolicy::AnyAccount, Some(other), other),
        (TenantPolicy::AnyAccount, Some("../evil"), "common"),
    ] {
        let connection = taking(tenants, &["User.Read"]);
        assert_eq!(super::sign_in_segment(&connection, given), segment, "{given:?}");
    }
}

#[actix_web::test]
async fn code_is_redeemed_in_the_sign_in_tenant_and_the_response_has_an_id_token() {
    let answer = r#"{"token_type":"Bearer","access_token":"B","expires_in":3600,"id_token":"a.b.c"}"#;
    let stand = Stand::new([Scripted(200, None, answer)]);
    let redirect_uri = Url::parse("https://sso.example/.auth/web/redirect").unwrap();
    let (code, code_verifier) = (Secret::from("the-code"), Secret::from("the-verifier"));
    let grant = Grant::AuthorizationCode {
        code: &code,
        code_verifier: &code_verifier,
        redirect_uri: &redirect_uri,
        throttled_as: "ada",
        tenant: None,
    };
    let deadline = Instant::now() + Duration::from_secs(8);
    let attempt = Attempt { correlation_id: "c-1".into(), deadline, claims: None };
    let token = stand.entra.redeem(&connection(), grant, attempt).await.unwrap();
    assert_eq!(token.id_token.unwrap().expose(), "a.b.c");
    let seen = stand.peer.seen.lock().unwrap()[0].clone();
    assert_eq!(seen.path, "/organizations/oauth2/v2.0/token");
    assert!(!seen.headers.contains_key("x-anchormailbox"), "the user is not known yet");
    let form: HashMap<&str, &str> = seen.form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let expected = [
        ("grant_type", "authorization_code"),
        ("client_id", "client-1"),
        ("client_secret", "s3cret"),
        ("code", "the-code"),
        ("code_verifier", "the-verifier"),
        ("redirect_uri", "https://sso.example/.auth/web/redirect"),
        ("scope", "User.Read Mail.Read openid profile"),
    ];
    assert_eq!(form, HashMap::from(expected));
}

#[actix_web::test]
async fn authorization_response_with_a_foreign_iss_is_refused() {
    let stand = Stand::new([]);
    for (iss, admitted) in [
        (None, true),
        (Some(format!("https://login.example/{TENANT_ID}/v2.0")), true),
        (Some(format!("https://login.example/{TENANT_ID}/v2.0/")), false),
        (Some("https://login.example/common/v2.0".to_owned()), false),
        (Some(format!("https://evil.example/{TENANT_ID}/v2.0")), false),
        (Some(String::new()), false),
    ] {
        assert_eq!(stand.entra.admits_issuer(iss.as_deref()).await, Ok(admitted), "{iss:?}");
    }
}
