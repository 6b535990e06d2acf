//! Exchanges whose duplicates reach several replicas over a shared store.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::future::pending;
use std::mem::forget;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::{
    Acquisition, Admission, AfterExchange, ContinuationMark, ExchangeEngine, ExchangeRequest, JoinedExchange,
    LeadingExchange, Settlement,
};
use crate::cards::{PendingSignIns, SignInOffer, StatedIdentity};
use crate::domain::test_samples::{sample_bot, sample_connection};
use crate::domain::{
    Account, Bot, ChannelId, ClockAndEntropy, Connection, ConversationId, ExchangeableToken, ProviderKind, Secret,
    SecurityContext, SharedClock, SystemEntropy, TokenSlot, UserKey,
};
use crate::exchange::{
    ActivityEvidence, ClaimsChallenges, Conversation, Evidence, ExchangeNames, Outcome, Reason, Redemption,
    SignInNeeds, SignInRequirements, UserRates,
};
use crate::identity_provider::{
    AdmissionFuture, Attempt, AuthorizationRequest, AuthorizeFuture, Capabilities, Diagnostics, Grant,
    IdentityProvider, ProviderRegistry, RedeemError, RedeemFailure, RedeemFuture, RedeemedToken, RevocableTokens,
    RevocationFuture,
};
use crate::observability::Counters;
use crate::records::Records;
use crate::records::testing::{GatedStore, ThrowawayReplicas, throwaway_records, throwaway_replicas};
use crate::vault::TokenVault;

/// The time for an answer. Nothing waits that long.
const PATIENCE: Duration = Duration::from_secs(8);

/// An issuer that all replicas ask. It counts the redemptions.
struct Issuer {
    clock: SharedClock,
    redemptions: AtomicUsize,
    needs_consent: AtomicBool,
}

impl IdentityProvider for Issuer {
    fn capabilities(&self) -> Capabilities {
        Capabilities { on_behalf_of: true, refresh_token: false, authorization_code: false }
    }

    fn redeem<'a>(&'a self, _: &'a Connection, _: Grant<'a>, _: Attempt) -> RedeemFuture<'a> {
        let number = self.redemptions.fetch_add(1, Ordering::SeqCst);
        if self.needs_consent.load(Ordering::SeqCst) {
            let diagnostics = Box::<Diagnostics>::default();
            return Box::pin(async { Err(RedeemError { failure: RedeemFailure::ConsentRequired, diagnostics }) });
        }
        let redeemed = RedeemedToken {
            access_token: Secret::from(format!("T{number}").as_str()),
            expires_at: self.clock.now().plus(Duration::from_hours(1)),
            granted_scope: None,
            refresh_token: None,
            refresh_at: None,
            id_token: None,
        };
        Box::pin(async move { Ok(redeemed) })
    }

    fn authorize_url<'a>(&'a self, _: &'a Connection, _: AuthorizationRequest<'a>) -> AuthorizeFuture<'a> {
        panic!("no browser signs in")
    }

    fn admits_issuer<'a>(&'a self, _: Option<&'a str>) -> AdmissionFuture<'a> {
        panic!("no browser signs in")
    }

    fn revoke<'a>(&'a self, _: RevocableTokens<'a>) -> RevocationFuture<'a> {
        panic!("nothing is revoked")
    }
}

/// A reply that names the request that led.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reply {
    reason: Option<Reason>,
    leader: String,
}

impl Settlement for Reply {
    const FORM: &'static str = "test";

    fn succeeded(&self) -> bool {
        self.reason.is_none()
    }

    fn bytes(&self) -> usize {
        self.leader.len()
    }

    fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(&(self.reason, &self.leader)).unwrap()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (reason, leader) = serde_json::from_slice(bytes).ok()?;
        Some(Self { reason, leader })
    }
}

/// What continues a bot's dialog after an exchange.
struct Continuation {
    leader: String,
    /// The leaders that have sent something to the bot.
    sent: Arc<Mutex<Vec<String>>>,
    /// The bot never answers; told when it was asked.
    hangs: Option<Arc<Notify>>,
}

impl AfterExchange for Continuation {
    type Reply = Reply;

    async fn settle(self, _: &ExchangeRequest, outcome: Outcome, mark: ContinuationMark<'_>) -> Reply {
        if let Outcome::Refused(refusal) = outcome {
            return Reply { reason: Some(refusal.reason), leader: self.leader };
        }
        if !mark.set().await.unwrap() {
            return Reply { reason: Some(Reason::BadRequest), leader: self.leader };
        }
        self.sent.lock().unwrap().push(self.leader.clone());
        if let Some(is_asked) = self.hangs {
            is_asked.notify_one();
            pending::<()>().await;
        }
        Reply { reason: None, leader: self.leader }
    }
}

