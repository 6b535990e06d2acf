use std::collections::BTreeSet;

use url::Url;

use super::findings::Review;
use super::place::Place;
use super::proposals::Proposal;
use super::right_forms::right_app_id_uri;

/// Scopes of `OpenID` Connect itself, which belong to no resource.
const OPENID_SCOPES: &[&str] = &["openid", "profile", "email", "offline_access"];

/// The resource of a scope that names none, whatever the cloud's address of it.
const GRAPH: &str = "https://graph.microsoft.com";

/// Graph's addresses in other clouds.
const GRAPH_ALIASES: &[&str] =
    &["https://graph.microsoft.us", "https://dod-graph.microsoft.us", "https://microsoftgraph.chinacloudapi.cn"];

/// Checks that all scopes belong to one resource, because Entra refuses a request for several (AADSTS700022,
/// AADSTS28000). `graph` is the cloud's Microsoft Graph, for messages.
pub(in crate::config) fn validate_scopes(
    scopes: Vec<String>,
    graph: &str,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<Vec<String>> {
    review.tokens(&scopes, place, "a scope");
    // What the scopes are together is told once each is right.
    if review.is_reported(place) {
        return Some(scopes);
    }
    let of_resources: Vec<&String> =
        scopes.iter().filter(|scope| !OPENID_SCOPES.contains(&scope.to_ascii_lowercase().as_str())).collect();
    let resources: BTreeSet<String> = of_resources.iter().map(|scope| resource_of(scope)).collect();
    let resources: Vec<String> = resources.into_iter().collect();
    let complaint = match resources.as_slice() {
        [] => Some(format!("requests no scope of a resource: write what the bot needs, as [\"{graph}/User.Read\"]")),
        [_] if of_resources.len() > 1 && of_resources.iter().any(|scope| scope.ends_with("/.default")) => {
            Some("mixes .default with other scopes, which Entra refuses: write either".to_owned())
        }
        [_] => None,
        several => Some(format!(
            "asks for several resources at once, which Entra refuses ({}): write one connection for each",
            several.join(", ")
        )),
    };
    match complaint {
        Some(complaint) => {
            review.report(place, complaint);
            None
        }
        None => Some(scopes),
    }
}

/// The App ID URI, with or without a scope, that a sign-in card offers to clients.
pub(in crate::config) fn exchange_uri(text: String, review: &mut Review<'_>, place: &Place) -> Option<String> {
    let rest = text.strip_prefix("api://").or_else(|| text.strip_prefix("https://"));
    let host = rest.and_then(|rest| rest.split('/').next()).filter(|host| !host.is_empty());
    let Some(host) = host.filter(|_| !text.chars().any(|c| c.is_whitespace() || c.is_control())) else {
        let form = "\"api://<host>/botid-<app id>\" or \"api://<app id>/access_as_user\"";
        let proposal = right_app_id_uri(&text).map(|right| Proposal::text(place, right));
        let proposal = proposal.map(|proposal| proposal.or(", if it is registered so"));
        review.propose_or(place, &format!("{text:?} is no App ID URI"), proposal, &format!("it as registered, {form}"));
        return None;
    };
    // Entra registers no URI with a slash at its end (docs/connections.md §Values that are compared exactly), but an
    // address of a web site may be older than that rule.
    if text.ends_with('/') {
        let (right, complaint) = (text.trim_end_matches('/'), format!("{text:?} has a slash at its end"));
        if text.starts_with("api://") {
            let complaint = format!("{complaint}, and is compared exactly with what Entra registers without one");
            review.propose(place, complaint, Proposal::text(place, right));
            return None;
        }
        review.warn(place, format!("{complaint}, and is compared exactly: write {right:?} unless it is registered so"));
    }
    // Audiences are compared exactly, and Teams sends the host in lower case.
    if host.chars().any(|character| character.is_ascii_uppercase()) {
        let message = format!(
            "the host {host:?} has capitals: clients ask for {:?}; register and write it so",
            host.to_ascii_lowercase()
        );
        review.warn(place, message);
    }
    Some(text)
}

/// The hosts of the resources that `scopes` belong to, as far as a resource is an address. A scope without a resource belongs to
/// `graph`.
pub(in crate::config) fn scope_hosts(scopes: &[String], graph: &str) -> BTreeSet<String> {
    let of_resources = scopes.iter().filter(|scope| !OPENID_SCOPES.contains(&scope.to_ascii_lowercase().as_str()));
    let resources = of_resources.map(|scope| scope.rsplit_once('/').map_or(graph, |(resource, _)| resource));
    let addresses = resources.filter_map(|resource| Url::parse(resource).ok());
    let addresses = addresses.filter(|url| matches!(url.scheme(), "http" | "https"));
    addresses.filter_map(|url| url.host_str().map(str::to_owned)).collect()
}

fn resource_of(scope: &str) -> String {
    let resource = scope.rsplit_once('/').map_or(GRAPH, |(resource, _)| resource);
    let resource = resource.trim_end_matches('/').to_ascii_lowercase();
    if GRAPH_ALIASES.contains(&resource.as_str()) { GRAPH.to_owned() } else { resource }
}
