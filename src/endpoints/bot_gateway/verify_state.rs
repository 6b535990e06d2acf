use actix_web::{HttpResponse, web};

use super::forward::forward_to_bot;
use super::replies::InvokeReply;
use super::tokens_response::TokensResponseDelivery;
use super::{BotGateway, Inbound};
use crate::cards::{FinishedCard, PendingSignIn, StatedIdentity};
use crate::domain::{Account, ContinuationMode, NamedConnection, TokenSlot};
use crate::exchange::{RateLimited, WantedToken};
use crate::protocol::SignInState;
use crate::sign_in::{CodeAnswer, CodeBearer, CodeError};

/// Answers `signin/verifyState`: redeems the code for one of the user's pending sign-ins. A code that was redeemed before
/// is answered again, without a second event. The invoke is forwarded if the bot redeems codes itself, or if the user has
/// no pending sign-in.
pub(super) async fn answer(
    gateway: &web::Data<BotGateway>,
    inbound: &Inbound<'_>,
    state: SignInState,
    stated: StatedIdentity,
) -> HttpResponse {
    if inbound.bot.continuation == ContinuationMode::Forward {
        return forward_to_bot(gateway, inbound).await;
    }
    let account = inbound.channel_account();
    // Before the pending sign-ins: a repeated code must not count as a wrong one for another connection.
    if let SignInState::Code(code) = &state {
        match is_redeemed(gateway, inbound, &account, code).await {
            Ok(true) => return InvokeReply::empty(200).respond(inbound),
            Ok(false) => {}
            Err(error) => return failed(inbound, &error).respond(inbound),
        }
    }
    let pending = match gateway.cards.list_unfinished(&account).await {
        Ok(pending) if pending.is_empty() => return forward_to_bot(gateway, inbound).await,
        Ok(pending) => pending,
        Err(error) => return failed(inbound, &error).respond(inbound),
    };
    let reply = match state {
        SignInState::Cancelled => cancel(gateway, inbound, &pending).await,
        SignInState::Code(code) => {
            let bearer = CodeBearer { account: inbound.account(), stated };
            redeem(gateway, inbound, &bearer, &pending, &code).await
        }
    };
    reply.respond(inbound)
}

async fn cancel(gateway: &BotGateway, inbound: &Inbound<'_>, pending: &[PendingSignIn]) -> InvokeReply {
    for sign_in in pending {
        let finished = FinishedCard { conversation: sign_in.conversation.as_deref(), begun_by: sign_in.begun_at };
        if let Err(error) = gateway.cards.finish(&sign_in.account, &sign_in.connection, finished).await {
            return failed(inbound, &error);
        }
    }
    tracing::info!(
        correlation_id = inbound.correlation_id,
        bot = inbound.bot.name.as_str(),
        "the user cancelled the sign-in"
    );
    InvokeReply::empty(200)
}

/// Redeems `code`. The invoke names no connection, so the code is tried for each pending one, the most recent first. A
/// code stays valid when it is tried for a connection that it does not belong to
/// (docs/protocols/token-service-api.md §1 rule 14).
async fn redeem(
    gateway: &BotGateway,
    inbound: &Inbound<'_>,
    bearer: &CodeBearer,
    pending: &[PendingSignIn],
    code: &str,
) -> InvokeReply {
    let account = inbound.channel_account();
    if let Err(RateLimited { retry_after }) = gateway.rates.charge(&bearer.account, &inbound.correlation_id) {
        return InvokeReply::too_many_requests(retry_after);
    }
    let mut tried = Vec::new();
    for sign_in in pending {
        if tried.contains(&&sign_in.connection) {
            continue;
        }
        tried.push(&sign_in.connection);
        let named = gateway.registrations.find_connection(inbound.bot.name.as_str(), sign_in.connection.as_str());
        let NamedConnection::Exact(connection) = named else { continue };
        let slot = TokenSlot::new(&account, &connection.name);
        let wanted = WantedToken { bot: &inbound.bot, slot: &slot, connection };
        let token = match gateway.codes.redeem(wanted, bearer, code).await {
            Ok(CodeAnswer::Redeemed(token)) => token,
            Ok(CodeAnswer::RedeemedBefore) => return InvokeReply::empty(200),
            Ok(CodeAnswer::Wrong) => continue,
            Err(error) => return failed(inbound, &error),
        };
        if inbound.bot.continuation == ContinuationMode::Notify {
            let parts = ["verifyState", inbound.bot.name.as_str(), &sign_in.card_id];
            let key = gateway.exchange_names.exchange_key(&parts);
            TokensResponseDelivery::for_request(inbound, key).send(gateway, connection, &token);
        }
        return InvokeReply::empty(200);
    }
    InvokeReply::empty(404)
}

/// Whether the account that sends `code` redeemed it before for one of the bot's connections, and still holds what came of
/// it. The card of such a code is finished, so it is not among the pending ones.
async fn is_redeemed(
    gateway: &BotGateway,
    inbound: &Inbound<'_>,
    account: &Account,
    code: &str,
) -> Result<bool, CodeError> {
    let bearer = inbound.account();
    for connection in gateway.registrations.list_connections(inbound.bot.name.as_str()) {
        let slot = TokenSlot::new(account, &connection.name);
        let wanted = WantedToken { bot: &inbound.bot, slot: &slot, connection };
        if gateway.codes.is_redeemed(wanted, &bearer, code).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn failed(inbound: &Inbound<'_>, error: &impl std::fmt::Display) -> InvokeReply {
    tracing::error!(correlation_id = inbound.correlation_id, %error, "a magic code cannot be checked: the store failed");
    InvokeReply::empty(500)
}
