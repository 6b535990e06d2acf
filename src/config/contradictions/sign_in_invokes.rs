use crate::config::ConnectionSection;
use crate::config::review::{Place, Review};
use crate::domain::{AudienceRule, Bot, CallerEntry, Connection, SignInInvoke};

/// The channel of Teams.
const TEAMS: &str = "msteams";

/// Compares `sign_in_invokes` of `bot` with its connections: their tokens are what the invokes carry.
pub(super) fn check(bot: &Bot, connections: &[ConnectionSection], review: &mut Review<'_>) {
    // A connection with a problem is not among `connections`.
    if bot.sign_in_invokes.is_empty() || review.is_reported(&Place::section("connections")) {
        return;
    }
    let place = Place::section("bots").key(bot.name.as_str()).key("sign_in_invokes");
    let own: Vec<&Connection> = connections
        .iter()
        .map(|section| &section.connection)
        .filter(|connection| connection.holder.is_bot(&bot.name))
        .collect();
    if own.is_empty() {
        let message = format!(
            "needs a connection whose tokens the invokes carry, and the bot has none: write a section \
             [connections.<name>] with bot = {:?}, or leave the key out",
            bot.name.as_str()
        );
        review.report(&place, message);
        return;
    }
    warn_of_parents(bot, review, &place);
    let exchanging: Vec<&Connection> =
        own.into_iter().filter(|connection| connection.exchange.entra_provider().is_some()).collect();
    if exchanging.is_empty() {
        let message = "is for Teams, whose tokens are Entra's, and every connection of the bot has a directory, or an identity \
                       provider of kind \"oidc\", and exchanges none of Entra's tokens: write a connection with one of kind \"entra\", or \
                       token_exchange with subject = \"entra\", or leave the key out";
        review.report(&place, message.to_owned());
        return;
    }
    if bot.sign_in_invokes.contains(&SignInInvoke::MessageExtension)
        && let Some((one, other)) = find_alike(&exchanging)
    {
        let message = format!(
            "finds the connection of a message extension's token by its audience where the client names none, and the \
             connections {:?} and {:?} accept the same audience: such a token is passed on to the bot, unless each \
             connection has an app (client_id) of its own",
            one.name.as_str(),
            other.name.as_str()
        );
        review.warn(&place, message);
    }
}

/// Warns of a bot that has the settings of Teams while none of its parents may speak for Teams: its invokes would be
/// refused where a parent passes them on.
fn warn_of_parents(bot: &Bot, review: &mut Review<'_>, place: &Place) {
    let speaks_for_teams = |entry: &CallerEntry| entry.channels.iter().any(|channel| channel == TEAMS);
    let callers = Place::section("bots").key(bot.name.as_str()).key("callers");
    if !bot.callers.is_empty() && !review.is_reported(&callers) && !bot.callers.iter().any(speaks_for_teams) {
        let message = "is for invokes of Teams, and no entry of the bot's callers has the channel \"msteams\": if a parent bot \
                       passes them on, write \"msteams\" into its channels; if Teams calls this bot itself, nothing is missing";
        review.warn(place, message.to_owned());
    }
}

/// The first two connections that accept the same audience.
fn find_alike<'a>(connections: &[&'a Connection]) -> Option<(&'a Connection, &'a Connection)> {
    let accepts = |connection: &Connection, rule: &AudienceRule| connection.exchange.audiences.contains(rule);
    let is_alike =
        |one: &Connection, other: &Connection| one.exchange.audiences.iter().any(|rule| accepts(other, rule));
    connections.iter().enumerate().find_map(|(index, one)| {
        let later = connections.get(index + 1..).unwrap_or_default();
        later.iter().find(|other| is_alike(one, other)).map(|other| (*one, *other))
    })
}
