//! `bots.<name>.skill_host_urls`: where the skills of a bot may answer.

use std::net::IpAddr;

use url::Url;

use crate::config::review::{
    Place, PlainHttp, Proposal, Review, find_local_addresses, find_written_address, right_url,
};
use crate::config::sections::callers::refuse_query;

/// What an address has in place of its port, if it means every port of this machine.
const ANY_PORT: &str = ":*";

/// The prefixes of the addresses to which the skills of a bot may answer; by default those at the origin of its
/// `endpoint`. bot-sso calls them, so their hosts are recorded.
pub(super) fn validate_skill_host_urls(
    written: Option<Vec<String>>,
    endpoint: Option<&Url>,
    plain: PlainHttp,
    review: &mut Review<'_>,
    place: &Place,
) -> Vec<String> {
    let Some(written) = written else {
        return endpoint.map(|endpoint| format!("{}/", endpoint.origin().ascii_serialization())).into_iter().collect();
    };
    if written.is_empty() && !review.is_reported(place) {
        let message = "is empty, so nothing of a skill could be passed on to the bot: write the addresses of the bot's \
                       skill host, as [\"https://assistant.example.com/api/skills/\"], or leave it out for every \
                       address of the endpoint's host";
        review.report(place, message.to_owned());
    }
    let mut urls = Vec::new();
    for (index, text) in written.iter().enumerate() {
        if review.refuse_several_addresses(&written, index, place) {
            continue;
        }
        let at = place.index(index);
        urls.extend(match without_any_port(text) {
            Some(alone) => any_port_prefix(text, &alone, plain, review, &at),
            None => skill_host_prefix(text, plain, review, &at),
        });
    }
    urls
}

/// The address as the URL parser writes it, with a slash after the host.
fn skill_host_prefix(text: &str, plain: PlainHttp, review: &mut Review<'_>, place: &Place) -> Option<String> {
    let url = review.address(text, plain, place)?;
    (!refuse_query(text, review, place)).then(|| url.into())
}

/// The address `text`, whose port is `*`; `alone` is the address without a port. Only this machine may have one: in
/// development a bot takes any free port, and elsewhere a port may belong to another service.
fn any_port_prefix(
    text: &str,
    alone: &str,
    plain: PlainHttp,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<String> {
    let right = alone.split(['?', '#']).next().and_then(right_url).and_then(|right| Url::parse(&right).ok());
    let Some((url, host)) = right.and_then(|url| own_host(&url).map(|host| (url, host))) else {
        let url = skill_host_prefix(alone, plain, review, place)?;
        let complaint = format!("{text:?} has a * as its port, which stands for the ports of this machine alone");
        review.propose(place, complaint, Proposal::text(place, url));
        return None;
    };
    let written = Url::parse(alone).ok().filter(|written| ["http", "https"].contains(&written.scheme()));
    let scheme = written.as_ref().map_or(url.scheme(), Url::scheme);
    let right = format!("{scheme}://{host}{ANY_PORT}{}", url.path());
    if written.is_none_or(|written| written.host_str() != Some(&host)) || alone.contains(['?', '#']) {
        let complaint = format!("{text:?} does not name this machine and its ports alone");
        review.propose(place, complaint, Proposal::text(place, right));
        return None;
    }
    review.address(alone, plain, place)?;
    Some(right)
}

/// The usual name of this machine, if `url` names it.
fn own_host(url: &Url) -> Option<String> {
    let address = find_local_addresses(url).into_iter().next()?;
    Some(match (find_written_address(url), address) {
        (None, _) => "localhost".to_owned(),
        (Some(_), IpAddr::V4(address)) => address.to_string(),
        (Some(_), IpAddr::V6(address)) => format!("[{address}]"),
    })
}

/// `text` without its port, if that is `*`.
fn without_any_port(text: &str) -> Option<String> {
    let start = text.find("://").map_or(0, |scheme| scheme + 3);
    let (scheme, rest) = text.split_at_checked(start)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    Some(format!("{scheme}{}{path}", authority.strip_suffix(ANY_PORT)?))
}
