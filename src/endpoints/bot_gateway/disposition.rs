use std::sync::Arc;

use super::BotGateway;
use super::action::ActionCall;
use super::action_decision::{find_action, find_skill_action, read_action, refuse_ambiguous};
use super::action_replies::refuse_unreadable;
use super::admitted::{Inbound, read_stated_identity};
use super::client_failure::read_code;
use super::named_connections::{InvokedConnection, find_connection, has_skills, log_near_match};
use super::replies::{InvokeReply, refuse_malformed};
use super::skill_invoke::InvokeForSkill;
use super::token_exchange::TokenExchangeCall;
use crate::cards::StatedIdentity;
use crate::domain::{Bot, Connection};
use crate::inbound::AdmittedCaller;
use crate::observability::{AuditEntry, AuditEvent, Count};
use crate::protocol::{
    ActionFamily, ActionKind, Activity, ActivityError, AgentLifecycleEvent, InvokeKind, MAX_ID_BYTES, Node,
    SignInState, TOKENS_RESPONSE, TokenExchangeInvokeRequest, normalize_for_bot, read_action_connection,
};

/// Whether the gateway may have to handle an activity itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Traffic {
    /// A sign-in invoke that is or may be the gateway's. It is judged strictly.
    SignIn(InvokeKind),
    /// A token exchange in which some reader finds a connection of one of the bot's skills. It is judged as strictly as a
    /// sign-in invoke of the gateway's.
    SkillExchange,
    /// A user's action that carries a token or a code which is or may be the gateway's. These are judged strictly, and the
    /// rest of the action is passed on even where it is odd.
    Action(ActionKind),
    /// A user's action in which some reader finds a connection of one of the bot's skills. What names the connection is judged
    /// strictly, and the rest of the action is passed on even where it is odd.
    SkillAction(ActionFamily),
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
    let read_named = || read_named_connections(gateway, bot, activity);
    let mut named = None;
    let may_be_ours = InvokeKind::possible_kinds(activity).any(|kind| match kind {
        InvokeKind::TokenExchange => !named.insert(read_named()).are_foreign,
        InvokeKind::VerifyState => activity.state_readings().any(|state| SignInState::read(state).is_some()),
        InvokeKind::Failure => true,
    });
    if may_be_ours {
        return Ok(match activity.require_sign_in_form()? {
            InvokeKind::TokenExchange if named.unwrap_or_else(read_named).some_of_skill => Traffic::SkillExchange,
            kind => Traffic::SignIn(kind),
        });
    }
    if has_skills(gateway, bot)
        && let Some(family) = find_skill_action(gateway, bot, activity)
    {
        return Ok(Traffic::SkillAction(family));
    }
    Ok(find_action(gateway, bot, activity).map_or(Traffic::PassedOn, Traffic::Action))
}

/// What the readers of a token exchange find where it names its connection.
#[derive(Clone, Copy)]
struct NamedConnections {
    /// A connection is named, and no reader can take the name for a connection of the bot or of its skills.
    are_foreign: bool,
    /// Some reader finds a connection of one of the bot's skills.
    some_of_skill: bool,
}

fn read_named_connections(gateway: &BotGateway, bot: &Bot, activity: &Activity<'_>) -> NamedConnections {
    let mut names = activity.connection_name_readings().map(Node::as_str).peekable();
    let mut all = NamedConnections { are_foreign: names.peek().is_some(), some_of_skill: false };
    for name in names {
        let found = name.map(|name| find_connection(gateway, bot, name));
        let is_named = name.is_some_and(|name| !name.is_empty());
        all.are_foreign &= is_named && matches!(found, Some(InvokedConnection::Unknown));
        all.some_of_skill |= found.is_some_and(|found| found.is_of_skill());
    }
    all
}

