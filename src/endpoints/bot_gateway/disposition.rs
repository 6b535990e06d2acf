use std::sync::Arc;

use super::action::ActionCall;
use super::action_replies::refuse_unreadable;
use super::admitted::{Inbound, read_stated_identity};
use super::client_failure::read_code;
use super::replies::{InvokeReply, refuse_malformed};
use super::token_exchange::TokenExchangeCall;
use super::{BotGateway, refuse_activity};
use crate::cards::StatedIdentity;
use crate::domain::{Bot, Connection, NamedConnection, Registrations};
use crate::inbound::AdmittedCaller;
use crate::observability::{AuditEntry, AuditEvent, Count};
use crate::protocol::{
    ActionKind, Activity, ActivityError, AgentLifecycleEvent, CarriedSignIn, CarriedToken, InvokeKind, MAX_ID_BYTES,
    Node, SignInState, TOKENS_RESPONSE, TokenExchangeInvokeRequest,
};

/// Whether the gateway may have to handle an activity itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Traffic {
    /// A sign-in invoke that is or may be the gateway's. It is judged strictly.
    SignIn(InvokeKind),
    /// A user's action that carries a token or a code which is or may be the gateway's. These are judged strictly, and the
    /// rest of the action is passed on even where it is odd.
    Action(ActionKind),
    /// Everything else. It is passed on even where it is odd.
    PassedOn,
}

impl Traffic {
    /// Whether the bot may get the activity itself.
    pub(super) const fn may_be_passed_on(self) -> bool {
        !matches!(self, Self::SignIn(InvokeKind::TokenExchange | InvokeKind::Failure))
    }
}

/// Decides whether `activity`, as any reader may understand it, is a sign-in invoke of the gateway
/// (docs/protocols/invoke-protocol.md §1.7).
///
/// # Errors
/// [`ActivityError`] if some reader finds such an invoke in the bytes and another may find something else, or if the
/// invoke lacks what sign-in needs.
pub(super) fn classify(gateway: &BotGateway, bot: &Bot, activity: &Activity<'_>) -> Result<Traffic, ActivityError> {
    let may_be_ours = InvokeKind::possible_kinds(activity).any(|kind| match kind {
        InvokeKind::TokenExchange => !names_foreign_connection(&gateway.registrations, bot, activity),
        InvokeKind::VerifyState => activity.value_readings("state").any(|state| SignInState::read(state).is_some()),
        InvokeKind::Failure => true,
    });
    if may_be_ours {
        return activity.require_sign_in_form().map(Traffic::SignIn);
    }
    Ok(find_action(gateway, bot, activity).map_or(Traffic::PassedOn, Traffic::Action))
}

/// The kind of action that some reader finds in `activity`, with a token or a code that may be the gateway's
/// (docs/protocols/sign-in-invokes.md §4).
fn find_action(gateway: &BotGateway, bot: &Bot, activity: &Activity<'_>) -> Option<ActionKind> {
    if bot.sign_in_invokes.is_empty() {
        return None;
    }
    let kind = ActionKind::possible_kinds(activity).find(|kind| bot.sign_in_invokes.contains(&kind.setting()))?;
    let is_named = |name: &str| {
        !matches!(gateway.registrations.find_connection(bot.name.as_str(), name), NamedConnection::Unknown)
    };
    let fits = |token: &str| fitting_connections(gateway, bot, token).next().is_some();
    (CarriedSignIn::may_have_code(activity) || CarriedToken::may_be(activity, is_named, fits)).then_some(kind)
}

