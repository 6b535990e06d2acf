use std::mem;
use std::sync::Arc;

use actix_web::web;
use bytes::Bytes;
use tokio::time::Instant;

use super::BotGateway;
use super::admitted::{Inbound, read_stated_identity};
use super::forward::collect_answer;
use super::replies::{EchoedMembers, InvokeReply, RefusedExchange, exchange_succeeded, refuse};
use super::tokens_response::TokensResponseDelivery;
use crate::bot_connector::{BotCall, ForwardedRequest};
use crate::domain::{BotMessage, Connection, ContinuationMode, ExchangeableToken, Secret, complete_by};
use crate::exchange::{
    ActivityEvidence, AfterExchange, ContinuationMark, Conversation, Evidence, ExchangeRequest, JoinedExchange,
    LeadingExchange, Outcome, Reason, Refusal, TokenSender,
};
use crate::observability::ExchangeOutcome;
use crate::protocol::deadlines::{ANSWER_BUDGET, BOT_EXCHANGE_BUDGET, BOT_INVOKE_BUDGET, PROVIDER_BUDGET};
use crate::protocol::{Activity, InvokeKind, TokenExchangeInvokeRequest, normalize_for_bot};

/// Longest accepted exchangeable token, in bytes (docs/protocols/entra-obo.md §1 rule 1).
pub(super) const MAX_TOKEN_BYTES: usize = 32 * 1024;

/// What the exchange needs of a `signin/tokenExchange`.
pub(super) struct TokenExchangeCall {
    /// The exchangeable token, unless it is absent or too long.
    token: Option<Secret>,
    evidence: Evidence,
    invoke: ReceivedInvoke,
}

/// What the answer to an invoke and the continuation of the bot's dialog need of it.
struct ReceivedInvoke {
    /// The `id` in the invoke's `value`.
    id: Option<Arc<str>>,
    /// The body for the bot.
    body: Bytes,
}

impl TokenExchangeCall {
    /// Takes from `activity` what the exchange needs; `request` is its `value`.
    pub(super) fn new(inbound: &Inbound<'_>, activity: &Activity<'_>, request: TokenExchangeInvokeRequest<'_>) -> Self {
        let body = if inbound.bot.continuation == ContinuationMode::Forward {
            let kind = InvokeKind::TokenExchange;
            normalize_for_bot(activity, kind, &inbound.body, !inbound.wants_envelope())
        } else {
            inbound.body.clone()
        };
        let id: Option<Arc<str>> = request.id.map(Arc::from);
        Self {
            token: request.token.filter(|token| token.len() <= MAX_TOKEN_BYTES).map(Secret::from),
            evidence: build_evidence(inbound, activity, id.clone()),
            invoke: ReceivedInvoke { id, body },
        }
    }
}

/// Handles one `signin/tokenExchange` for a configured connection: validates the token, exchanges it and answers. The
/// bot's `after_exchange` decides how the bot's dialog continues.
pub(super) async fn exchange(
    gateway: &web::Data<BotGateway>,
    inbound: &Inbound<'_>,
    connection: &Arc<Connection>,
    call: Box<TokenExchangeCall>,
) -> InvokeReply {
    let id = call.invoke.id.clone();
    let echoed = EchoedMembers { id: id.as_deref(), connection_name: Some(connection.name.as_str()) };
    let Some(raw) = &call.token else {
        return refuse(
            gateway,
            inbound,
            echoed,
            &Refusal::local(Reason::BadRequest, "value.token is absent, empty or too long"),
        );
    };
    let validated = match validate(gateway, inbound, connection, raw).await {
        Ok(validated) => validated,
        Err(refusal) => return refuse(gateway, inbound, echoed, &refusal),
    };
    let exchange = Box::new(ExchangeRequest {
        bot: Arc::clone(&inbound.bot),
        connection: Arc::clone(connection),
        account: inbound.account(),
        evidence: call.evidence,
        token: validated,
        correlation_id: inbound.correlation_id.clone(),
        deadline: inbound.begun + PROVIDER_BUDGET,
        answer_by: inbound.begun
            + if inbound.bot.continuation == ContinuationMode::Forward { BOT_EXCHANGE_BUDGET } else { ANSWER_BUDGET },
    });
    let settled = match gateway.engine.join(exchange).await {
        Ok(JoinedExchange::Settled(reply)) => {
            gateway.counters.exchanges.add_duplicate(inbound.bot.name.as_str(), connection.name.as_str());
            Ok(InvokeReply { is_shared: true, ..reply })
        }
        Ok(JoinedExchange::Leads(exchange)) => {
            let reply = ReplyAndContinuation::new(gateway, inbound, call.invoke, &exchange);
            exchange.run(reply).await
        }
        Err(refusal) => Err(refusal),
    };
    settled.unwrap_or_else(|refusal| refuse(gateway, inbound, echoed, &refusal))
}

