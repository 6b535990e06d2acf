use std::collections::HashSet;
use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use super::host_rules::{is_public, normalize_host};

/// The destinations that are called without the egress proxy, besides this machine and its private network.
#[derive(Clone, Debug, Default)]
pub struct ProxyExceptions {
    /// Host names, compared as a whole and without regard to letter case.
    pub hosts: HashSet<String>,
    /// Domains without their leading dot. A domain stands for itself and for every name below it.
    pub domains: Vec<String>,
    /// Networks. They are compared with addresses that a URL names literally: the proxy, not this machine, resolves the
    /// names that it is sent.
    pub networks: Vec<IpNet>,
}

impl ProxyExceptions {
    /// Whether a request to `url` goes through the egress proxy. Requests to this machine, to literal addresses that
    /// are not public and to single-label names never do.
    pub(super) fn is_proxied(&self, url: &Url) -> bool {
        match url.host() {
            Some(Host::Domain(name)) => {
                let name = normalize_host(name);
                name.contains('.') && !name.ends_with(".localhost") && !self.lists_name(&name)
            }
            Some(Host::Ipv4(address)) => self.is_proxied_address(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => self.is_proxied_address(IpAddr::V6(address)),
            None => true,
        }
    }

    fn is_proxied_address(&self, address: IpAddr) -> bool {
        is_public(address) && !self.networks.iter().any(|network| network.contains(&address.to_canonical()))
    }

    fn lists_name(&self, name: &str) -> bool {
        let is_within = |domain: &String| {
            name.strip_suffix(domain.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        self.hosts.contains(name) || self.domains.iter().any(is_within)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check(exceptions: &ProxyExceptions, expected: &[(&str, bool)]) {
        for (url, proxied) in expected {
            assert_eq!(exceptions.is_proxied(&Url::parse(url).unwrap()), *proxied, "{url}");
        }
    }

    const NEVER_PROXIED: [(&str, bool); 7] = [
        ("http://localhost:3978/", false),
        ("http://a.localhost/", false),
        ("http://bot:3978/", false),
        ("http://127.0.0.1/", false),
        ("http://[::1]/", false),
        ("http://[::ffff:127.0.0.1]/", false),
        ("http://10.0.0.5/", false),
    ];

    #[test]
    fn only_public_hosts_are_proxied() {
        let none = ProxyExceptions::default();
        check(&none, &NEVER_PROXIED);
        check(&none, &[("https://login.microsoftonline.com/", true), ("https://8.8.8.8/", true)]);
    }

    #[test]
    fn listed_hosts_domains_and_networks_are_called_directly() {
        let exceptions = ProxyExceptions {
            hosts: HashSet::from(["login.example.com".to_owned()]),
            domains: vec!["inside.example".to_owned()],
            networks: vec!["8.8.8.0/24".parse().unwrap(), "2606:4700::/32".parse().unwrap()],
        };
        check(&exceptions, &NEVER_PROXIED);
        check(
            &exceptions,
            &[
                ("https://login.example.com/x", false),
                ("https://LOGIN.example.com./x", false),
                ("https://a.login.example.com/", true),
                ("https://example.com/", true),
                ("https://a.inside.example:8443/", false),
                ("https://a.b.inside.example/", false),
                ("https://inside.example/", false),
                ("https://notinside.example/", true),
                ("https://inside.example.evil.test/", true),
                ("https://8.8.8.8/", false),
                ("https://[::ffff:8.8.8.8]/", false),
                ("https://8.8.9.8/", true),
                ("https://[2606:4700::1]/", false),
                ("https://[2607::1]/", true),
            ],
        );
    }
}
