use ipnet::IpNet;
use url::Host;

use crate::config::review::{Place, Proposal, Review};

const FORM: &str = "\"login.example.com\", \".example.com\" for a domain and all names below it, or \"10.0.0.0/8\"";

/// The destinations that are called without the egress proxy. Names are in lower case and in the form of DNS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoProxySection {
    /// Hosts, as a whole.
    pub hosts: Vec<String>,
    /// Domains without the leading dot. A domain stands for itself and for every name below it.
    pub domains: Vec<String>,
    /// Networks of addresses that an address in the configuration names literally.
    pub networks: Vec<IpNet>,
}

/// Reads the entries at `place`: hosts, domains with a leading dot, and networks or single addresses.
pub(super) fn validate_no_proxy(written: &[String], review: &mut Review<'_>, place: &Place) -> NoProxySection {
    let mut section = NoProxySection::default();
    for (index, text) in written.iter().enumerate() {
        let address = text.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        if let Ok(network) = text.parse::<IpNet>().or(address.map(IpNet::from)) {
            section.networks.push(network.trunc());
        } else if let Some(domain) = text.strip_prefix('.').and_then(name) {
            section.domains.push(domain);
        } else if let Some(host) = name(text) {
            section.hosts.push(host);
        } else if !review.refuse_several(written, index, place) {
            let at = place.index(index);
            let proposal = right_entry(text).map(|right| Proposal::text(&at, right));
            review.propose_or(
                &at,
                &format!("{text:?} is no host, domain or network"),
                proposal,
                &format!("it as {FORM}"),
            );
        }
    }
    section
}

/// The entry that `text` probably means: a pattern with an asterisk is a domain, and of an address the host counts.
fn right_entry(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let text = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
    let host = if text.parse::<std::net::SocketAddr>().is_err() && text.contains('/') {
        text.split('/').next().unwrap_or_default()
    } else {
        text
    };
    let host = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(host, |(host, _)| host);
    match host.strip_prefix("*.") {
        Some(domain) => name(domain).map(|domain| format!(".{domain}")),
        None => name(host).or_else(|| host.parse::<IpNet>().ok().map(|network| network.to_string())),
    }
}

/// A host name in the form that URLs have it in: lower case, letters of other scripts in the encoding of DNS, without
/// the dot of the DNS root.
fn name(text: &str) -> Option<String> {
    match Host::parse(text.trim_end_matches('.')) {
        Ok(Host::Domain(name)) if !name.contains('*') && !name.is_empty() && !name.starts_with('.') => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use crate::config::test_samples::{MINIMAL, problem_of, read};

    fn with(entries: &str) -> String {
        format!("[outbound]\negress_proxy = \"http://proxy.example:3128\"\nno_proxy = {entries}\n{MINIMAL}")
    }

    #[test]
    fn hosts_domains_and_networks_are_told_apart() {
        let text = with(r#"["Login.Example.com.", ".inside.example", "10.0.0.0/8", "[::1]", "münchen.example"]"#);
        let section = read(&text).unwrap().outbound.no_proxy;
        assert_eq!(section.hosts, ["login.example.com", "xn--mnchen-3ya.example"]);
        assert_eq!(section.domains, ["inside.example"]);
        assert_eq!(section.networks, ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
    }

    #[test]
    fn an_entry_that_is_none_of_the_three_is_reported() {
        for entry in [
            "https://login.example.com",
            "*.example.com",
            "*",
            "login.example.com:443",
            "",
            ".",
            "10.0.0.0/99",
            "*.a.*",
        ] {
            let problem = problem_of(&with(&format!("[{entry:?}]")));
            assert!(problem.starts_with(&format!("outbound.no_proxy[0]: {entry:?} is no host")), "{problem}");
        }
    }

    #[test]
    fn exceptions_without_a_proxy_are_warned_of() {
        let text = format!("[outbound]\nno_proxy = [\".example.com\"]\n{MINIMAL}");
        let warnings = read(&text).unwrap().warnings;
        assert_eq!(warnings.len(), 1);
        assert!(
            warnings[0].path == "outbound.no_proxy" && warnings[0].message.contains("egress_proxy"),
            "{warnings:?}"
        );
    }
}