/// One replica.
#[derive(Clone)]
struct Replica {
    engine: Arc<ExchangeEngine<Reply>>,
    vault: Arc<TokenVault>,
    cards: Arc<PendingSignIns>,
    bot: Arc<Bot>,
    connection: Arc<Connection>,
    sent: Arc<Mutex<Vec<String>>>,
}

struct Fixture {
    shared: ThrowawayReplicas,
    issuer: Arc<Issuer>,
    replicas: Vec<Replica>,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Fixture {
    async fn start(count: usize) -> Self {
        let shared = throwaway_replicas(count).await;
        let issuer = issuer(shared.shared_clock.clone());
        let sent = Arc::<Mutex<Vec<String>>>::default();
        let replicas = shared.replicas.iter().map(|records| Replica::new(records, &issuer, &sent)).collect();
        Self { shared, issuer, replicas, sent }
    }

    fn redemptions(&self) -> usize {
        self.issuer.redemptions.load(Ordering::SeqCst)
    }

    fn sent(&self) -> Vec<String> {
        self.sent.lock().unwrap().clone()
    }

    /// Lets a replica lead in a process that is killed: its lease is neither renewed nor ended.
    async fn kill_leader(&self, replica: usize, leader: &'static str, stage: Stage) {
        let killed = self.replicas[replica].clone();
        let work = move || async move {
            let leading = killed.lead(leader).await;
            match stage {
                Stage::BeforeRedemption => forget(leading),
                Stage::BotIsAsked => {
                    let is_asked = Arc::new(Notify::new());
                    let after = Continuation { hangs: Some(is_asked.clone()), ..killed.continuation(leader) };
                    tokio::spawn(leading.run(after));
                    is_asked.notified().await;
                }
            }
        };
        in_process_that_ends(work).await;
    }
}

/// Runs `work` in a runtime that ends at once, with all tasks that `work` has started.
async fn in_process_that_ends<T: Send + 'static, F: Future<Output = T>>(
    work: impl FnOnce() -> F + Send + 'static,
) -> T {
    let (sender, result) = oneshot::channel();
    thread::spawn(move || {
        let runtime = Runtime::new().unwrap();
        let done = runtime.block_on(work());
        runtime.shutdown_background();
        sender.send(done).ok().unwrap();
    });
    result.await.unwrap()
}

/// What a replica has done when it is killed.
#[derive(Clone, Copy)]
enum Stage {
    BeforeRedemption,
    BotIsAsked,
}

fn issuer(clock: SharedClock) -> Arc<Issuer> {
    Arc::new(Issuer { clock, redemptions: AtomicUsize::new(0), needs_consent: AtomicBool::new(false) })
}

impl Replica {
    fn new(records: &Records, issuer: &Arc<Issuer>, sent: &Arc<Mutex<Vec<String>>>) -> Self {
        let ambient = ClockAndEntropy { clock: records.clock().clone(), entropy: Arc::new(SystemEntropy) };
        let vault = Arc::new(TokenVault::new(records, 1 << 20));
        let connection = Arc::new(sample_connection("mail", ProviderKind::OpenIdConnect, &[]));
        let mut registry = ProviderRegistry::default();
        registry.register(&connection, issuer.clone());
        let requirements =
            SignInRequirements::new(Arc::new(ClaimsChallenges::new(records)), Arc::new(SignInNeeds::new(records)));
        let redemption = Redemption::new(Arc::new(registry), requirements);
        let clock = ambient.clock.clone();
        let rates = Arc::new(UserRates::new(NonZeroU32::MAX, clock, Arc::<Counters>::default(), records));
        let cards = Arc::new(PendingSignIns::new(records, ambient.entropy.clone()));
        let admission = Admission::new(vault.clone(), cards.clone(), rates.clone());
        let acquisition = Acquisition::new(vault.clone(), redemption, rates, ambient);
        let engine = ExchangeEngine::new(admission, acquisition, ExchangeNames::new(records), records);
        let bot = Arc::new(sample_bot());
        Self { engine: Arc::new(engine), vault, cards, bot, connection, sent: sent.clone() }
    }

    fn account(&self) -> Account {
        Account::of_channel(&self.bot.name, ChannelId::new("webchat"), "ada")
    }

    /// Ada's answer to the card `card`.
    fn request(&self, correlation_id: &str) -> ExchangeRequest {
        self.request_in(Conversation { id: ConversationId::new("c"), shared: false }, "card", correlation_id)
    }