/// The connections of `bot` that a token without a connection name may be meant for.
fn fitting_connections<'g>(
    gateway: &'g BotGateway,
    bot: &Bot,
    token: &str,
) -> impl Iterator<Item = &'g Arc<Connection>> {
    gateway.validators.find_by_audience(gateway.registrations.list_connections(bot.name.as_str()), token)
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
    /// Refuse a malformed token exchange or action.
    Refuse(InvokeReply),
    /// Exchange the token or redeem the code of a user's action, and pass the action on.
    Action(Box<ActionCall>),
    /// Handle `signin/verifyState` with a `state` that may come from one of our pages.
    VerifyState {
        state: SignInState,
        /// What the activity states about its user.
        stated: StatedIdentity,
    },
    /// Handle `signin/failure`: the client could not get a token, for the reason that this code names.
    ClientFailure(String),
    /// Handle an event in the life of an agent user, of which the Agent 365 platform tells.
    AgentLifecycle(AgentLifecycleEvent),
    /// Drop an event that only the gateway, or only the Agent 365 platform, may send.
    Drop,
    /// Forward the activity to the bot.
    Forward,
}

impl Disposition<'_> {
    /// The name of the connection for which a token is exchanged.
    pub(super) fn connection(&self) -> Option<&str> {
        match self {
            Self::Exchange { connection, .. } => Some(connection.name.as_str()),
            Self::Action(call) => call.connection(),
            _ => None,
        }
    }

    /// Whether the bot may learn of the activity, by itself or by what follows from it.
    pub(super) const fn reaches_bot(&self) -> bool {
        !matches!(self, Self::Refuse(_) | Self::Drop)
    }
}

/// Requires one user id that all readers find: which account spoke last depends on it, and the bot may read another one.
///
/// # Errors
/// [`ActivityError`] if the ids differ, or the id is too long for a user that has tokens.
pub(super) fn require_one_user_id(activity: &Activity<'_>) -> Result<(), ActivityError> {
    if activity.from_id().len() > MAX_ID_BYTES {
        return Err(ActivityError::TooLong("from.id"));
    }
    if activity.states_one_user_id() { Ok(()) } else { Err(ActivityError::Ambiguous("from.id")) }
}

/// Decides from the parsed activity, which has the content of the bytes that would be forwarded. Nothing in the result
/// refers to it.
///
/// # Errors
/// [`ActivityError`] if two readers of an event in an agent's life may find two events.
pub(super) fn decide<'a>(
    gateway: &'a BotGateway,
    inbound: &Inbound<'_>,
    activity: &Activity<'_>,
    traffic: Traffic,
) -> Result<Disposition<'a>, ActivityError> {
    Ok(match traffic {
        Traffic::SignIn(InvokeKind::TokenExchange) => decide_exchange(gateway, inbound, activity),
        Traffic::Action(kind) => decide_action(gateway, inbound, activity, kind),
        Traffic::SignIn(InvokeKind::VerifyState) => {
            let state = activity.value_readings("state").find_map(SignInState::read);
            let Some(state) = state else { return Ok(Disposition::Forward) };
            Disposition::VerifyState { state, stated: read_stated_identity(activity) }
        }
        Traffic::SignIn(InvokeKind::Failure) => Disposition::ClientFailure(read_code(activity)),
        Traffic::PassedOn if is_forged_tokens_response(gateway, inbound, activity) => {
            gateway.counters.add(Count::ForgedTokensResponse);
            tracing::warn!(
                security = AuditEvent::ForgedTokensResponse.is_security(),
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
        Traffic::PassedOn if activity.may_be_agent_lifecycle() => decide_agent_lifecycle(inbound, activity)?,
        Traffic::PassedOn => Disposition::Forward,
    })
}

/// Decides on an event in an agent's life. For a bot that serves agents only the Agent 365 platform may tell of it, so
/// the event of another caller is forged (docs/protocols/agent-identity.md §6 rule 3).
fn decide_agent_lifecycle(
    inbound: &Inbound<'_>,
    activity: &Activity<'_>,
) -> Result<Disposition<'static>, ActivityError> {
    if let AdmittedCaller::Platform { .. } = inbound.caller {
        return activity.read_agent_lifecycle(&inbound.body).map(Disposition::AgentLifecycle);
    }
    if inbound.bot.agent_365.is_none() {
        return Ok(Disposition::Forward);
    }
    tracing::warn!(
        security = AuditEvent::ForgedAgentLifecycle.is_security(),
        correlation_id = inbound.correlation_id,
        bot = inbound.bot.name.as_str(),
        channel = inbound.channel_id,
        parent = inbound.caller.parent(),
        "an agentLifecycle event was dropped: only the Agent 365 platform sends them"
    );
    AuditEntry::new(AuditEvent::ForgedAgentLifecycle)
        .bot(inbound.bot.name.as_str())
        .correlation_id(&inbound.correlation_id)
        .write();
    Ok(Disposition::Drop)
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
            log_near_match(inbound, near);
            Disposition::Refuse(refuse_malformed(gateway, inbound, request.id, NEAR_MATCH))
        }
        NamedConnection::Unknown => Disposition::Forward,
    }
}

