use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use tokio::time::timeout_at;

use super::exchange::Asked;
use super::replies::{Decline, token};
use crate::cards::PendingSignIn;
use crate::domain::{ExchangeableToken, Secret, UserToken};
use crate::exchange::{Caller, Conversation, ExchangeRequest, Outcome, Reason, Refusal, Settlement};
use crate::observability::Count;

/// The issuer's keys, and what it redeems, are waited for so long.
const PROVIDER_BUDGET: Duration = Duration::from_millis(7500);
/// The bot is answered by then.
const ANSWER_BUDGET: Duration = Duration::from_millis(7800);

/// What this door remembers of a settled exchange: why it was refused, if it was. The token itself is in the vault.
#[derive(Clone, Copy, Debug)]
pub struct Settled(Option<Reason>);

impl Settlement for Settled {
    fn holds(&self) -> bool {
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
/// nothing is redeemed: then the invoke has to come through the gateway. To repeat the call is safe: whose token is kept
/// is given it without another redemption, before any card is looked for.
pub(super) async fn exchange_token(asked: &Asked<'_>, raw: Secret) -> Result<HttpResponse, Decline> {
    let validated =
        timeout_at(asked.begun + PROVIDER_BUDGET, asked.service.validators.validate(asked.connection, &raw));
    let validated = validated.await.unwrap_or_else(|_| Err(slow_keys())).map_err(|refusal| asked.refused(&refusal))?;
    // Before the token: whoever ends the card has kept the token by then, so that of two calls at once neither misses both.
    let card = find_card(asked).await?;
    if let Some(kept) = kept_for(asked, &validated).await? {
        return Ok(token(asked.channel_id, asked.connection.name.as_str(), &kept));
    }
    let Some(card) = card else {
        return Err(asked.refused(&Refusal::local(
            Reason::SignInRequired,
            "no token is kept for this user and no card was asked for: the signin/tokenExchange invoke has to come \
             through bot-sso, or the bot has to ask for a card first",
        )));
    };
    redeem(asked, &validated, &card).await?;
    match kept_for(asked, &validated).await? {
        Some(kept) => Ok(token(asked.channel_id, asked.connection.name.as_str(), &kept)),
        None => Err(asked.refused(&Refusal::local(Reason::SignInRequired, "the user was signed out meanwhile"))),
    }
}

/// The user's present token, if it is the same person's.
async fn kept_for(asked: &Asked<'_>, validated: &ExchangeableToken) -> Result<Option<Arc<UserToken>>, Decline> {
    let found = asked.service.tokens.get(&asked.slot, asked.connection).await;
    match found.map_err(|error| Decline::failed("a token cannot be read", &error))? {
        Some(kept) if kept.user != validated.user => Err(asked.refused(&Refusal::local(
            Reason::IdentityMismatch("slot"),
            "the token is not of the user whose token is kept for this account",
        ))),
        found => Ok(found),
    }
}

/// The most recent card that is out for this user and connection.
async fn find_card(asked: &Asked<'_>) -> Result<Option<PendingSignIn>, Decline> {
    let cards = asked.service.pending.list(&asked.slot.account).await;
    let cards = cards.map_err(|error| Decline::failed("pending sign-ins cannot be read", &error))?;
    Ok(cards.into_iter().find(|card| card.connection == asked.slot.connection))
}

async fn redeem(asked: &Asked<'_>, validated: &ExchangeableToken, card: &PendingSignIn) -> Result<(), Decline> {
    let request = ExchangeRequest {
        bot: Arc::clone(&asked.bot),
        connection: Arc::clone(asked.connection),
        caller: Caller::Bot,
        account: asked.slot.account.clone(),
        conversation: Conversation {
            id: card.conversation.clone().unwrap_or_default(),
            // The card is this very user's.
            shared: false,
            tenant_ids: card.stated.tenant_ids.clone(),
        },
        aad_object_id: card.stated.object_id.clone(),
        exchange_id: validated.digest(),
        names_card: false,
        token: validated.clone(),
        correlation_id: asked.correlation_id.clone(),
        deadline: asked.begun + PROVIDER_BUDGET,
        answer_by: asked.begun + ANSWER_BUDGET,
    };
    let (bot, connection) = (asked.bot.name.clone(), asked.connection.name.clone());
    let (correlation_id, counters) = (asked.correlation_id.clone(), Arc::clone(&asked.service.counters));
    let settle = |outcome| async move {
        match outcome {
            Outcome::Kept(_) => {
                counters.add(Count::ExchangeKept);
                Settled(None)
            }
            Outcome::Refused(refusal) => {
                refusal.report(&counters, (bot.as_str(), Some(connection.as_str())), &correlation_id);
                Settled(Some(refusal.reason))
            }
        }
    };
    let settled = asked.service.engine.exchange(request, |_| settle).await;
    if let Settled(Some(reason)) = settled.map_err(|refusal| asked.refused(&refusal))? {
        return Err(asked.refused_for(reason));
    }
    Ok(())
}

fn slow_keys() -> Refusal {
    Refusal::local(Reason::TemporarilyUnavailable, "the issuer's keys did not arrive in time")
}
