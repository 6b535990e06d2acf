use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::forwarding::{BotClient, ForwardedRequest};
use crate::domain::{Bot, Timestamp};
use crate::observability::{Count, Counters};
use crate::outbound::OutboundError;
use crate::pending::{Continuations, ExchangeKey};

/// When the second and third try start, after the one before failed (DESIGN §3.5: three tries within a minute).
const PAUSES: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(12)];
/// How long one try may take; a bot runs its dialog while we wait.
const TRY_LIMIT: Duration = Duration::from_secs(15);

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
    /// For the log.
    pub correlation_id: String,
}

/// Tells bots that their user's token is there: after the caller was answered, at most once for each keeping, also
/// across a crash (the claim is durable and made before the first try).
#[derive(Clone)]
pub struct ContinuationDelivery {
    bots: BotClient,
    continuations: Arc<Continuations>,
    counters: Arc<Counters>,
}

/// What a try showed.
enum Tried {
    Delivered(u16),
    /// The bot was not reached, or says that its turn failed: SDK bots save no dialog state in a turn that fails, so the
    /// dialog still waits.
    NotReached,
    /// It may have.
    Unclear(Option<u16>),
}

impl ContinuationDelivery {
    /// Delivers through `bots`.
    #[must_use]
    pub fn new(bots: BotClient, continuations: Arc<Continuations>, counters: Arc<Counters>) -> Self {
        Self { bots, continuations, counters }
    }

    /// Delivers in a task of its own. Failures are counted and logged; nobody waits for them.
    pub fn start(&self, notification: Notification) {
        let delivery = self.clone();
        tokio::spawn(async move { delivery.deliver(notification).await });
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
        self.bots.turns().wait_until_idle(&notification.bot, &notification.conversation_id).await;
        for pause in PAUSES.into_iter().map(Some).chain([None]) {
            match (self.attempt(&notification).await, pause) {
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
        let by = Instant::now() + TRY_LIMIT;
        match self.bots.forward(&notification.bot, notification.request.clone(), by).await {
            Ok(answer) if (200..300).contains(&answer.status) => Tried::Delivered(answer.status),
            Ok(answer) if answer.status == 429 || answer.status >= 500 => Tried::NotReached,
            Ok(answer) => Tried::Unclear(Some(answer.status)),
            Err(OutboundError::Unreachable) => Tried::NotReached,
            Err(_) => Tried::Unclear(None),
        }
    }
}
