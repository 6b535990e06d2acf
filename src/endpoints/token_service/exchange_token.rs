use std::sync::Arc;

use actix_web::HttpResponse;
use tokio::time::timeout_at;

use super::exchange_call::ExchangeCall;
use super::replies::{Decline, token};
use crate::cards::PendingSignIn;
use crate::domain::{BotName, ConnectionName, ExchangeableToken, Secret, UserToken};
use crate::exchange::{
    AfterExchange, BotStatement, Evidence, ExchangeRequest, JoinedExchange, Outcome, Reason, Refusal, Settlement,
};
use crate::observability::{Count, Counters};
use crate::protocol::deadlines::{ANSWER_BUDGET, PROVIDER_BUDGET};

/// What this door remembers of a settled exchange: why it was refused, if it was. The token itself is in the vault.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeReply(Option<Reason>);

impl Settlement for ExchangeReply {
    fn succeeded(&self) -> bool {
        self.0.is_none()
    }

    fn bytes(&self) -> usize {
        0
    }
}

/// Gives the token that the user has already, or redeems `raw` for one.
///
/// A bot's call names a user and proves nobody. What proves that *this* user of the channel was to sign in to *this*
/// connection is the card that the bot asked for in the last fifteen minutes; the token must be of whom that card named
/// where it named somebody, and else of whoever succeeded first, as the gateway holds it (DESIGN §5.5). Without a card
/// nothing is redeemed: then the invoke has to come through the gateway. To repeat the call is safe: whose token is
/// kept
/// is given it without another redemption, before any card is looked for.
pub(super) async fn exchange_token(call: &ExchangeCall<'_>, raw: Secret) -> Result<HttpResponse, Decline> {
    let validated = timeout_at(call.begun + PROVIDER_BUDGET, call.service.validators.validate(call.connection, &raw));
    let validated = validated.await.unwrap_or_else(|_| Err(slow_keys())).map_err(|refusal| call.refused(&refusal))?;
    // Before the token: whoever ends the card has kept the token by then, so that of two calls at once neither misses
    // both.
    let card = find_card(call).await?;
    if let Some(kept) = kept_for(call, &validated).await? {
        return Ok(token(call.channel_id, call.connection.name.as_str(), &kept));
    }
    let Some(card) = card else {
        return Err(call.refused(&Refusal::local(
            Reason::SignInRequired,
            "no token is kept for this user and no card was asked for: the signin/tokenExchange invoke has to come \
             through bot-sso, or the bot has to ask for a card first",
        )));
    };
    redeem(call, &validated, &card).await?;
    match kept_for(call, &validated).await? {
        Some(kept) => Ok(token(call.channel_id, call.connection.name.as_str(), &kept)),
        None => Err(call.refused(&Refusal::local(Reason::SignInRequired, "the user was signed out meanwhile"))),
    }
}

/// The user's present token, if it is the same person's.
async fn kept_for(call: &ExchangeCall<'_>, validated: &ExchangeableToken) -> Result<Option<Arc<UserToken>>, Decline> {
    match call.present_token().await? {
        Some(kept) if kept.user != validated.user => Err(call.refused(&Refusal::local(
            Reason::IdentityMismatch("slot"),
            "the token is not of the user whose token is kept for this account",
        ))),
        found => Ok(found),
    }
}

/// The most recent card that is out for this user and connection.
async fn find_card(call: &ExchangeCall<'_>) -> Result<Option<PendingSignIn>, Decline> {
    let cards = call.service.cards.list(&call.slot.account).await;
    let cards = cards.map_err(|error| Decline::failed("pending sign-ins cannot be read", &error))?;
    Ok(cards.into_iter().find(|card| card.connection == call.slot.connection))
}

async fn redeem(call: &ExchangeCall<'_>, validated: &ExchangeableToken, card: &PendingSignIn) -> Result<(), Decline> {
    let request = ExchangeRequest {
        bot: Arc::clone(&call.bot),
        connection: Arc::clone(call.connection),
        account: call.slot.account.clone(),
        // The card is this very user's.
        evidence: Evidence::Bot(BotStatement {
            conversation_id: card.conversation.clone(),
            stated: card.stated.clone(),
        }),
        token: validated.clone(),
        correlation_id: call.correlation_id.clone(),
        deadline: call.begun + PROVIDER_BUDGET,
        answer_by: call.begun + ANSWER_BUDGET,
    };
    let settled = match call.service.engine.join(request).await {
        Ok(JoinedExchange::Settled(reply)) => Ok(reply),
        Ok(JoinedExchange::Leads(exchange)) => exchange.run(ReportedOutcome::of(call)).await,
        Err(refusal) => Err(refusal),
    };
    match settled.map_err(|refusal| call.refused(&refusal))? {
        ExchangeReply(Some(reason)) => Err(call.refused_for(reason)),
        ExchangeReply(None) => Ok(()),
    }
}

/// Reports how an exchange ended; nothing follows it, since the bot that asked is answered.
struct ReportedOutcome {
    bot: BotName,
    connection: ConnectionName,
    correlation_id: String,
    counters: Arc<Counters>,
}

impl ReportedOutcome {
    fn of(call: &ExchangeCall<'_>) -> Self {
        Self {
            bot: call.bot.name.clone(),
            connection: call.connection.name.clone(),
            correlation_id: call.correlation_id.clone(),
            counters: Arc::clone(&call.service.counters),
        }
    }
}

impl AfterExchange for ReportedOutcome {
    type Reply = ExchangeReply;

    async fn settle(self, outcome: Outcome) -> ExchangeReply {
        match outcome {
            Outcome::Kept(_) => {
                self.counters.add(Count::ExchangeKept);
                ExchangeReply(None)
            }
            Outcome::Refused(refusal) => {
                let (bot, connection) = (self.bot.as_str(), self.connection.as_str());
                refusal.report(&self.counters, bot, Some(connection), &self.correlation_id);
                ExchangeReply(Some(refusal.reason))
            }
        }
    }
}

fn slow_keys() -> Refusal {
    Refusal::local(Reason::TemporarilyUnavailable, "the issuer's keys did not arrive in time")
}
