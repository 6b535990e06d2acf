//! Skills compared with their parents, with each other and with this gateway.
//!
//! Owns what bot-sso needs in order to tell a skill from its parents and from the other skills. It deliberately knows
//! no message of a skill.

mod endpoint;
mod exchange_uris;

#[cfg(test)]
mod tests;

use super::listeners::{OwnAddresses, WayIn};
use crate::config::ConnectionSection;
use crate::config::review::{Place, Review};
use crate::config::sections::BotCredentialsSection;
use crate::domain::{Bot, BotName, ConnectionName, Skill};

/// What the settings of one skill are compared with.
#[derive(Clone, Copy)]
pub(super) struct SkillComparison<'a> {
    pub(super) own: OwnAddresses<'a>,
    pub(super) connections: &'a [ConnectionSection],
    pub(super) skills: &'a [Skill],
    pub(super) credentials: &'a [BotCredentialsSection],
}

/// Compares all skills, and the bots that call them.
pub(super) fn check(comparison: SkillComparison<'_>, review: &mut Review<'_>) {
    for (index, skill) in comparison.skills.iter().enumerate() {
        let earlier = comparison.skills.get(..index).unwrap_or_default();
        check_app_id(skill, earlier, comparison, review);
        check_names(skill, earlier, comparison, review);
        endpoint::check(skill, comparison.own, review);
        exchange_uris::check(skill, comparison, review);
    }
    for bot in comparison.own.bots {
        check_skill_hosts(bot, comparison.own, review);
        warn_of_missing_credentials(bot, comparison, review);
    }
}

impl<'a> SkillComparison<'a> {
    /// The parents of `skill`; a bot with a problem is not among them.
    fn parents(self, skill: &Skill) -> impl Iterator<Item = &'a Bot> {
        self.own.bots.iter().filter(move |bot| skill.has_parent(&bot.name))
    }

    /// The connections of the parents of `skill`.
    fn connections_of_parents(self, skill: &Skill) -> impl Iterator<Item = &'a ConnectionSection> {
        self.connections
            .iter()
            .filter(move |section| skill.parents.iter().any(|parent| section.connection.holder.is_bot(parent)))
    }
}

fn place_of(skill: &Skill) -> Place {
    Place::section("skills").key(skill.name.as_str())
}

/// The first bot that may call both skills.
fn find_shared_parent<'a>(one: &'a Skill, other: &Skill) -> Option<&'a BotName> {
    one.parents.iter().find(|parent| other.has_parent(parent))
}

/// A caller is recognised by its app id alone.
fn check_app_id(skill: &Skill, earlier: &[Skill], comparison: SkillComparison<'_>, review: &mut Review<'_>) {
    let place = place_of(skill).key("app_id");
    if let Some(parent) = comparison.parents(skill).find(|bot| bot.app_id == skill.app_id) {
        let message = format!(
            "is the app id of the bot {:?}, which calls this skill, so the two could not be told apart: write the app id \
             of the skill's own registration",
            parent.name.as_str()
        );
        review.report(&place, message);
    }
    let twins = earlier.iter().filter(|other| other.app_id == skill.app_id);
    for (other, parent) in twins.filter_map(|other| Some((other, find_shared_parent(skill, other)?))) {
        let message = format!(
            "is also the app id of skills.{}, and the bot {:?} calls both, so the two could not be told apart: write the \
             app id of each skill's own registration, or take the bot out of one of them",
            other.name,
            parent.as_str()
        );
        review.report(&place, message);
    }
}

/// The name of a connection says to which skill an invoke of a user belongs, or that it belongs to the parent. Names that
/// differ in letter case alone are refused at the gateway, so they are no way to tell two connections apart.
fn check_names(skill: &Skill, earlier: &[Skill], comparison: SkillComparison<'_>, review: &mut Review<'_>) {
    let place = place_of(skill).key("connections");
    for (index, name) in skill.connections.iter().enumerate() {
        let is_named_so = |other: &ConnectionName| other.as_str().eq_ignore_ascii_case(name.as_str());
        let of_parents = comparison.connections_of_parents(skill);
        for section in of_parents.filter(|section| is_named_so(&section.connection.name)) {
            let message = format!(
                "{:?} is also the name of connections.{}, of the bot {:?} which calls this skill, so the two could not be \
                 told apart: give one of them another name, here and in the program that uses it",
                name.as_str(),
                section.key,
                section.connection.holder.as_str()
            );
            review.report(&place.index(index), message);
        }
        let twins = earlier.iter().filter(|other| other.connections.iter().any(is_named_so));
        for (other, parent) in twins.filter_map(|other| Some((other, find_shared_parent(skill, other)?))) {
            let message = format!(
                "{:?} is also a connection of skills.{}, and the bot {:?} calls both, so the two could not be told apart: \
                 give one of them another name, here and in the skill",
                name.as_str(),
                other.name,
                parent.as_str()
            );
            review.report(&place.index(index), message);
        }
    }
}

/// Reports an address of a bot's skill host that is the one of this gateway: what a skill answers would be passed on to
/// bot-sso itself.
fn check_skill_hosts(bot: &Bot, own: OwnAddresses<'_>, review: &mut Review<'_>) {
    let section = Place::section("bots").key(bot.name.as_str());
    let place = section.key("skill_host_urls");
    // An address with a problem is not in the list, and the default follows from the endpoint.
    if review.is_reported(&place) || review.is_reported(&section.key("endpoint")) {
        return;
    }
    for (index, text) in bot.skill_host_urls.iter().enumerate() {
        let Ok(url) = url::Url::parse(text) else { continue };
        let is_own = match own.find_way_in(&url) {
            Some(WayIn::Listener(_)) => true,
            Some(WayIn::PublicAddress(_)) => own.serves(url.path()),
            Some(WayIn::PublicHost(_)) | None => false,
        };
        if is_own {
            let message = format!(
                "{text:?} is this gateway: write the address of the bot's own skill host, which the bot is configured with, \
                 as \"https://assistant.example.com/api/skills/\""
            );
            review.report(&place.index(index), message);
        }
    }
}

/// A parent's own app token is what bot-sso calls a skill with.
fn warn_of_missing_credentials(bot: &Bot, comparison: SkillComparison<'_>, review: &mut Review<'_>) {
    let section = Place::section("bots").key(bot.name.as_str());
    let signs_in = |skill: &&Skill| !skill.connections.is_empty() || !skill.exchange_uris.is_empty();
    let called = comparison.skills.iter().filter(|skill| skill.has_parent(&bot.name)).filter(signs_in);
    let called: Vec<&str> = called.map(|skill| skill.name.as_str()).collect();
    let has_credentials = comparison.credentials.iter().any(|section| section.bot == bot.name);
    if called.is_empty() || has_credentials || review.is_reported(&section) {
        return;
    }
    let message = format!(
        "is missing, so bot-sso cannot call the skills of this bot ({}): their sign-in cards are always shown, and what users \
         answer to them goes to the bot; write the credentials of the bot's app registration, as [{{ secret = {{ env = \
         \"NAME\" }} }}]",
        called.join(", ")
    );
    review.warn(&section.key("credentials"), message);
}