    fn request_in(&self, conversation: Conversation, card_id: &str, correlation_id: &str) -> ExchangeRequest {
        let (card_id, stated) = (Some(Arc::from(card_id)), StatedIdentity::default());
        let begun = Instant::now();
        ExchangeRequest {
            bot: self.bot.clone(),
            connection: self.connection.clone(),
            account: self.account(),
            evidence: Evidence::Activity(ActivityEvidence { conversation, card_id, is_action: false, stated }),
            token: ExchangeableToken {
                raw: Secret::from("an exchangeable token"),
                user: UserKey::from_parts("https://elsewhere.example", "ada"),
                expires_at: self.engine.acquisition.ambient().now().plus(Duration::from_hours(1)),
                security_context: SecurityContext([0; 16]),
                policy_context: SecurityContext([0; 16]),
                displayed: Arc::default(),
            },
            correlation_id: correlation_id.to_owned(),
            deadline: begun + PATIENCE,
            answer_by: begun + PATIENCE,
        }
    }

    fn continuation(&self, leader: &str) -> Continuation {
        Continuation { leader: leader.to_owned(), sent: self.sent.clone(), hangs: None }
    }

    /// Joins an exchange that no replica makes.
    async fn lead(&self, correlation_id: &str) -> LeadingExchange<Reply> {
        match self.engine.join(Box::new(self.request(correlation_id))).await.unwrap() {
            JoinedExchange::Leads(leading) => leading,
            JoinedExchange::Settled(reply) => panic!("{reply:?}"),
        }
    }

    async fn exchange(&self, correlation_id: &str) -> Reply {
        self.exchange_request(self.request(correlation_id)).await
    }

    async fn exchange_request(&self, request: ExchangeRequest) -> Reply {
        let correlation_id = request.correlation_id.clone();
        match self.engine.join(Box::new(request)).await.unwrap() {
            JoinedExchange::Settled(reply) => reply,
            JoinedExchange::Leads(leading) => leading.run(self.continuation(&correlation_id)).await.unwrap(),
        }
    }
}

