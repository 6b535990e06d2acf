use super::listeners::{OwnAddresses, WayIn};
use crate::config::DirectorySection;
use crate::config::back_ends::{AddInSection, AppSection, BackEndProof, ValidatedBackEnds};
use crate::config::review::{Place, Proposal, Review, is_loopback, scope_hosts};
use crate::domain::{Connection, SecretHash};

/// The callers that are no bots, and what their settings are compared with.
#[derive(Clone, Copy)]
pub(super) struct BackEndComparison<'a> {
    pub(super) own: OwnAddresses<'a>,
    pub(super) back_ends: &'a ValidatedBackEnds,
    pub(super) directories: &'a [DirectorySection],
    /// The address of Microsoft Graph, to which a scope without an address belongs.
    pub(super) graph: &'a str,
    /// Whether the file has `[operations]`, with or without problems.
    pub(super) has_operations: bool,
}

/// Compares the settings of each add-in and each app with each other, and the hashes of all callers.
pub(super) fn check(comparison: BackEndComparison<'_>, review: &mut Review<'_>) {
    for section in &comparison.back_ends.add_ins {
        let place = Place::section("add_ins").key(section.add_in.name.as_str());
        check_downstream(section, comparison, review, &place);
        check_resource(section, comparison, review, &place);
    }
    for section in &comparison.back_ends.apps {
        check_app(section, comparison, review);
    }
    check_hashes(comparison, review);
}

impl<'a> BackEndComparison<'a> {
    /// The only connection of the section at `place`.
    fn find_connection(self, place: &Place) -> Option<&'a Connection> {
        let sections = &self.back_ends.connections;
        sections.iter().find(|section| section.place() == place.as_str()).map(|section| &section.connection)
    }
}

/// Reports a base address that leads back to this gateway, and warns of one that gets another API's tokens.
fn check_downstream(section: &AddInSection, comparison: BackEndComparison<'_>, review: &mut Review<'_>, place: &Place) {
    let Some(downstream) = &section.add_in.downstream else { return };
    let (url, at) = (&downstream.url, place.key("downstream").key("url"));
    let example = "write the address of the API, as \"https://graph.microsoft.com/v1.0\"";
    match comparison.own.find_way_in(url) {
        Some(WayIn::Listener(listener)) => {
            let message = format!("\"{url}\" is this gateway ({listener}), which would call itself: {example}");
            return review.report(&at, message);
        }
        Some(way_in) => {
            let message = format!("\"{url}\" is on the host of this gateway ({way_in})");
            return review.warn(&at, format!("{message}: unless a proxy leads this path to the API, {example}"));
        }
        None => {}
    }
    let Some(connection) = comparison.find_connection(place) else { return };
    let (host, hosts) = (url.host_str().unwrap_or_default(), scope_hosts(&connection.scopes, comparison.graph));
    if let Some(other) = hosts.iter().find(|other| other.as_str() != host && !is_loopback(url)) {
        let message = format!(
            "is on the host {host:?}, but scopes are those of {other:?}, so {host:?} would get tokens for another API: write \
             the address of the API that the scopes belong to"
        );
        review.warn(&at, message);
    }
}

/// Compares the Application ID URI with the scopes, the client id and the pages, as Office does.
fn check_resource(section: &AddInSection, comparison: BackEndComparison<'_>, review: &mut Review<'_>, place: &Place) {
    let (add_in, at) = (&section.add_in, place.key("resource"));
    let required = comparison.find_connection(place).map_or(&[][..], |connection| &connection.exchange.required_scopes);
    if let Some((right, scope)) = add_in.resource.rsplit_once('/')
        && required.iter().any(|required| required == scope)
    {
        let complaint = format!("{:?} ends in the scope {scope:?}, which is no part of the URI", add_in.resource);
        return review.propose(&at, complaint, Proposal::text(&at, right));
    }
    let Some((_, rest)) = add_in.resource.split_once("://") else { return };
    let parts: Vec<&str> = rest.split('/').collect();
    let names_client = |part: &&str| part.trim_start_matches("botid-").eq_ignore_ascii_case(&add_in.client_id);
    let Some(host) = parts.first().filter(|first| !names_client(first)) else { return };
    if !parts.iter().any(names_client) {
        let message = format!(
            "{:?} does not have the client id in it, and Office gives no token for such a URI: write \"api://{host}/{}\"",
            add_in.resource, add_in.client_id
        );
        return review.warn(&at, message);
    }
    let is_of_page = |origin: &String| origin.split_once("://").is_some_and(|(_, authority)| authority == *host);
    if !add_in.origins.is_empty() && !add_in.origins.iter().any(is_of_page) {
        let message = format!(
            "names the host {host:?}, and no entry of origins is there: Office gives a page no token (13004) unless the URI \
             has the host of the page"
        );
        review.warn(&at, message);
    }
}

