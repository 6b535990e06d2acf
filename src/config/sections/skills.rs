//! The sections `[skills.<name>]`: the skills that the bots call through bot-sso.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::bots::BotCredentialsSection;
use crate::config::review::{Place, PlainHttp, Review};
use crate::domain::{Bot, BotName, ConnectionName, Skill, SkillName};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawSkill {
    app_id: Option<String>,
    tenant: Option<String>,
    endpoint: Option<String>,
    allow_insecure_http: Option<bool>,
    connections: Vec<String>,
    exchange_uris: Vec<String>,
    bots: Vec<String>,
}

/// The sections `[skills.<name>]`; `credentials` say in which tenants the `bots` are registered.
pub(in crate::config) fn validate_skills(
    raw: BTreeMap<String, RawSkill>,
    bots: &[Bot],
    credentials: &[BotCredentialsSection],
    review: &mut Review<'_>,
) -> Vec<Skill> {
    let section = Place::section("skills");
    let skills = raw.into_iter();
    skills.filter_map(|(name, skill)| skill.validate(&name, bots, credentials, review, &section.key(&name))).collect()
}

impl RawSkill {
    fn validate(
        self,
        name: &str,
        bots: &[Bot],
        credentials: &[BotCredentialsSection],
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<Skill> {
        let at = place.key("app_id");
        let app_id = review.required(self.app_id, &at, "the skill's app id (a GUID)");
        let app_id = app_id.and_then(|text| review.guid(&text, &at));
        let at = place.key("endpoint");
        let plain = if self.allow_insecure_http == Some(true) { PlainHttp::Allowed } else { PlainHttp::Loopback };
        let endpoint = review.required(self.endpoint, &at, "the skill's messages endpoint");
        let endpoint = endpoint.and_then(|text| review.address(&text, plain, &at));
        let parents: Vec<BotName> = self.bots.iter().map(|bot| BotName::new(bot)).collect();
        let known = |parent: &&BotName| bots.iter().any(|bot| bot.name == **parent);
        if let Some(unknown) = parents.iter().find(|parent| !known(parent)) {
            review.report(&place.key("bots"), format!("names the bot {:?}, which is not configured", unknown.as_str()));
        }
        let at = place.key("tenant");
        let tenant_id = match self.tenant {
            Some(text) => review.guid(&text, &at),
            None => find_tenant(&parents, credentials).or_else(|| {
                review.report(&at, "is missing, and the skill's bots have none: write the skill's tenant".to_owned());
                None
            }),
        };
        Some(Skill {
            name: SkillName::new(name),
            app_id: app_id?,
            tenant_id: tenant_id?,
            endpoint: endpoint?,
            connections: self.connections.iter().map(|connection| ConnectionName::new(connection)).collect(),
            exchange_uris: self.exchange_uris,
            parents,
        })
    }
}

/// The only tenant of `parents`.
fn find_tenant(parents: &[BotName], credentials: &[BotCredentialsSection]) -> Option<String> {
    let of_parents = credentials.iter().filter(|section| parents.contains(&section.bot));
    let tenants: BTreeSet<&String> = of_parents.filter_map(|section| section.tenant.as_ref()).collect();
    let mut tenants = tenants.into_iter();
    tenants.next().filter(|_| tenants.next().is_none()).cloned()
}
