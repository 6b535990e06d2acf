//! Refreshed tokens that the store does not take: given while they last, never refreshed by a refresh token that is used up,
//! and ended by a sign-out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::{CurrentTokens, TokenRevocation, TokenSignOut, UnkeptTokens};
use crate::cards::PendingSignIns;
use crate::domain::test_samples::{sample_bot, sample_connection};
use crate::domain::{
    Account, Bot, ChannelId, ClockAndEntropy, Connection, ProviderKind, Registrations, Secret, SecurityContext,
    SharedClock, SystemEntropy, Timestamp, TokenSlot, UserKey, UserToken,
};
use crate::exchange::{ClaimsChallenges, ObtainedToken, Redemption, SignInNeeds, SignInRequirements, WantedToken};
use crate::identity_provider::{
    AdmissionFuture, Attempt, AuthorizationRequest, AuthorizeFuture, Capabilities, Grant, IdentityProvider,
    ProviderRegistry, RedeemFuture, RedeemedToken, RevocableTokens, RevocationFuture, RevocationOutcome,
};
use crate::records::Records;
use crate::records::testing::{GatedStore, ThrowawayRecords, throwaway_records};
use crate::vault::TokenVault;

pub(super) const HOUR: Duration = Duration::from_hours(1);

/// What the issuer answers to a refresh.
pub(super) struct Successor {
    access_token: &'static str,
    refresh_token: Option<&'static str>,
    lifetime: Duration,
}

/// An issuer that rotates refresh tokens, and notes what it gets.
pub(super) struct RotatingIssuer {
    clock: SharedClock,
    successors: Mutex<VecDeque<Successor>>,
    /// The refresh tokens of the refreshes.
    sent: Mutex<Vec<String>>,
    /// The refresh token and the access token of each revocation.
    revoked: Mutex<Vec<String>>,
    revocation: Notify,
    /// The next answer waits until this is sent or dropped.
    held_back: Mutex<Option<oneshot::Receiver<()>>>,
}

impl RotatingIssuer {
    /// Answers with `successors`, in turn.
    pub(super) fn new(clock: SharedClock, successors: impl IntoIterator<Item = Successor>) -> Arc<Self> {
        let successors = Mutex::new(successors.into_iter().collect());
        let (sent, revoked, held_back) = Default::default();
        Arc::new(Self { clock, successors, sent, revoked, revocation: Notify::new(), held_back })
    }

    /// Holds the next answer back until the returned value is dropped.
    pub(super) fn hold_next(&self) -> oneshot::Sender<()> {
        let (sender, receiver) = oneshot::channel();
        *self.held_back.lock().unwrap() = Some(receiver);
        sender
    }

    /// The refresh tokens of the refreshes.
    pub(super) fn sent(&self) -> Vec<String> {
        self.sent.lock().unwrap().clone()
    }
}

impl IdentityProvider for RotatingIssuer {
    fn capabilities(&self) -> Capabilities {
        Capabilities { on_behalf_of: false, refresh_token: true, authorization_code: true }
    }

    fn redeem<'a>(&'a self, _: &'a Connection, grant: Grant<'a>, _: Attempt) -> RedeemFuture<'a> {
        let Grant::RefreshToken { refresh_token, .. } = grant else { panic!("a refresh") };
        self.sent.lock().unwrap().push(refresh_token.expose().to_owned());
        let next = self.successors.lock().unwrap().pop_front().expect("a refresh that the test expects");
        let redeemed = RedeemedToken {
            access_token: Secret::from(next.access_token),
            expires_at: self.clock.now().plus(next.lifetime),
            granted_scope: None,
            refresh_token: next.refresh_token.map(Secret::from),
            refresh_at: None,
            id_token: None,
        };
        let held_back = self.held_back.lock().unwrap().take();
        Box::pin(async move {
            if let Some(held_back) = held_back {
                drop(held_back.await);
            }
            Ok(redeemed)
        })
    }

    fn authorize_url<'a>(&'a self, _: &'a Connection, _: AuthorizationRequest<'a>) -> AuthorizeFuture<'a> {
        panic!("no browser signs in")
    }

    fn admits_issuer<'a>(&'a self, _: Option<&'a str>) -> AdmissionFuture<'a> {
        panic!("no browser signs in")
    }

    fn revoke<'a>(&'a self, tokens: RevocableTokens<'a>) -> RevocationFuture<'a> {
        let refresh_token = tokens.refresh_token.map(Secret::expose).unwrap_or_default();
        self.revoked.lock().unwrap().push(format!("{refresh_token} {}", tokens.access_token.expose()));
        self.revocation.notify_one();
        Box::pin(async { Ok(RevocationOutcome::Revoked) })
    }
}

