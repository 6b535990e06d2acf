#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use actix_web::{App, HttpResponse, HttpServer, web};
use futures_util::future::join_all;
use serde_json::json;
use tokio::sync::Semaphore;

use super::*;
use crate::bot_connector::{ParentTokenError, ParentTokens};
use crate::domain::{BotName, OffsetClock, Skill, SkillName, SystemEntropy};
use crate::identity_provider::{AppSettings, ClientCredential, RedeemingClient, ThrottleBoard, TokenClientParts};
use crate::observability::ProviderMetrics;
use crate::outbound::{Outbound, OutboundSettings};

/// A token endpoint that counts its calls. Its tokens consist of the number of the call and the requested scope.
struct TokenEndpoint {
    calls: AtomicUsize,
    lifetime_seconds: AtomicU64,
    /// Whether every call is refused.
    refuses: AtomicBool,
    /// Each answer needs a permit. A test that takes all permits holds the answers back.
    answer_permits: Semaphore,
}

const ANSWER_PERMITS: u32 = 64;

struct Fixture {
    endpoint: Arc<TokenEndpoint>,
    clock: Arc<OffsetClock>,
    tokens: AppTokens,
    clients: Vec<Arc<AppClient>>,
    connector_scope: AppScope,
    skill_scope: AppScope,
}

async fn answer(body: String, endpoint: web::Data<Arc<TokenEndpoint>>) -> HttpResponse {
    let call = endpoint.calls.fetch_add(1, Ordering::SeqCst) + 1;
    let scope = url::form_urlencoded::parse(body.as_bytes()).find(|(name, _)| name == "scope").unwrap().1.into_owned();
    let _permit = endpoint.answer_permits.acquire().await.unwrap();
    if endpoint.refuses.load(Ordering::SeqCst) {
        return HttpResponse::Unauthorized().json(json!({"error": "invalid_client", "error_codes": [7_000_222]}));
    }
    let lifetime = endpoint.lifetime_seconds.load(Ordering::SeqCst);
    HttpResponse::Ok()
        .json(json!({"access_token": format!("{call}:{scope}"), "token_type": "Bearer", "expires_in": lifetime}))
}

impl Fixture {
    fn new() -> Self {
        let endpoint = TokenEndpoint {
            calls: 0.into(),
            lifetime_seconds: 3600.into(),
            refuses: false.into(),
            answer_permits: Semaphore::new(ANSWER_PERMITS as usize),
        };
        let endpoint = Arc::new(endpoint);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shared = web::Data::new(endpoint.clone());
        let server = HttpServer::new(move || App::new().app_data(shared.clone()).default_service(web::to(answer)));
        tokio::spawn(server.workers(1).listen(listener).unwrap().disable_signals().run());
        let clock = Arc::new(OffsetClock::default());
        let outbound = Outbound::new(&OutboundSettings {
            connect_timeout: Duration::from_secs(1),
            plain_http_hosts: vec!["127.0.0.1".into()],
            private_hosts: vec!["127.0.0.1".into()],
            max_connections_per_host: 16,
            ..OutboundSettings::default()
        });
        let parts = TokenClientParts {
            outbound: outbound.unwrap(),
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy),
            throttle: Arc::new(ThrottleBoard::for_single_command(clock.clone())),
            metrics: ProviderMetrics::default(),
        };
        let client = |tenant: &str, client_id: &str| {
            let settings = AppSettings {
                provider: "entra".into(),
                token_endpoint: Url::parse(&format!("{base}/{tenant}/token")).unwrap(),
                tenant: tenant.into(),
            };
            let credentials = vec![ClientCredential::Secret(Secret::from("s3cret"))];
            let client = RedeemingClient { client_id: client_id.into(), credentials };
            Arc::new(AppClient::new(settings, client, parts.clone()))
        };
        let clients = vec![client("one", "c"), client("two", "c"), client("one", "d")];
        let tokens = AppTokens::new(clock.clone());
        let (connector_scope, skill_scope) =
            (AppScope::configured_for("https://api.botframework.com"), AppScope::configured_for("skill"));
        Self { endpoint, clock, tokens, clients, connector_scope, skill_scope }
    }

    async fn get_for(&self, client: usize, scope: &AppScope) -> Result<String, RedeemError> {
        let attempt =
            Attempt { correlation_id: "c-1".into(), deadline: Instant::now() + Duration::from_secs(5), claims: None };
        let token = self.tokens.get(&self.clients[client], scope, &attempt).await?;
        Ok(token.access_token.expose().to_owned())
    }

    async fn get(&self) -> Result<String, RedeemError> {
        self.get_for(0, &self.connector_scope).await
    }

    /// Waits until no call for the token of the first client is running.
    async fn wait_for_refresh(&self) {
        let slot = self.tokens.slot(&self.clients[0], &self.connector_scope);
        let _ = slot.refreshes.join((), || async { Err(timed_out()) }).outcome().await;
    }

    /// Uses the token of the first client, waits for the refresh that this starts, and returns the new token.
    async fn get_refreshed(&self) -> String {
        self.get().await.unwrap();
        self.wait_for_refresh().await;
        self.get().await.unwrap()
    }

    fn calls(&self) -> usize {
        self.endpoint.calls.load(Ordering::SeqCst)
    }
}

