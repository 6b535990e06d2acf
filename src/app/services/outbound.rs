use crate::config::{Configuration, NoProxySection};
use crate::outbound::{OutboundSettings, ProxyExceptions};

/// The most connections that are open to one host at a time; as many more for each of the three kinds of requests between
/// parents and skills, which wait for one another (`SkillClient`).
const MAX_CONNECTIONS_PER_HOST: usize = 256;

/// The settings of the HTTP client.
pub(in crate::app) fn outbound_settings(config: &Configuration) -> OutboundSettings {
    OutboundSettings {
        ca_certificates_pem: config.outbound.ca_certificates_pem.clone(),
        egress_proxy: config.outbound.egress_proxy.clone(),
        proxy_exceptions: proxy_exceptions(&config.outbound.no_proxy),
        connect_timeout: config.outbound.connect_timeout,
        plain_http_hosts: config.plain_http_hosts(),
        private_hosts: config.literal_hosts(),
        private_networks: config.outbound.private_networks.clone(),
        max_connections_per_host: MAX_CONNECTIONS_PER_HOST,
    }
}

fn proxy_exceptions(section: &NoProxySection) -> ProxyExceptions {
    ProxyExceptions {
        hosts: section.hosts.iter().cloned().collect(),
        domains: section.domains.clone(),
        networks: section.networks.clone(),
    }
}