/// Validates the client's token `raw` for `connection`, within the time of a sign-in.
pub(super) async fn validate(
    gateway: &BotGateway,
    inbound: &Inbound<'_>,
    connection: &Connection,
    raw: &Secret,
) -> Result<ExchangeableToken, Refusal> {
    let validating = gateway.validators.validate(connection, raw);
    match complete_by(inbound.begun + PROVIDER_BUDGET, validating).await {
        Some(Ok(token)) => Ok(token),
        // Boxed, so that it adds nothing to the state of an exchange whose token is valid.
        Some(Err(refusal)) => Err(Box::pin(charge_sender(gateway, inbound, refusal)).await),
        None => Err(keys_arrived_late()),
    }
}

/// Counts a token that fails its validation against the sender's limit. The engine counts the other refusals.
async fn charge_sender(gateway: &BotGateway, inbound: &Inbound<'_>, refusal: Refusal) -> Refusal {
    let sender = TokenSender {
        bot: &inbound.bot,
        account: &inbound.account(),
        conversation_id: Some(&inbound.conversation()),
        correlation_id: &inbound.correlation_id,
    };
    sender.charge_refusal(&gateway.rates, refusal).await
}

/// What the activity states about its user; `card_id` is the `id` beside the token.
pub(super) fn build_evidence(inbound: &Inbound<'_>, activity: &Activity<'_>, card_id: Option<Arc<str>>) -> Evidence {
    let stated = read_stated_identity(activity);
    let evidence = ActivityEvidence {
        conversation: Conversation { id: inbound.conversation(), shared: stated.in_group },
        card_id,
        is_action: false,
        stated,
    };
    if inbound.caller.parent().is_some() { Evidence::Parent(evidence) } else { Evidence::Activity(evidence) }
}

fn keys_arrived_late() -> Refusal {
    Refusal::fault("the issuer's keys did not arrive within the invoke's budget")
}

/// What the leading request needs to answer itself and its duplicates, and to continue the bot's dialog once.
struct ReplyAndContinuation {
    gateway: web::Data<BotGateway>,
    exchange_id: Option<Arc<str>>,
    continuation: Continuation,
}

/// How the bot's dialog continues once the token is stored.
enum Continuation {
    Notify(Box<TokensResponseDelivery>),
    Forward(Box<InvokeForBot>),
    None,
}

/// The invoke, to be passed on to the bot.
struct InvokeForBot {
    request: ForwardedRequest,
    conversation_id: String,
    in_envelope: bool,
    deadline: Instant,
}

impl ReplyAndContinuation {
    fn new(
        gateway: &web::Data<BotGateway>,
        inbound: &Inbound<'_>,
        invoke: ReceivedInvoke,
        exchange: &LeadingExchange<InvokeReply>,
    ) -> Self {
        let continuation = match inbound.bot.continuation {
            ContinuationMode::Notify => {
                let delivery = TokensResponseDelivery::for_request(inbound, exchange.exchange_key());
                Continuation::Notify(Box::new(delivery))
            }
            ContinuationMode::Forward => Continuation::Forward(Box::new(InvokeForBot {
                request: inbound.forwarded(invoke.body).without_compression(),
                conversation_id: inbound.conversation_id.clone(),
                in_envelope: inbound.wants_envelope(),
                deadline: inbound.begun + BOT_INVOKE_BUDGET,
            })),
            ContinuationMode::None => Continuation::None,
        };
        Self { gateway: gateway.clone(), exchange_id: invoke.id, continuation }
    }

