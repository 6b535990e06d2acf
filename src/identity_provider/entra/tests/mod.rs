//! A scripted token endpoint for the tests of this provider.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod browser;
mod redemption;

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
use crate::domain::test_samples::sample_connection;
use crate::domain::{
    Clock, ExchangePolicy, OffsetClock, Secret, SecurityContext, SystemEntropy, TenantPolicy, UserKey,
};
use crate::identity_provider::ThrottleBoard;
use crate::observability::ProviderMetrics;
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
            metrics: ProviderMetrics::default(),
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
    Outbound::new(&OutboundSettings {
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
        expires_at: crate::domain::Timestamp::from_unix_seconds(4_000_000_000),
        security_context: SecurityContext([0; 16]),
        policy_context: SecurityContext([0; 16]),
        displayed: std::sync::Arc::default(),
    }
}

fn connection() -> Connection {
    Connection {
        client_id: "client-1".into(),
        ..sample_connection("graph", crate::domain::ProviderKind::Entra, &["User.Read", "Mail.Read"])
    }
}

fn failure(outcome: Result<RedeemedToken, RedeemError>) -> RedeemFailure {
    outcome.unwrap_err().failure
}
