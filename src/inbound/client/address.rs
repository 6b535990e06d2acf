use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{FORWARDED, HeaderMap, X_FORWARDED_FOR};
use actix_web::{HttpRequest, web};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use ipnet::IpNet;

use crate::domain::{RateClock, SharedClock};
use crate::observability::{Count, Counters};

/// The log has at most one line about unknown clients in this time.
const LOG_PAUSE: Duration = Duration::from_mins(10);

/// The proxies whose `X-Forwarded-For` headers are trusted, and what is known about the clients behind them
/// (docs/running.md §Behind a reverse proxy).
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    log_lines: RateLimiter<NotKeyed, InMemoryState, RateClock, NoOpMiddleware<Nanos>>,
    counters: Arc<Counters>,
}

impl TrustedProxies {
    /// Trusts the proxies in `networks`.
    #[must_use]
    pub fn new(networks: Vec<IpNet>, clock: SharedClock, counters: Arc<Counters>) -> Self {
        let quota = Quota::with_period(LOG_PAUSE).unwrap_or(Quota::per_hour(NonZeroU32::MIN));
        Self { networks, log_lines: RateLimiter::direct_with_clock(quota, RateClock::new(clock)), counters }
    }

    /// The client's address: the nearest hop that is not a trusted proxy. `None` if a trusted proxy does not state it
    /// legibly: the client is then unknown, and must not count as the proxy, because all clients of the proxy would share
    /// its address.
    #[must_use]
    pub fn find_client(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return Some(client);
        }
        let entries = headers.get_all(X_FORWARDED_FOR).flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        // A list may have empty elements (RFC 9110 §5.6.1).
        let hops: Vec<&[u8]> = entries.map(<[u8]>::trim_ascii).filter(|hop| !hop.is_empty()).collect();
        // `Forwarded` is not read: a proxy that sets one of the two headers passes on what its client wrote into the other.
        if hops.is_empty() && headers.contains_key(FORWARDED) {
            return None;
        }
        for hop in hops.iter().rev() {
            client = read_forwarded_hop(hop)?;
            if !self.trusts(client) {
                break;
            }
        }
        Some(client)
    }

    /// The address of the client that sent `request`; `None` if it is unknown.
    #[must_use]
    pub fn client_address(request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip();
        match request.app_data::<web::Data<Self>>() {
            Some(proxies) => proxies.find_client(peer, request.headers()),
            None => Some(peer.to_canonical()),
        }
    }

    /// Counts a request of an unknown client, and logs now and then that there are such requests.
    pub(in crate::inbound) fn count_unknown_client(request: &HttpRequest) {
        let Some(proxies) = request.app_data::<web::Data<Self>>() else { return };
        proxies.counters.add(Count::ClientUnknown);
        if proxies.log_lines.check().is_ok() {
            tracing::warn!(
                requests = proxies.counters.value(Count::ClientUnknown),
                hint = "let the proxies in server.trusted_proxies write the client's IP address into X-Forwarded-For",
                "a trusted proxy does not state its client's address; such clients share one rate limit"
            );
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}

/// The text of an address, for the log line of each answer. The standard library's formatting took a quarter of the
/// instructions of that line.
pub(in crate::inbound) fn show_address(address: IpAddr) -> String {
    let IpAddr::V4(address) = address else { return address.to_string() };
    let mut text = String::with_capacity("255.255.255.255".len());
    for (number, octet) in address.octets().into_iter().enumerate() {
        if number > 0 {
            text.push('.');
        }
        let mut push_digit = |digit: u8| text.push(char::from(b'0' + digit % 10));
        if octet >= 100 {
            push_digit(octet / 100);
        }
        if octet >= 10 {
            push_digit(octet / 10);
        }
        push_digit(octet);
    }
    text
}

/// Reads one entry of an `X-Forwarded-For` header: an IP address, with or without a port. IPv6 addresses may be in
/// brackets and have a zone, which is left out; the entry may be in quotes (RFC 7239 §6). `None` for everything else, also
/// for `unknown` and obfuscated names. An IPv6 address that ends like one with a port is read as an address without one.
#[must_use]
pub fn read_forwarded_hop(entry: &[u8]) -> Option<IpAddr> {
    let entry = std::str::from_utf8(entry).ok()?.trim_ascii();
    let entry = entry.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(entry);
    let address = if let Some(bracketed) = entry.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']')?;
        let is_complete = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
        read_ipv6(host).filter(|_| is_complete).map(IpAddr::V6)
    } else {
        read_address(entry).or_else(|| {
            let (host, port) = entry.rsplit_once(':')?;
            read_address(host).filter(|_| is_port(port))
        })
    };
    address.map(|address| address.to_canonical())
}

fn read_address(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| read_ipv6(text).map(IpAddr::V6))
}

/// Reads an IPv6 address without its zone (RFC 4007 §11), which has a meaning on the proxy's machine only.
fn read_ipv6(text: &str) -> Option<Ipv6Addr> {
    let address = match text.split_once('%') {
        Some((address, zone)) if is_zone(zone) => address,
        Some(_) => return None,
        None => text,
    };
    address.parse().ok()
}

