//! Tokens that several replicas refresh: an issuer that rotates refresh tokens gets each of them once.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::unkept_tests::{HOUR, RotatingIssuer, connection, signed_in, successor};
use super::{CurrentTokens, ResourceExchange, ResourceTokens, UnkeptTokens, WantedResource};
use crate::domain::test_samples::sample_bot;
use crate::domain::{
    Account, Bot, ChannelId, ClockAndEntropy, Connection, Secret, SharedClock, SystemEntropy, TokenSlot, UserKey,
    UserToken,
};
use crate::exchange::{
    ClaimsChallenges, ObtainedToken, Redemption, SignInNeeds, SignInRequirements, TokenValidators, UserRates,
    WantedToken,
};
use crate::identity_provider::ProviderRegistry;
use crate::records::Records;
use crate::records::testing::{GatedStore, throwaway_records, throwaway_replicas};
use crate::vault::TokenVault;

const RESOURCE: &str = "https://files.example/read";

fn read(obtained: ObtainedToken) -> String {
    match obtained {
        ObtainedToken::Token(token) => token.access_token.expose().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// What one replica needs to hand out tokens.
struct Replica {
    vault: Arc<TokenVault>,
    tokens: CurrentTokens,
    resources: ResourceTokens,
}

struct Fixture {
    replicas: Vec<Replica>,
    issuer: Arc<RotatingIssuer>,
    bot: Arc<Bot>,
    connection: Arc<Connection>,
    slot: TokenSlot,
}

impl Fixture {
    /// Ada's token A0, which ends after an hour, is kept with the refresh token R0.
    async fn start(replicas: &[Records], clock: &SharedClock, issuer: Arc<RotatingIssuer>) -> Self {
        let bot = Arc::new(sample_bot());
        let connection = Arc::new(Connection { exchange_uris: vec![RESOURCE.to_owned()], ..connection() });
        let build = |records: &Records| {
            let mut registry = ProviderRegistry::default();
            registry.register(&connection, issuer.clone());
            let challenges = Arc::new(ClaimsChallenges::new(records));
            let requirements = SignInRequirements::new(challenges, Arc::new(SignInNeeds::new(records)));
            let redemption = Redemption::new(Arc::new(registry), requirements);
            let vault = Arc::new(TokenVault::new(records, 1 << 20));
            let ambient = ClockAndEntropy { clock: clock.clone(), entropy: Arc::new(SystemEntropy) };
            let exchange = ResourceExchange {
                vault: vault.clone(),
                validators: Arc::new(TokenValidators::new(HashMap::new(), HashMap::new())),
                redemption: redemption.clone(),
                rates: Arc::new(UserRates::new(NonZeroU32::MAX, clock.clone(), Arc::default(), records)),
                unkept: UnkeptTokens::new(clock.clone()),
                ambient: ambient.clone(),
            };
            let unkept = exchange.unkept.clone();
            let tokens = CurrentTokens::new(records, vault.clone(), redemption, unkept, ambient);
            Replica { resources: ResourceTokens::new(tokens.clone(), exchange), tokens, vault }
        };
        let replicas: Vec<Replica> = replicas.iter().map(build).collect();
        let account = Account::of_channel(&bot.name, ChannelId::new("msteams"), "29:ada");
        let slot = TokenSlot::new(&account, &connection.name);
        let ada = UserKey::from_parts("https://elsewhere.example", "ada");
        let token = UserToken { refresh_token: Some(Secret::from("R0")), ..signed_in("A0", &ada, clock.now(), HOUR) };
        let permit = replicas[0].vault.permit(&slot, &ada).await.unwrap();
        replicas[0].vault.keep(permit, connection.revision, token).await.unwrap();
        Self { replicas, issuer, bot, connection, slot }
    }

    fn wanted(&self) -> WantedToken<'_> {
        WantedToken { bot: &self.bot, slot: &self.slot, connection: &self.connection }
    }

    async fn given(&self, replica: usize) -> String {
        read(self.replicas[replica].tokens.get(self.wanted()).await)
    }

    async fn given_for_resource(&self, replica: usize) -> String {
        let scope = WantedResource::ExchangeUri(RESOURCE).find_scope(&self.connection).unwrap();
        read(self.replicas[replica].resources.get(self.wanted(), &scope, "").await.unwrap())
    }

    async fn kept_refresh_token(&self, replica: usize) -> String {
        let record = self.replicas[replica].vault.read(&self.slot, self.connection.revision).await.unwrap().unwrap();
        record.token.refresh_token.unwrap().expose().to_owned()
    }
}

#[tokio::test]
async fn ten_callers_at_two_replicas_cost_one_refresh_and_get_its_token() {
    let beneath = throwaway_replicas(2).await;
    let issuer = RotatingIssuer::new(beneath.shared_clock.clone(), [successor("A1", Some("R1"), HOUR)]);
    let fixture = Arc::new(Fixture::start(&beneath.replicas, &beneath.shared_clock, issuer).await);
    beneath.advance(HOUR).await;
    let callers = (0..10).map(|caller| {
        let fixture = fixture.clone();
        tokio::spawn(async move { fixture.given(caller % 2).await })
    });
    for caller in callers.collect::<Vec<_>>() {
        assert_eq!(caller.await.unwrap(), "A1");
    }
    assert_eq!(fixture.issuer.sent(), ["R0"]);
    assert_eq!(fixture.kept_refresh_token(1).await, "R1");
}

#[tokio::test]
async fn ten_callers_at_two_replicas_cost_one_redemption_for_another_resource() {
    let beneath = throwaway_replicas(2).await;
    let issuer = RotatingIssuer::new(beneath.shared_clock.clone(), [successor("B1", Some("R1"), HOUR)]);
    let fixture = Arc::new(Fixture::start(&beneath.replicas, &beneath.shared_clock, issuer).await);
    let callers = (0..10).map(|caller| {
        let fixture = fixture.clone();
        tokio::spawn(async move { fixture.given_for_resource(caller % 2).await })
    });
    for caller in callers.collect::<Vec<_>>() {
        assert_eq!(caller.await.unwrap(), "B1");
    }
    assert_eq!(fixture.issuer.sent(), ["R0"]);
    assert_eq!((fixture.kept_refresh_token(1).await.as_str(), fixture.given(1).await.as_str()), ("R1", "A0"));
}

#[tokio::test]
async fn replicas_take_turns_with_the_refresh_tokens_of_a_slot() {
    let minute = Duration::from_mins(1);
    let successors = [successor("A1", Some("R1"), minute), successor("A2", Some("R2"), minute)];
    let beneath = throwaway_replicas(2).await;
    let issuer = RotatingIssuer::new(beneath.shared_clock.clone(), successors);
    let fixture = Fixture::start(&beneath.replicas, &beneath.shared_clock, issuer).await;
    beneath.advance(HOUR).await;
    assert_eq!(fixture.given(0).await, "A1");
    beneath.advance(2 * minute).await;
    assert_eq!(fixture.given(1).await, "A2");
    assert_eq!(fixture.issuer.sent(), ["R0", "R1"]);
}

#[tokio::test]
async fn a_refreshed_token_that_the_store_did_not_take_is_kept_as_soon_as_it_does() {
    let beneath = throwaway_records();
    let stores = [0; 2].map(|_| GatedStore::shared_with_others(beneath.store.clone()));
    let replicas =
        stores.clone().map(|store| Records::new(store, beneath.sealer.clone(), beneath.shared_clock.clone()));
    let issuer = RotatingIssuer::new(beneath.shared_clock.clone(), [successor("A1", Some("R1"), HOUR)]);
    let fixture = Fixture::start(&replicas, &beneath.shared_clock, issuer).await;
    beneath.clock.advance(HOUR);
    stores[0].puts_fail.store(true, Ordering::SeqCst);
    assert_eq!(fixture.given(0).await, "A1");
    stores[0].puts_fail.store(false, Ordering::SeqCst);
    while fixture.kept_refresh_token(1).await != "R1" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(fixture.given(1).await, "A1");
    assert_eq!(fixture.issuer.sent(), ["R0"], "the other replica did not redeem the refresh token that was used up");
}

#[tokio::test]
async fn a_replica_that_has_lost_its_turn_gives_the_token_that_is_kept_and_not_its_own() {
    let beneath = throwaway_records();
    let stores = [0; 2].map(|_| GatedStore::shared_with_others(beneath.store.clone()));
    let replicas =
        stores.clone().map(|store| Records::new(store, beneath.sealer.clone(), beneath.shared_clock.clone()));
    let successors = [successor("late", Some("late"), HOUR), successor("A1", Some("R1"), HOUR)];
    let issuer = RotatingIssuer::new(beneath.shared_clock.clone(), successors);
    let fixture = Arc::new(Fixture::start(&replicas, &beneath.shared_clock, issuer).await);
    beneath.clock.advance(HOUR);
    stores[0].renewals_fail.store(true, Ordering::SeqCst);
    let held_back = fixture.issuer.hold_next();
    let slow = tokio::spawn({
        let fixture = fixture.clone();
        async move { fixture.given(0).await }
    });
    while fixture.issuer.sent().is_empty() {
        tokio::task::yield_now().await;
    }
    // The other replica waits for its turn until the lease has run out.
    assert_eq!(fixture.given(1).await, "A1");
    drop(held_back);
    assert_eq!(slow.await.unwrap(), "A1");
    assert_eq!(fixture.kept_refresh_token(0).await, "R1");
}
