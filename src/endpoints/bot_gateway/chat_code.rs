use std::fmt::Display;
use std::sync::Arc;

use super::BotGateway;
use super::admitted::Inbound;
use super::named_connections::has_skills;
use crate::cards::{PendingSignIn, StatedIdentity};
use crate::domain::{Account, Connection, NamedConnection, TokenSlot, UserToken};
use crate::exchange::{RateLimited, WantedToken};
use crate::sign_in::{CodeAnswer, CodeBearer, CodeError};

/// What a six-digit code in an invoke is.
pub(super) enum ChatCode<'g> {
    /// It was right, and its token is kept.
    Redeemed(RedeemedCode<'g>),
    /// It was redeemed before for this connection, and the slot still holds what came of it.
    RedeemedBefore(&'g Arc<Connection>),
    /// It belongs to none of the user's pending sign-ins, and the bot has no skills.
    Wrong,
    /// It is not one of ours: the user has no pending sign-in, or it belongs to none of them and may be a skill's.
    NotOurs,
    /// The user tries too many codes.
    RateLimited(RateLimited),
    /// The store failed, which is logged.
    Failed,
}

/// A code that was redeemed just now.
pub(super) struct RedeemedCode<'g> {
    pub(super) connection: &'g Arc<Connection>,
    /// The card that led to the code.
    pub(super) card_id: String,
    pub(super) token: Arc<UserToken>,
}

impl ChatCode<'_> {
    /// The connection that the user is signed in to by the code; `None` if the code was none of ours.
    pub(super) const fn connection(&self) -> Option<&Arc<Connection>> {
        match self {
            Self::Redeemed(RedeemedCode { connection, .. }) | Self::RedeemedBefore(connection) => Some(connection),
            Self::Wrong | Self::NotOurs | Self::RateLimited(_) | Self::Failed => None,
        }
    }
}

/// Redeems `code` for one of the pending sign-ins of the activity's user; `stated` is what the activity states about the
/// user. A code that was redeemed before is answered again.
pub(super) async fn redeem_chat_code<'g>(
    gateway: &'g BotGateway,
    inbound: &Inbound<'_>,
    stated: &StatedIdentity,
    code: &str,
) -> ChatCode<'g> {
    let account = inbound.channel_account();
    // Before the pending sign-ins: a repeated code must not count as a wrong one for another connection.
    match find_redeemed(gateway, inbound, &account, code).await {
        Ok(Some(connection)) => return ChatCode::RedeemedBefore(connection),
        Ok(None) => {}
        Err(error) => return failed(inbound, &error),
    }
    let pending = match gateway.cards.list_unfinished(&account).await {
        Ok(pending) if pending.is_empty() => return ChatCode::NotOurs,
        Ok(pending) => pending,
        Err(error) => return failed(inbound, &error),
    };
    let bearer = CodeBearer { account: inbound.account(), sender: inbound.sender(), stated: stated.clone() };
    match gateway.rates.charge(&bearer.sender, &inbound.correlation_id).await {
        Ok(()) => redeem_for_pending(gateway, inbound, &bearer, &pending, code).await,
        Err(limited) => ChatCode::RateLimited(limited),
    }
}

/// The invoke names no connection, so the code is tried for each pending one, the most recent first. A code stays valid when
/// it is tried for a connection that it does not belong to (docs/protocols/token-service-api.md §1 rule 14).
async fn redeem_for_pending<'g>(
    gateway: &'g BotGateway,
    inbound: &Inbound<'_>,
    bearer: &CodeBearer,
    pending: &[PendingSignIn],
    code: &str,
) -> ChatCode<'g> {
    let account = inbound.channel_account();
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
        match gateway.codes.redeem(wanted, bearer, code).await {
            Ok(CodeAnswer::Redeemed { token, card_id }) => {
                return ChatCode::Redeemed(RedeemedCode { connection, card_id, token });
            }
            Ok(CodeAnswer::RedeemedBefore) => return ChatCode::RedeemedBefore(connection),
            Ok(CodeAnswer::Wrong) => {}
            Err(error) => return failed(inbound, &error),
        }
    }
    // The code may be one of a skill's sign-in, of which only the bot knows.
    if has_skills(gateway, &inbound.bot) { ChatCode::NotOurs } else { ChatCode::Wrong }
}

/// The one of the bot's connections for which the account that sends `code` redeemed it before, and still holds what came
/// of it. The card of such a code is finished, so it is not among the pending ones.
async fn find_redeemed<'g>(
    gateway: &'g BotGateway,
    inbound: &Inbound<'_>,
    account: &Account,
    code: &str,
) -> Result<Option<&'g Arc<Connection>>, CodeError> {
    let bearer = inbound.account();
    for connection in gateway.registrations.list_connections(inbound.bot.name.as_str()) {
        let slot = TokenSlot::new(account, &connection.name);
        let wanted = WantedToken { bot: &inbound.bot, slot: &slot, connection };
        if gateway.codes.is_redeemed(wanted, &bearer, code).await? {
            return Ok(Some(connection));
        }
    }
    Ok(None)
}

fn failed<'g>(inbound: &Inbound<'_>, error: &impl Display) -> ChatCode<'g> {
    log_failure(inbound, error);
    ChatCode::Failed
}

/// Logs that the store failed while a code was checked.
pub(super) fn log_failure(inbound: &Inbound<'_>, error: &impl Display) {
    tracing::error!(correlation_id = inbound.correlation_id, %error, "a magic code cannot be checked: the store failed");
}