struct Fixture {
    beneath: ThrowawayRecords,
    store: Arc<GatedStore>,
    vault: Arc<TokenVault>,
    tokens: CurrentTokens,
    sign_out: TokenSignOut,
    issuer: Arc<RotatingIssuer>,
    bot: Arc<Bot>,
    connection: Arc<Connection>,
    slot: TokenSlot,
    ada: UserKey,
}

pub(super) fn connection() -> Connection {
    sample_connection("tickets", ProviderKind::OpenIdConnect, &["openid", "offline_access"])
}

impl Fixture {
    /// Ada's token A0 has ended and is kept with the refresh token R0. The issuer answers with `successors`, in turn.
    async fn start(successors: impl IntoIterator<Item = Successor>) -> Self {
        let beneath = throwaway_records();
        let store = GatedStore::new(beneath.store.clone());
        let records = Records::new(store.clone(), beneath.sealer.clone(), beneath.shared_clock.clone());
        let ambient = ClockAndEntropy { clock: beneath.shared_clock.clone(), entropy: Arc::new(SystemEntropy) };
        let vault = Arc::new(TokenVault::new(&records, 1 << 20));
        let issuer = RotatingIssuer::new(beneath.shared_clock.clone(), successors);
        let (bot, connection) = (Arc::new(sample_bot()), Arc::new(connection()));
        let mut registry = ProviderRegistry::default();
        registry.register(&connection, issuer.clone());
        let requirements =
            SignInRequirements::new(Arc::new(ClaimsChallenges::new(&records)), Arc::new(SignInNeeds::new(&records)));
        let redemption = Redemption::new(Arc::new(registry), requirements.clone());
        let registrations = Arc::new(Registrations::new(vec![(*bot).clone()], vec![(*connection).clone()]));
        let revocation = TokenRevocation::new(redemption.clone(), registrations, ambient.entropy.clone());
        let unkept = UnkeptTokens::new(ambient.clock.clone());
        let cards = Arc::new(PendingSignIns::new(&records, ambient.entropy.clone()));
        let sign_out = TokenSignOut::new(vault.clone(), cards, requirements, revocation, unkept.clone());
        let account = Account::of_channel(&bot.name, ChannelId::new("msteams"), "29:ada");
        let slot = TokenSlot::new(&account, &connection.name);
        let ada = UserKey::from_parts("https://elsewhere.example", "ada");
        let now = ambient.now();
        let token = UserToken { refresh_token: Some(Secret::from("R0")), ..signed_in("A0", &ada, now, HOUR) };
        let permit = vault.permit(&slot, &ada).await.unwrap();
        vault.keep(permit, connection.revision, token).await.unwrap();
        let tokens = CurrentTokens::new(&records, vault.clone(), redemption, unkept, ambient);
        beneath.clock.advance(HOUR);
        Self { beneath, store, vault, tokens, sign_out, issuer, bot, connection, slot, ada }
    }

