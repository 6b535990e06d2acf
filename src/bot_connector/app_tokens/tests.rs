#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use actix_web::{App, HttpResponse, HttpServer, web};
use futures_util::future::join_all;
use serde_json::json;
use tokio::sync::Semaphore;

use super::*;
use crate::domain::{OffsetClock, SystemEntropy};
use crate::identity_provider::{AppSettings, ClientCredential, RedeemingClient, ThrottleBoard, TokenClientParts};
use crate::outbound::{Outbound, OutboundSettings};

/// A token endpoint that counts, and answers with the count and the scope it was asked for.
struct Issuer {
    calls: AtomicUsize,
    life: AtomicU64,
    refusing: AtomicUsize,
    /// Every answer waits for it; a test that takes all of it holds the answers back.
    gate: Semaphore,
}

const OPEN: u32 = 64;

struct Stand {
    issuer: Arc<Issuer>,
    clock: Arc<OffsetClock>,
    tokens: AppTokens,
    clients: Vec<Arc<AppClient>>,
    bot: AppScope,
    other: AppScope,
}

async fn answer(body: String, issuer: web::Data<Arc<Issuer>>) -> HttpResponse {
    let call = issuer.calls.fetch_add(1, Ordering::SeqCst) + 1;
    let scope = url::form_urlencoded::parse(body.as_bytes()).find(|(name, _)| name == "scope").unwrap().1.into_owned();
    let _open = issuer.gate.acquire().await.unwrap();
    if issuer.refusing.load(Ordering::SeqCst) > 0 {
        return HttpResponse::Unauthorized().json(json!({"error": "invalid_client", "error_codes": [7_000_222]}));
    }
    let life = issuer.life.load(Ordering::SeqCst);
    HttpResponse::Ok()
        .json(json!({"access_token": format!("{call}:{scope}"), "token_type": "Bearer", "expires_in": life}))
}

impl Stand {
    fn new() -> Self {
        let issuer =
            Issuer { calls: 0.into(), life: 3600.into(), refusing: 0.into(), gate: Semaphore::new(OPEN as usize) };
        let issuer = Arc::new(issuer);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shared = web::Data::new(issuer.clone());
        let server = HttpServer::new(move || App::new().app_data(shared.clone()).default_service(web::to(answer)));
        tokio::spawn(server.workers(1).listen(listener).unwrap().disable_signals().run());
        let clock = Arc::new(OffsetClock::default());
        let outbound = Outbound::new(OutboundSettings {
            connect_timeout: Duration::from_secs(1),
            plain_http_hosts: vec!["127.0.0.1".into()],
            private_hosts: vec!["127.0.0.1".into()],
            max_connections_per_host: 16,
            ..OutboundSettings::default()
        });
        let means = TokenClientParts {
            outbound: outbound.unwrap(),
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy),
            throttle: Arc::new(ThrottleBoard::for_single_command(clock.clone())),
        };
        let client = |tenant: &str, client_id: &str| {
            let settings = AppSettings {
                provider: "entra".into(),
                token_endpoint: Url::parse(&format!("{base}/{tenant}/token")).unwrap(),
                tenant: tenant.into(),
            };
            let credentials = vec![ClientCredential::Secret(Secret::from("s3cret"))];
            let client = RedeemingClient { client_id: client_id.into(), credentials };
            Arc::new(AppClient::new(settings, client, means.clone()))
        };
        let clients = vec![client("one", "c"), client("two", "c"), client("one", "d")];
        let tokens = AppTokens::new(clock.clone());
        let (bot, other) =
            (AppScope::configured_for("https://api.botframework.com"), AppScope::configured_for("skill"));
        Self { issuer, clock, tokens, clients, bot, other }
    }

    async fn get_of(&self, client: usize, scope: &AppScope) -> Result<String, RedeemError> {
        let attempt =
            Attempt { correlation_id: "c-1".into(), deadline: Instant::now() + Duration::from_secs(5), claims: None };
        let token = self.tokens.get(&self.clients[client], scope, &attempt).await?;
        Ok(token.access_token.expose().to_owned())
    }

    async fn get(&self) -> Result<String, RedeemError> {
        self.get_of(0, &self.bot).await
    }

    /// Waits until no call for the first token is under way.
    async fn settle(&self) {
        let slot = self.tokens.slot(&self.clients[0], &self.bot);
        let _ = slot.asking.join((), || async { Err(too_late()) }).outcome().await;
    }

    /// The first token once the refresh that a look at it starts has ended.
    async fn get_refreshed(&self) -> String {
        self.get().await.unwrap();
        self.settle().await;
        self.get().await.unwrap()
    }

    fn calls(&self) -> usize {
        self.issuer.calls.load(Ordering::SeqCst)
    }
}

