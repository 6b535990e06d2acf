use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::continuation_claims::ContinuationClaims;
use super::forwarding::{BotCall, BotClient, ForwardedRequest};
use crate::domain::{Bot, BotMessage, ExchangeKey, Timestamp};
use crate::observability::{Count, Counters, carry};
use crate::outbound::OutboundError;

/// The pauses before the second and the third attempt (docs/architecture.md §Life of a silent sign-in: three attempts
/// within a minute).
const RETRY_PAUSES: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(12)];
/// The maximum time of one attempt, in which the bot runs its dialog and answers.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

/// The maximum number of simultaneous deliveries. Each takes about a minute at most.
const MAX_DELIVERIES: u32 = 10_000;

/// A `tokens/response` event that is to be delivered to a bot.
pub struct Notification {
    /// The bot that gets the event.
    pub bot: Arc<Bot>,
    /// The event, with the headers of the request whose token was exchanged.
    pub request: ForwardedRequest,
    /// The conversation. Its running turns end before the event is delivered.
    pub conversation_id: String,
    /// The exchange that obtained the token.
    pub key: ExchangeKey,
    /// When the user signed in. With `key` it names the claim: a later sign-in has its own event, a refreshed token none.
    pub signed_in_at: Timestamp,
    /// Called before each attempt: a user who signed out in the meantime has no token, and the bot gets no event.
    pub is_token_kept: TokenKeptCheck,
    /// The correlation id of the request whose token was exchanged, for the log.
    pub correlation_id: String,
}

/// Checks whether the token of a notification is still kept. `None` if the store failed, so that it is not known.
pub type TokenKeptCheck = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Option<bool>> + Send>> + Send + Sync>;

/// Delivers `tokens/response` events to bots after the caller got its answer. A bot gets the event of a token at most
/// once, also across a crash: the claim is durable before the first attempt.
#[derive(Clone)]
pub struct ContinuationDelivery {
    bots: BotClient,
    claims: Arc<ContinuationClaims>,
    counters: Arc<Counters>,
    /// The runtime of the process. The runtime of the worker that answered the caller ends earlier, when the process
    /// drains.
    runtime: Handle,
    /// One permit for each further delivery that may begin.
    delivery_permits: Arc<Semaphore>,
}

/// The outcome of one attempt, with the bot's status if the bot answered.
enum AttemptOutcome {
    Delivered(u16),
    /// The bot did not process the event, so another attempt cannot run a step of its dialog twice.
    NotProcessed,
    /// The bot may have processed the event, so there is no further attempt.
    Unknown(Option<u16>),
}

impl ContinuationDelivery {
    /// Delivers through `bots`. Deliveries run on the runtime on which this is called.
    #[must_use]
    pub fn new(bots: BotClient, claims: Arc<ContinuationClaims>, counters: Arc<Counters>) -> Self {
        let delivery_permits = Arc::new(Semaphore::new(MAX_DELIVERIES as usize));
        Self { bots, claims, counters, runtime: Handle::current(), delivery_permits }
    }

    /// Starts the delivery in a new task and returns at once. The task counts and logs a failure.
    pub fn start(&self, notification: Notification) {
        let Ok(permit) = Arc::clone(&self.delivery_permits).try_acquire_owned() else {
            self.counters.add(Count::ContinuationFailed);
            let correlation_id = notification.correlation_id.as_str();
            let message = "the tokens/response event was not delivered: too many deliveries are in progress";
            return tracing::error!(correlation_id, "{message}");
        };
        let delivery = self.clone();
        self.runtime.spawn(carry(async move {
            delivery.deliver(notification).await;
            drop(permit);
        }));
    }

    /// Waits until all deliveries have ended, for at most `limit`. Returns whether all have ended.
    pub async fn finish(&self, limit: Duration) -> bool {
        timeout(limit, self.delivery_permits.acquire_many(MAX_DELIVERIES)).await.is_ok()
    }

    async fn deliver(&self, notification: Notification) {
        if !self.claim(&notification).await {
            return;
        }
        let deadline = Instant::now() + ATTEMPT_TIMEOUT;
        self.bots.turns().wait_until_idle(&notification.bot, &notification.conversation_id, deadline).await;
        let correlation_id = notification.correlation_id.as_str();
        let bot = notification.bot.name.as_str();
        for pause in RETRY_PAUSES.into_iter().map(Some).chain([None]) {
            let outcome = match (notification.is_token_kept)().await {
                Some(true) => self.attempt(&notification).await,
                Some(false) => {
                    let message = "the tokens/response event was not delivered: the user's token is no longer kept";
                    return tracing::info!(correlation_id, bot, "{message}");
                }
                // While the store fails, it is not known whether the user has signed out.
                None => AttemptOutcome::NotProcessed,
            };
            match (outcome, pause) {
                (AttemptOutcome::Delivered(status), _) => {
                    self.counters.add(Count::ContinuationDelivered);
                    return tracing::info!(correlation_id, bot, status, "the bot accepted the tokens/response event");
                }
                (AttemptOutcome::NotProcessed, Some(pause)) => {
                    tracing::warn!(correlation_id, bot, "the bot did not get the tokens/response event; trying again");
                    sleep(pause).await;
                }
                (AttemptOutcome::NotProcessed, None) => break,
                (AttemptOutcome::Unknown(status), _) => {
                    self.counters.add(Count::ContinuationFailed);
                    let message = "the bot failed on the tokens/response event; the event is not sent again";
                    return tracing::error!(correlation_id, bot, status, "{message}");
                }
            }
        }
        self.counters.add(Count::ContinuationFailed);
        tracing::error!(correlation_id, bot, "the bot did not get the tokens/response event: check its endpoint");
    }

    /// Claims the event. Returns `false` if the event was claimed before or the claim could not be stored.
    async fn claim(&self, notification: &Notification) -> bool {
        let correlation_id = notification.correlation_id.as_str();
        let bot = notification.bot.name.as_str();
        match self.claims.claim(notification.key, notification.signed_in_at).await {
            Ok(true) => return true,
            Ok(false) => tracing::info!(correlation_id, bot, "this tokens/response event was sent to the bot before"),
            Err(error) => {
                self.counters.add(Count::ContinuationFailed);
                let message = "the tokens/response event was not delivered: the store failed";
                tracing::error!(correlation_id, bot, %error, "{message}");
            }
        }
        false
    }

    async fn attempt(&self, notification: &Notification) -> AttemptOutcome {
        let call = BotCall {
            correlation_id: &notification.correlation_id,
            message: BotMessage::TokensResponse,
            deadline: Instant::now() + ATTEMPT_TIMEOUT,
        };
        match self.bots.forward(&notification.bot, notification.request.clone(), call).await {
            Ok(answer) if (200..300).contains(&answer.status) => AttemptOutcome::Delivered(answer.status),
            Ok(answer) if matches!(answer.status, 429 | 502 | 503) => AttemptOutcome::NotProcessed,
            Ok(answer) => AttemptOutcome::Unknown(Some(answer.status)),
            Err(OutboundError::Unreachable) => AttemptOutcome::NotProcessed,
            Err(_) => AttemptOutcome::Unknown(None),
        }
    }
}
