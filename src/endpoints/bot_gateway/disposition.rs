use std::sync::Arc;

use super::replies::{InvokeReply, refuse_shape};
use super::{BotGateway, Inbound};
use crate::domain::{Connection, NamedConnection};
use crate::observability::Count;
use crate::protocol::{InvokeKind, TOKENS_RESPONSE, TokenExchangeInvokeRequest};

/// Whose an activity is, and what is to be done with it (DESIGN §3.1).
pub(super) enum Disposition<'a> {
    /// A token for one of our connections.
    Exchange {
        /// The connection.
        connection: &'a Arc<Connection>,
        /// The invoke's `value`.
        request: TokenExchangeInvokeRequest<'a>,
    },
    /// A token exchange nobody could make sense of.
    Refuse(InvokeReply),
    /// A magic code.
    VerifyState,
    /// A client that could not get a token.
    ClientFailure,
    /// Something only we may send.
    Drop,
    /// Not ours.
    PassOn,
}

/// Decides from the activity as it was parsed: the same bytes that would be passed on.
pub(super) fn decide<'a>(gateway: &'a BotGateway, inbound: &'a Inbound<'_>) -> Disposition<'a> {
    match InvokeKind::of(&inbound.activity) {
        Some(InvokeKind::TokenExchange) => decide_exchange(gateway, inbound),
        Some(InvokeKind::VerifyState) => Disposition::VerifyState,
        Some(InvokeKind::Failure) => Disposition::ClientFailure,
        None if is_forged_token(gateway, inbound) => {
            gateway.counters.add(Count::ForgedTokensResponse);
            tracing::warn!(
                security = true,
                correlation_id = inbound.correlation_id,
                bot = inbound.bot.name.as_str(),
                channel = inbound.activity.channel_id(),
                "a tokens/response event that we did not send was dropped"
            );
            Disposition::Drop
        }
        None => Disposition::PassOn,
    }
}

fn decide_exchange<'a>(gateway: &'a BotGateway, inbound: &'a Inbound<'_>) -> Disposition<'a> {
    let request = match TokenExchangeInvokeRequest::read(inbound.activity.value()) {
        Ok(request) => request,
        Err(id) => {
            return Disposition::Refuse(refuse_shape(
                gateway,
                inbound,
                id,
                "value lacks an object, a connectionName or has members of wrong types",
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
            Disposition::Refuse(refuse_shape(
                gateway,
                inbound,
                request.id,
                "connectionName differs from a configured one in letter case only",
            ))
        }
        NamedConnection::Unknown => Disposition::PassOn,
    }
}

/// A `tokens/response` event to a bot whose connections are ours: only we send those.
///
/// Whatever connection it names: SDK prompts take the token of any such event, so one that named another connection
/// would continue a dialog that waits for ours, with a token that nobody checked. A bot has one Token Service, so no
/// other one has a reason to send it events.
fn is_forged_token(gateway: &BotGateway, inbound: &Inbound<'_>) -> bool {
    let activity = &inbound.activity;
    activity.is("event")
        && activity.name().is_some_and(|name| name.eq_ignore_ascii_case(TOKENS_RESPONSE))
        && !gateway.registrations.list_connections(inbound.bot.name.as_str()).is_empty()
}