fn is_zone(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte))
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use actix_web::http::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::OffsetClock;

    fn proxies() -> TrustedProxies {
        let networks = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        TrustedProxies::new(networks, Arc::new(OffsetClock::default()), Arc::default())
    }

    /// The client of a request that comes from `peer` with these headers.
    fn client(peer: &str, forwarded_for: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in forwarded_for {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(value).unwrap());
        }
        proxies().find_client(peer.parse().unwrap(), &headers).map(|client| client.to_string())
    }

    #[test]
    fn only_trusted_proxies_may_name_the_client() {
        let chain: &[&[u8]] = &[b"6.6.6.6, 203.0.113.7, 10.0.0.2"];
        assert_eq!(client("10.0.0.1", chain).as_deref(), Some("203.0.113.7"));
        assert_eq!(client("::ffff:10.0.0.1", chain).as_deref(), Some("203.0.113.7"), "a listener for both families");
        assert_eq!(client("fd00::1", chain).as_deref(), Some("203.0.113.7"));
        assert_eq!(client("198.51.100.1", chain).as_deref(), Some("198.51.100.1"));
        assert_eq!(client("198.51.100.1", &[b"unknown"]).as_deref(), Some("198.51.100.1"));
    }

    #[test]
    fn the_nearest_entries_count_across_headers_and_empty_elements() {
        assert_eq!(client("10.0.0.1", &[b"6.6.6.6", b", 203.0.113.7:40001 ,, 10.0.0.2:1,"]).unwrap(), "203.0.113.7");
        assert_eq!(client("10.0.0.1", &[b"10.0.0.9, 10.0.0.2"]).unwrap(), "10.0.0.9", "a client within the network");
        assert_eq!(
            client("10.0.0.1", &[b"unknown, 203.0.113.7"]).unwrap(),
            "203.0.113.7",
            "what a client wrote itself"
        );
        assert_eq!(client("10.0.0.1", &[]).unwrap(), "10.0.0.1", "a request of the proxy itself");
    }

    #[test]
    fn a_client_whose_address_cannot_be_read_is_unknown_and_not_the_proxy() {
        for entry in ["unknown", "_hidden", "client.example", "203.0.113.7:port", "203.0.113", "[2001:db8::1", "-"] {
            assert_eq!(client("10.0.0.1", &[entry.as_bytes()]), None, "{entry}");
            assert_eq!(client("10.0.0.1", &[format!("203.0.113.7, {entry}, 10.0.0.2").as_bytes()]), None, "{entry}");
        }
        assert_eq!(client("10.0.0.1", &[b"203.0.113.7", b"\xff"]), None);
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED, HeaderValue::from_static("for=203.0.113.7"));
        assert_eq!(proxies().find_client("10.0.0.1".parse().unwrap(), &headers), None);
    }

    #[test]
    fn an_entry_is_read_with_and_without_port_brackets_and_zone() {
        let read = |entry: &str| read_forwarded_hop(entry.as_bytes()).map(|address| address.to_string());
        for entry in ["203.0.113.9", "203.0.113.9:50123", " 203.0.113.9:0 ", "\"203.0.113.9:80\"", "::ffff:203.0.113.9"]
        {
            assert_eq!(read(entry).as_deref(), Some("203.0.113.9"), "{entry}");
        }
        for entry in [
            "2001:db8::9",
            "[2001:db8::9]",
            "[2001:DB8::9]:50123",
            "\"[2001:db8::9]:50123\"",
            "2001:db8:0:0:0:0:0:9:50123",
            "[2001:db8::9%25eth0]:443",
            "2001:db8::9%eth0",
            "2001:db8::9%eth0:443",
        ] {
            assert_eq!(read(entry).as_deref(), Some("2001:db8::9"), "{entry}");
        }
        for entry in ["", ":", "[]", "[]:80", "[203.0.113.9]:80", "203.0.113.9:", "203.0.113.9:65536", "203.0.113.9:+1"]
        {
            assert_eq!(read(entry), None, "{entry}");
        }
        for entry in ["0203.0.113.9", "[2001:db8::9]80", "[2001:db8::9%]", "203.0.113.9%eth0", "\"", "1.2.3.4:5:6"] {
            assert_eq!(read(entry), None, "{entry}");
        }
    }

    proptest! {
        #[test]
        fn every_spelling_of_an_address_is_that_address(address in any::<IpAddr>(), port in any::<u16>()) {
            let expected = Some(address.to_canonical());
            let mut spellings = vec![address.to_string(), format!("\"{address}\"")];
            match address {
                IpAddr::V4(_) => spellings.push(format!("{address}:{port}")),
                IpAddr::V6(_) => spellings.extend([
                    format!("[{address}]"),
                    format!("[{address}]:{port}"),
                    format!("[{address}%eth1]:{port}"),
                    format!("{address}%7"),
                ]),
            }
            for spelling in spellings {
                prop_assert_eq!(read_forwarded_hop(spelling.as_bytes()), expected, "{}", spelling);
            }
        }

        #[test]
        fn an_address_is_shown_as_the_standard_library_writes_it(address in any::<IpAddr>()) {
            prop_assert_eq!(show_address(address), address.to_string());
        }

        #[test]
        fn no_entry_panics(entry in any::<Vec<u8>>(), text in "[0-9a-f:.%\\[\\]\" ]{0,48}") {
            let _ = (read_forwarded_hop(&entry), read_forwarded_hop(text.as_bytes()));
        }
    }
}