#[actix_web::test]
async fn fifty_callers_share_one_call_and_the_token_is_kept() {
    let fixture = Fixture::new();
    for token in join_all((0..50).map(|_| fixture.get())).await {
        assert_eq!(token.unwrap(), "1:https://api.botframework.com/.default");
    }
    fixture.clock.advance(Duration::from_mins(47));
    assert!(fixture.get().await.is_ok());
    assert_eq!(fixture.calls(), 1);
}

#[actix_web::test]
async fn each_tenant_client_and_scope_has_a_separate_token() {
    let fixture = Fixture::new();
    let requests = [
        (0, &fixture.connector_scope),
        (1, &fixture.connector_scope),
        (2, &fixture.connector_scope),
        (0, &fixture.skill_scope),
    ];
    for _ in 0..2 {
        let tokens = join_all(requests.map(|(client, scope)| fixture.get_for(client, scope))).await;
        let mut tokens: Vec<String> = tokens.into_iter().map(Result::unwrap).collect();
        assert_eq!(tokens[3].split(':').nth(1), Some("skill/.default"));
        tokens.sort();
        tokens.dedup();
        assert_eq!(tokens.len(), 4);
    }
    assert_eq!(fixture.calls(), 4);
}

#[actix_web::test]
async fn a_token_is_refreshed_in_the_background_after_four_fifths_of_its_lifetime() {
    let fixture = Fixture::new();
    let first = fixture.get().await.unwrap();
    fixture.clock.advance(Duration::from_secs(48 * 60 + 30));
    for token in join_all((0..20).map(|_| fixture.get())).await {
        assert_eq!(token.unwrap(), first, "the kept token is still valid and returned at once");
    }
    assert!(fixture.get_refreshed().await.starts_with("2:"));
    assert_eq!(fixture.calls(), 2, "all callers share one refresh");

    // With a lifetime of twenty minutes, five minutes before the expiry is earlier than four fifths.
    let fixture = Fixture::new();
    fixture.endpoint.lifetime_seconds.store(20 * 60, Ordering::SeqCst);
    let first = fixture.get().await.unwrap();
    fixture.clock.advance(Duration::from_secs(14 * 60 + 50));
    assert_eq!(fixture.get().await.unwrap(), first);
    assert_eq!(fixture.calls(), 1);
    fixture.clock.advance(Duration::from_secs(20));
    assert!(fixture.get_refreshed().await.starts_with("2:"));
}

