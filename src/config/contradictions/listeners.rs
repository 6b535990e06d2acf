use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

use crate::config::review::{Place, Review, is_loopback};
use crate::config::sections::Server;
use crate::domain::Bot;

/// An address that the gateway listens on, and the key that holds it.
pub(in crate::config) struct ListenAddress {
    place: Place,
    address: SocketAddr,
}

impl ListenAddress {
    /// The readable ones of `texts`, which are the list `<section>.listen`.
    pub(in crate::config) fn of_list(section: &str, texts: &[String]) -> Vec<Self> {
        let place = Place::section(section).key("listen");
        let mut addresses = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            addresses.extend(text.parse().ok().map(|address| Self { place: place.index(index), address }));
        }
        addresses
    }

    /// `<section>.<key>` with one address, if it is readable.
    pub(in crate::config) fn of_text(section: &str, key: &str, text: &str) -> Option<Self> {
        Some(Self { place: Place::section(section).key(key), address: text.parse().ok()? })
    }
}

/// Reports each address that the operating system would refuse to bind, because an earlier one covers it.
pub(super) fn compare(listeners: &[ListenAddress], review: &mut Review<'_>) {
    for (index, later) in listeners.iter().enumerate() {
        let mut earlier = listeners.iter().take(index);
        let Some(taken) = earlier.find(|earlier| overlap(earlier.address, later.address)) else { continue };
        let (address, other) = (later.address, taken.place.as_str());
        let message = if address == taken.address {
            format!("{address} is the address of {other}, too: write another port, or leave one of them out")
        } else {
            format!(
                "{address} and {} of {other} are the same port, and one covers the other: write another port, or leave \
                 one of them out",
                taken.address
            )
        };
        review.report(&later.place, message);
    }
}

/// Whether both addresses cannot be bound at the same time. Port 0 stands for any free port. A socket on `[::]` takes
/// IPv4 connections as well.
fn overlap(left: SocketAddr, right: SocketAddr) -> bool {
    let covers = |wide: IpAddr, narrow: IpAddr| wide.is_unspecified() && (wide.is_ipv6() || narrow.is_ipv4());
    let (left_ip, right_ip) = (left.ip().to_canonical(), right.ip().to_canonical());
    left.port() == right.port()
        && left.port() != 0
        && (left_ip == right_ip || covers(left_ip, right_ip) || covers(right_ip, left_ip))
}

/// Reports a bot's endpoint that leads back to the gateway, which would forward each request to itself.
pub(super) fn check_endpoint(
    bot: &Bot,
    bots: &[Bot],
    server: Option<&Server>,
    listeners: &[ListenAddress],
    review: &mut Review<'_>,
) {
    let place = Place::section("bots").key(bot.name.as_str()).key("endpoint");
    let example = "write the address that the bot itself listens on, as \"http://127.0.0.1:3979/api/messages\"";
    if let Some(listener) = listeners.iter().find(|listener| leads_to(&bot.endpoint, listener.address)) {
        let message = format!(
            "\"{}\" is this gateway ({} of {}), which would call itself for ever: {example}",
            bot.endpoint,
            listener.address,
            listener.place.as_str()
        );
        review.report(&place, message);
        return;
    }
    let Some(server) = server.filter(|server| is_same_host(&bot.endpoint, &server.public_url)) else { return };
    let message =
        format!("\"{}\" is on the host of this gateway (server.public_url {})", bot.endpoint, server.public_url);
    if is_path_of_gateway(bot.endpoint.path(), bots) {
        review.report(&place, format!("{message}, which would call itself for ever: {example}"));
    } else {
        review.warn(&place, format!("{message}: unless a proxy leads this path to the bot, {example}"));
    }
}

/// Warns of a public address whose scheme differs from what the listener serves, or that is Microsoft's own.
pub(super) fn check_public_url(server: Option<&Server>, review: &mut Review<'_>) {
    let Some(server) = server else { return };
    let place = Place::section("server").key("public_url");
    if server.tls.is_some() && server.public_url.scheme() == "http" {
        let mut https = server.public_url.clone();
        let written = https.set_scheme("https").map(|()| https.to_string());
        let write = written.unwrap_or_else(|()| "https://…".to_owned());
        let message = format!("is plain http, but [server.tls] makes the listeners https: write {write:?}");
        review.warn(&place, message);
    }
    if server.public_url.host_str().is_some_and(is_microsofts) {
        let message = "is the address of the hosted Bot Framework service, and not of this one: write the address under \
                       which browsers and bots reach this gateway";
        review.warn(&place, message.to_owned());
    }
}

/// Whether `host` belongs to the hosted Bot Framework service of one of the clouds.
pub(super) fn is_microsofts(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let domains = ["botframework.com", "botframework.us", "botframework.azure.us", "botframework.azure.cn"];
    domains.iter().any(|domain| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

fn leads_to(endpoint: &Url, listener: SocketAddr) -> bool {
    if endpoint.port_or_known_default() != Some(listener.port()) {
        return false;
    }
    let bound = listener.ip().to_canonical();
    let is_bound_here = bound.is_loopback() || bound.is_unspecified();
    match endpoint.host() {
        Some(Host::Ipv4(address)) => leads_to_address(IpAddr::from(address), bound),
        Some(Host::Ipv6(address)) => leads_to_address(IpAddr::from(address).to_canonical(), bound),
        _ => is_bound_here && is_this_machine(endpoint),
    }
}

fn leads_to_address(called: IpAddr, bound: IpAddr) -> bool {
    let here = |address: IpAddr| address.is_loopback() || address.is_unspecified();
    called == bound || here(called) && here(bound)
}

fn is_this_machine(url: &Url) -> bool {
    let is_here = |address: IpAddr| address.to_canonical().is_loopback() || address.is_unspecified();
    match url.host() {
        Some(Host::Ipv4(address)) => is_here(IpAddr::from(address)),
        Some(Host::Ipv6(address)) => is_here(IpAddr::from(address)),
        Some(Host::Domain(name)) => is_loopback(url) || name.trim_end_matches('.') == "localhost",
        None => false,
    }
}

fn is_same_host(endpoint: &Url, public_url: &Url) -> bool {
    let is_same_port = endpoint.port_or_known_default() == public_url.port_or_known_default();
    let same_name = || endpoint.host_str().map(trimmed) == public_url.host_str().map(trimmed);
    is_same_port && (same_name() || is_this_machine(endpoint) && is_this_machine(public_url))
}

/// A name with a dot at its end is the same name.
fn trimmed(host: &str) -> &str {
    host.trim_end_matches('.')
}

/// Whether the gateway itself answers at `path` of its public address.
fn is_path_of_gateway(path: &str, bots: &[Bot]) -> bool {
    let path = path.to_ascii_lowercase();
    let is_of_bot = |bot: &Bot| path == format!("/bots/{}/api/messages", bot.name.as_str()).to_ascii_lowercase();
    path == "/api/messages" || bots.iter().any(is_of_bot)
}
