//! Exchanges of back ends' tokens at several replicas.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::{
    Acquisition, AssertionExchange, AssertionRequest, ClaimsChallenges, Redemption, SignInNeeds, SignInRequirements,
    UserRates,
};
use crate::domain::test_samples::sample_connection;
use crate::domain::{
    ClockAndEntropy, Connection, ExchangeableToken, ProviderKind, Secret, SecurityContext, SharedClock, SystemEntropy,
    Timestamp, UserKey,
};
use crate::identity_provider::{
    AdmissionFuture, Attempt, AuthorizationRequest, AuthorizeFuture, Capabilities, Grant, IdentityProvider,
    ProviderRegistry, RedeemFuture, RedeemedToken, RevocableTokens, RevocationFuture,
};
use crate::observability::Counters;
use crate::records::Records;
use crate::records::testing::throwaway_replicas;
use crate::vault::TokenVault;

/// An issuer that takes its time, and counts what it is asked.
struct SlowIssuer {
    clock: SharedClock,
    redemptions: AtomicUsize,
}

impl IdentityProvider for SlowIssuer {
    fn capabilities(&self) -> Capabilities {
        Capabilities { on_behalf_of: true, refresh_token: false, authorization_code: false }
    }

    fn redeem<'a>(&'a self, _: &'a Connection, grant: Grant<'a>, _: Attempt) -> RedeemFuture<'a> {
        assert!(matches!(grant, Grant::OnBehalfOf(_)));
        let number = self.redemptions.fetch_add(1, Ordering::SeqCst);
        let redeemed = RedeemedToken {
            access_token: Secret::new(format!("A{number}")),
            expires_at: self.clock.now().plus(Duration::from_hours(1)),
            granted_scope: None,
            refresh_token: None,
            refresh_at: None,
            id_token: None,
        };
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok(redeemed)
        })
    }

    fn authorize_url<'a>(&'a self, _: &'a Connection, _: AuthorizationRequest<'a>) -> AuthorizeFuture<'a> {
        panic!("no browser signs in")
    }

    fn admits_issuer<'a>(&'a self, _: Option<&'a str>) -> AdmissionFuture<'a> {
        panic!("no browser signs in")
    }

    fn revoke<'a>(&'a self, _: RevocableTokens<'a>) -> RevocationFuture<'a> {
        panic!("no user signs out")
    }
}

fn build(records: &Records, connection: &Connection, issuer: &Arc<SlowIssuer>) -> AssertionExchange {
    let clock = &issuer.clock;
    let mut registry = ProviderRegistry::default();
    registry.register(connection, issuer.clone());
    let challenges = Arc::new(ClaimsChallenges::new(records));
    let requirements = SignInRequirements::new(challenges, Arc::new(SignInNeeds::new(records)));
    let redemption = Redemption::new(Arc::new(registry), requirements);
    let vault = Arc::new(TokenVault::new(records, 1 << 20));
    let rates = UserRates::new(NonZeroU32::MAX, clock.clone(), Arc::<Counters>::default(), records);
    let ambient = ClockAndEntropy { clock: clock.clone(), entropy: Arc::new(SystemEntropy) };
    AssertionExchange::new(Acquisition::new(vault.clone(), redemption, Arc::new(rates), ambient), vault, records)
}

#[tokio::test]
async fn callers_of_one_user_at_two_replicas_cost_one_redemption_and_share_its_token() {
    let beneath = throwaway_replicas(2).await;
    let issuer = Arc::new(SlowIssuer { clock: beneath.shared_clock.clone(), redemptions: AtomicUsize::new(0) });
    let connection = Arc::new(sample_connection("api", ProviderKind::OpenIdConnect, &["api"]));
    let exchanges: Vec<_> = beneath.replicas.iter().map(|records| build(records, &connection, &issuer)).collect();
    let callers = (0..6).map(|caller| {
        let exchange = exchanges[caller % 2].clone();
        let token = ExchangeableToken {
            raw: Secret::new(format!("token of session {caller}")),
            user: UserKey::from_parts("https://issuer.example", "ada"),
            expires_at: Timestamp::from_unix_seconds(4_000_000_000),
            security_context: SecurityContext([0; 16]),
            policy_context: SecurityContext([0; 16]),
            displayed: std::sync::Arc::default(),
        };
        let request = AssertionRequest {
            connection: connection.clone(),
            token,
            correlation_id: String::new(),
            deadline: Instant::now() + Duration::from_secs(30),
        };
        tokio::spawn(async move { exchange.exchange(request).await.unwrap().access_token.expose().to_owned() })
    });
    for caller in callers.collect::<Vec<_>>() {
        assert_eq!(caller.await.unwrap(), "A0");
    }
    assert_eq!(issuer.redemptions.load(Ordering::SeqCst), 1);
}