#[actix_web::test]
async fn while_a_refresh_fails_the_kept_token_is_returned_until_it_expires_and_the_endpoint_is_called_rarely() {
    let fixture = Fixture::new();
    let first = fixture.get().await.unwrap();
    fixture.endpoint.refuses.store(true, Ordering::SeqCst);
    fixture.clock.advance(Duration::from_mins(50));
    assert_eq!(fixture.get().await.unwrap(), first);
    fixture.wait_for_refresh().await;
    assert_eq!(fixture.calls(), 2);
    for _ in 0..10 {
        assert_eq!(fixture.get().await.unwrap(), first);
    }
    fixture.wait_for_refresh().await;
    assert_eq!(fixture.calls(), 2, "the failed refresh is not repeated at every use");
    fixture.clock.advance(Duration::from_secs(31));
    assert_eq!(fixture.get().await.unwrap(), first);
    fixture.wait_for_refresh().await;
    assert_eq!(fixture.calls(), 3);
    fixture.clock.advance(Duration::from_mins(10));
    assert_eq!(
        fixture.get().await.unwrap_err().failure,
        RedeemFailure::Misconfigured,
        "an expired token is not returned"
    );

    fixture.endpoint.refuses.store(false, Ordering::SeqCst);
    assert_ne!(fixture.get().await.unwrap(), first, "the failure is not kept, and the expired token is not returned");
}

#[actix_web::test]
async fn a_failure_is_returned_to_all_callers_that_waited_and_is_not_kept() {
    let fixture = Fixture::new();
    fixture.endpoint.refuses.store(true, Ordering::SeqCst);
    for outcome in join_all((0..50).map(|_| fixture.get())).await {
        assert_eq!(outcome.unwrap_err().diagnostics.aadsts, Some(7_000_222));
    }
    assert_eq!(fixture.calls(), 1);
    assert!(fixture.get().await.is_err());
    assert_eq!(fixture.calls(), 2);
}

#[actix_web::test]
async fn a_call_continues_for_other_callers_after_one_caller_times_out() {
    let fixture = Fixture::new();
    let all_permits = fixture.endpoint.answer_permits.acquire_many(ANSWER_PERMITS).await.unwrap();
    let soon =
        Attempt { correlation_id: "c-1".into(), deadline: Instant::now() + Duration::from_millis(20), claims: None };
    let late = fixture.tokens.get(&fixture.clients[0], &fixture.connector_scope, &soon).await;
    assert_eq!(late.unwrap_err().failure, RedeemFailure::Transient);
    drop(all_permits);
    assert!(fixture.get().await.unwrap().starts_with("1:"));
    assert_eq!(fixture.calls(), 1);
}

#[tokio::test]
async fn a_parent_with_credentials_gets_a_token_for_the_skill_and_another_bot_gets_none() {
    let fixture = Fixture::new();
    let (assistant, other) = (BotName::new("assistant"), BotName::new("other"));
    let clients = HashMap::from([(assistant.clone(), fixture.clients[0].clone())]);
    let parents = ParentTokens::new(clients, fixture.clock.clone());
    let skill = Skill {
        name: SkillName::new("weather"),
        app_id: "weather-app".to_owned(),
        tenant_id: "one".to_owned(),
        endpoint: "http://127.0.0.1:1/".parse().unwrap(),
        connections: Vec::new(),
        exchange_uris: Vec::new(),
        parents: vec![assistant.clone()],
    };
    let get = async |bot: &BotName| parents.get(bot, &skill, "c-1", Instant::now() + Duration::from_secs(5)).await;
    for _ in 0..2 {
        assert_eq!(get(&assistant).await.unwrap().expose(), "1:weather-app/.default");
    }
    assert!(parents.has_credentials(&assistant) && !parents.has_credentials(&other));
    assert_eq!(get(&other).await.unwrap_err(), ParentTokenError::NoCredentials);
    fixture.endpoint.refuses.store(true, Ordering::SeqCst);
    fixture.clock.advance(Duration::from_hours(2));
    assert!(matches!(get(&assistant).await, Err(ParentTokenError::NotObtained(_))));
}
