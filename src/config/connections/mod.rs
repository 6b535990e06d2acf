//! `[connections.<key>]`: for which bot, which users and which scopes an identity provider issues tokens.
//!
//! Owns what a connection must have for each kind of provider, and which of its settings change its revision. It
//! deliberately does not know the providers' addresses, and obtains no token.

mod client;
mod connection;
mod directory;
mod entra;
mod granted_scopes;
mod oidc;
mod raw;
mod raw_token_exchange;
mod token_exchange;

#[cfg(test)]
mod connections_tests;
#[cfg(test)]
mod directory_tests;
#[cfg(test)]
mod oidc_tests;
#[cfg(test)]
mod token_exchange_tests;

use std::collections::BTreeMap;

pub use connection::ConnectionSection;

pub(in crate::config) use client::{ConnectionHolder, WrittenClient};
pub(in crate::config) use raw::RawConnection;

use crate::config::review::{Context, Place, Review};
use crate::domain::HolderName;

use connection::{ConnectionNames, lending_holder};

/// The name of the sections' table.
const TABLE: &str = "connections";

/// The sections `[connections.<key>]`.
pub(in crate::config) fn validate(
    raw: BTreeMap<String, RawConnection>,
    context: &Context,
    review: &mut Review<'_>,
) -> Vec<ConnectionSection> {
    let section = Place::section(TABLE);
    if raw.is_empty() && !context.bots.is_empty() && !review.is_reported(&section) {
        review.warn(&section, "is missing, so no user can sign in and every request is forwarded".to_owned());
    }
    let mut sections: Vec<ConnectionSection> = Vec::new();
    for (key, connection) in raw {
        let place = section.key(&key);
        let Some(validated) = validate_one(key, connection, context, review, &place) else { continue };
        if let Some(twin) = sections.iter().find(|other| other.has_same_holder_and_name(&validated)) {
            let message = format!("has the same bot and name as connections.{}: write another name", twin.key);
            review.report(&place.key("name"), message);
        }
        sections.push(validated);
    }
    sections
}

fn validate_one(
    key: String,
    mut raw: RawConnection,
    context: &Context,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<ConnectionSection> {
    let name = review.connection_name(raw.name.as_deref().unwrap_or(&key), &place.key("name"));
    let belongs_to_none = raw.bot.is_none() && context.lent_connections.contains(&key);
    let bot = if belongs_to_none { None } else { context.bot(raw.bot.take(), review, &place.key("bot")) };
    let holder = if belongs_to_none { Some(lending_holder(&key)) } else { bot.as_deref().map(HolderName::new) };
    if belongs_to_none {
        warn_of_keys_for_bots(&raw, review, place);
    }
    let written = raw.identity_provider.take();
    let identity_provider = context.identity_provider(written, review, &place.key("identity_provider"));
    let is_directory = identity_provider.as_deref().is_some_and(|provider| context.is_directory(provider));
    let is_oidc = identity_provider.as_deref().is_some_and(|provider| context.is_oidc(provider));
    let names = ConnectionNames { table: TABLE, key, name, bot, holder, identity_provider };
    if is_directory {
        directory::validate(raw, names, context, review, place)
    } else if is_oidc {
        oidc::validate(raw, names, context, review, place)
    } else {
        entra::validate(raw, names, context, review, place)
    }
}

/// Warns of settings of a connection without a bot that only bots use.
fn warn_of_keys_for_bots(raw: &RawConnection, review: &mut Review<'_>, place: &Place) {
    let written = [
        ("exchange_uris", !raw.exchange_uris.is_empty()),
        ("aad_resources", !raw.aad_resources.is_empty()),
        ("allow_other_accounts", raw.allow_other_accounts),
    ];
    for (key, _) in written.iter().filter(|(_, is_written)| *is_written) {
        let message = "is for bots, and the connection belongs to none: leave it out, or write bot beside it";
        review.warn(&place.key(key), message.to_owned());
    }
}
