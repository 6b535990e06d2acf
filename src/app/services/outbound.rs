use url::Url;

use crate::app::listeners::worker_count;
use crate::config::{Configuration, NoProxySection};
use crate::outbound::{OutboundSettings, ProxyExceptions};

/// The most requests to one host at a time; as many more for each of the three kinds of requests between parents and skills, which
/// wait for one another (`SkillClient`).
const MAX_CONNECTIONS_PER_HOST: usize = 256;

/// The hosts by which applications on this machine are named.
const THIS_MACHINE: [&str; 3] = ["127.0.0.1", "::1", "localhost"];

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
        threads: worker_count(config.server.workers),
    }
}

/// The settings of the HTTP client that tells applications of directories of sign-outs. Administrators of directories choose these
/// addresses, so hosts that the file names for other purposes stay closed: only addresses that are public, those of
/// `outbound.private_networks`, and the hosts of the addresses in the file itself are called. In development, where the directories
/// are http, this machine is called, too.
pub(super) fn logout_notice_settings(config: &Configuration) -> OutboundSettings {
    let applications = config.directories.iter().flat_map(|section| &section.settings.applications);
    let written = applications.filter_map(|application| Url::parse(application.backchannel_logout_uri.as_ref()?).ok());
    let hosts = written.filter_map(|url| url.host_str().map(str::to_owned));
    let is_development = config.server.public_url.scheme() == "http";
    let this_machine = THIS_MACHINE.map(str::to_owned).into_iter().filter(|_| is_development);
    OutboundSettings {
        plain_http_hosts: this_machine.clone().collect(),
        private_hosts: hosts.chain(this_machine).collect(),
        ..outbound_settings(config)
    }
}

fn proxy_exceptions(section: &NoProxySection) -> ProxyExceptions {
    ProxyExceptions {
        hosts: section.hosts.iter().cloned().collect(),
        domains: section.domains.clone(),
        networks: section.networks.clone(),
    }
}
