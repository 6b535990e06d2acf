use std::fmt;
use std::net::{IpAddr, SocketAddr};

use url::Url;

use crate::config::review::{Place, Review, find_host_name, find_local_addresses, find_written_address};
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

/// The addresses of this gateway, and the bots whose paths it serves.
#[derive(Clone, Copy)]
pub(super) struct OwnAddresses<'a> {
    pub(super) bots: &'a [Bot],
    pub(super) server: Option<&'a Server>,
    pub(super) listeners: &'a [ListenAddress],
}

/// How an address leads to this gateway.
#[derive(Clone, Copy)]
pub(super) enum WayIn<'a> {
    /// This listener takes connections to the address.
    Listener(&'a ListenAddress),
    /// The host and the port are those of the public address.
    PublicAddress(&'a Server),
    /// The host is that of the public address, and the port that of a listener.
    PublicHost(&'a Server),
}

impl<'a> OwnAddresses<'a> {
    /// How `url` leads to this gateway; `None` if it does not.
    pub(super) fn find_way_in(self, url: &Url) -> Option<WayIn<'a>> {
        if let Some(listener) = self.listeners.iter().find(|listener| leads_to(url, listener.address)) {
            return Some(WayIn::Listener(listener));
        }
        let server = self.server.filter(|server| is_same_host(url, &server.public_url))?;
        let port = url.port_or_known_default();
        if port == server.public_url.port_or_known_default() {
            return Some(WayIn::PublicAddress(server));
        }
        let is_listeners_port = find_local_addresses(url).is_empty()
            && self.listeners.iter().any(|listener| Some(listener.address.port()) == port);
        is_listeners_port.then_some(WayIn::PublicHost(server))
    }

    /// Whether the gateway itself answers at `path` of its public address.
    pub(super) fn serves(self, path: &str) -> bool {
        let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy().to_ascii_lowercase();
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        match segments.as_slice() {
            ["api", "messages"] | ["api", "skills", ..] => true,
            ["bots", name, "api", "messages"] => {
                self.bots.iter().any(|bot| bot.name.as_str().eq_ignore_ascii_case(name))
            }
            _ => false,
        }
    }
}

impl ListenAddress {
    /// Whether the doors of the public address are behind this listener.
    fn is_public(&self) -> bool {
        Place::section("server").contains(self.place.as_str())
    }
}

impl WayIn<'_> {
    /// Whether the doors of the public address may be behind it.
    pub(super) fn is_public(self) -> bool {
        match self {
            Self::Listener(listener) => listener.is_public(),
            Self::PublicAddress(_) | Self::PublicHost(_) => true,
        }
    }
}

impl fmt::Display for WayIn<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listener(listener) => listener.fmt(formatter),
            Self::PublicAddress(server) | Self::PublicHost(server) => {
                write!(formatter, "server.public_url {}", server.public_url)
            }
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} of {}", self.address, self.place.as_str())
    }
}

/// Reports a bot's endpoint that leads back to the gateway, which would forward each request to itself.
pub(super) fn check_endpoint(bot: &Bot, own: OwnAddresses<'_>, review: &mut Review<'_>) {
    let place = Place::section("bots").key(bot.name.as_str()).key("endpoint");
    let example = "write the address that the bot itself listens on, as \"http://127.0.0.1:3979/api/messages\"";
    let server = match own.find_way_in(&bot.endpoint) {
        None => return,
        Some(WayIn::Listener(listener)) => {
            let message = format!(
                "\"{}\" is this gateway ({listener}), which would call itself for ever: {example}",
                bot.endpoint
            );
            return review.report(&place, message);
        }
        Some(WayIn::PublicAddress(server) | WayIn::PublicHost(server)) => server,
    };
    let message =
        format!("\"{}\" is on the host of this gateway (server.public_url {})", bot.endpoint, server.public_url);
    let is_public_port = bot.endpoint.port_or_known_default() == server.public_url.port_or_known_default();
    if is_public_port && own.serves(bot.endpoint.path()) {
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

/// Whether a connection to `endpoint` reaches the socket that is bound to `listener`. Another loopback address is not
/// the listener's: a bot may listen on 127.0.0.2 and on the same port.
fn leads_to(endpoint: &Url, listener: SocketAddr) -> bool {
    let bound = listener.ip().to_canonical();
    endpoint.port_or_known_default() == Some(listener.port())
        && (find_written_address(endpoint) == Some(bound)
            || find_local_addresses(endpoint).into_iter().any(|called| answers(bound, called)))
}

/// Whether a socket on `bound` takes connections to `called`, an address of this machine. The socket of an unspecified
/// address takes those of its family, and one on `[::]` those of IPv4 as well.
fn answers(bound: IpAddr, called: IpAddr) -> bool {
    bound == called || bound.is_unspecified() && (bound.is_ipv6() || called.is_ipv4())
}

/// Whether both URLs lead to the same host. The public address has a port of its own if a proxy is in front, so the
/// ports are compared by the caller.
fn is_same_host(endpoint: &Url, public_url: &Url) -> bool {
    let public = find_local_addresses(public_url);
    find_host_name(endpoint) == find_host_name(public_url)
        || find_local_addresses(endpoint).iter().any(|address| public.contains(address))
}