const NEAR_MATCH: &str = "connectionName differs from a configured one in letter case only";

fn log_near_match(inbound: &Inbound<'_>, near: &Connection) {
    tracing::warn!(
        correlation_id = inbound.correlation_id,
        bot = inbound.bot.name.as_str(),
        near = near.name.as_str(),
        "the invoke names a connection that differs from this one in letter case only"
    );
}

/// Decides from what all readers find in a user's action. A token for no connection of the bot is the bot's, and so is one
/// that names no connection and fits several.
fn decide_action<'a>(
    gateway: &'a BotGateway,
    inbound: &Inbound<'_>,
    activity: &Activity<'_>,
    kind: ActionKind,
) -> Disposition<'a> {
    let carried = match CarriedSignIn::read(activity, kind) {
        Ok(carried) => carried,
        Err(error) => {
            _ = refuse_activity(&error, &inbound.bot, &inbound.correlation_id);
            return Disposition::Refuse(refuse_unreadable(gateway, inbound, kind));
        }
    };
    let CarriedSignIn { token, code } = carried;
    let mut call = ActionCall::new(activity, kind).with_code(code);
    if let Some(token) = token {
        match token.connection_name.map(|name| gateway.registrations.find_connection(inbound.bot.name.as_str(), name)) {
            Some(NamedConnection::Exact(connection)) => call = call.with_token(inbound, activity, connection, token),
            Some(NamedConnection::OtherCase(near)) => {
                log_near_match(inbound, near);
                return Disposition::Refuse(refuse_unreadable(gateway, inbound, kind));
            }
            Some(NamedConnection::Unknown) => {
                if let Some(connection) = fitting_connections(gateway, &inbound.bot, token.token).next() {
                    call = call.with_bots_token(connection, token.token);
                }
            }
            None => match find_fitting(gateway, inbound, token.token) {
                Fitting::One(connection) => call = call.with_token(inbound, activity, connection, token),
                Fitting::Several(first) => call = call.with_bots_token(first, token.token),
                Fitting::None => {}
            },
        }
    }
    if call.is_empty() { Disposition::Forward } else { Disposition::Action(Box::new(call)) }
}

/// The connections that accept the audience of a token without a connection name.
enum Fitting<'g> {
    None,
    One(&'g Arc<Connection>),
    /// Several, of which this is the first.
    Several(&'g Arc<Connection>),
}

/// Finds the connection that a token without a connection name is for.
fn find_fitting<'g>(gateway: &'g BotGateway, inbound: &Inbound<'_>, token: &str) -> Fitting<'g> {
    let mut fitting = fitting_connections(gateway, &inbound.bot, token);
    let Some(first) = fitting.next() else { return Fitting::None };
    let Some(second) = fitting.next() else { return Fitting::One(first) };
    tracing::warn!(
        correlation_id = inbound.correlation_id,
        bot = inbound.bot.name.as_str(),
        connections = format!("{}, {}", first.name.as_str(), second.name.as_str()),
        hint = "give each of these connections an app (client_id) of its own, or let the bot name the connection",
        "an action's token was passed on to the bot: it names no connection and fits several"
    );
    Fitting::Several(first)
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