    /// Decides whether this replica continues the bot's dialog. If another one has begun to, the event of `notify` is not
    /// sent again, and an invoke is not passed on again: its answer is not known, so the client has to ask later.
    async fn decide_continuation(
        &mut self,
        exchange: &ExchangeRequest,
        mark: ContinuationMark<'_>,
    ) -> Result<Continuation, Refusal> {
        let continuation = mem::replace(&mut self.continuation, Continuation::None);
        if matches!(continuation, Continuation::None) {
            return Ok(continuation);
        }
        let (correlation_id, bot) = (exchange.correlation_id.as_str(), exchange.bot.name.as_str());
        match mark.set().await {
            Ok(true) => Ok(continuation),
            Ok(false) if matches!(continuation, Continuation::Forward(_)) => Err(Refusal::fault(
                "another replica has passed the invoke on to the bot and has not settled it; the token stays kept",
            )),
            Ok(false) => {
                tracing::info!(correlation_id, bot, "another replica sends or has sent this tokens/response event");
                Ok(Continuation::None)
            }
            Err(error) => {
                tracing::error!(correlation_id, bot, %error, "the bot's dialog was not continued: the store failed");
                Err(Refusal::fault("the store failed before the bot was told; the token stays kept"))
            }
        }
    }

    fn refuse(&self, exchange: &ExchangeRequest, refusal: &Refusal) -> InvokeReply {
        let name = exchange.connection.name.as_str();
        refusal.report(&self.gateway.counters, exchange.bot.name.as_str(), Some(name), &exchange.correlation_id);
        let refused = RefusedExchange {
            id: self.exchange_id.as_deref(),
            connection_name: Some(name),
            channel: exchange.account.realm.channel(),
            correlation_id: &exchange.correlation_id,
        };
        refused.reply(&self.gateway, refusal.reason)
    }
}

impl AfterExchange for ReplyAndContinuation {
    type Reply = InvokeReply;

    async fn settle(mut self, exchange: &ExchangeRequest, outcome: Outcome, mark: ContinuationMark<'_>) -> InvokeReply {
        let token = match outcome {
            Outcome::Kept(token) => token,
            Outcome::Refused(refusal) => return self.refuse(exchange, &refusal),
        };
        let continuation = match self.decide_continuation(exchange, mark).await {
            Ok(continuation) => continuation,
            Err(refusal) => return self.refuse(exchange, &refusal),
        };
        let (bot, connection) = (exchange.bot.name.as_str(), exchange.connection.name.as_str());
        self.gateway.counters.exchanges.add(bot, Some(connection), ExchangeOutcome::Kept);
        let reply = exchange_succeeded(self.exchange_id.as_deref(), connection);
        match continuation {
            Continuation::None => reply,
            // Boxed, so that it adds nothing to the state of the other exchanges.
            Continuation::Forward(invoke) => Box::pin(forward_invoke(&self.gateway, exchange, *invoke)).await,
            Continuation::Notify(delivery) => {
                delivery.send(&self.gateway, &exchange.connection, &token);
                reply
            }
        }
    }
}

/// Passes the invoke on to the bot, and waits for the bot's answer.
async fn forward_invoke(gateway: &BotGateway, exchange: &ExchangeRequest, invoke: InvokeForBot) -> InvokeReply {
    let InvokeForBot { request, conversation_id, in_envelope, deadline } = invoke;
    gateway.bots.turns().wait_until_idle(&exchange.bot, &conversation_id, deadline).await;
    let call = BotCall { correlation_id: &exchange.correlation_id, message: BotMessage::Activity, deadline };
    let answer = gateway.bots.forward_sign_in(&exchange.bot, request, call).await;
    collect_answer(answer, deadline, in_envelope).await
}
