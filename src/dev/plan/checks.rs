use std::collections::BTreeSet;

use super::problem::PlanReview;
use crate::dev::tenant::{ConnectionEntry, Directory, StageEntries, User};

/// Reports names and ids that a stage with these entries would have twice.
pub(super) fn check_entries(entries: &StageEntries, review: &mut PlanReview) {
    let directory = Directory::of(entries.clone());
    check_bots(entries, &directory, review);
    check_connections(entries, &directory, review);
    check_users(entries, &directory, review);
}

fn check_bots(entries: &StageEntries, directory: &Directory, review: &mut PlanReview) {
    let mut names = BTreeSet::new();
    for (index, bot) in entries.bots.iter().enumerate() {
        if !names.insert(bot.name.to_ascii_lowercase()) {
            review.report(format!("bots[{index}].name"), format!("another bot is called {:?}", bot.name));
        }
        if directory.skills.iter().any(|skill| skill.bot.name.eq_ignore_ascii_case(bot.name)) {
            let message = format!("a skill of the assistant is called {:?}", bot.name);
            review.report(format!("bots[{index}].name"), message);
        }
        if count_apps(directory, bot.app_id) > 1 {
            review.report(format!("bots[{index}].app_id"), taken(bot.app_id));
        }
    }
}

fn check_connections(entries: &StageEntries, directory: &Directory, review: &mut PlanReview) {
    let mut keys = BTreeSet::new();
    for (index, connection) in entries.connections.iter().enumerate() {
        if !keys.insert(connection.section_key()) {
            let message = format!("another connection of {:?} is called {:?}", connection.bot, connection.name);
            review.report(format!("connections[{index}].name"), message);
        }
        let place = format!("connections[{index}].client_id");
        let is_bots = entries.bots.iter().any(|bot| bot.app_id == connection.client_id);
        if is_bots && connection.v1_tokens || entries.connections.iter().any(|other| contradict(connection, other)) {
            let message = "one client has one secret and one kind of tokens (a bot's own app never v1_tokens), and an \
                           exchange URI is one client's";
            review.report(place, message);
        } else if !is_bots && count_apps(directory, connection.client_id) > 1 {
            review.report(place, taken(connection.client_id));
        }
    }
}

/// Whether two connections say different things about one app.
fn contradict(one: &ConnectionEntry, other: &ConnectionEntry) -> bool {
    let same_client = one.client_id == other.client_id;
    let same_app = (one.client_secret, one.v1_tokens) == (other.client_secret, other.v1_tokens);
    same_client && !same_app || !same_client && one.token_exchange_uri == other.token_exchange_uri
}

fn check_users(entries: &StageEntries, directory: &Directory, review: &mut PlanReview) {
    for (index, user) in entries.users.iter().enumerate() {
        let same = |other: &&User| {
            let pairs = [[other.name, user.name], [other.principal_name, user.principal_name], [other.oid, user.oid]];
            pairs.iter().any(|[other, own]| other.eq_ignore_ascii_case(own))
        };
        if directory.users.iter().filter(same).count() > 1 {
            let message = "another user has this name, principal name or oid: each user has their own";
            review.report(format!("users[{index}].name"), message);
        }
    }
}

/// The number of apps and managed identities with this client id.
fn count_apps(directory: &Directory, id: &str) -> usize {
    let apps = directory.apps.iter().filter(|app| app.client_id.eq_ignore_ascii_case(id)).count();
    apps + directory.identities.iter().filter(|identity| identity.client_id.eq_ignore_ascii_case(id)).count()
}

fn taken(id: &str) -> String {
    format!("{id} is the id of another app of the stage: choose another one")
}
