use super::listeners::is_microsofts;
use crate::config::ConnectionSection;
use crate::config::review::{Place, Proposal, Review};
use crate::domain::{Bot, Connection};

/// The bots and connections of the file, with which the settings of one connection are compared.
#[derive(Clone, Copy)]
pub(super) struct Neighbours<'a> {
    pub(super) bots: &'a [Bot],
    pub(super) connections: &'a [ConnectionSection],
}

/// Compares the settings of one connection with each other and with its neighbours.
pub(super) fn check(section: &ConnectionSection, neighbours: Neighbours<'_>, review: &mut Review<'_>) {
    let place = Place::section("connections").key(&section.key);
    let connection = &section.connection;
    let may_ask = connection.asks_offline_access() || review.is_reported(&place.key("scopes"));
    if !connection.aad_resources.is_empty() && !may_ask {
        let message = "are redeemed with the user's refresh token, and the connection asks for none: write \
                       \"offline_access\" into its scopes, or leave aad_resources out";
        review.report(&place.key("aad_resources"), message.to_owned());
    }
    if let Some(uri) = connection.token_exchange_uri.as_deref().and_then(ExchangeUri::read) {
        let at = place.key("token_exchange_uri");
        uri.check_host(review, &at);
        uri.check_ids(connection, neighbours, review, &at);
        uri.check_scope(connection, review, &at);
    }
}

impl Neighbours<'_> {
    /// Whether `other` has a connection with the client id of `connection`, so that both use one app registration. Its
    /// URIs may name either bot.
    fn share_client(&self, connection: &Connection, other: &Bot) -> bool {
        let of_other = |section: &&ConnectionSection| section.connection.holder.is_bot(&other.name);
        self.connections.iter().filter(of_other).any(|section| {
            section.connection.client_id == connection.client_id
                && section.connection.identity_provider == connection.identity_provider
        })
    }
}

/// An exchange URI in its parts: `api://<host>/botid-<app id>/<scope>`.
struct ExchangeUri<'a> {
    text: &'a str,
    host: &'a str,
    /// The host and all segments of the path.
    parts: Vec<&'a str>,
}

impl<'a> ExchangeUri<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.split_once("://")?.1.split('/').collect();
        Some(Self { text, host: parts.first()?, parts })
    }

    fn check_host(&self, review: &mut Review<'_>, place: &Place) {
        if is_microsofts(self.host) {
            let message = format!(
                "\"{}\" is on the host of the hosted Bot Framework service, which is no App ID URI of yours: write the \
                 one under \"Expose an API\" of the bot's app registration, as \"api://<host>/botid-<app id>\"",
                self.text
            );
            review.warn(place, message);
        }
    }

    /// Every id in the URI must be the app id of the connection's bot, or the connection's client id. The app id of a bot
    /// with a problem is not known.
    fn check_ids(&self, connection: &Connection, neighbours: Neighbours<'_>, review: &mut Review<'_>, place: &Place) {
        let bots = neighbours.bots;
        let Some(own) = bots.iter().find(|bot| connection.holder.is_bot(&bot.name)).map(|bot| bot.app_id.as_str())
        else {
            return;
        };
        for part in &self.parts {
            let Some(id) = named_id(part) else { continue };
            let id = id.to_ascii_lowercase();
            if id == own || id == connection.client_id {
                continue;
            }
            let right = self.text.replace(part, &part.to_ascii_lowercase().replace(&id, own));
            let bot = connection.holder.as_str();
            match bots.iter().find(|bot| bot.app_id == id) {
                Some(other) if neighbours.share_client(connection, other) => {
                    let other = other.name.as_str();
                    let message = format!(
                        "names the bot {other:?} ({part}), which has a connection with the same client_id. That is right \
                         if this app registration exposes the URI, but Teams may give the bot {bot:?} no token for it: for \
                         Teams, write {right:?} and add it to the registration"
                    );
                    review.warn(place, message);
                }
                Some(other) => {
                    let other = other.name.as_str();
                    let complaint = format!(
                        "names the bot {other:?} ({part}), but the connection belongs to the bot {bot:?}"
                    );
                    review.propose(place, complaint, Proposal::text(place, right));
                }
                None => review.warn(
                    place,
                    format!(
                        "names another app ({part}) than the bot {bot:?} and the connection's client_id, so clients may \
                         get no token for it: write {right:?}, or the URI as it is registered"
                    ),
                ),
            }
        }
    }

    /// The last segment is a scope if it follows an id. Behind a mere host it may be the name of an app as well.
    fn check_scope(&self, connection: &Connection, review: &mut Review<'_>, place: &Place) {
        let required = &connection.exchange.required_scopes;
        let Some((last, before)) = self.parts.split_last() else { return };
        if before.is_empty() || last.is_empty() || named_id(last).is_some() || required.iter().any(|one| one == last) {
            return;
        }
        let Some(first_required) = required.first() else { return };
        let resource = self.text.strip_suffix(last).unwrap_or(self.text);
        let complaint = format!(
            "ends in {last:?}, which is none of required_scopes ({}), so a token for this scope would be refused",
            required.join(", ")
        );
        let (right, alternative) =
            (format!("{resource}{first_required}"), format!(", or required_scopes = [{last:?}]"));
        let is_of_app = |part: &&str| {
            let names_bot = part.len() > 6 && named_id(part).is_some_and(|id| id != *part);
            names_bot || part.eq_ignore_ascii_case(&connection.client_id)
        };
        // Another id may be a tenant's, and what follows it the name of an app.
        if before.last().is_some_and(is_of_app) {
            review.propose(place, complaint, Proposal::text(place, right).or(alternative));
        } else {
            review.warn(place, format!("{complaint}: write {right:?}{alternative}"));
        }
    }
}

/// The app id in a part of a URI: `botid-<app id>`, or the id alone.
pub(super) fn named_id(part: &str) -> Option<&str> {
    let prefix = part.get(..6).filter(|prefix| prefix.eq_ignore_ascii_case("botid-"));
    match prefix {
        Some(_) => part.get(6..),
        None => uuid::Uuid::try_parse(part).is_ok().then_some(part),
    }
}
