use std::sync::Arc;

use actix_web::HttpResponse;
use tokio::time::timeout_at;

use super::exchange_call::ExchangeCall;
use super::replies::{Decline, token};
use crate::cards::PendingSignIn;
use crate::domain::{ExchangeableToken, Secret};
use crate::exchange::{
    BotStatement, Evidence, ExchangeReply, ExchangeRequest, JoinedExchange, ObtainedToken, OutcomeReport, Reason,
    Refusal,
};
use crate::observability::{AuditEntry, AuditEvent};
use crate::protocol::deadlines::{ANSWER_BUDGET, PROVIDER_BUDGET};

/// Returns the user's present token, or redeems `raw` for one.
///
/// A bot's call names a user, but proves nothing about them. The evidence that this user of the channel was to sign in
/// to this connection is a card that the bot has requested within the last fifteen minutes. If the card named a person,
/// the token must be that person's; otherwise the first person who succeeds keeps the account, as at the gateway
/// (docs/architecture.md §Security rules, rule 5). Without a card, the channel itself must have stated within the last hour
/// who the user is, in an activity that was passed on; else no token is redeemed. A call can be repeated safely: if a token of the same person is stored, the bot gets it without
/// another redemption, before any card is required.
pub(super) async fn exchange_token(call: &ExchangeCall<'_>, raw: Secret) -> Result<HttpResponse, Decline> {
    let validated = timeout_at(call.begun + PROVIDER_BUDGET, call.service.validators.validate(call.connection, &raw));
    let validated = validated.await.unwrap_or_else(|_| Err(keys_arrived_late()));
    let validated = match validated {
        Ok(validated) => validated,
        Err(refusal) => return Err(call.refused(&call.charge_sender(refusal).await)),
    };
    // The card is read before the token: an exchange stores its token before it removes its card, so two calls at the
    // same time cannot miss both.
    let card = find_card(call).await?;
    let outage = match get_kept_token(call, &validated).await? {
        ObtainedToken::Token(kept) => return Ok(token(call.channel_id, call.connection.name.as_str(), &kept)),
        ObtainedToken::UserNeeded => None,
        ObtainedToken::Unavailable(outage) => Some(outage),
    };
    let evidence = match card {
        Some(card) => Some(Evidence::Bot(BotStatement {
            conversation_id: card.conversation.clone(),
            stated: card.stated.clone(),
        })),
        None => find_channel_statement(call).await?,
    };
    let Some(evidence) = evidence else {
        if let Some(outage) = outage {
            return Err(Decline::Unavailable(outage));
        }
        return Err(call.refused(&Refusal::local(
            Reason::SignInRequired,
            "no token is stored for this user and the bot has requested no card: the signin/tokenExchange invoke has to \
             come through bot-sso, or the bot has to request a card first",
        )));
    };
    redeem(call, &validated, evidence).await.map_err(|decline| decline.during(outage))?;
    match get_kept_token(call, &validated).await? {
        ObtainedToken::Token(kept) => Ok(token(call.channel_id, call.connection.name.as_str(), &kept)),
        ObtainedToken::Unavailable(outage) => Err(Decline::Unavailable(outage)),
        ObtainedToken::UserNeeded => {
            Err(call.refused(&Refusal::local(Reason::SignInRequired, "the user was signed out meanwhile")))
        }
    }
}

/// The user's present token, if it belongs to the same person as `validated`.
async fn get_kept_token(call: &ExchangeCall<'_>, validated: &ExchangeableToken) -> Result<ObtainedToken, Decline> {
    match call.present_token().await {
        ObtainedToken::Token(kept) if kept.user.is_surely_another_than(&validated.user) => {
            AuditEntry::new(AuditEvent::IdentityMismatch)
                .slot(&call.slot)
                .user(&validated.user)
                .correlation_id(&call.correlation_id)
                .detail("slot")
                .write();
            Err(call.refused(&Refusal::local(
                Reason::IdentityMismatch("slot"),
                "the token is not of the user whose token is stored for this account",
            )))
        }
        // It may be the same person's: a browser sign-in at another provider than Entra has ids of its own.
        ObtainedToken::Token(kept) if kept.user != validated.user => Ok(ObtainedToken::UserNeeded),
        present => Ok(present),
    }
}

/// The most recent pending card for this user and connection.
async fn find_card(call: &ExchangeCall<'_>) -> Result<Option<PendingSignIn>, Decline> {
    // Cards belong to the channel's account, which the bot named, whichever account spoke last.
    let cards = call.service.cards.list_answerable(&call.slot.account.as_channel_account()).await;
    let cards = cards.map_err(|error| Decline::failed("pending sign-ins cannot be read", &error))?;
    Ok(cards.into_iter().find(|card| card.connection == call.slot.connection))
}

/// What the channel itself has stated about the user within the last hour. The bot may have got the client's token in an
/// invoke that was passed on, for which there is no card (docs/protocols/sign-in-invokes.md §6).
async fn find_channel_statement(call: &ExchangeCall<'_>) -> Result<Option<Evidence>, Decline> {
    let stated = call.service.statements.find(&call.slot.account).await;
    let stated = stated.map_err(|error| Decline::failed("a channel's statement cannot be read", &error))?;
    Ok(stated.map(Evidence::Channel))
}

async fn redeem(call: &ExchangeCall<'_>, validated: &ExchangeableToken, evidence: Evidence) -> Result<(), Decline> {
    let request = ExchangeRequest {
        bot: Arc::clone(&call.bot),
        connection: Arc::clone(call.connection),
        account: call.slot.account.clone(),
        evidence,
        token: validated.clone(),
        correlation_id: call.correlation_id.clone(),
        deadline: call.begun + PROVIDER_BUDGET,
        answer_by: call.begun + ANSWER_BUDGET,
    };
    let report = OutcomeReport { counters: Arc::clone(&call.service.counters) };
    let settled = match call.service.engine.join(Box::new(request)).await {
        Ok(JoinedExchange::Settled(reply)) => {
            call.service.counters.exchanges.add_duplicate(call.bot.name.as_str(), call.connection.name.as_str());
            Ok(reply)
        }
        Ok(JoinedExchange::Leads(exchange)) => exchange.run(report).await,
        Err(refusal) => Err(refusal),
    };
    match settled.map_err(|refusal| call.refused(&refusal))? {
        ExchangeReply(Some(reason)) => Err(call.refused_for(reason)),
        ExchangeReply(None) => Ok(()),
    }
}

fn keys_arrived_late() -> Refusal {
    Refusal::fault("the issuer's keys did not arrive in time")
}