#[actix_web::test]
async fn fifty_callers_cost_one_call_and_the_token_is_kept() {
    let stand = Stand::new();
    for token in join_all((0..50).map(|_| stand.get())).await {
        assert_eq!(token.unwrap(), "1:https://api.botframework.com/.default");
    }
    stand.clock.advance(Duration::from_mins(47));
    assert!(stand.get().await.is_ok());
    assert_eq!(stand.calls(), 1);
}

#[actix_web::test]
async fn tenant_client_and_scope_have_tokens_of_their_own() {
    let stand = Stand::new();
    let asked = [(0, &stand.bot), (1, &stand.bot), (2, &stand.bot), (0, &stand.other)];
    for _ in 0..2 {
        let tokens = join_all(asked.map(|(client, scope)| stand.get_of(client, scope))).await;
        let mut tokens: Vec<String> = tokens.into_iter().map(Result::unwrap).collect();
        assert_eq!(tokens[3].split(':').nth(1), Some("skill/.default"));
        tokens.sort();
        tokens.dedup();
        assert_eq!(tokens.len(), 4);
    }
    assert_eq!(stand.calls(), 4);
}

#[actix_web::test]
async fn at_four_fifths_of_its_life_a_token_is_refreshed_behind_the_callers_back() {
    let stand = Stand::new();
    let first = stand.get().await.unwrap();
    stand.clock.advance(Duration::from_secs(48 * 60 + 30));
    for token in join_all((0..20).map(|_| stand.get())).await {
        assert_eq!(token.unwrap(), first, "the old one is good and served at once");
    }
    assert!(stand.get_refreshed().await.starts_with("2:"));
    assert_eq!(stand.calls(), 2, "one refresh for all");

    // With twenty minutes of life, five minutes before the end comes before four fifths.
    let stand = Stand::new();
    stand.issuer.life.store(20 * 60, Ordering::SeqCst);
    let first = stand.get().await.unwrap();
    stand.clock.advance(Duration::from_secs(14 * 60 + 50));
    assert_eq!(stand.get().await.unwrap(), first);
    assert_eq!(stand.calls(), 1);
    stand.clock.advance(Duration::from_secs(20));
    assert!(stand.get_refreshed().await.starts_with("2:"));
}

#[actix_web::test]
async fn while_a_refresh_fails_the_old_token_serves_to_its_end_and_the_issuer_is_left_in_peace() {
    let stand = Stand::new();
    let first = stand.get().await.unwrap();
    stand.issuer.refusing.store(1, Ordering::SeqCst);
    stand.clock.advance(Duration::from_mins(50));
    assert_eq!(stand.get().await.unwrap(), first);
    stand.settle().await;
    assert_eq!(stand.calls(), 2);
    for _ in 0..10 {
        assert_eq!(stand.get().await.unwrap(), first);
    }
    stand.settle().await;
    assert_eq!(stand.calls(), 2, "not asked again at every use");
    stand.clock.advance(Duration::from_secs(31));
    assert_eq!(stand.get().await.unwrap(), first);
    stand.settle().await;
    assert_eq!(stand.calls(), 3);
    stand.clock.advance(Duration::from_mins(10));
    assert_eq!(stand.get().await.unwrap_err().failure, RedeemFailure::Misconfigured, "and not beyond its end");

    stand.issuer.refusing.store(0, Ordering::SeqCst);
    assert_ne!(stand.get().await.unwrap(), first, "neither a failure nor what has ended is handed out");
}

#[actix_web::test]
async fn a_failure_is_shared_by_those_who_waited_for_it() {
    let stand = Stand::new();
    stand.issuer.refusing.store(1, Ordering::SeqCst);
    for outcome in join_all((0..50).map(|_| stand.get())).await {
        assert_eq!(outcome.unwrap_err().diagnostics.aadsts, Some(7_000_222));
    }
    assert_eq!(stand.calls(), 1);
    assert!(stand.get().await.is_err());
    assert_eq!(stand.calls(), 2);
}

#[actix_web::test]
async fn a_caller_who_gives_up_ends_the_call_for_nobody() {
    let stand = Stand::new();
    let closed = stand.issuer.gate.acquire_many(OPEN).await.unwrap();
    let soon =
        Attempt { correlation_id: "c-1".into(), deadline: Instant::now() + Duration::from_millis(20), claims: None };
    let late = stand.tokens.get(&stand.clients[0], &stand.bot, &soon).await;
    assert_eq!(late.unwrap_err().failure, RedeemFailure::Transient);
    drop(closed);
    assert!(stand.get().await.unwrap().starts_with("1:"));
    assert_eq!(stand.calls(), 1);
}
