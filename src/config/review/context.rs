use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ProviderKind;

use super::cloud::CloudDefaults;
use super::findings::Review;
use super::near_match::near_match;
use super::openid_options::OpenIdOptions;
use super::place::Place;
use super::proposals::Proposal;

/// The cloud's defaults, and the names that sections use to refer to each other. A name is included even if its section
/// has problems.
pub(in crate::config) struct Context {
    pub(in crate::config) cloud: &'static CloudDefaults,
    /// Every bot, with its app id in lower case. An invalid id is included, too; the check of the bot reports it.
    pub(in crate::config) bots: BTreeMap<String, Option<String>>,
    pub(in crate::config) identity_providers: BTreeMap<String, WrittenProvider>,
    pub(in crate::config) directories: BTreeMap<String, WrittenDirectory>,
    /// The keys of the sections `[connections.<key>]`.
    pub(in crate::config) connections: BTreeSet<String>,
    /// The keys of connections that an app or a back end names.
    pub(in crate::config) lent_connections: BTreeSet<String>,
    pub(in crate::config) add_ins: BTreeSet<String>,
}

/// The facts about an identity provider that connections need.
pub(in crate::config) struct WrittenProvider {
    pub(in crate::config) kind: ProviderKind,
    pub(in crate::config) issuer: Option<String>,
    /// The settings that its connections take over.
    pub(in crate::config) options: OpenIdOptions,
}

/// The facts about a directory that connections need.
pub(in crate::config) struct WrittenDirectory {
    /// The public address and the tenant id as they are written: with others, the issuer is another one.
    pub(in crate::config) issuer: String,
}

impl Context {
    /// The bot that a connection names; reports a name that no bot has.
    pub(in crate::config) fn bot(
        &self,
        written: Option<String>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<String> {
        let name = review.required(written, place, "the name of the bot that uses it")?;
        let names: Vec<&str> = self.bots.keys().map(String::as_str).collect();
        known_name(name, &names, "bots", review, place)
    }

    /// The connection that an app or a back end names; reports a name that no connection has.
    pub(in crate::config) fn connection(&self, name: String, review: &mut Review<'_>, place: &Place) -> Option<String> {
        let names: Vec<&str> = self.connections.iter().map(String::as_str).collect();
        known_name(name, &names, "connections", review, place)
    }

    /// The add-in that a back end names; reports a name that no add-in has.
    pub(in crate::config) fn add_in(&self, name: String, review: &mut Review<'_>, place: &Place) -> Option<String> {
        let names: Vec<&str> = self.add_ins.iter().map(String::as_str).collect();
        known_name(name, &names, "add_ins", review, place)
    }

    /// The bots that the list at `place` names, each once; reports a name that no bot has.
    pub(in crate::config) fn listed_bots(
        &self,
        written: &[String],
        review: &mut Review<'_>,
        place: &Place,
    ) -> Vec<String> {
        let names: Vec<&str> = self.bots.keys().map(String::as_str).collect();
        let mut found: Vec<String> = Vec::new();
        for (index, name) in written.iter().enumerate() {
            let at = place.index(index);
            if names.contains(&name.as_str()) {
                found.extend((!found.contains(name)).then(|| name.clone()));
            } else if !review.refuse_several(written, index, place) {
                let near = near_match(name, names.iter().copied()).map(|near| Proposal::text(&at, near));
                if !review.is_reported(&Place::section("bots").key(name)) {
                    let one = format!("the name of a section [bots.…]: {}", names.join(", "));
                    review.propose_or(&at, &format!("{name:?} is no bot"), near, &one);
                }
            }
        }
        found
    }

    /// The identity provider that is written. The default is the only one of kind `entra`, else the only one of any
    /// kind. A directory may be written, too.
    pub(in crate::config) fn identity_provider(
        &self,
        written: Option<String>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<String> {
        let all: Vec<&str> = self.identity_providers.keys().map(String::as_str).collect();
        let default = only(&self.entra_names()).or_else(|| only(&all));
        let directories = self.directories.keys().map(String::as_str);
        let known: Vec<&str> = all.into_iter().chain(directories).collect();
        provider(written.or(default), &known, review, place)
    }

    /// The identity provider that is written, which must be of kind `entra`. The default is the only one of that kind.
    pub(in crate::config) fn entra_provider(
        &self,
        written: Option<String>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<String> {
        let names = self.entra_names();
        provider(written.or_else(|| only(&names)), &names, review, place)
    }

    /// Whether the provider `name` is of kind `oidc`.
    pub(in crate::config) fn is_oidc(&self, name: &str) -> bool {
        self.identity_providers.get(name).is_some_and(|provider| provider.kind == ProviderKind::OpenIdConnect)
    }

    /// Whether `name` is a directory. A name that a provider has, too, is reported elsewhere.
    pub(in crate::config) fn is_directory(&self, name: &str) -> bool {
        self.directories.contains_key(name) && !self.identity_providers.contains_key(name)
    }

    fn entra_names(&self) -> Vec<&str> {
        let of_entra = self.identity_providers.iter().filter(|(_, provider)| provider.kind == ProviderKind::Entra);
        of_entra.map(|(name, _)| name.as_str()).collect()
    }
}

fn only(names: &[&str]) -> Option<String> {
    match names {
        [only] => Some((*only).to_owned()),
        _ => None,
    }
}

fn provider(name: Option<String>, names: &[&str], review: &mut Review<'_>, place: &Place) -> Option<String> {
    let name = review.required(name, place, "the name of one of [identity_providers.…]")?;
    known_name(name, names, "identity_providers", review, place)
}

fn known_name(name: String, names: &[&str], section: &str, review: &mut Review<'_>, place: &Place) -> Option<String> {
    if names.contains(&name.as_str()) {
        return Some(name);
    }
    if review.is_reported(&Place::section(section).key(&name)) {
        return None;
    }
    let hint = match near_match(&name, names.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None if names.is_empty() => format!("write a section [{section}.{name}]"),
        None => format!("write a section [{section}.{name}], or one of: {}", names.join(", ")),
    };
    review.report(place, format!("there is no {section}.{name}: {hint}"));
    None
}
