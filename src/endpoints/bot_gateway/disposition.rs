use std::sync::Arc;

use super::replies::{InvokeReply, refuse_malformed};
use super::{BotGateway, Inbound};
use crate::domain::{Connection, NamedConnection};
use crate::observability::Count;
use crate::protocol::{InvokeKind, TOKENS_RESPONSE, TokenExchangeInvokeRequest};

/// How an activity is handled (docs/architecture.md §Life of a silent sign-in).
pub(super) enum Disposition<'a> {
    /// Exchange a token for a configured connection.
    Exchange {
        /// The connection that the invoke names.
        connection: &'a Arc<Connection>,
        /// The invoke's `value`.
        request: TokenExchangeInvokeRequest<'a>,
    },
    /// Refuse a malformed token exchange.
    Refuse(InvokeReply),
    /// Handle `signin/verifyState`, which holds a magic code.
    VerifyState,
    /// Handle `signin/failure`: the client could not get a token.
    ClientFailure,
    /// Drop an event that only the gateway may send.
    Drop,
    /// Forward the activity to the bot.
    Forward,
}

/// Decides from the parsed activity, which has the content of the bytes that would be forwarded.
pub(super) fn decide<'a>(gateway: &'a BotGateway, inbound: &'a Inbound<'_>) -> Disposition<'a> {
    match InvokeKind::from_activity(&inbound.activity) {
        Some(InvokeKind::TokenExchange) => decide_exchange(gateway, inbound),
        Some(InvokeKind::VerifyState) => Disposition::VerifyState,
        Some(InvokeKind::Failure) => Disposition::ClientFailure,
        None if is_forged_tokens_response(gateway, inbound) => {
            gateway.counters.add(Count::ForgedTokensResponse);
            tracing::warn!(
                security = true,
                correlation_id = inbound.correlation_id,
                bot = inbound.bot.name.as_str(),
                channel = inbound.activity.channel_id(),
                "a tokens/response event from a caller was dropped: only the gateway sends them"
            );
            Disposition::Drop
        }
        None => Disposition::Forward,
    }
}

fn decide_exchange<'a>(gateway: &'a BotGateway, inbound: &'a Inbound<'_>) -> Disposition<'a> {
    let request = match TokenExchangeInvokeRequest::read(inbound.activity.value()) {
        Ok(request) => request,
        Err(id) => {
            return Disposition::Refuse(refuse_malformed(
                gateway,
                inbound,
                id,
                "value is no object, has no connectionName, or has members of a wrong type",
            ));
        }
    };
    match gateway.registrations.find_connection(inbound.bot.name.as_str(), request.connection_name) {
        NamedConnection::Exact(connection) => Disposition::Exchange { connection, request },
        NamedConnection::OtherCase(near) => {
            tracing::warn!(
                correlation_id = inbound.correlation_id,
                bot = inbound.bot.name.as_str(),
                near = near.name.as_str(),
                "the invoke names a connection that differs from this one in letter case only"
            );
            Disposition::Refuse(refuse_malformed(
                gateway,
                inbound,
                request.id,
                "connectionName differs from a configured one in letter case only",
            ))
        }
        NamedConnection::Unknown => Disposition::Forward,
    }
}

/// Whether this is a `tokens/response` event to a bot with configured connections: only the gateway sends those.
///
/// The connection that the event names does not matter: SDK prompts accept the token of any such event, so an event for
/// another connection would continue a dialog that waits for ours, with a token that was never validated. A bot has one
/// Token Service, so no other service has a reason to send it such events.
fn is_forged_tokens_response(gateway: &BotGateway, inbound: &Inbound<'_>) -> bool {
    let activity = &inbound.activity;
    activity.is("event")
        && activity.name().is_some_and(|name| name.eq_ignore_ascii_case(TOKENS_RESPONSE))
        && !gateway.registrations.list_connections(inbound.bot.name.as_str()).is_empty()
}
