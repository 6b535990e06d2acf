use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::continuations::Continuations;
use super::forwarding::{BotClient, ForwardedRequest};
use crate::domain::{Bot, ExchangeKey, Timestamp};
use crate::observability::{Count, Counters};
use crate::outbound::OutboundError;

/// When the second and third try start, after the one before failed (docs/architecture.md §Life of a silent sign-in:
/// three tries within a minute).
const PAUSES: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(12)];
/// How long one try may take; a bot runs its dialog while we wait.
const TRY_TIMEOUT: Duration = Duration::from_secs(15);

/// Most deliveries under way at a time; each takes a minute at most.
const UNDER_WAY: u32 = 10_000;

/// A `tokens/response` event on its way to a bot.
pub struct Notification {
    /// The bot.
    pub bot: Arc<Bot>,
    /// The event, with the headers of the request that was exchanged.
    pub request: ForwardedRequest,
    /// The conversation whose turns must be over before the bot is told.
    pub conversation_id: String,
    /// The exchange it continues.
    pub key: ExchangeKey,
    /// When the token was obtained: one keeping is told once.
    pub obtained_at: Timestamp,
    /// Asked before each try: whether the user still has the token. Who was signed out meanwhile has none.
    pub still_kept: StillKept,
    /// For the log.
    pub correlation_id: String,
}

/// Looks whether a token is still kept.
pub type StillKept = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Option<bool>> + Send>> + Send + Sync>;

/// Tells bots that their user's token is there: after the caller was answered, at most once for each keeping, also
/// across a crash (the claim is durable and made before the first try).
#[derive(Clone)]
pub struct ContinuationDelivery {
    bots: BotClient,
    continuations: Arc<Continuations>,
    counters: Arc<Counters>,
    /// The process's own runtime: that of the worker which answered ends with the worker, when the process drains.
    runtime: Handle,
    under_way: Arc<Semaphore>,
}

/// What a try showed.
enum Tried {
    Delivered(u16),
    /// The bot was not reached, or refused to begin: trying again cannot repeat what a dialog did.
    NotReached,
    /// It may have.
    Unclear(Option<u16>),
}

impl ContinuationDelivery {
    /// Delivers through `bots`, on the runtime that this is called on.
    #[must_use]
    pub fn new(bots: BotClient, continuations: Arc<Continuations>, counters: Arc<Counters>) -> Self {
        let under_way = Arc::new(Semaphore::new(UNDER_WAY as usize));
        Self { bots, continuations, counters, runtime: Handle::current(), under_way }
    }

    /// Delivers in a task of its own. Failures are counted and logged; nobody waits for them.
    pub fn start(&self, notification: Notification) {
        let Ok(permit) = Arc::clone(&self.under_way).try_acquire_owned() else {
            self.counters.add(Count::ContinuationFailed);
            let correlation_id = notification.correlation_id.as_str();
            return tracing::error!(correlation_id, "the bot is not told of its user's token: too many are being told");
        };
        let delivery = self.clone();
        self.runtime.spawn(async move {
            delivery.deliver(notification).await;
            drop(permit);
        });
    }

    /// Waits until no delivery is under way, at most `limit`. Says whether all came to their end.
    pub async fn finish(&self, limit: Duration) -> bool {
        timeout(limit, self.under_way.acquire_many(UNDER_WAY)).await.is_ok()
    }

    async fn deliver(&self, notification: Notification) {
        let correlation_id = notification.correlation_id.as_str();
        let bot = notification.bot.name.as_str();
        match self.continuations.claim(notification.key, notification.obtained_at).await {
            Ok(true) => {}
            Ok(false) => return tracing::info!(correlation_id, bot, "the bot has been told of this token before"),
            Err(error) => {
                self.counters.add(Count::ContinuationFailed);
                return tracing::error!(correlation_id, bot, %error, "the bot is not told of its user's token: the store failed");
            }
        }
        let by = Instant::now() + TRY_TIMEOUT;
        self.bots.turns().wait_until_idle(&notification.bot, &notification.conversation_id, by).await;
        for pause in PAUSES.into_iter().map(Some).chain([None]) {
            let tried = match (notification.still_kept)().await {
                Some(true) => self.attempt(&notification).await,
                Some(false) => {
                    return tracing::info!(correlation_id, bot, "the bot is not told: the token is not kept any more");
                }
                // While the store fails, it is not known whether the user has signed out.
                None => Tried::NotReached,
            };
            match (tried, pause) {
                (Tried::Delivered(status), _) => {
                    self.counters.add(Count::ContinuationDelivered);
                    return tracing::info!(correlation_id, bot, status, "the bot was told of its user's token");
                }
                (Tried::NotReached, Some(pause)) => {
                    tracing::warn!(correlation_id, bot, "the bot could not be told of its user's token; trying again");
                    sleep(pause).await;
                }
                (Tried::NotReached, None) => break,
                (Tried::Unclear(status), _) => {
                    self.counters.add(Count::ContinuationFailed);
                    return tracing::error!(
                        correlation_id,
                        bot,
                        status,
                        "the bot failed on the tokens/response event; it is not sent again"
                    );
                }
            }
        }
        self.counters.add(Count::ContinuationFailed);
        tracing::error!(correlation_id, bot, "the bot could not be told of its user's token: check its endpoint");
    }

    async fn attempt(&self, notification: &Notification) -> Tried {
        let by = Instant::now() + TRY_TIMEOUT;
        match self.bots.forward(&notification.bot, notification.request.clone(), by).await {
            Ok(answer) if (200..300).contains(&answer.status) => Tried::Delivered(answer.status),
            Ok(answer) if matches!(answer.status, 429 | 502 | 503) => Tried::NotReached,
            Ok(answer) => Tried::Unclear(Some(answer.status)),
            Err(OutboundError::Unreachable) => Tried::NotReached,
            Err(_) => Tried::Unclear(None),
        }
    }
}
