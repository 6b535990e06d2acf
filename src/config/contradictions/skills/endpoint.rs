use url::Url;

use super::place_of;
use crate::config::contradictions::listeners::{OwnAddresses, WayIn};
use crate::config::review::{Place, Proposal, Review};
use crate::domain::{Bot, Skill};

/// Reports a skill's endpoint that leads back to this gateway. A skill that stands behind the same gateway has the path of
/// its own bot there, and that bot has to list the skill's parents. A skill that only uses the Token Service may be called
/// directly, although a bot has its app id.
pub(super) fn check(skill: &Skill, own: OwnAddresses<'_>, review: &mut Review<'_>) {
    let bot = own.bots.iter().find(|bot| bot.app_id == skill.app_id && !skill.has_parent(&bot.name));
    let Some(way_in) = own.find_way_in(&skill.endpoint) else { return };
    let has_path_of = |bot: &&Bot| skill.endpoint.path() == gateway_path(bot) && skill.endpoint.query().is_none();
    match bot.filter(has_path_of).filter(|_| way_in.is_public()) {
        Some(bot) => check_callers(skill, bot, own, review),
        None => report_way_in(skill, bot, own, way_in, review),
    }
}

/// The path at which the gateway takes what is for `bot`.
fn gateway_path(bot: &Bot) -> String {
    format!("/bots/{}/api/messages", bot.name)
}

fn report_way_in(skill: &Skill, bot: Option<&Bot>, own: OwnAddresses<'_>, way_in: WayIn<'_>, review: &mut Review<'_>) {
    let place = place_of(skill).key("endpoint");
    // A bot with a problem is not among those of the file.
    if review.is_reported(&Place::section("bots")) {
        return;
    }
    let right = bot.and_then(|bot| {
        let base = if way_in.is_public() { &skill.endpoint } else { &own.server?.public_url };
        base.join(&gateway_path(bot)).ok()
    });
    let serves = match way_in {
        WayIn::Listener(_) => true,
        WayIn::PublicAddress(_) => own.serves(skill.endpoint.path()),
        WayIn::PublicHost(_) => false,
    };
    let url = &skill.endpoint;
    let example = "write the address of the skill itself, as \"https://skill.example.com/api/messages\"";
    match right {
        _ if !serves => {
            let message = format!("\"{url}\" is on the host of this gateway ({way_in})");
            review.warn(&place, format!("{message}: unless a proxy leads this path to the skill, {example}"));
        }
        Some(right) => {
            let complaint = format!("\"{url}\" is this gateway ({way_in}), and not its path of the skill's bot");
            review.propose(&place, complaint, Proposal::text(&place, right));
        }
        None => {
            let complaint =
                format!("\"{url}\" is this gateway ({way_in}), and no bot of this file has the skill's app id");
            review.report(&place, format!("{complaint}: {example}"));
        }
    }
}

/// Reports each parent that `bot`, the bot of the skill behind this gateway, does not list as caller, or not with the
/// address that bot-sso gives the skill for its answers.
fn check_callers(skill: &Skill, bot: &Bot, own: OwnAddresses<'_>, review: &mut Review<'_>) {
    let place = Place::section("bots").key(bot.name.as_str()).key("callers");
    let Some(server) = own.server.filter(|_| !review.is_reported(&place)) else { return };
    let Ok(host) = server.public_url.join(&format!("/api/skills/{}/", skill.name)) else { return };
    for parent in own.bots.iter().filter(|parent| skill.has_parent(&parent.name)) {
        let mut entries = bot.callers.iter().enumerate().filter(|(_, entry)| entry.app_id == parent.app_id);
        let Some((index, _)) = entries.clone().next() else {
            let message = format!(
                "has no entry for the bot {:?}, which calls this one as skills.{}, so each of its calls would be refused: \
                 write [[{}]] with app_id = {:?}, its tenant and channels, and service_urls = [\"{host}\"]",
                parent.name.as_str(),
                skill.name,
                place.as_str(),
                parent.app_id
            );
            review.report(&place, message);
            continue;
        };
        if !entries.any(|(_, entry)| entry.service_url_prefixes.iter().any(|prefix| covers(prefix, &host))) {
            let message = format!(
                "has no address that fits the one to which the skill answers the bot {:?} (skills.{}), so each of its calls \
                 would be refused: write \"{host}\" into the list",
                parent.name.as_str(),
                skill.name
            );
            review.report(&place.index(index).key("service_urls"), message);
        }
    }
}

/// Whether `url` lies at or below `prefix`, by whole segments of the path.
fn covers(prefix: &str, url: &Url) -> bool {
    let Ok(prefix) = Url::parse(prefix) else { return false };
    let segments = |url: &Url| -> Vec<String> {
        let segments = url.path().split('/').filter(|segment| !segment.is_empty());
        segments.map(str::to_owned).collect()
    };
    prefix.origin() == url.origin() && segments(url).starts_with(&segments(&prefix))
}
