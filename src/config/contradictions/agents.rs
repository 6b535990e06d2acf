use crate::config::ConnectionSection;
use crate::config::review::{Place, Review};
use crate::domain::Bot;

/// Warns of tenants whose agents a bot serves although their users can sign in to none of its connections.
pub(super) fn check(bot: &Bot, connections: &[ConnectionSection], review: &mut Review<'_>) {
    let Some(agents) = &bot.agent_365 else { return };
    // A connection with a problem is not among `connections`.
    if review.is_reported(&Place::section("connections")) {
        return;
    }
    let own: Vec<_> = connections.iter().filter(|section| section.connection.holder.is_bot(&bot.name)).collect();
    let at = Place::section("bots").key(bot.name.as_str()).key("agent_365").key("tenants");
    for (index, tenant) in agents.tenants.iter().enumerate() {
        if !own.is_empty() && !own.iter().any(|section| section.connection.exchange.tenants.admits(tenant)) {
            let message = "is a tenant that no connection of this bot has in its tenants, so the people that the agents \
                           talk to cannot sign in: add it there, or take it out here";
            review.warn(&at.index(index), message.to_owned());
        }
    }
}
