use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use url::Url;

use crate::config::review::{Place, Review};

use super::no_proxy::{NoProxySection, validate_no_proxy};

/// How bot-sso calls other services.
#[derive(Clone, Debug)]
pub struct OutboundSection {
    /// The content of `ca_file`: certificates that are trusted in addition to the system's. At most one entry, which
    /// may contain several certificates.
    pub ca_certificates_pem: Vec<Vec<u8>>,
    /// The proxy that all outgoing requests use.
    pub egress_proxy: Option<Url>,
    /// The destinations that are called without the proxy.
    pub no_proxy: NoProxySection,
    /// The time limit for opening a connection.
    pub connect_timeout: Duration,
    /// The time limit for a bot's answer to a forwarded request.
    pub bot_timeout: Duration,
    /// Private networks that bot-sso may call when a host name resolves to an address in them.
    pub private_networks: Vec<IpNet>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawOutbound {
    ca_file: Option<PathBuf>,
    egress_proxy: Option<String>,
    no_proxy: Option<Vec<String>>,
    connect_timeout_ms: Option<u64>,
    bot_timeout_ms: Option<u64>,
    private_networks: Option<Vec<String>>,
}

impl RawOutbound {
    pub(in crate::config) fn validate(self, review: &mut Review<'_>) -> Option<OutboundSection> {
        let place = Place::section("outbound");
        let ca = self.ca_file.map(|path| ca_certificates(&path, review, &place.key("ca_file")));
        let egress_proxy = self.egress_proxy.map(|text| review.proxy(&text, &place.key("egress_proxy")));
        let at = place.key("no_proxy");
        let is_reported = review.is_reported(&place.key("egress_proxy"));
        if self.no_proxy.is_some() && egress_proxy.is_none() && !is_reported {
            review.warn(&at, "changes nothing without egress_proxy: write that too, or leave this out".to_owned());
        }
        let no_proxy = validate_no_proxy(&self.no_proxy.unwrap_or_default(), review, &at);
        let connect = review.number(self.connect_timeout_ms, 2000, &(100..=8000), &place.key("connect_timeout_ms"));
        let bot = review.number(self.bot_timeout_ms, 15_000, &(1000..=120_000), &place.key("bot_timeout_ms"));
        let private_networks =
            review.networks(&self.private_networks.unwrap_or_default(), &place.key("private_networks"));
        Some(OutboundSection {
            ca_certificates_pem: ca.map_or(Some(Vec::new()), |pem| pem.map(|pem| vec![pem]))?,
            egress_proxy: egress_proxy.map_or(Some(None), |url| url.map(Some))?,
            no_proxy,
            connect_timeout: Duration::from_millis(connect?),
            bot_timeout: Duration::from_millis(bot?),
            private_networks,
        })
    }
}

fn ca_certificates(path: &std::path::Path, review: &mut Review<'_>, place: &Place) -> Option<Vec<u8>> {
    let pem = review.public_file(path, place)?;
    let mut certificates = CertificateDer::pem_slice_iter(&pem).peekable();
    if certificates.peek().is_none() || certificates.any(|certificate| certificate.is_err()) {
        review.report(place, "holds no readable certificate: write a PEM file with BEGIN CERTIFICATE in it".to_owned());
        return None;
    }
    Some(pem)
}