/// Sends one exchange to all replicas at once, twice to each. Returns the replies.
async fn exchange_everywhere(fixture: &Fixture) -> Vec<Reply> {
    let mut sending = Vec::new();
    for (number, replica) in fixture.replicas.iter().enumerate() {
        for copy in ["a", "b"] {
            let (replica, correlation_id) = (replica.clone(), format!("{number}{copy}"));
            sending.push(tokio::spawn(async move { replica.exchange(&correlation_id).await }));
        }
    }
    let mut replies = Vec::new();
    for sent in sending {
        replies.push(sent.await.unwrap());
    }
    replies
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_that_reaches_three_replicas_at_once_is_made_once_and_answered_alike() {
    let fixture = Fixture::start(3).await;
    let replies = exchange_everywhere(&fixture).await;
    assert!(replies[0].succeeded() && replies.iter().all(|reply| *reply == replies[0]), "{replies:?}");
    assert_eq!((fixture.redemptions(), fixture.sent()), (1, vec![replies[0].leader.clone()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_answers_the_duplicates_at_all_replicas_and_frees_the_exchange_after_three_seconds() {
    let fixture = Fixture::start(3).await;
    fixture.issuer.needs_consent.store(true, Ordering::SeqCst);
    let replies = exchange_everywhere(&fixture).await;
    assert_eq!(replies[0].reason, Some(Reason::ConsentRequired));
    assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:?}");
    assert_eq!((fixture.redemptions(), fixture.sent().len()), (1, 0));

    fixture.issuer.needs_consent.store(false, Ordering::SeqCst);
    fixture.shared.clock.advance(Duration::from_secs(3));
    let retried = fixture.replicas[1].exchange("retry").await;
    assert_eq!((retried.reason, retried.leader.as_str(), fixture.redemptions()), (None, "retry", 2));
}

#[tokio::test]
async fn a_settled_exchange_answers_a_duplicate_at_another_replica_while_the_token_is_kept() {
    let fixture = Fixture::start(2).await;
    let [one, other] = [&fixture.replicas[0], &fixture.replicas[1]];
    let first = one.exchange("first").await;
    fixture.shared.clock.advance(Duration::from_mins(14));
    assert_eq!(other.exchange("later").await, first);
    assert_eq!((fixture.redemptions(), fixture.sent().len()), (1, 1));

    let slot = TokenSlot::new(&one.account(), &one.connection.name);
    other.vault.forget(&slot).await.unwrap();
    let again = other.exchange("after the sign-out").await;
    assert_eq!((again.reason, again.leader.as_str()), (None, "after the sign-out"));
    assert_eq!((fixture.redemptions(), fixture.sent().len()), (2, 2), "another sign-in has another continuation");
}

#[tokio::test]
async fn a_replica_takes_over_when_the_lease_of_a_killed_leader_runs_out() {
    let fixture = Fixture::start(2).await;
    fixture.kill_leader(0, "killed", Stage::BeforeRedemption).await;
    let reply = fixture.replicas[1].exchange("follower").await;
    assert_eq!((reply.reason, reply.leader.as_str()), (None, "follower"));
    assert_eq!((fixture.redemptions(), fixture.sent()), (1, vec![String::from("follower")]));
}

#[tokio::test]
async fn what_a_killed_leader_has_sent_to_the_bot_is_not_sent_again_and_its_token_stays() {
    let fixture = Fixture::start(3).await;
    fixture.kill_leader(0, "killed", Stage::BotIsAsked).await;
    for follower in [1, 2] {
        let reply = fixture.replicas[follower].exchange("follower").await;
        assert_eq!(reply.reason, Some(Reason::BadRequest), "it is told that the exchange is continued");
    }
    assert_eq!((fixture.redemptions(), fixture.sent()), (1, vec![String::from("killed")]));
    let slot = TokenSlot::new(&fixture.replicas[1].account(), &fixture.replicas[1].connection.name);
    let kept = fixture.replicas[1].vault.find(&slot, fixture.replicas[1].connection.revision).await.unwrap();
    assert_eq!(kept.unwrap().access_token.expose(), "T0");
    // The mark outlives the failures of those who have found it.
    fixture.shared.clock.advance(Duration::from_mins(5));
    assert!(!fixture.replicas[2].exchange("later").await.succeeded());
    assert_eq!(fixture.sent().len(), 1);
}

#[tokio::test]
async fn a_leader_that_comes_back_after_another_has_led_sends_nothing_and_answers_as_the_other_does() {
    let fixture = Fixture::start(2).await;
    let [one, other] = [&fixture.replicas[0], &fixture.replicas[1]];
    let pausing = one.clone();
    let paused = in_process_that_ends(move || async move { pausing.lead("paused").await }).await;
    let reply = other.exchange("follower").await;
    assert_eq!((reply.reason, reply.leader.as_str()), (None, "follower"));
    assert_eq!(paused.run(one.continuation("paused")).await.unwrap(), reply);
    assert_eq!((fixture.redemptions(), fixture.sent()), (1, vec![String::from("follower")]));
}

#[tokio::test]
async fn in_a_group_a_duplicate_is_admitted_at_another_replica_although_its_card_is_finished() {
    let fixture = Fixture::start(2).await;
    let [one, other] = [&fixture.replicas[0], &fixture.replicas[1]];
    let conversation = Conversation { id: ConversationId::new("group"), shared: true };
    let offer = SignInOffer {
        account: one.account(),
        conversation: Some(conversation.id.clone()),
        connection: one.connection.name.clone(),
        offered_sso: true,
        stated: StatedIdentity::default(),
        final_redirect: None,
    };
    let card_id = one.cards.begin(offer).await.unwrap().0.card_id.clone();
    let first = one.exchange_request(one.request_in(conversation.clone(), &card_id, "first")).await;
    assert!(first.succeeded(), "{first:?}");
    let second = other.exchange_request(other.request_in(conversation.clone(), &card_id, "second")).await;
    assert_eq!(second, first);
    let unasked = other.request_in(conversation, "another card", "third");
    assert!(other.engine.join(Box::new(unasked)).await.is_err(), "nothing is known of another card");
}

#[tokio::test]
async fn an_exchange_is_an_outage_while_the_shared_store_fails_and_works_again_afterwards() {
    let beneath = throwaway_records();
    let store = GatedStore::shared_with_others(beneath.store.clone());
    let records = Records::new(store.clone(), beneath.sealer.clone(), beneath.shared_clock.clone());
    let issuer = issuer(beneath.shared_clock.clone());
    let replica = Replica::new(&records, &issuer, &Arc::default());
    store.set_failing(true);
    let refused = match replica.engine.join(Box::new(replica.request("one"))).await {
        Err(refusal) => refusal.reason,
        Ok(_) => panic!("the exchange should have been refused"),
    };
    assert!(matches!(refused, Reason::TemporarilyUnavailable(_)), "{refused:?}");
    assert_eq!(issuer.redemptions.load(Ordering::SeqCst), 0);
    store.set_failing(false);
    assert!(replica.exchange("two").await.succeeded());
}