    fn wanted(&self) -> WantedToken<'_> {
        WantedToken { bot: &self.bot, slot: &self.slot, connection: &self.connection }
    }

    /// The access token that is given.
    async fn given(&self) -> String {
        match self.tokens.get(self.wanted()).await {
            ObtainedToken::Token(token) => token.access_token.expose().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    fn sent(&self) -> Vec<String> {
        self.issuer.sent()
    }

    async fn kept_refresh_token(&self) -> String {
        let record = self.vault.read(&self.slot, self.connection.revision).await.unwrap().unwrap();
        record.token.refresh_token.unwrap().expose().to_owned()
    }

    fn fail_writes(&self, fail: bool) {
        self.store.puts_fail.store(fail, Ordering::SeqCst);
    }

    /// Ada is not signed in, and her tokens in memory were revoked.
    async fn assert_ended_and_revoked(&self, revoked: &str) {
        while !self.issuer.revoked.lock().unwrap().iter().any(|pair| pair == revoked) {
            self.issuer.revocation.notified().await;
        }
        self.fail_writes(false);
        let obtained = self.tokens.get(self.wanted()).await;
        assert!(matches!(obtained, ObtainedToken::UserNeeded), "{obtained:?}");
    }
}

/// The token of a sign-in at `now`.
pub(super) fn signed_in(access_token: &'static str, user: &UserKey, now: Timestamp, lifetime: Duration) -> UserToken {
    UserToken {
        access_token: Secret::from(access_token),
        expires_at: now.plus(lifetime),
        user: user.clone(),
        security_context: SecurityContext([0; 16]),
        granted_scope: None,
        obtained_at: now,
        signed_in_at: now,
        refresh_token: None,
        refresh_at: None,
        id_token: None,
    }
}

pub(super) const fn successor(
    access_token: &'static str,
    refresh_token: Option<&'static str>,
    lifetime: Duration,
) -> Successor {
    Successor { access_token, refresh_token, lifetime }
}

#[tokio::test]
async fn a_refreshed_token_that_the_store_does_not_take_is_given_until_it_ends() {
    let fixture = Fixture::start([successor("A1", Some("R1"), HOUR)]).await;
    fixture.fail_writes(true);
    for _ in 0..2 {
        assert_eq!(fixture.given().await, "A1");
    }
    fixture.store.reads_fail.store(true, Ordering::SeqCst);
    assert_eq!(fixture.given().await, "A1", "the store reads nothing, either");
    assert!(fixture.tokens.can_give(fixture.wanted()).await.unwrap());
    fixture.store.reads_fail.store(false, Ordering::SeqCst);
    fixture.fail_writes(false);
    assert_eq!(fixture.given().await, "A1");
    assert_eq!((fixture.kept_refresh_token().await.as_str(), fixture.sent()), ("R1", vec!["R0".to_owned()]));
}

#[tokio::test]
async fn a_refresh_token_that_is_used_up_is_not_sent_again_although_the_store_holds_it() {
    let minute = Duration::from_mins(1);
    let successors =
        [successor("A1", Some("R1"), minute), successor("A2", None, minute), successor("A3", Some("R3"), HOUR)];
    let fixture = Fixture::start(successors).await;
    fixture.fail_writes(true);
    assert_eq!(fixture.given().await, "A1");
    fixture.beneath.clock.advance(2 * minute);
    assert_eq!(fixture.given().await, "A2", "the issuer keeps R1 valid");
    fixture.fail_writes(false);
    assert_eq!(fixture.given().await, "A2");
    assert_eq!(fixture.kept_refresh_token().await, "R1");
    fixture.beneath.clock.advance(2 * minute);
    assert_eq!(fixture.given().await, "A3");
    assert_eq!(fixture.sent(), ["R0", "R1", "R1"]);
    assert_eq!(fixture.kept_refresh_token().await, "R3");
}

#[tokio::test]
async fn the_token_of_a_later_sign_in_is_given_and_not_the_one_before_that_the_store_did_not_take() {
    let fixture = Fixture::start([successor("A1", Some("R1"), HOUR)]).await;
    fixture.fail_writes(true);
    assert_eq!(fixture.given().await, "A1");
    fixture.fail_writes(false);
    fixture.beneath.clock.advance(Duration::from_secs(1));
    let ben = UserKey::from_parts("https://elsewhere.example", "ben");
    let permit = fixture.vault.permit(&fixture.slot, &ben).await.unwrap();
    // It is so short that a refresh is tried before it is given.
    let token = signed_in("B", &ben, fixture.beneath.shared_clock.now(), Duration::from_mins(1));
    fixture.vault.keep(permit, fixture.connection.revision, token).await.unwrap();
    fixture.fail_writes(true);
    fixture.store.reads_fail.store(true, Ordering::SeqCst);
    assert_eq!(fixture.given().await, "B");
}

#[tokio::test]
async fn a_sign_out_of_the_account_ends_and_revokes_the_token_that_the_store_did_not_take() {
    let fixture = Fixture::start([successor("A1", Some("R1"), HOUR)]).await;
    fixture.fail_writes(true);
    assert_eq!(fixture.given().await, "A1");
    fixture.sign_out.forget(Some(&fixture.bot), std::slice::from_ref(&fixture.slot)).await.unwrap();
    fixture.assert_ended_and_revoked("R1 A1").await;
}

#[tokio::test]
async fn a_sign_out_everywhere_ends_and_revokes_it_although_the_store_fails() {
    let fixture = Fixture::start([successor("A1", Some("R1"), HOUR)]).await;
    fixture.fail_writes(true);
    assert_eq!(fixture.given().await, "A1");
    let ben = UserKey::from_parts("https://elsewhere.example", "ben");
    fixture.sign_out.everywhere(&ben).await.unwrap_err();
    assert_eq!(fixture.given().await, "A1", "another user was signed out");
    fixture.sign_out.everywhere(&fixture.ada).await.unwrap_err();
    fixture.assert_ended_and_revoked("R1 A1").await;
}
