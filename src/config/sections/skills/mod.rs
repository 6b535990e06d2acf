//! The sections `[skills.<name>]`: the skills that the bots call through bot-sso.
//!
//! Owns the keys of a skill and their checks. It deliberately does not know how a skill is called.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::config::review::{Context, Place, PlainHttp, Review};
use crate::domain::{BotName, ConnectionName, Skill, SkillName};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawSkill {
    app_id: Option<String>,
    tenant: Option<String>,
    endpoint: Option<String>,
    allow_insecure_http: Option<bool>,
    connections: Vec<String>,
    exchange_uris: Vec<String>,
    bots: Option<Vec<String>>,
}

/// The sections `[skills.<name>]`; `tenants` are those in which the bots are registered.
pub(in crate::config) fn validate_skills(
    raw: BTreeMap<String, RawSkill>,
    context: &Context,
    tenants: &BTreeMap<BotName, String>,
    review: &mut Review<'_>,
) -> Vec<Skill> {
    let section = Place::section("skills");
    let mut skills = Vec::new();
    for (name, skill) in raw {
        let place = section.key(&name);
        review.path_name(&name, "a skill", &place);
        skills.extend(skill.validate(SkillName::new(&name), &Bots { context, tenants }, review, &place));
    }
    skills
}

/// What a skill's keys are checked against: the sections of the bots, and the bots' tenants.
struct Bots<'a> {
    context: &'a Context,
    tenants: &'a BTreeMap<BotName, String>,
}

impl RawSkill {
    fn validate(self, name: SkillName, bots: &Bots<'_>, review: &mut Review<'_>, place: &Place) -> Option<Skill> {
        let at = place.key("app_id");
        let app_id = review.required(self.app_id, &at, "the skill's app id (a GUID)");
        let app_id = app_id.and_then(|text| review.guid(&text, &at));
        let at = place.key("endpoint");
        let plain = if self.allow_insecure_http == Some(true) { PlainHttp::Allowed } else { PlainHttp::Loopback };
        let example = "the skill's messages endpoint: \"https://skill.example.com/api/messages\"";
        let endpoint = review.required(self.endpoint, &at, example);
        let endpoint = endpoint.and_then(|text| review.address(&text, plain, &at));
        let parents = bots.parents(self.bots, review, &place.key("bots"));
        let at = place.key("tenant");
        let tenant_id = match self.tenant {
            Some(text) => review.guid(&text, &at),
            None => bots.shared_tenant(&parents, review, &at),
        };
        let connections = connection_names(&self.connections, review, &place.key("connections"));
        let exchange_uris = review.resource_uris(&self.exchange_uris, &place.key("exchange_uris"));
        Some(Skill {
            name,
            app_id: app_id?,
            tenant_id: tenant_id?,
            endpoint: endpoint?,
            connections,
            exchange_uris,
            parents,
        })
    }
}

impl Bots<'_> {
    /// The bots that the list at `place` names.
    fn parents(&self, written: Option<Vec<String>>, review: &mut Review<'_>, place: &Place) -> Vec<BotName> {
        let written = written.unwrap_or_default();
        if written.is_empty() && !review.is_reported(place) {
            let some = self.context.bots.keys().next().map_or("assistant", String::as_str);
            review.report(place, format!("is missing: write the bots that may call this skill, as [{some:?}]"));
        }
        let names = self.context.listed_bots(&written, review, place);
        names.iter().map(|name| BotName::new(name)).collect()
    }

    /// The tenant of all `parents`. Reports at `place` if they have none or several: a skill has its own app registration, and
    /// bot-sso does not guess the tenant of its tokens.
    fn shared_tenant(&self, parents: &[BotName], review: &mut Review<'_>, place: &Place) -> Option<String> {
        let of_parents: BTreeSet<Option<&String>> = parents.iter().map(|parent| self.tenants.get(parent)).collect();
        if let [Some(only)] = of_parents.iter().copied().collect::<Vec<_>>().as_slice() {
            return Some((*only).clone());
        }
        let is_wrong =
            |parent: &BotName| review.is_reported(&Place::section("bots").key(parent.as_str()).key("tenant"));
        if review.is_reported(&place.beside("bots")) || review.is_reported(place) || parents.iter().any(is_wrong) {
            return None;
        }
        let reason = if of_parents.iter().all(Option::is_none) {
            "its bots have none, so no tenant is known"
        } else {
            "its bots are not all of one tenant, so no tenant is known"
        };
        let write = "write the tenant (a GUID) in which the skill is registered";
        review.report(place, format!("is missing, and {reason}: {write}"));
        None
    }
}

/// The names of a skill's connections, which may have blanks in them.
fn connection_names(texts: &[String], review: &mut Review<'_>, place: &Place) -> Vec<ConnectionName> {
    let mut names = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        if text.contains([',', ';']) && review.refuse_several(texts, index, place) {
            continue;
        }
        let at = place.index(index);
        let words: Vec<String> = text.split_whitespace().map(|word| format!("{word:?}")).collect();
        if words.len() > 1 {
            let words = words.join(", ");
            let message =
                format!("{text:?} is one connection with this very name: if it stands for several, write {words}");
            review.warn(&at, message);
        }
        names.extend(review.connection_name(text.trim(), &at));
    }
    names
}