/// Warns of an app whose users cannot be linked, or lose their tokens within the hour.
fn check_app(section: &AppSection, comparison: BackEndComparison<'_>, review: &mut Review<'_>) {
    let app = &section.app;
    let place = Place::section("apps").key(app.id.as_str());
    let at = place.key("login_origins");
    if app.login_origins.is_empty() && !comparison.has_operations && !review.is_reported(&at) {
        let message = "is missing, and so is [operations] with the operator's calls, so no user of the app can be linked: \
                       write one of them";
        review.warn(&at, message.to_owned());
    }
    if comparison.find_connection(&place).is_some_and(|connection| !connection.keeps_refresh_token()) {
        let message = "names a connection that asks for no refresh token, so each user must sign in again about every hour: \
                       write \"offline_access\" into its scopes";
        review.warn(&place.key("connection"), message.to_owned());
    }
}

/// A hash and its place.
struct PlacedHash {
    place: Place,
    hash: SecretHash,
}

/// Warns of a secret that two callers share: each could act as the other.
fn check_hashes(comparison: BackEndComparison<'_>, review: &mut Review<'_>) {
    let mut hashes = list_hashes(comparison.back_ends);
    hashes.extend(comparison.directories.iter().flat_map(hashes_of_directory));
    for (index, later) in hashes.iter().enumerate() {
        let is_of_other =
            |earlier: &&PlacedHash| earlier.hash == later.hash && earlier.place.list() != later.place.list();
        let earlier = hashes.iter().take(index).find(is_of_other).filter(|_| !review.is_reported(&later.place));
        if let Some(earlier) = earlier {
            let message = format!(
                "is the hash at {}, too, so either caller knows the other's secret: draw one for each with bot-sso keys secret",
                earlier.place.as_str()
            );
            review.warn(&later.place, message);
        }
    }
}

fn list_hashes(back_ends: &ValidatedBackEnds) -> Vec<PlacedHash> {
    let mut hashes = Vec::new();
    let mut add = |list: &[SecretHash], at: &Place| {
        let placed = list.iter().enumerate().map(|(index, hash)| PlacedHash { place: at.index(index), hash: *hash });
        hashes.extend(placed);
    };
    for section in &back_ends.add_ins {
        let place = Place::section("add_ins").key(section.add_in.name.as_str()).key("callers");
        for (index, caller) in section.callers.iter().enumerate() {
            add(&caller.secrets, &place.index(index).key("secret_sha256"));
        }
    }
    for section in &back_ends.back_ends {
        let place = Place::section("back_ends").key(section.back_end.name.as_str());
        if let BackEndProof::Secrets(secrets) = &section.proof {
            add(secrets, &place.key("secret_sha256"));
        }
    }
    for section in &back_ends.apps {
        let place = Place::section("apps").key(section.app.id.as_str());
        add(&section.service_tokens, &place.key("service_token_sha256"));
    }
    hashes
}

/// The hashes of a directory's administrators and applications.
fn hashes_of_directory(section: &DirectorySection) -> Vec<PlacedHash> {
    let place = Place::section("directories").key(&section.directory.name);
    let mut hashes = Vec::new();
    let mut add = |list: &[SecretHash], at: &Place| {
        let placed = list.iter().enumerate().map(|(index, hash)| PlacedHash { place: at.index(index), hash: *hash });
        hashes.extend(placed);
    };
    for (index, administrator) in section.directory.administrators.iter().enumerate() {
        add(&administrator.tokens, &place.key("administrators").index(index).key("token_sha256"));
    }
    for (key, application) in section.application_keys.iter().zip(&section.settings.applications) {
        add(&application.secrets, &place.key("applications").key(key).key("secret_sha256"));
    }
    hashes
}
