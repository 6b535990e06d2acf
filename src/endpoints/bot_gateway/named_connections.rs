//! Which connection an invoke names: one of the bot, or one of a skill that the bot calls.

use std::sync::Arc;

use super::BotGateway;
use super::admitted::Inbound;
use crate::domain::{Bot, Connection, ConnectionName, NamedConnection, Skill};

/// What a connection name in an invoke to a bot stands for.
pub(super) enum InvokedConnection<'g> {
    /// This connection of the bot.
    OfBot(&'g Arc<Connection>),
    /// A connection of this skill, which the bot may call.
    OfSkill(&'g Arc<Skill>),
    /// No connection; but the name of this connection of the bot differs in letter case only.
    NearOneOfBot(&'g ConnectionName),
    /// No connection; but the name of this connection of one of the bot's skills differs in letter case only.
    NearOneOfSkill(&'g ConnectionName),
    /// Nothing that is configured here.
    Unknown,
}

impl InvokedConnection<'_> {
    /// Whether a skill of the bot has the name, in some letter case.
    pub(super) const fn is_of_skill(&self) -> bool {
        matches!(self, Self::OfSkill(_) | Self::NearOneOfSkill(_))
    }
}

/// Finds what `name` stands for in an invoke to `bot`.
pub(super) fn find_connection<'g>(gateway: &'g BotGateway, bot: &Bot, name: &str) -> InvokedConnection<'g> {
    let registrations = &gateway.registrations;
    let of_bot = registrations.find_connection(bot.name.as_str(), name);
    if let NamedConnection::Exact(connection) = of_bot {
        return InvokedConnection::OfBot(connection);
    }
    if let Some(skill) = registrations.find_skill_by_connection(&bot.name, name) {
        return InvokedConnection::OfSkill(skill);
    }
    if let NamedConnection::OtherCase(near) = of_bot {
        return InvokedConnection::NearOneOfBot(&near.name);
    }
    let mut of_skills = registrations.list_skills(&bot.name).flat_map(|skill| &skill.connections);
    let near = of_skills.find(|connection| connection.as_str().eq_ignore_ascii_case(name));
    near.map_or(InvokedConnection::Unknown, InvokedConnection::NearOneOfSkill)
}

/// Whether `bot` may call a skill. Bots without skills need no further look at their activities.
pub(super) fn has_skills(gateway: &BotGateway, bot: &Bot) -> bool {
    gateway.registrations.list_skills(&bot.name).next().is_some()
}

/// Logs that the invoke's connection is misspelled.
pub(super) fn log_near_match(inbound: &Inbound<'_>, near: &ConnectionName) {
    tracing::warn!(
        correlation_id = inbound.correlation_id,
        bot = inbound.bot.name.as_str(),
        near = near.as_str(),
        "the invoke names a connection that differs from this one in letter case only"
    );
}