/// How an activity is handled (docs/architecture.md §Life of a silent sign-in).
pub(super) enum Disposition<'a> {
    /// Exchange a token for a configured connection.
    Exchange {
        /// The connection that the invoke names.
        connection: &'a Arc<Connection>,
        /// What the exchange needs of the invoke.
        call: Box<TokenExchangeCall>,
    },
    /// Refuse a malformed token exchange or action.
    Refuse(InvokeReply),
    /// Exchange the token or redeem the code of a user's action, and pass the action on.
    Action(Box<ActionCall>),
    /// Pass an invoke that names a connection of a skill on to the skill.
    ToSkill {
        invoke: Box<InvokeForSkill<'a>>,
        /// How the invoke is handled if it cannot go to the skill: without a conversation of the user with the skill, without
        /// the bot's credentials, or from a parent bot.
        otherwise: Box<Self>,
    },
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

impl<'a> Disposition<'a> {
    fn to_skill(invoke: InvokeForSkill<'a>, otherwise: Self) -> Self {
        Self::ToSkill { invoke: Box::new(invoke), otherwise: Box::new(otherwise) }
    }

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
        Traffic::SignIn(InvokeKind::TokenExchange) | Traffic::SkillExchange => {
            decide_exchange(gateway, inbound, activity)
        }
        Traffic::Action(kind) => decide_action(gateway, inbound, activity, kind),
        Traffic::SkillAction(family) => decide_skill_action(gateway, inbound, activity, family),
        Traffic::SignIn(InvokeKind::VerifyState) => {
            let state = activity.state_readings().find_map(SignInState::read);
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
    let request = match TokenExchangeInvokeRequest::read(activity) {
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
    match find_connection(gateway, &inbound.bot, request.connection_name) {
        InvokedConnection::OfBot(connection) => {
            let call = Box::new(TokenExchangeCall::new(inbound, activity, request));
            Disposition::Exchange { connection, call }
        }
        InvokedConnection::OfSkill(skill) => {
            let body = normalize_for_bot(activity, InvokeKind::TokenExchange, &inbound.body, false);
            Disposition::to_skill(InvokeForSkill::of_token_exchange(skill, &request, body), Disposition::Forward)
        }
        InvokedConnection::NearOneOfBot(near) | InvokedConnection::NearOneOfSkill(near) => {
            log_near_match(inbound, near);
            Disposition::Refuse(refuse_malformed(gateway, inbound, request.id, NEAR_MATCH))
        }
        InvokedConnection::Unknown => Disposition::Forward,
    }
}

const NEAR_MATCH: &str = "connectionName differs from a configured one in letter case only";

/// Decides on a user's action in which some reader finds a connection of a skill. Unless all readers find it, the action is
/// refused. What the action carries for the bot itself is handled only if the action does not go to the skill.
fn decide_skill_action<'a>(
    gateway: &'a BotGateway,
    inbound: &Inbound<'_>,
    activity: &Activity<'_>,
    family: ActionFamily,
) -> Disposition<'a> {
    let name = match read_action_connection(activity, family) {
        Ok(name) => name,
        Err(error) => return Disposition::Refuse(refuse_ambiguous(gateway, inbound, family, &error)),
    };
    let named = find_connection(gateway, &inbound.bot, name);
    if let InvokedConnection::NearOneOfSkill(near) = named {
        log_near_match(inbound, near);
        return Disposition::Refuse(refuse_unreadable(gateway, inbound, family));
    }
    let otherwise = find_action(gateway, &inbound.bot, activity);
    let otherwise = otherwise.map_or(Disposition::Forward, |kind| decide_action(gateway, inbound, activity, kind));
    match named {
        InvokedConnection::OfSkill(skill) if otherwise.reaches_bot() => {
            Disposition::to_skill(InvokeForSkill::of_action(skill, family, &inbound.body), otherwise)
        }
        _ => otherwise,
    }
}

/// Decides on a user's action that carries a token or a code.
fn decide_action<'a>(
    gateway: &BotGateway,
    inbound: &Inbound<'_>,
    activity: &Activity<'_>,
    kind: ActionKind,
) -> Disposition<'a> {
    match read_action(gateway, inbound, activity, kind) {
        Ok(call) if call.is_empty() => Disposition::Forward,
        Ok(call) => Disposition::Action(Box::new(call)),
        Err(reply) => Disposition::Refuse(*reply),
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
