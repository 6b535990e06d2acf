use super::{SkillComparison, place_of};
use crate::config::contradictions::connections::named_id;
use crate::config::review::{Place, Review};
use crate::domain::{ProviderKind, Skill};

/// Compares the resources whose tokens a skill may get with the connections of its parents.
pub(super) fn check(skill: &Skill, comparison: SkillComparison<'_>, review: &mut Review<'_>) {
    let place = place_of(skill).key("exchange_uris");
    // A connection with a problem is not among those of the file.
    if review.is_reported(&place) || review.is_reported(&Place::section("connections")) {
        return;
    }
    for (index, uri) in skill.exchange_uris.iter().enumerate() {
        let at = place.index(index);
        if !report_parents_own(skill, uri, comparison, review, &at) {
            warn_of_unserved(skill, uri, comparison, review, &at);
        }
    }
    if !skill.exchange_uris.is_empty() && skill.connections.is_empty() {
        let message = "is missing, so what a user answers to a card of this skill goes to its bots and not to the skill: write \
                       the names of the skill's own connections, as its cards have them";
        review.warn(&place_of(skill).key("connections"), message.to_owned());
    }
}

/// Reports a URI that stands for a parent's own API: a skill with a token for it could act as the user at the parent.
/// Returns whether it is an error.
fn report_parents_own(
    skill: &Skill,
    uri: &str,
    comparison: SkillComparison<'_>,
    review: &mut Review<'_>,
    place: &Place,
) -> bool {
    let names = |id: &str| uri.split('/').filter_map(named_id).any(|named| named.eq_ignore_ascii_case(id));
    let write = format!("write the URI of the skill's own API, as \"api://{}/access_as_user\"", skill.app_id);
    if let Some(parent) = comparison.parents(skill).find(|parent| names(&parent.app_id)) {
        let message =
            format!("{uri:?} is a resource of the bot {:?}, whose tokens no skill gets: {write}", parent.name.as_str());
        review.report(place, message);
        return true;
    }
    for section in comparison.connections_of_parents(skill) {
        if section.connection.token_exchange_uri.as_deref() == Some(uri) {
            let message = format!(
                "{uri:?} is the token_exchange_uri of connections.{}, whose tokens no skill gets: {write}",
                section.key
            );
            review.report(place, message);
            return true;
        }
    }
    let mut of_parents = comparison.connections_of_parents(skill);
    if let Some(section) = of_parents.find(|section| names(&section.connection.client_id)) {
        let message = format!(
            "{uri:?} is a resource of the app of connections.{}, so the skill gets tokens that are meant for its parent: \
             unless both share this app registration, {write}",
            section.key
        );
        review.warn(place, message);
    }
    false
}

/// Warns of a URI that no connection of a parent lists, so that no sign-in at a parent is exchanged for it.
fn warn_of_unserved(skill: &Skill, uri: &str, comparison: SkillComparison<'_>, review: &mut Review<'_>, place: &Place) {
    let listed = |wanted: &dyn Fn(&str) -> bool| {
        let mut sections = comparison.connections_of_parents(skill);
        sections.find_map(|section| {
            let found = section.connection.exchange_uris.iter().find(|listed| wanted(listed))?;
            Some((&section.key, found))
        })
    };
    if listed(&|other| other == uri).is_some() {
        return;
    }
    let complaint = format!(
        "{uri:?} is in exchange_uris of no connection of the skill's bots, so no parent connection can serve it"
    );
    let folded = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
    let mut of_parents = comparison.connections_of_parents(skill);
    let entra = of_parents.find(|section| section.connection.provider_kind == ProviderKind::Entra);
    let write = match (listed(&|other| folded(other) == folded(uri)), entra) {
        (Some((key, near)), _) => {
            format!("connections.{key} has {near:?}, and URIs are compared exactly: write the same in both")
        }
        (None, Some(section)) => format!("write it into exchange_uris of connections.{} as well", section.key),
        (None, None) => {
            let parent = skill.parents.first().map_or("", |parent| parent.as_str());
            format!("write a section [connections.<name>] with bot = {parent:?} and exchange_uris = [{uri:?}]")
        }
    };
    review.warn(place, format!("{complaint}, and cards that ask for it are always shown: {write}"));
}
