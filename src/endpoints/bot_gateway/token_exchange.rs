use std::sync::Arc;

use actix_web::web;
use tokio::time::{Instant, timeout_at};

use super::passing_on::collect_answer;
use super::replies::{InvokeReply, Refused, kept, refuse};
use super::telling::Telling;
use super::{ANSWER_BUDGET, BOT_EXCHANGE_BUDGET, BOT_INVOKE_BUDGET, BotGateway, Inbound, PROVIDER_BUDGET};
use crate::bot_connector::ForwardedRequest;
use crate::domain::{Account, AfterExchange, Bot, ChannelId, Connection, ExchangeKey, Secret};
use crate::exchange::{Conversation, ExchangeRequest, Outcome, Reason, Refusal};
use crate::observability::Count;
use crate::protocol::{ConversationType, InvokeKind, TokenExchangeInvokeRequest, in_canonical_spelling};

/// Longest exchangeable token taken, in bytes (entra-obo §1 rule 1).
const TOKEN_LIMIT: usize = 32 * 1024;

/// Handles one `signin/tokenExchange` for one of our connections: validate, exchange, answer; the rest follows from the
/// bot's `after_exchange`.
pub(super) async fn exchange(
    gateway: &web::Data<BotGateway>,
    inbound: &Inbound<'_>,
    connection: &Arc<Connection>,
    request: TokenExchangeInvokeRequest<'_>,
) -> InvokeReply {
    let echoed = (request.id, Some(connection.name.as_str()));
    let Some(token) = request.token.filter(|token| token.len() <= TOKEN_LIMIT) else {
        return refuse(
            gateway,
            inbound,
            echoed,
            &Refusal::local(Reason::BadRequest, "value.token is absent, empty or too long"),
        );
    };
    let raw = Secret::from(token);
    let deadline = inbound.begun + PROVIDER_BUDGET;
    let validated = match timeout_at(deadline, gateway.validators.validate(connection, &raw)).await {
        Ok(Ok(validated)) => validated,
        Ok(Err(refusal)) => return refuse(gateway, inbound, echoed, &refusal),
        Err(_) => return refuse(gateway, inbound, echoed, &slow_keys()),
    };
    let names_card = request.id.is_some();
    let exchange_id = request.id.map_or_else(|| validated.digest(), str::to_owned);
    let exchange = ExchangeRequest {
        bot: Arc::clone(&inbound.bot),
        connection: Arc::clone(connection),
        caller: inbound.caller(),
        account: account_of(inbound),
        conversation: conversation_of(inbound),
        aad_object_id: inbound.activity.aad_object_id().map(str::to_owned),
        exchange_id,
        names_card,
        token: validated,
        correlation_id: inbound.correlation_id.clone(),
        deadline,
        answer_by: inbound.begun
            + if inbound.bot.after_exchange == AfterExchange::Forward { BOT_EXCHANGE_BUDGET } else { ANSWER_BUDGET },
    };
    let channel = inbound.channel();
    let settling = |key: &dyn Fn() -> ExchangeKey| {
        let settling = Settling::new((gateway, inbound), (connection, channel, request.id), key);
        |outcome| settling.settle(outcome)
    };
    let settled = gateway.engine.exchange(exchange, settling).await;
    settled.unwrap_or_else(|refusal| refuse(gateway, inbound, echoed, &refusal))
}

pub(super) fn account_of(inbound: &Inbound<'_>) -> Account {
    Account::of_channel(&inbound.bot.name, inbound.channel(), inbound.activity.from_id())
}

fn conversation_of(inbound: &Inbound<'_>) -> Conversation {
    Conversation {
        id: inbound.activity.conversation_id().to_owned(),
        shared: inbound.activity.conversation_type() != ConversationType::Personal,
        tenant_ids: inbound.activity.tenant_ids().map(str::to_owned).collect(),
    }
}

fn slow_keys() -> Refusal {
    Refusal::local(Reason::TemporarilyUnavailable, "the issuer's keys did not arrive within the invoke's budget")
}

/// What the leader needs in order to answer everybody and to continue the bot's dialog, once.
struct Settling {
    gateway: web::Data<BotGateway>,
    bot: Arc<Bot>,
    connection: Arc<Connection>,
    channel: ChannelId,
    exchange_id: Option<String>,
    conversation_id: String,
    correlation_id: String,
    continuation: Continuation,
    bot_by: Instant,
}

/// What is done with a kept token.
enum Continuation {
    Notify(Telling),
    Forward { invoke: ForwardedRequest, in_envelope: bool },
    None,
}

impl Settling {
    fn new(
        (gateway, inbound): (&web::Data<BotGateway>, &Inbound<'_>),
        (connection, channel, id): (&Arc<Connection>, ChannelId, Option<&str>),
        key: &dyn Fn() -> ExchangeKey,
    ) -> Self {
        let continuation = match inbound.bot.after_exchange {
            AfterExchange::Notify => Continuation::Notify(Telling::about(inbound, key())),
            AfterExchange::Forward => {
                let in_envelope = inbound.wants_envelope();
                let body =
                    in_canonical_spelling(&inbound.activity, InvokeKind::TokenExchange, inbound.body, !in_envelope);
                Continuation::Forward { invoke: inbound.forwarded(body).without_compression(), in_envelope }
            }
            AfterExchange::None => Continuation::None,
        };
        Self {
            gateway: gateway.clone(),
            bot: Arc::clone(&inbound.bot),
            connection: Arc::clone(connection),
            channel,
            exchange_id: id.map(str::to_owned),
            conversation_id: inbound.activity.conversation_id().to_owned(),
            correlation_id: inbound.correlation_id.clone(),
            continuation,
            bot_by: inbound.begun + BOT_INVOKE_BUDGET,
        }
    }

    async fn settle(self, outcome: Outcome) -> InvokeReply {
        let name = self.connection.name.as_str();
        let token = match outcome {
            Outcome::Kept(token) => token,
            Outcome::Refused(refusal) => {
                refusal.report(&self.gateway.counters, (self.bot.name.as_str(), Some(name)), &self.correlation_id);
                let refused = Refused {
                    id: self.exchange_id.as_deref(),
                    connection_name: Some(name),
                    channel: &self.channel,
                    correlation_id: &self.correlation_id,
                };
                return refused.reply(&self.gateway, refusal.reason);
            }
        };
        self.gateway.counters.add(Count::ExchangeKept);
        let reply = kept(self.exchange_id.as_deref(), name);
        match self.continuation {
            Continuation::None => reply,
            Continuation::Forward { invoke, in_envelope } => {
                self.gateway.bots.turns().wait_until_idle(&self.bot, &self.conversation_id, self.bot_by).await;
                let answer = self.gateway.bots.forward(&self.bot, invoke, self.bot_by).await;
                collect_answer(answer, self.bot_by, in_envelope).await
            }
            Continuation::Notify(telling) => {
                telling.start(&self.gateway, &self.connection, &token);
                reply
            }
        }
    }
}
