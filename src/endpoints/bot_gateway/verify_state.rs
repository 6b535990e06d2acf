use actix_web::{HttpResponse, web};

use super::BotGateway;
use super::admitted::Inbound;
use super::chat_code::{ChatCode, RedeemedCode, log_failure, redeem_chat_code};
use super::forward::forward_to_bot;
use super::replies::InvokeReply;
use super::tokens_response::TokensResponseDelivery;
use crate::cards::{FinishedCard, PendingSignIn, StatedIdentity};
use crate::domain::ContinuationMode;
use crate::exchange::RateLimited;
use crate::protocol::SignInState;

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
    let reply = match state {
        SignInState::Cancelled => match gateway.cards.list_unfinished(&inbound.channel_account()).await {
            Ok(pending) if pending.is_empty() => return forward_to_bot(gateway, inbound).await,
            Ok(pending) => cancel(gateway, inbound, &pending).await,
            Err(error) => failed(inbound, &error),
        },
        SignInState::Code(code) => match redeem_chat_code(gateway, inbound, &stated, &code).await {
            ChatCode::NotOurs => return forward_to_bot(gateway, inbound).await,
            ChatCode::Redeemed(redeemed) => {
                continue_dialog(gateway, inbound, &redeemed);
                InvokeReply::empty(200)
            }
            ChatCode::RedeemedBefore(_) => InvokeReply::empty(200),
            ChatCode::Wrong => InvokeReply::empty(404),
            ChatCode::RateLimited(RateLimited { retry_after }) => InvokeReply::too_many_requests(retry_after),
            ChatCode::Failed => InvokeReply::empty(500),
        },
    };
    reply.respond(inbound)
}

async fn cancel(gateway: &BotGateway, inbound: &Inbound<'_>, pending: &[PendingSignIn]) -> InvokeReply {
    for sign_in in pending {
        let finished = FinishedCard { conversation: sign_in.conversation.as_ref(), begun_by: sign_in.begun_at };
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

/// Sends the bot its event, if its dialog is continued by one.
fn continue_dialog(gateway: &BotGateway, inbound: &Inbound<'_>, redeemed: &RedeemedCode<'_>) {
    if inbound.bot.continuation == ContinuationMode::Notify {
        let parts = ["verifyState", inbound.bot.name.as_str(), &redeemed.card_id];
        let key = gateway.exchange_names.exchange_key(&parts);
        TokensResponseDelivery::for_request(inbound, key).send(gateway, redeemed.connection, &redeemed.token);
    }
}

fn failed(inbound: &Inbound<'_>, error: &impl std::fmt::Display) -> InvokeReply {
    log_failure(inbound, error);
    InvokeReply::empty(500)
}
