use std::sync::Arc;

use super::client_failure::read_code;
use super::read_stated_identity;
use super::replies::{InvokeReply, refuse_malformed};
use super::token_exchange::TokenExchangeCall;
use super::{BotGateway, Inbound};
use crate::cards::StatedIdentity;
use crate::domain::{Bot, Connection, NamedConnection, Registrations};
use crate::observability::{AuditEntry, AuditEvent, Count};
use crate::protocol::{
    Activity, ActivityError, InvokeKind, Node, SignInState, TOKENS_RESPONSE, TokenExchangeInvokeRequest,
};

/// Whether the gateway may have to handle an activity itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Traffic {
    /// A sign-in invoke that is or may be the gateway's. It is judged strictly.
    SignIn(InvokeKind),
    /// Everything else. It is passed on even where it is odd.
    PassedOn,
}

/// Decides whether `activity`, as any reader may understand it, is a sign-in invoke of the gateway
/// (docs/protocols/invoke-protocol.md §1.7).
///
/// # Errors
/// [`ActivityError`] if some reader finds such an invoke in the bytes and another may find something else, or if the
/// invoke lacks what sign-in needs.
pub(super) fn classify(
    registrations: &Registrations,
    bot: &Bot,
    activity: &Activity<'_>,
) -> Result<Traffic, ActivityError> {
    let may_be_ours = InvokeKind::possible_kinds(activity).any(|kind| match kind {
        InvokeKind::TokenExchange => !names_foreign_connection(registrations, bot, activity),
        InvokeKind::VerifyState => activity.value_readings("state").any(|state| SignInState::read(state).is_some()),
        InvokeKind::Failure => true,
    });
    if may_be_ours { activity.require_sign_in_form().map(Traffic::SignIn) } else { Ok(Traffic::PassedOn) }
}

/// Whether a token exchange names a connection, and no reader can take the name for one of `bot`'s connections.
fn names_foreign_connection(registrations: &Registrations, bot: &Bot, activity: &Activity<'_>) -> bool {
    let is_foreign = |name: &str| {
        let found = registrations.find_connection(bot.name.as_str(), name);
        !name.is_empty() && matches!(found, NamedConnection::Unknown)
    };
    let mut names = activity.value_readings("connectionName").map(Node::as_str).peekable();
    names.peek().is_some() && names.all(|name| name.is_some_and(is_foreign))
}

/// How an activity is handled (docs/architecture.md §Life of a silent sign-in).
pub(super) enum Disposition<'a> {
    /// Exchange a token for a configured connection.
    Exchange {
        /// The connection that the invoke names.
        connection: &'a Arc<Connection>,
        /// What the exchange needs of the invoke.
        call: TokenExchangeCall,
    },
    /// Refuse a malformed token exchange.
    Refuse(InvokeReply),
    /// Handle `signin/verifyState` with a `state` that may come from one of our pages.
    VerifyState {
        state: SignInState,
        /// What the activity states about its user.
        stated: StatedIdentity,
    },
    /// Handle `signin/failure`: the client could not get a token, for the reason that this code names.
    ClientFailure(String),
    /// Drop an event that only the gateway may send.
    Drop,
    /// Forward the activity to the bot.
    Forward,
}

/// Decides from the parsed activity, which has the content of the bytes that would be forwarded. Nothing in the result
/// refers to it.
pub(super) fn decide<'a>(
    gateway: &'a BotGateway,
    inbound: &Inbound<'_>,
    activity: &Activity<'_>,
    traffic: Traffic,
) -> Disposition<'a> {
    match traffic {
        Traffic::SignIn(InvokeKind::TokenExchange) => decide_exchange(gateway, inbound, activity),
        Traffic::SignIn(InvokeKind::VerifyState) => {
            let state = activity.value_readings("state").find_map(SignInState::read);
            let Some(state) = state else { return Disposition::Forward };
            Disposition::VerifyState { state, stated: read_stated_identity(activity) }
        }
        Traffic::SignIn(InvokeKind::Failure) => Disposition::ClientFailure(read_code(activity)),
        Traffic::PassedOn if is_forged_tokens_response(gateway, inbound, activity) => {
            gateway.counters.add(Count::ForgedTokensResponse);
            tracing::warn!(
                security = true,
                correlation_id = inbound.correlation_id,
                bot = inbound.bot.name.as_str(),
                channel = inbound.channel_id,
                "a tokens/response event from a caller was dropped: only the gateway sends them"
            );
            AuditEntry::new(AuditEvent::ForgedTokensResponse)
                .bot(inbound.bot.name.as_str())
                .correlation_id(&inbound.correlation_id)
                .write();
            Disposition::Drop
        }
        Traffic::PassedOn => Disposition::Forward,
    }
}

fn decide_exchange<'a>(gateway: &'a BotGateway, inbound: &Inbound<'_>, activity: &Activity<'_>) -> Disposition<'a> {
    let request = match TokenExchangeInvokeRequest::read(activity.value()) {
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
        NamedConnection::Exact(connection) => {
            Disposition::Exchange { connection, call: TokenExchangeCall::new(inbound, activity, request) }
        }
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

/// Whether some reader takes this for a `tokens/response` event to a bot with configured connections: only the gateway
/// sends those.
///
/// The connection that the event names does not matter: SDK prompts accept the token of any such event, so an event for
/// another connection would continue a dialog that waits for ours, with a token that was never validated. A bot has one
/// Token Service, so no other service has a reason to send it such events.
fn is_forged_tokens_response(gateway: &BotGateway, inbound: &Inbound<'_>, activity: &Activity<'_>) -> bool {
    activity.may_be("event", TOKENS_RESPONSE)
        && !gateway.registrations.list_connections(inbound.bot.name.as_str()).is_empty()
}
