//! Addresses of this machine, in every way to write them: the one place that decides what is loopback.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Whether a connection to `url` stays on this machine, and no name server is needed for it.
pub(in crate::config) fn is_loopback(url: &Url) -> bool {
    !find_local_addresses(url).is_empty()
}

/// Whether `url` names an unspecified address, which a client cannot call from another machine.
pub(in crate::config) fn is_unspecified(url: &Url) -> bool {
    find_written_address(url).is_some_and(|address| address.is_unspecified())
}

/// The address that `url` names literally; an IPv4 address that is written as an IPv6 address counts as IPv4.
pub(in crate::config) fn find_written_address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(IpAddr::from(address)),
        Host::Ipv6(address) => Some(IpAddr::from(address).to_canonical()),
        Host::Domain(_) => None,
    }
}

/// The loopback addresses that a connection to `url` may be made to; none if the URL names no loopback address. A
/// connection to an unspecified address goes to the loopback address of its family, and `localhost` may be either
/// (RFC 6761 §6.3).
pub(in crate::config) fn find_local_addresses(url: &Url) -> Vec<IpAddr> {
    const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
    match find_written_address(url) {
        Some(address) if address.is_loopback() => vec![address],
        Some(address) if address.is_unspecified() && address.is_ipv4() => vec![V4],
        Some(address) if address.is_unspecified() => vec![V6],
        Some(_) => Vec::new(),
        None => {
            let name = find_host_name(url);
            if name == "localhost" || name.ends_with(".localhost") { vec![V4, V6] } else { Vec::new() }
        }
    }
}

/// The host in lower case; a name with a dot at its end is the same name.
pub(in crate::config) fn find_host_name(url: &Url) -> String {
    match find_written_address(url) {
        Some(address) => address.to_string(),
        None => url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn this_machine_is_recognised_in_every_spelling() {
        for (host, is_own) in [
            ("127.0.0.1", true),
            ("127.1", true),
            ("0x7f000001", true),
            ("127.9.9.9", true),
            ("[::1]", true),
            ("[::ffff:127.0.0.1]", true),
            ("[::FFFF:7f00:1]", true),
            ("0.0.0.0", true),
            ("[::]", true),
            ("localhost", true),
            ("LocalHost.", true),
            ("bot.localhost.", true),
            ("10.0.0.1", false),
            ("[::ffff:10.0.0.1]", false),
            ("localhost.example.com", false),
            ("mylocalhost", false),
        ] {
            for url in [format!("http://{host}/"), format!("http://{host}:80/x"), format!("https://{host}:8443")] {
                assert_eq!(is_loopback(&Url::parse(&url).unwrap()), is_own, "{url}");
            }
        }
    }
}
