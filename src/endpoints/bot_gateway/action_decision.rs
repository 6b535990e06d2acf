//! Whether a user's action carries a sign-in for the gateway, and what it carries (docs/protocols/sign-in-invokes.md §4).

use std::sync::Arc;

use super::BotGateway;
use super::action::ActionCall;
use super::action_replies::refuse_unreadable;
use super::admitted::Inbound;
use super::named_connections::{InvokedConnection, find_connection, log_near_match};
use super::replies::InvokeReply;
use crate::domain::{Bot, Connection};
use crate::inbound::refuse_activity;
use crate::protocol::{
    ActionFamily, ActionKind, Activity, ActivityError, CarriedSignIn, CarriedToken, possible_action_connections,
};

/// The kind of action that some reader finds in `activity`, with a token or a code that may be the gateway's.
pub(super) fn find_action(gateway: &BotGateway, bot: &Bot, activity: &Activity<'_>) -> Option<ActionKind> {
    if bot.sign_in_invokes.is_empty() {
        return None;
    }
    let kind = ActionKind::possible_kinds(activity).find(|kind| bot.sign_in_invokes.contains(&kind.setting()))?;
    let is_named = |name: &str| {
        let named = find_connection(gateway, bot, name);
        matches!(named, InvokedConnection::OfBot(_) | InvokedConnection::NearOneOfBot(_))
    };
    let fits = |token: &str| fitting_connections(gateway, bot, token).next().is_some();
    (CarriedSignIn::may_have_code(activity) || CarriedToken::may_be(activity, is_named, fits)).then_some(kind)
}

/// The family of an action in which some reader finds a connection of one of `bot`'s skills.
pub(super) fn find_skill_action(gateway: &BotGateway, bot: &Bot, activity: &Activity<'_>) -> Option<ActionFamily> {
    let family = ActionFamily::find_possible(activity)?;
    let mut names = possible_action_connections(activity);
    names.any(|name| find_connection(gateway, bot, name).is_of_skill()).then_some(family)
}

/// The connections of `bot` that a token without a connection name may be meant for.
fn fitting_connections<'g>(
    gateway: &'g BotGateway,
    bot: &Bot,
    token: &str,
) -> impl Iterator<Item = &'g Arc<Connection>> {
    gateway.validators.find_by_audience(gateway.registrations.list_connections(bot.name.as_str()), token)
}

/// Takes from a user's action what all readers find in it. A token that names a connection which is not one of the bot's is left
/// to the bot, and so is a token that names no connection and fits several.
///
/// # Errors
/// The reply that refuses an action that can be read in several ways, or whose connection is misspelled.
pub(super) fn read_action(
    gateway: &BotGateway,
    inbound: &Inbound<'_>,
    activity: &Activity<'_>,
    kind: ActionKind,
) -> Result<ActionCall, Box<InvokeReply>> {
    let refused = |error| Box::new(refuse_ambiguous(gateway, inbound, kind.family(), &error));
    let CarriedSignIn { token, code } = CarriedSignIn::read(activity, kind).map_err(refused)?;
    let call = ActionCall::new(activity, kind.family()).with_code(code);
    let Some(token) = token else { return Ok(call) };
    Ok(match token.connection_name.map(|name| find_connection(gateway, &inbound.bot, name)) {
        Some(InvokedConnection::OfBot(connection)) => call.with_token(inbound, activity, connection, token),
        Some(InvokedConnection::NearOneOfBot(near) | InvokedConnection::NearOneOfSkill(near)) => {
            log_near_match(inbound, near);
            return Err(Box::new(refuse_unreadable(gateway, inbound, kind.family())));
        }
        Some(InvokedConnection::OfSkill(_) | InvokedConnection::Unknown) => {
            match fitting_connections(gateway, &inbound.bot, token.token).next() {
                Some(connection) => call.with_bots_token(connection, token.token),
                None => call,
            }
        }
        None => match find_fitting(gateway, inbound, token.token) {
            Fitting::One(connection) => call.with_token(inbound, activity, connection, token),
            Fitting::Several(first) => call.with_bots_token(first, token.token),
            Fitting::None => call,
        },
    })
}

/// Refuses an action of `family` that can be read in several ways, for the reason `error`.
pub(super) fn refuse_ambiguous(
    gateway: &BotGateway,
    inbound: &Inbound<'_>,
    family: ActionFamily,
    error: &ActivityError,
) -> InvokeReply {
    _ = refuse_activity(error, &inbound.bot, &inbound.correlation_id);
    refuse_unreadable(gateway, inbound, family)
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
