use serde::Deserialize;

use crate::config::connections::{ConnectionHolder, ConnectionSection};
use crate::config::review::{Context, Place, Review, validate_scopes};
use crate::domain::ProviderKind;

use super::OtherSections;

/// The sections that a back end or an app may name as the source of its tokens.
pub(super) struct Sources<'a> {
    /// The connections of the add-ins.
    pub(super) add_ins: Vec<ConnectionSection>,
    pub(super) others: &'a OtherSections<'a>,
    pub(super) context: &'a Context,
}

/// `exchange` of a back end, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawExchange {
    add_in: Option<String>,
    connection: Option<String>,
    scopes: Option<Vec<String>>,
    audiences: Option<Vec<String>>,
}

/// What a back end exchanges its users' tokens for.
pub(super) struct ValidatedExchange {
    pub(super) connection: ConnectionSection,
    pub(super) audiences: Vec<String>,
}

impl Sources<'_> {
    /// The connection `key`; reports a name that no connection has.
    pub(super) fn find_connection(
        &self,
        key: String,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<&ConnectionSection> {
        let key = self.context.connection(key, review, place)?;
        self.others.connections.iter().find(|section| section.key == key)
    }

    /// As [`Sources::find_connection`]; reports a connection that exchanges no tokens, too.
    fn find_exchanging_connection(
        &self,
        key: String,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<&ConnectionSection> {
        let section = self.find_connection(key, review, place)?;
        if section.connection.exchange.subject.is_none() {
            let message = if section.connection.provider_kind == ProviderKind::Directory {
                "names a connection whose users are those of a directory, which exchanges no tokens: write the key of another \
                 connection"
                    .to_owned()
            } else {
                format!(
                    "names a connection that exchanges no tokens: write [{}.token_exchange], or the key of another connection",
                    section.place()
                )
            };
            review.report(place, message);
            return None;
        }
        Some(section)
    }

    fn find_add_in(&self, name: String, review: &mut Review<'_>, place: &Place) -> Option<&ConnectionSection> {
        let name = self.context.add_in(name, review, place)?;
        self.add_ins.iter().find(|section| section.key == name)
    }
}

impl RawExchange {
    pub(super) fn named_connection(&self) -> Option<&str> {
        self.connection.as_deref()
    }

    pub(super) fn validate(
        self,
        owner: ConnectionHolder,
        sources: &Sources<'_>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<ValidatedExchange> {
        let source = match (self.add_in, self.connection) {
            (Some(add_in), None) => sources.find_add_in(add_in, review, &place.key("add_in")),
            (None, Some(key)) => sources.find_exchanging_connection(key, review, &place.key("connection")),
            _ if review.is_reported(place) => None,
            _ => {
                let message = "names no source of tokens, or two: write add_in = \"…\" or connection = \"…\"";
                review.report(place, message.to_owned());
                None
            }
        };
        let at = place.key("scopes");
        let scopes = self.scopes.map(|scopes| match source.map(|source| source.connection.provider_kind) {
            Some(ProviderKind::Entra) => validate_scopes(scopes, sources.context.cloud.graph, review, &at),
            _ => Some(review.openid_scopes(&scopes, &at)),
        });
        let scopes = scopes.map_or(Some(None), |valid| valid.map(Some));
        let audiences = self.audiences.map(|texts| review.tokens(&texts, &place.key("audiences"), "an audience"));
        let (source, scopes) = (source?, scopes?);
        if scopes.is_none() && source.connection.scopes.is_empty() && !review.is_reported(&at) {
            let message =
                format!("is missing, and {} has none: write the scopes of the API that is called", source.place());
            review.report(&at, message);
        }
        let connection = source.derive_for(owner, scopes, sources.context);
        let audiences = audiences.unwrap_or_else(|| resources(&connection.connection.scopes));
        Some(ValidatedExchange { connection, audiences })
    }
}

/// The resources that `scopes` belong to, as `https://graph.microsoft.com`. A scope without one belongs to none here.
fn resources(scopes: &[String]) -> Vec<String> {
    let mut resources: Vec<String> = Vec::new();
    for (resource, _) in scopes.iter().filter_map(|scope| scope.rsplit_once('/')) {
        if !resources.iter().any(|known| known == resource) {
            resources.push(resource.to_owned());
        }
    }
    resources
}
